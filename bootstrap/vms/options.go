package vms

import (
	"log/slog"
	"time"

	"github.com/siderolabs/talos/pkg/machinery/config/generate/secrets"

	"github.com/pave-platform/pave/bootstrap/config"
	"github.com/pave-platform/pave/internal/secret"
)

// Options says which cluster is to be there, how to get into vCenter, and where
// the artefact is.
type Options struct {
	Cluster *config.Cluster
	// Username and Password are those of vCenter; the environment variables
	// VSPHERE_USER and VSPHERE_PASSWORD by default.
	Username, Password secret.Source
	CAFile             string // PEM, trusted besides the system's roots
	// Artefact is the file that is written for phase 2. One that is there already
	// is read first: it has the secrets of the cluster.
	Artefact string
	// Identity opens sealed secrets, of the artefact or of the copy in vCenter. A
	// cluster's first run needs none.
	Identity secret.Source
	Parallel int           // machines that are worked on at once; 0: all, vCenter has a queue
	Timeout  time.Duration // until a machine has its address; 0: 10 minutes
	Log      *slog.Logger  // hears what is done; nil: nothing

	// newSecrets makes the secrets of a new cluster.
	newSecrets func(*config.Cluster) (*secrets.Bundle, error)
}

// DefaultTimeout is how long a machine may take from power on to its address.
const DefaultTimeout = 10 * time.Minute

// DestroyOptions says which cluster is to go.
type DestroyOptions struct {
	Options
	Confirm string // the cluster's name, typed by whoever wants it gone
	DryRun  bool
}
