{{/* Environment variables: those of the database and the broker, so that others
     can refer to them, then the application's own in the order of their names.
     An injected one gives way to one of the same name. */}}
{{- define "platform-app.env" -}}
{{- if .Values.database.enabled }}
{{- $secret := printf "%s-db-app" (include "platform-app.name" .) }}
{{- range $name, $key := dict "HOST" "host" "PORT" "port" "NAME" "dbname" "USER" "user" "PASSWORD" "password" "URL" "uri" }}
{{- include "platform-app.injected" (list $ (printf "DATABASE_%s" $name) $secret $key) }}
{{- end }}
{{- end }}
{{- if .Values.messaging.enabled }}
{{- $secret := printf "%s-mq-default-user" (include "platform-app.name" .) }}
{{- range $name, $key := dict "HOST" "host" "PORT" "port" "USERNAME" "username" "PASSWORD" "password" }}
{{- include "platform-app.injected" (list $ (printf "RABBITMQ_%s" $name) $secret $key) }}
{{- end }}
{{- end }}
{{- range $name, $value := .Values.env }}
- name: {{ $name | quote }}
  value: {{ $value | quote }}
{{- end }}
{{- end -}}

{{/* One variable from a Secret: (list $ variable Secret key). */}}
{{- define "platform-app.injected" -}}
{{- $ := index . 0 -}}
{{- if not (hasKey $.Values.env (index . 1)) }}
- name: {{ index . 1 }}
  valueFrom:
    secretKeyRef:
      name: {{ index . 2 | quote }}
      key: {{ index . 3 }}
{{- end }}
{{- end -}}

{{/* Environment variables from whole Secrets, in the order given. */}}
{{- define "platform-app.envFrom" -}}
{{- range .Values.secrets }}
- secretRef:
    name: {{ .name | quote }}
{{- end }}
{{- end -}}
