{{/* The pods, the same for a Deployment and a Rollout. */}}
{{- define "platform-app.podTemplate" -}}
{{- include "platform-app.checks" . -}}
metadata:
  labels:
    {{- include "platform-app.podLabels" . | nindent 4 }}
  {{- if .Values.metrics.enabled }}
  annotations:
    prometheus.io/scrape: "true"
    prometheus.io/path: {{ .Values.metrics.path | quote }}
    prometheus.io/port: {{ include "platform-app.metricsPort" . | quote }}
  {{- end }}
spec:
  serviceAccountName: {{ include "platform-app.name" . | quote }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  {{- with .Values.pullSecret }}
  imagePullSecrets:
    - name: {{ . | quote }}
  {{- end }}
  securityContext:
    {{- include "platform-app.podSecurity" . | nindent 4 }}
  {{- if include "platform-app.affinity" . }}
  affinity:
    podAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
        - topologyKey: kubernetes.io/hostname
          labelSelector:
            matchLabels:
              {{- include "platform-app.selector" . | nindent 14 }}
  {{- end }}
  containers:
    - {{- include "platform-app.container" . | nindent 6 | trimPrefix "\n     " }}
  volumes:
    {{- include "platform-app.volumes" . | nindent 4 }}
{{- end -}}
