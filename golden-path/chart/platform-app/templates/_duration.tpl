{{/* A duration such as 30s, 5m or 1h in seconds. */}}
{{- define "platform-app.seconds" -}}
{{- $unit := dict "s" 1 "m" 60 "h" 3600 -}}
{{- mul (regexFind "^[0-9]+" .) (index $unit (regexFind "[smh]$" .)) -}}
{{- end -}}
