package contract

// Environments are the overrides per environment.
type Environments struct {
	// What staging does differently.
	Staging *Override `yaml:"staging"`
	// What production does differently.
	Production *Override `yaml:"production"`
}

// Override is what one environment does differently. Groups of fields merge
// field by field, env name by name, a list takes the place of the other list.
type Override struct {
	// Number of pods; it takes the place of spec.autoscaling too.
	Replicas Replicas `yaml:"replicas" jsonschema:"example=3"`
	// Number of pods that follows the load; it takes the place of spec.replicas too.
	Autoscaling *AutoscalingOverride `yaml:"autoscaling"`
	// What the container is promised and what it may not exceed.
	Resources Resources `yaml:"resources"`
	// Environment variables to add or change.
	Env map[EnvName]EnvValue `yaml:"env"`
	// Address outside the cluster.
	Ingress *IngressOverride `yaml:"ingress"`
	// Instances, storage and backup of the database.
	Database *DatabaseOverride `yaml:"database"`
	// How a new version takes over; another strategy leaves the steps of the one in spec behind.
	Rollout *Rollout `yaml:"rollout"`
	// Alerts instead of those in spec.
	Alerts []Alert `yaml:"alerts"`
}

// AutoscalingOverride changes the autoscaling, or adds it when it has maxReplicas.
type AutoscalingOverride struct {
	// Fewest pods.
	MinReplicas Replicas `yaml:"minReplicas" jsonschema:"example=3"`
	// Most pods.
	MaxReplicas Replicas `yaml:"maxReplicas" jsonschema:"example=9"`
	// CPU that the pods shall use, in percent of what they request.
	CPU Percent `yaml:"cpu" jsonschema:"example=70"`
	// Memory that the pods shall use, in percent of what they request.
	Memory Percent `yaml:"memory" jsonschema:"example=80"`
}

// IngressOverride changes the ingress, or adds one when it has a host.
type IngressOverride struct {
	// Host name, without scheme, port and path.
	Host Host `yaml:"host" jsonschema:"example=hello-go.example.com"`
	// Serve https with a certificate of the platform; false is plain http.
	TLS *bool `yaml:"tls"`
}

// DatabaseOverride changes the database that spec enables.
type DatabaseOverride struct {
	// One primary, and replicas that take over when it fails.
	Instances Instances `yaml:"instances" jsonschema:"example=3"`
	// Volume of each instance.
	Storage Volume `yaml:"storage"`
	// Continuous backup to an S3 bucket.
	Backup *BackupOverride `yaml:"backup"`
}

// BackupOverride changes the backup, or adds one when it is complete.
type BackupOverride struct {
	// Whether the database is backed up.
	Enabled *bool `yaml:"enabled"`
	// Bucket and path.
	Bucket Bucket `yaml:"bucket" jsonschema:"example=s3://backups/demo-production"`
	// Address of the S3 service.
	Endpoint Endpoint `yaml:"endpoint" jsonschema:"example=https://s3.example.internal"`
	// Secret with the keys AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
	Secret ObjectName `yaml:"secret" jsonschema:"example=rustfs"`
	// When base backups are made.
	Schedule Schedule `yaml:"schedule" jsonschema:"example=0 0 3 * * *"`
	// How far back the database can be restored.
	Retention Retention `yaml:"retention" jsonschema:"example=90d"`
}
