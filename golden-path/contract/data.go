package contract

// Secret names a Kubernetes Secret in the project's namespace; each of its keys
// becomes an environment variable.
type Secret struct {
	// Name of the Secret.
	Name ObjectName `yaml:"name" jsonschema:"required,example=demo-env"`
	// Where the Secret is synced from; without it the Secret must exist.
	Vault *Vault `yaml:"vault"`
}

// Vault is a secret in the project's part of Vault.
type Vault struct {
	// Path of the secret, without the engine's mount.
	Path VaultPath `yaml:"path" jsonschema:"required,example=demo/api"`
	// Keys to sync; without them all.
	Keys []EnvName `yaml:"keys" jsonschema:"minItems=1"`
}

// Database is a PostgreSQL cluster that CloudNativePG runs.
type Database struct {
	// Whether there is a database.
	Enabled bool `yaml:"enabled" jsonschema:"required"`
	// One primary, and replicas that take over when it fails.
	Instances Instances `yaml:"instances" jsonschema:"default=1,example=2"`
	// Volume of each instance; by default 10Gi on longhorn.
	Storage Volume `yaml:"storage"`
	// Continuous backup to an S3 bucket.
	Backup *Backup `yaml:"backup"`
}

// Volume is the storage of a database or a broker.
type Volume struct {
	// Size of the volume; it can grow later, not shrink.
	Size Size `yaml:"size" jsonschema:"example=10Gi"`
	// Storage class.
	Class ObjectName `yaml:"class" jsonschema:"example=longhorn"`
}

// Backup keeps the write-ahead log and base backups in a bucket.
type Backup struct {
	// Whether the database is backed up.
	Enabled bool `yaml:"enabled" jsonschema:"required"`
	// Bucket and path.
	Bucket Bucket `yaml:"bucket" jsonschema:"example=s3://backups/demo"`
	// Address of the S3 service.
	Endpoint Endpoint `yaml:"endpoint" jsonschema:"example=https://s3.example.internal"`
	// Secret with the keys AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
	Secret ObjectName `yaml:"secret" jsonschema:"example=rustfs"`
	// When base backups are made: second, minute, hour, day of the month, month, day of the week.
	Schedule Schedule `yaml:"schedule" jsonschema:"default=0 0 2 * * *"`
	// How far back the database can be restored: days, weeks or months.
	Retention Retention `yaml:"retention" jsonschema:"default=30d"`
}

// Messaging is a RabbitMQ cluster that its operator runs.
type Messaging struct {
	// Whether there is a broker.
	Enabled bool `yaml:"enabled" jsonschema:"required"`
	// Number of nodes; an odd one keeps a majority.
	Replicas Nodes `yaml:"replicas" jsonschema:"default=1,example=3"`
	// Volume of each node; by default 5Gi on longhorn.
	Storage Volume `yaml:"storage"`
}

// Storage is a volume that outlives a pod.
type Storage struct {
	// Name of the volume.
	Name VolumeName `yaml:"name" jsonschema:"required,example=data"`
	// Folder at which the container sees it.
	MountPath MountPath `yaml:"mountPath" jsonschema:"required,example=/data"`
	// Size of the volume; it can grow later, not shrink.
	Size Size `yaml:"size" jsonschema:"required,example=5Gi"`
	// Storage class.
	Class ObjectName `yaml:"class" jsonschema:"default=longhorn"`
	// Whether the pods of one node may mount it, or those of all nodes.
	AccessMode AccessMode `yaml:"accessMode" jsonschema:"default=ReadWriteOnce"`
}
