{{/* TCP ports of a NetworkPolicy: a list of numbers. */}}
{{- define "platform-app.tcp" -}}
{{- range . }}
- protocol: TCP
  port: {{ . | int }}
{{- end }}
{{- end -}}

{{- define "platform-app.namespaceSelector" -}}
namespaceSelector:
  matchLabels:
    kubernetes.io/metadata.name: {{ . | quote }}
{{- end -}}

{{/* A rule of egress to the cluster's DNS. */}}
{{- define "platform-app.dns" -}}
- to:
    - {{ include "platform-app.namespaceSelector" .Values.networkPolicy.dnsNamespace | indent 6 | trim }}
      podSelector:
        matchLabels:
          k8s-app: kube-dns
  ports:
    - protocol: UDP
      port: 53
    - protocol: TCP
      port: 53
{{- end -}}

{{/* A rule of egress to the Kubernetes API, which is no pod. */}}
{{- define "platform-app.apiServer" -}}
{{- include "platform-app.toAddresses" (list .Values.networkPolicy.apiServer.cidr (list .Values.networkPolicy.apiServer.port)) -}}
{{- end -}}

{{/* A rule of egress to addresses: (list cidr ports). */}}
{{- define "platform-app.toAddresses" -}}
- to:
    - ipBlock:
        cidr: {{ index . 0 | quote }}
  ports:
    {{- include "platform-app.tcp" (index . 1) | trim | nindent 4 }}
{{- end -}}

{{/* The pods of the database and of the broker, as their operators label them. */}}
{{- define "platform-app.databasePods" -}}
cnpg.io/cluster: {{ printf "%s-db" (include "platform-app.name" .) | quote }}
{{- end -}}

{{- define "platform-app.brokerPods" -}}
app.kubernetes.io/name: {{ printf "%s-mq" (include "platform-app.name" .) | quote }}
app.kubernetes.io/component: rabbitmq
{{- end -}}

{{/* The pods of another application: {namespace, app}, of which one may lack. */}}
{{- define "platform-app.peer" -}}
{{- with .namespace }}
{{- include "platform-app.namespaceSelector" . }}
{{ end }}
{{- with .app -}}
podSelector:
  matchLabels:
    app.kubernetes.io/name: {{ . | quote }}
{{- end }}
{{- end -}}
