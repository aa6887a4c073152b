{{/* The labels that find the application's pods. They can never change. */}}
{{- define "platform-app.selector" -}}
app.kubernetes.io/name: {{ include "platform-app.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{/* The labels that the platform requires besides a name. */}}
{{- define "platform-app.owner" -}}
app.kubernetes.io/team: {{ required "team is required: name the team that owns the application" .Values.team | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
{{- with .Values.project }}
app.kubernetes.io/part-of: {{ . | quote }}
{{- end }}
{{- with .Values.environment }}
app.kubernetes.io/environment: {{ . | quote }}
{{- end }}
{{- end -}}

{{/* The labels of every pod. */}}
{{- define "platform-app.podLabels" -}}
{{ include "platform-app.selector" . }}
{{ include "platform-app.owner" . }}
{{- end -}}

{{/* The labels of every object. The chart's version is not on pods, so that a
     new version of the chart alone does not restart them. */}}
{{- define "platform-app.labels" -}}
{{ include "platform-app.podLabels" . }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | quote }}
{{- end -}}
