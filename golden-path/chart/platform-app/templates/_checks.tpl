{{/* What the schema cannot say. */}}
{{- define "platform-app.checks" -}}
{{- if and (or .Values.database.enabled .Values.messaging.enabled) (gt (len (include "platform-app.name" .)) 40) }}
{{- fail "name: database and messaging need a name of at most 40 characters" }}
{{- end }}
{{- with .Values.autoscaling }}
{{- if lt (int .maxReplicas) (int .minReplicas) }}
{{- fail (printf "autoscaling.maxReplicas: %d is below minReplicas, %d" (int .maxReplicas) (int .minReplicas)) }}
{{- end }}
{{- end }}
{{- if .Values.storage }}
{{- $folders := .Values.writable }}
{{- $names := list }}
{{- range .Values.storage }}
{{- $folders = append $folders .mountPath }}
{{- $names = append $names .name }}
{{- end }}
{{- if ne (len $folders) (len (uniq $folders)) }}{{ fail "storage: two volumes have the same folder" }}{{ end }}
{{- if ne (len $names) (len (uniq $names)) }}{{ fail "storage: two volumes have the same name" }}{{ end }}
{{- end }}
{{- end -}}
