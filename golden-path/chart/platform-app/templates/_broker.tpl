{{/* The operator passes on no recommended labels and runs the broker outside the
     restricted profile; both are put right here. User 999 is the image's. */}}
{{- define "platform-app.brokerOverride" -}}
statefulSet:
  metadata:
    labels:
      {{- include "platform-app.brokerLabels" . | nindent 6 }}
  spec:
    template:
      metadata:
        labels:
          {{- include "platform-app.brokerLabels" . | nindent 10 }}
      spec:
        securityContext:
          runAsNonRoot: true
          runAsUser: 999
          seccompProfile:
            type: RuntimeDefault
        initContainers:
          - name: setup-container
            securityContext:
              {{- include "platform-app.brokerSecurity" . | nindent 14 }}
        containers:
          - name: rabbitmq
            securityContext:
              {{- include "platform-app.brokerSecurity" . | nindent 14 }}
{{- end -}}

{{- define "platform-app.brokerLabels" -}}
app.kubernetes.io/team: {{ .Values.team | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
{{- end -}}

{{/* The broker writes outside its volumes, so its root file system stays writable. */}}
{{- define "platform-app.brokerSecurity" -}}
allowPrivilegeEscalation: false
capabilities:
  drop:
    - ALL
{{- end -}}

{{/* Ports between the broker's nodes: discovery, clustering, command line, streams. */}}
{{- define "platform-app.brokerPorts" -}}
- protocol: TCP
  port: 4369
- protocol: TCP
  port: 25672
- protocol: TCP
  port: 35672
  endPort: 35682
- protocol: TCP
  port: 6000
  endPort: 6500
{{- end -}}
