{{/* One probe of the HTTP port: a request with a path, else a connection. */}}
{{- define "platform-app.probe" -}}
{{- if .path -}}
httpGet:
  path: {{ .path | quote }}
  port: http
{{- else -}}
tcpSocket:
  port: http
{{- end }}
{{- range $field := list "initialDelaySeconds" "periodSeconds" "timeoutSeconds" "failureThreshold" }}
{{- with index $ $field }}
{{ $field }}: {{ . | int }}
{{- end }}
{{- end }}
{{- end -}}
