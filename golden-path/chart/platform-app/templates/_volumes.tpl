{{- define "platform-app.volumeMounts" -}}
- name: tmp
  mountPath: /tmp
{{- range $i, $folder := .Values.writable }}
- name: writable-{{ $i }}
  mountPath: {{ $folder | quote }}
{{- end }}
{{- range .Values.storage }}
- name: storage-{{ .name }}
  mountPath: {{ .mountPath | quote }}
{{- end }}
{{- end -}}

{{- define "platform-app.volumes" -}}
- name: tmp
  emptyDir: {}
{{- range $i, $folder := .Values.writable }}
- name: writable-{{ $i }}
  emptyDir: {}
{{- end }}
{{- range .Values.storage }}
- name: storage-{{ .name }}
  persistentVolumeClaim:
    claimName: {{ printf "%s-%s" (include "platform-app.name" $) .name | quote }}
{{- end }}
{{- end -}}

{{/* A volume that only one node can mount keeps all pods on one node: else a
     new version would wait for ever for the volume that the old one holds. */}}
{{- define "platform-app.affinity" -}}
{{- range .Values.storage }}
{{- if ne .accessMode "ReadWriteMany" }}here{{ end }}
{{- end }}
{{- end -}}
