package contract

// A field's yaml tag is its name in the file; its jsonschema tag says "required"
// where the file must have it, and shows an editor a default and an example. Its
// comment is its description in the schema and in `pave contract explain`. Every
// scalar type holds its own rule, see [rule].

// Application is a whole platform.yaml.
type Application struct {
	// Version of this contract.
	APIVersion APIVersion `yaml:"apiVersion" jsonschema:"required"`
	// Kind of document.
	Kind Kind `yaml:"kind" jsonschema:"required"`
	// Whose application it is.
	Metadata Metadata `yaml:"metadata" jsonschema:"required"`
	// What the application needs from the platform.
	Spec Spec `yaml:"spec" jsonschema:"required"`
}

// Metadata says whose application it is.
type Metadata struct {
	// Name of the application; it names the Deployment, the Service and the release.
	Name Name `yaml:"name" jsonschema:"required,example=hello-go"`
	// Team that is called when it breaks.
	Team Name `yaml:"team" jsonschema:"required,example=web"`
	// Project of the platform that it belongs to.
	Project Name `yaml:"project" jsonschema:"required,example=demo"`
}

// Spec says what the application needs. A zero value is a field that the file
// does not set; [Application.For] fills it in.
type Spec struct {
	// Where the image may come from; the pipeline adds the digest.
	Image Image `yaml:"image"`
	// Port on which the application answers HTTP.
	Port Port `yaml:"port" jsonschema:"default=8080,example=3000"`
	// Further TCP ports, reachable by name inside the cluster.
	Ports []NamedPort `yaml:"ports"`
	// Address outside the cluster; without it the application has none.
	Ingress *Ingress `yaml:"ingress"`
	// Environment variables by name; every value is taken as it is written.
	Env map[EnvName]EnvValue `yaml:"env"`
	// Secrets whose keys become environment variables.
	Secrets []Secret `yaml:"secrets"`
	// PostgreSQL for this application alone; its address and credentials arrive as DATABASE_HOST, DATABASE_PORT, DATABASE_NAME, DATABASE_USER, DATABASE_PASSWORD and DATABASE_URL.
	Database *Database `yaml:"database"`
	// RabbitMQ for this application alone; its address and credentials arrive as RABBITMQ_HOST, RABBITMQ_PORT, RABBITMQ_USERNAME and RABBITMQ_PASSWORD.
	Messaging *Messaging `yaml:"messaging"`
	// Volumes that outlive a pod.
	Storage []Storage `yaml:"storage"`
	// Folders that the application writes to and may lose; the rest of its file system is read-only, /tmp is always writable.
	Writable []MountPath `yaml:"writable"`
	// What the container is promised and what it may not exceed.
	Resources Resources `yaml:"resources"`
	// Number of pods; autoscaling takes its place.
	Replicas Replicas `yaml:"replicas" jsonschema:"default=1,example=2"`
	// Number of pods that follows the load.
	Autoscaling *Autoscaling `yaml:"autoscaling"`
	// Advice on resources, or their adjustment, from what the pods use.
	VerticalScaling *VerticalScaling `yaml:"verticalScaling"`
	// How many pods may be away while nodes are maintained; by default one, where there is more than one.
	Disruption *Disruption `yaml:"disruption"`
	// How the platform sees that the application is well.
	Probes Probes `yaml:"probes"`
	// What the application calls besides DNS, its database and its broker; everything else is closed.
	Egress []Egress `yaml:"egress"`
	// How a new version takes over.
	Rollout Rollout `yaml:"rollout"`
	// When the team is warned.
	Alerts []Alert `yaml:"alerts"`
	// Where the application's measurements are read.
	Metrics *Metrics `yaml:"metrics"`
	// Restart the pods when a Secret or a ConfigMap that they use changes.
	Reload *bool `yaml:"reload" jsonschema:"default=false"`
	// What staging and production do differently.
	Environments Environments `yaml:"environments"`
}

// Image pins where the image may come from. The pipeline adds the digest.
type Image struct {
	// Registry, project and name without tag and digest; an image from elsewhere is refused.
	Repository Repository `yaml:"repository" jsonschema:"example=registry.example.internal/demo/hello-go"`
}
