{{/* The archive of the database. The namespace in its path keeps staging and
     production apart where they share a bucket. */}}
{{- define "platform-app.backup" -}}
{{- $backup := .Values.database.backup -}}
retentionPolicy: {{ $backup.retention | quote }}
barmanObjectStore:
  destinationPath: {{ printf "%s/%s" (trimSuffix "/" $backup.bucket) .Release.Namespace | quote }}
  endpointURL: {{ $backup.endpoint | quote }}
  {{- with $backup.ca }}
  endpointCA:
    name: {{ . | quote }}
    key: ca.crt
  {{- end }}
  s3Credentials:
    accessKeyId:
      name: {{ $backup.secret | quote }}
      key: AWS_ACCESS_KEY_ID
    secretAccessKey:
      name: {{ $backup.secret | quote }}
      key: AWS_SECRET_ACCESS_KEY
  wal:
    compression: gzip
  data:
    compression: gzip
{{- end -}}

{{/* A rule of egress to the object storage. A NetworkPolicy knows no names: only
     an endpoint that is an address is opened to nothing else. */}}
{{- define "platform-app.objectStorage" -}}
{{- $url := urlParse .Values.database.backup.endpoint -}}
{{- $port := trimPrefix $url.hostname $url.host | trimPrefix ":" | default (ternary 443 80 (eq $url.scheme "https")) -}}
{{- $cidr := .Values.networkPolicy.objectStorage -}}
{{- if regexMatch "^([0-9]{1,3}[.]){3}[0-9]{1,3}$" $url.hostname }}{{ $cidr = printf "%s/32" $url.hostname }}{{ end -}}
{{- include "platform-app.toAddresses" (list $cidr (list $port)) -}}
{{- end -}}
