package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pave-platform/pave/bootstrap/artefact"
	"github.com/pave-platform/pave/bootstrap/config"
	"github.com/pave-platform/pave/bootstrap/vms"
	"github.com/pave-platform/pave/internal/cli"
)

// bootstrapVMsCommand is phase 1.
func bootstrapVMsCommand(a *cli.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "vms",
		Short: "Phase 1: the machines of a cluster in vSphere",
		Long: `Phase 1: the machines of a cluster in vSphere.

What is in vCenter is the only state there is: machines are found by name and by
the cluster's id, which everything that is made carries. A machine of that name
which does not carry it is refused before anything is made.`,
	}
	cmd.AddCommand(bootstrapVMsApplyCommand(a), bootstrapVMsDestroyCommand(a), bootstrapVMsPlanCommand(a))
	return cmd
}

func bootstrapVMsPlanCommand(a *cli.App) *cobra.Command {
	var o vms.Options
	var file string
	cmd := &cobra.Command{
		Use:   "plan --file cluster.yaml",
		Short: "Show what apply would do, and do nothing",
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if o.Cluster, err = config.Read(file); err != nil {
				return err
			}
			o.Log = a.Log
			return a.Finish(vms.Plan(cmd.Context(), o))
		},
	}
	vmsFlags(cmd.Flags(), &o, &file)
	return cmd
}

func bootstrapVMsApplyCommand(a *cli.App) *cobra.Command {
	var o vms.Options
	var file string
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "apply --file cluster.yaml",
		Short: "Make what is missing and write vm_creation.outputs.json",
		Long: `Make what is missing and write vm_creation.outputs.json.

A second run changes nothing; a node added to cluster.yaml is made by the same
command. A new cluster's secrets are made once and sealed with age for the
recipients in cluster.yaml. A later run that makes a machine opens them: from the
artefact that is there, or from the sealed copy that every machine carries, with
the age identity given. One machine that fails does not stop the others.`,
		Example: `  pave bootstrap vms apply --file cluster.yaml --identity-env PAVE_AGE_IDENTITY`,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if o.Cluster, err = config.Read(file); err != nil {
				return err
			}
			o.Log = a.Log
			do := vms.Apply
			if dryRun {
				do = vms.Plan
			}
			return a.Finish(do(cmd.Context(), o))
		},
	}
	f := cmd.Flags()
	vmsFlags(f, &o, &file)
	f.IntVar(&o.Parallel, "parallel", 0, "machines that are worked on at once (default: all; vCenter has a queue)")
	f.DurationVar(&o.Timeout, "timeout", vms.DefaultTimeout, "how long a machine may take until it has its address")
	f.BoolVar(&dryRun, "dry-run", false, "do what plan does")
	return cmd
}

func bootstrapVMsDestroyCommand(a *cli.App) *cobra.Command {
	var o vms.DestroyOptions
	var file string
	cmd := &cobra.Command{
		Use:   "destroy --file cluster.yaml --confirm NAME",
		Short: "Remove the cluster's machines, and nothing that does not carry its id",
		Long: `Remove the cluster's machines, and nothing that does not carry its id.

The artefact stays: with it apply makes the same cluster again, with the same
secrets, as a recovery from a snapshot needs. Delete it for a new cluster.`,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if o.Cluster, err = config.Read(file); err != nil {
				return err
			}
			o.Log = a.Log
			return a.Finish(vms.Destroy(cmd.Context(), o))
		},
	}
	f := cmd.Flags()
	vmsFlags(f, &o.Options, &file)
	f.StringVar(&o.Confirm, "confirm", "", "the cluster's name, typed")
	f.BoolVar(&o.DryRun, "dry-run", false, "show what would be removed")
	return cmd
}

// vmsFlags adds what every command of phase 1 needs.
func vmsFlags(f *pflag.FlagSet, o *vms.Options, file *string) {
	f.StringVar(file, "file", "cluster.yaml", "the cluster")
	f.StringVar(&o.Artefact, "artefact", artefact.FileName, "file for phase 2; one that is there already is read first")
	cli.CAFlag(f, &o.CAFile)
	cli.SecretFlags(f, &o.Username, "vsphere-username", "the user name at vCenter (default: variable VSPHERE_USER)")
	cli.SecretFlags(f, &o.Password, "vsphere-password", "the password at vCenter (default: variable VSPHERE_PASSWORD)")
	cli.SecretFlags(f, &o.Identity, "identity", "the age identity that opens the cluster's secrets; the first run needs none")
}
