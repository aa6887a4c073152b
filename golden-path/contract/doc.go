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
//	    - name: metrics
//	      port: 9090
//	  ingress:                # without it the application has no address outside the cluster
//	    host: hello-go.apps.example.internal
//	    tls: true
//	  env:
//	    LOG_LEVEL: info
//	  secrets:                # Kubernetes Secrets whose keys become environment variables
//	    - name: demo-env
//	  replicas: 2
//	  resources:
//	    requests: {cpu: 50m, memory: 64Mi}
//	    limits: {cpu: 500m, memory: 256Mi}
//	  probes:                 # without a path a probe only opens a TCP connection
//	    liveness: {path: /healthz}
//	    readiness: {path: /readyz, periodSeconds: 5}
//	    startup: {path: /healthz, failureThreshold: 30}
//	  environments:           # staging and production, each overriding what differs
//	    production:
//	      replicas: 3
//	      ingress: {host: hello-go.example.com}
//	      env: {LOG_LEVEL: warn}
//
// The file is plain YAML: one document of UTF-8 text of at most 1 MiB, without
// anchors, aliases, merge keys and tags, so that it reads the same for a person
// and for a machine.
package contract
