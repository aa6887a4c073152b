{{/* Environment variables, in the order of their names. */}}
{{- define "platform-app.env" -}}
{{- range $name, $value := .Values.env }}
- name: {{ $name | quote }}
  value: {{ $value | quote }}
{{- end }}
{{- end -}}

{{/* Environment variables from whole Secrets, in the order given. */}}
{{- define "platform-app.envFrom" -}}
{{- range .Values.secrets }}
- secretRef:
    name: {{ .name | quote }}
{{- end }}
{{- end -}}
