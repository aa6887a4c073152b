{{/* A Service of the application: (list $ "-suffix of its name"). */}}
{{- define "platform-app.service" -}}
{{- $ := index . 0 -}}
apiVersion: v1
kind: Service
metadata:
  {{- include "platform-app.metadata" . | nindent 2 }}
spec:
  type: ClusterIP
  selector:
    {{- include "platform-app.selector" $ | nindent 4 }}
  ports:
    - name: http
      port: 80
      targetPort: http
      protocol: TCP
    {{- range $.Values.ports }}
    - name: {{ .name | quote }}
      port: {{ .port | int }}
      targetPort: {{ .name | quote }}
      protocol: TCP
    {{- end }}
{{- end -}}
