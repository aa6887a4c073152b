{{/* The number of the port that metrics are scraped from. */}}
{{- define "platform-app.metricsPort" -}}
{{- $number := dict "http" .Values.port -}}
{{- range .Values.ports }}{{ $_ := set $number .name .port }}{{ end -}}
{{- $name := .Values.metrics.port -}}
{{- if not (hasKey $number $name) }}{{ fail (printf "metrics.port: no port is called %s; add it to ports" $name) }}{{ end -}}
{{- index $number $name | int -}}
{{- end -}}
