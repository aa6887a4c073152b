// Package contract reads platform.yaml, the one file in which a team says what
// its application needs. It promises that an [Application] it returns is
// complete and valid, and that an invalid file is answered with everything that
// is wrong with it at once, each with file, line, column, path, the cause and
// what is allowed instead.
//
// The smallest valid file:
//
//	apiVersion: pave/v1
//	kind: Application
//	metadata:
//	  name: hello-go
//	  team: web
//	  project: demo
//	spec:
//	  port: 8080
//
// Everything there is:
//
//	apiVersion: pave/v1
//	kind: Application
//	metadata:
//	  name: hello-go          # names the Deployment, the Service, the release
//	  team: web               # who is called when it breaks
//	  project: demo           # the platform project it belongs to
//	spec:
//	  image:
//	    repository: registry.example.internal/demo/hello-go # optional: refuses an image from elsewhere
//	  port: 8080              # where the application answers HTTP
//	  ports:                  # further ports, reachable by name inside the cluster
//	    - {name: metrics, port: 9090}
//	  ingress:                # without it the application has no address outside the cluster
//	    host: hello-go.apps.example.internal
//	    tls: true             # with a certificate of the platform
//	  env:
//	    LOG_LEVEL: info
//	  secrets:                # Kubernetes Secrets whose keys become environment variables
//	    - name: demo-env      # one that is there
//	    - name: demo-api      # one that is synced from Vault
//	      vault: {path: demo/api, keys: [API_TOKEN, API_URL]}
//	  database:               # PostgreSQL; DATABASE_URL and the like arrive as environment variables
//	    enabled: true
//	    instances: 2
//	    storage: {size: 10Gi, class: longhorn}
//	    backup:
//	      enabled: true
//	      bucket: s3://backups/demo
//	      endpoint: https://s3.example.internal
//	      secret: rustfs
//	      schedule: 0 0 2 * * * # seconds first
//	      retention: 30d
//	  messaging: {enabled: true, replicas: 1, storage: {size: 5Gi}} # RabbitMQ; RABBITMQ_HOST and the like
//	  storage:                # volumes that outlive a pod
//	    - {name: data, mountPath: /data, size: 5Gi, class: longhorn, accessMode: ReadWriteOnce}
//	  writable: [/var/cache/app] # the rest of the file system is read-only, but for /tmp
//	  resources:
//	    requests: {cpu: 50m, memory: 64Mi}
//	    limits: {cpu: 500m, memory: 256Mi}
//	  replicas: 2             # or autoscaling, not both
//	  verticalScaling: {mode: Off}
//	  disruption: {maxUnavailable: 1}
//	  probes:                 # without a path a probe only opens a TCP connection
//	    liveness: {path: /healthz}
//	    readiness: {path: /readyz, periodSeconds: 5}
//	    startup: {path: /healthz, failureThreshold: 30}
//	  egress:                 # what the application calls; everything else is closed
//	    - {name: erp, cidr: 10.20.0.0/16, ports: [443]}
//	    - {name: orders, namespace: shop-staging, app: orders, ports: [8080]}
//	  rollout:
//	    strategy: canary      # rolling, canary or blueGreen
//	    canary: {steps: [{weight: 20}, {pause: 5m}, {weight: 50}, {pause: manual}]}
//	  alerts:
//	    - {name: Slow, expr: request_seconds > 1, for: 5m, severity: warning, summary: answers are slow}
//	  metrics: {enabled: true, path: /metrics, port: metrics}
//	  reload: true            # restart the pods when a Secret changes
//	  environments:           # staging and production, each overriding what differs
//	    staging:
//	      rollout: {strategy: rolling}
//	    production:
//	      autoscaling: {minReplicas: 2, maxReplicas: 6, cpu: 70, memory: 80}
//	      ingress: {host: hello-go.example.com}
//	      env: {LOG_LEVEL: warn}
//
// The file is plain YAML: one document of UTF-8 text of at most 1 MiB, without
// anchors, aliases, merge keys and tags, so that it reads the same for a person
// and for a machine.
package contract
