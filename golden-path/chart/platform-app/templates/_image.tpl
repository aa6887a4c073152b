{{/* The image, by digest: what was scanned and signed is what runs. A preview has a
     commit instead, because whoever makes it knows no digest; the cluster puts
     the digest in. */}}
{{- define "platform-app.image" -}}
{{- $repository := required "image.repository is required: write it as registry/project/app" .Values.image.repository -}}
{{- if .Values.preview.commit -}}
{{- if .Values.image.digest }}{{ fail "preview.commit: image.digest is given too, give one of the two" }}{{ end -}}
{{- if ne .Values.environment "previews" }}{{ fail "preview.commit is for environment previews: pin the image with image.digest" }}{{ end -}}
{{- printf "%s:%s" $repository .Values.preview.commit -}}
{{- else -}}
{{- $digest := required "image.digest is required: pin the image as sha256:…, a tag is not enough" .Values.image.digest -}}
{{- printf "%s@%s" $repository $digest -}}
{{- end -}}
{{- end -}}
