{{- define "platform-app.container" -}}
name: app
image: {{ include "platform-app.image" . | quote }}
imagePullPolicy: IfNotPresent
securityContext:
  {{- include "platform-app.containerSecurity" . | nindent 2 }}
ports:
  - name: http
    containerPort: {{ .Values.port | int }}
    protocol: TCP
  {{- range .Values.ports }}
  - name: {{ .name | quote }}
    containerPort: {{ .port | int }}
    protocol: TCP
  {{- end }}
{{- with include "platform-app.env" . }}
env:
  {{- . | trim | nindent 2 }}
{{- end }}
{{- if .Values.secrets }}
envFrom:
  {{- include "platform-app.envFrom" . | trim | nindent 2 }}
{{- end }}
{{- if hasKey .Values.probes "startup" }}
startupProbe:
  {{- include "platform-app.probe" .Values.probes.startup | nindent 2 }}
{{- end }}
livenessProbe:
  {{- include "platform-app.probe" .Values.probes.liveness | nindent 2 }}
readinessProbe:
  {{- include "platform-app.probe" .Values.probes.readiness | nindent 2 }}
resources:
  {{- include "platform-app.resources" .Values.resources | nindent 2 }}
volumeMounts:
  {{- include "platform-app.volumeMounts" . | nindent 2 }}
{{- end -}}
