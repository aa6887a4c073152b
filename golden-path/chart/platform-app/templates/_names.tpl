{{/* The application's name, which is every object's name. */}}
{{- define "platform-app.name" -}}
{{- .Values.name | default .Release.Name -}}
{{- end -}}
