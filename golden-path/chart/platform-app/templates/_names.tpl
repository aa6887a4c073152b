{{/* The application's name, which every object's name begins with. */}}
{{- define "platform-app.name" -}}
{{- .Values.name | default .Release.Name -}}
{{- end -}}

{{/* What an object begins with: (list $ "-suffix of its name"). */}}
{{- define "platform-app.metadata" -}}
{{- $ := index . 0 -}}
name: {{ printf "%s%s" (include "platform-app.name" $) (index . 1) | quote }}
namespace: {{ $.Release.Namespace | quote }}
labels:
  {{- include "platform-app.labels" $ | nindent 2 }}
{{- end -}}
