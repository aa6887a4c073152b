{{/* The image, by digest: what was scanned and signed is what runs. */}}
{{- define "platform-app.image" -}}
{{- $repository := required "image.repository is required: write it as registry/project/app" .Values.image.repository -}}
{{- $digest := required "image.digest is required: pin the image as sha256:…, a tag is not enough" .Values.image.digest -}}
{{- printf "%s@%s" $repository $digest -}}
{{- end -}}
