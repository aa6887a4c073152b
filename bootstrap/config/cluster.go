package config

// A field's yaml tag is its name in the file; its jsonschema tag says "required"
// where the file must have it, and shows an editor a default and an example. Its
// comment is its description in the schema. Every scalar type holds its own rule,
// see [rule].

// Cluster is a whole cluster.yaml.
type Cluster struct {
	// Version of this file's format.
	APIVersion APIVersion `yaml:"apiVersion" jsonschema:"required"`
	// Kind of document.
	Kind Kind `yaml:"kind" jsonschema:"required"`
	// What the cluster is called and what it is for.
	Metadata Metadata `yaml:"metadata" jsonschema:"required"`
	// Which machines the cluster has, where they stand and what runs on them.
	Spec Spec `yaml:"spec" jsonschema:"required"`

	dir string // of the file, for the paths in it
}

// Metadata says what the cluster is called and what it is for. All of it is also
// on everything in vSphere, as tags.
type Metadata struct {
	// Name of the cluster; it names the folder in vSphere and the context in kubeconfig and talosconfig.
	Name Name `yaml:"name" jsonschema:"required,example=platform"`
	// Project that pays for it, as the vSphere tag project.
	Project Name `yaml:"project" jsonschema:"required,example=idp"`
	// Environment that it is, as the vSphere tag environment.
	Environment Name `yaml:"environment" jsonschema:"required,example=production"`
}

// Spec says which machines the cluster has, where they stand and what runs on
// them. [Read] fills in the defaults.
type Spec struct {
	// Address of the Kubernetes API, as https://host:port; with a VIP it is the VIP's, port 6443, by default.
	Endpoint Endpoint `yaml:"endpoint" jsonschema:"example=https://platform.example.internal:6443"`
	// Address that the control planes share and one of them holds; it must be free, in their network, and outside of DHCP's range.
	VIP Address `yaml:"vip" jsonschema:"example=10.20.0.10"`
	// Version of Kubernetes, one that the version of Talos supports.
	Kubernetes Version `yaml:"kubernetes" jsonschema:"required,example=1.36.0"`
	// Version of Talos Linux.
	Talos Version `yaml:"talos" jsonschema:"required,example=1.13.0"`
	// Let pods of applications run on control planes too, for clusters that are small.
	SchedulingOnControlPlanes bool `yaml:"schedulingOnControlPlanes" jsonschema:"default=false"`
	// Where in vSphere the machines stand.
	VSphere VSphere `yaml:"vsphere" jsonschema:"required"`
	// Image that every machine is a copy of.
	OVA OVA `yaml:"ova" jsonschema:"required"`
	// Image of Talos that the machines upgrade to; it carries the system extensions.
	Install Install `yaml:"install" jsonschema:"required"`
	// Network that the machines are in.
	Network Network `yaml:"network"`
	// The machines.
	Nodes []Node `yaml:"nodes" jsonschema:"required,minItems=1"`
	// Registries that stand in for others.
	RegistryMirrors []RegistryMirror `yaml:"registryMirrors"`
	// PEM files with the certificates that the machines trust besides those of Talos: the platform's root CA.
	TrustedCAs []Path `yaml:"trustedCAs"`
	// Files that change the machine configs, after pave's own patches.
	Patches Patches `yaml:"patches"`
	// age recipients, who can open the secrets of the artefact; each is the public half of an age key.
	Recipients []Recipient `yaml:"recipients" jsonschema:"required,minItems=1"`
}

// VSphere says where the machines stand. Each name is one of vSphere's
// inventory, or a path in it.
type VSphere struct {
	// Host of the vCenter, with a port if it is not 443.
	Server Server `yaml:"server" jsonschema:"required,example=vcenter.example.internal"`
	// Datacenter.
	Datacenter InventoryName `yaml:"datacenter" jsonschema:"required,example=DC0"`
	// Cluster of hosts, or a single host.
	Cluster InventoryName `yaml:"cluster" jsonschema:"required,example=lab"`
	// Datastore of the disks.
	Datastore InventoryName `yaml:"datastore" jsonschema:"required,example=ssd"`
	// Network, or port group, of the machines.
	Network InventoryName `yaml:"network" jsonschema:"required,example=VM Network"`
	// Resource pool; the cluster's own by default.
	ResourcePool InventoryName `yaml:"resourcePool" jsonschema:"example=platform"`
	// Folder in which the cluster gets a folder of its own; the datacenter's own by default.
	Folder InventoryName `yaml:"folder" jsonschema:"example=kubernetes"`
}

// OVA is the image that every machine is a copy of: exactly one of file, url,
// library and template.
type OVA struct {
	// An .ova file.
	File Path `yaml:"file" jsonschema:"example=vmware-amd64.ova"`
	// Address of an .ova file.
	URL URL `yaml:"url" jsonschema:"example=https://artifacts.example.internal/talos/v1.13.0/vmware-amd64.ova"`
	// SHA-256 of the file, in hex; it goes with file and url and is checked before the file is used.
	SHA256 SHA256 `yaml:"sha256"`
	// An item of a content library, which vCenter checked when it was put there.
	Library *LibraryItem `yaml:"library"`
	// A template in the inventory, which stays as it is.
	Template InventoryName `yaml:"template" jsonschema:"example=talos-v1.13.0"`
}

// LibraryItem is an item of a content library.
type LibraryItem struct {
	// Name of the library.
	Name InventoryName `yaml:"name" jsonschema:"required,example=images"`
	// Name of the item, of type OVF.
	Item InventoryName `yaml:"item" jsonschema:"required,example=talos-v1.13.0"`
}

// Install is the image of Talos that the machines upgrade to: either image or
// factory.
type Install struct {
	// Installer image with the extensions that the platform needs.
	Image ImageRef `yaml:"image" jsonschema:"example=registry.example.internal/talos/vmware-installer:v1.13.0"`
	// Host of an Image Factory, which makes the installer for the extensions.
	Factory Server `yaml:"factory" jsonschema:"example=factory.example.internal"`
	// Further official extensions besides iscsi-tools, util-linux-tools and vmtoolsd-guest-agent; they go with factory.
	Extensions []Extension `yaml:"extensions"`
	// Disk that Talos is on.
	Disk Device `yaml:"disk" jsonschema:"default=/dev/sda"`
}

// Network is what the machines' network has to offer.
type Network struct {
	// Way out for the nodes with a static address that name no other.
	Gateway Address `yaml:"gateway" jsonschema:"example=10.20.0.1"`
	// DNS servers; those that DHCP gives by default.
	DNS []Address `yaml:"dns"`
	// Domains in which short names are looked up.
	SearchDomains []Host `yaml:"searchDomains"`
	// Time servers; clocks that differ break certificates.
	NTP []Host `yaml:"ntp"`
}

// Node is a machine.
type Node struct {
	// Name of the virtual machine, and the machine's host name.
	Name Label `yaml:"name" jsonschema:"required,example=platform-cp-1"`
	// What it is for.
	Role Role `yaml:"role" jsonschema:"required"`
	// Static address with the length of the network's prefix; without it the node asks DHCP.
	Address Prefix `yaml:"address" jsonschema:"example=10.20.0.11/24"`
	// Way out, for a static address; the network's by default.
	Gateway Address `yaml:"gateway" jsonschema:"example=10.20.0.1"`
	// Number of virtual CPUs.
	CPU Cores `yaml:"cpu" jsonschema:"default=4"`
	// Memory.
	Memory Size `yaml:"memory" jsonschema:"default=8Gi"`
	// Size of the system disk; the image's disk is made larger, never smaller.
	Disk Size `yaml:"disk" jsonschema:"default=40Gi"`
	// Sizes of further disks, for storage.
	DataDisks []Size `yaml:"dataDisks" jsonschema:"maxItems=14"`
}

// RegistryMirror stands in for a registry.
type RegistryMirror struct {
	// Registry that images name, as in docker.io; * is every one.
	Registry Registry `yaml:"registry" jsonschema:"required,example=docker.io"`
	// Where they are pulled from instead, in this order.
	Endpoints []URL `yaml:"endpoints" jsonschema:"required,minItems=1"`
}

// Patches are files with strategic merge patches of Talos machine configs.
type Patches struct {
	// For every node.
	All []Path `yaml:"all"`
	// For the control planes.
	ControlPlanes []Path `yaml:"controlPlanes"`
	// For the workers.
	Workers []Path `yaml:"workers"`
}
