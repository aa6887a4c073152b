{{/* What a Deployment and a Rollout have in common. */}}
{{- define "platform-app.workloadMetadata" -}}
{{ include "platform-app.metadata" (list . "") }}
{{- if .Values.reload }}
annotations:
  reloader.stakater.com/auto: "true"
{{- end }}
{{- end -}}

{{- define "platform-app.workloadSpec" -}}
{{- if not .Values.autoscaling -}}
replicas: {{ .Values.replicas | int }}
{{ end -}}
revisionHistoryLimit: 3
selector:
  matchLabels:
    {{- include "platform-app.selector" . | nindent 4 }}
template:
  {{- include "platform-app.podTemplate" . | nindent 2 }}
{{- end -}}

{{/* The workload as autoscalers refer to it. */}}
{{- define "platform-app.workloadRef" -}}
{{- if eq .Values.rollout.strategy "rolling" -}}
apiVersion: apps/v1
kind: Deployment
{{- else -}}
apiVersion: argoproj.io/v1alpha1
kind: Rollout
{{- end }}
name: {{ include "platform-app.name" . | quote }}
{{- end -}}
