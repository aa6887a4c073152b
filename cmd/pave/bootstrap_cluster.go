package main

import (
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pave-platform/pave/bootstrap/artefact"
	"github.com/pave-platform/pave/bootstrap/cluster"
	"github.com/pave-platform/pave/bootstrap/fleet"
	"github.com/pave-platform/pave/internal/cli"
)

// bootstrapClusterCommand is phase 2.
func bootstrapClusterCommand(a *cli.App) *cobra.Command {
	var o cluster.Options
	cmd := &cobra.Command{
		Use:   "cluster",
		Short: "Phase 2: the machines of the artefact become a Kubernetes cluster",
		Long: `Phase 2: the machines of the artefact become a Kubernetes cluster.

It waits for the Talos API of every node, bootstraps etcd once, on the first
control plane of the artefact, waits until etcd has all its members and the
Kubernetes API is ready, and writes kubeconfig and talosconfig, for the user
alone. Where an etcd is, none is bootstrapped; a second run changes nothing. A node
that was added later joins by the same command.

A node that does not come is named with the reason, and the others go on without
it: run the command again when it is there. etcd is not bootstrapped while the
first control plane, or half of them, do not answer.

--downloads puts both files into the Downloads of a Bitbucket repository too,
sealed with age for the artefact's recipients, as CLUSTER-kubeconfig.age.`,
		Example: `  pave bootstrap cluster --identity-file age.key
  pave bootstrap cluster --identity-env PAVE_AGE_IDENTITY --downloads acme/platform --downloads-token-env BITBUCKET_TOKEN`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if o.Downloads.Workspace, o.Downloads.Repository, err = repositoryOf(cmd); err != nil {
				return err
			}
			o.Log = a.Log
			result, err := cluster.Run(cmd.Context(), o)
			return a.EmitEven(result, result.Cluster != "", err)
		},
	}
	f := cmd.Flags()
	fleetFlags(f, &o.Options, 10*time.Minute, "for each of: the nodes, etcd, the Kubernetes API")
	configFlags(f, &o.Files)
	f.BoolVar(&o.DryRun, "dry-run", false, "wait for the nodes and say where etcd would be bootstrapped")
	f.String("downloads", "", "Bitbucket repository whose Downloads get the files, as WORKSPACE/REPOSITORY")
	f.StringVar(&o.Downloads.URL, "downloads-url", "", "Bitbucket's API (default: Bitbucket Cloud's)")
	f.StringVar(&o.Downloads.Username, "downloads-username", "", "user name that goes with the token (default: it is an access token)")
	cli.SecretFlags(f, &o.Downloads.Token, "downloads-token", "the token for the Downloads")
	f.StringSliceVar(&o.Downloads.Recipients, "downloads-recipient", nil, "age recipient of the uploaded files; can be repeated (default: the artefact's)")
	f.BoolVar(&o.Downloads.Unsealed, "downloads-unsealed", false, "upload the files in clear, for everybody who can read the repository")
	cli.CAFlag(f, &o.Downloads.CAFile)
	return cmd
}

// fleetFlags adds what every command that talks to the nodes needs.
func fleetFlags(f *pflag.FlagSet, o *fleet.Options, timeout time.Duration, of string) {
	f.StringVar(&o.Artefact, "artefact", artefact.FileName, "the artefact of phase 1")
	cli.SecretFlags(f, &o.Identity, "identity", "the age identity that opens the artefact")
	f.StringVar(&o.Cluster, "cluster", "", "name of the cluster that the artefact has to be of (default: any)")
	f.DurationVar(&o.MaxAge, "max-age", 0, "how old the artefact may be, as in 24h (default: any age)")
	f.DurationVar(&o.Timeout, "timeout", timeout, "how long to wait, "+of)
}

// configFlags says where kubeconfig and talosconfig go.
func configFlags(f *pflag.FlagSet, o *fleet.Files) {
	f.StringVar(&o.Kubeconfig, "kubeconfig", "kubeconfig", "file for the administrator's kubeconfig; one that holds for a month is kept")
	f.StringVar(&o.Talosconfig, "talosconfig", "talosconfig", "file for the administrator's talosconfig; one that holds for a month is kept")
}
