{{/* The steps of a canary. A pause without a duration waits for a person. */}}
{{- define "platform-app.canarySteps" -}}
{{- range . }}
{{- if hasKey . "weight" }}
- setWeight: {{ .weight | int }}
{{- else if eq .pause "manual" }}
- pause: {}
{{- else }}
- pause:
    duration: {{ .pause | quote }}
{{- end }}
{{- end }}
{{- end -}}
