package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/pave-platform/pave/bootstrap/recovery"
	"github.com/pave-platform/pave/internal/cli"
)

// bootstrapRecoverCommand brings etcd back.
func bootstrapRecoverCommand(a *cli.App) *cobra.Command {
	var o recovery.Options
	cmd := &cobra.Command{
		Use:   "recover --snapshot FILE --confirm NAME",
		Short: "Begin the cluster's etcd from a snapshot, on fresh control planes",
		Long: `Begin the cluster's etcd from a snapshot, on fresh control planes.

The machines have the addresses that they had before: phase 1 makes them again,
with the same artefact. The snapshot is verified before anything is touched. Then
the first control plane gets it and begins etcd from it, the others join, and
kubeconfig and talosconfig are written. Everything that was written after the
snapshot is lost, hence the cluster's name, typed.

Exit 3 if an etcd lives that does not hold what is in the snapshot, or if nodes
still have the data of a dead one. --wipe names the control planes whose etcd is
thrown away; they are reset, and reboot. An etcd that holds what is in the snapshot
is left alone, unless all its nodes are named: then the cluster goes back to it.`,
		Example: `  pave bootstrap recover --identity-file age.key --snapshot platform-20260131T030000Z.snapshot --confirm platform`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Required(cmd, "snapshot"); err != nil {
				return err
			}
			o.Log = a.Log
			result, err := recovery.Run(cmd.Context(), o)
			return a.EmitEven(result, err != nil && result.Changed || err == nil, err)
		},
	}
	f := cmd.Flags()
	fleetFlags(f, &o.Options, 10*time.Minute, "for each of: the nodes, etcd, the Kubernetes API")
	configFlags(f, &o.Files)
	f.StringVar(&o.Snapshot, "snapshot", "", "file that pave bootstrap etcd-snapshot wrote")
	f.BoolVar(&o.SkipHashCheck, "skip-hash-check", false, "the file is a copy of etcd's member/snap/db, which has no hash")
	f.StringVar(&o.Confirm, "confirm", "", "the cluster's name, typed")
	f.StringSliceVar(&o.Wipe, "wipe", nil, "control planes whose etcd is thrown away, by name")
	f.BoolVar(&o.DryRun, "dry-run", false, "verify the snapshot, look at the nodes and say what would be done")
	return cmd
}

// bootstrapEtcdSnapshotCommand takes etcd out of the cluster.
func bootstrapEtcdSnapshotCommand(a *cli.App) *cobra.Command {
	var o recovery.SnapshotOptions
	cmd := &cobra.Command{
		Use:   "etcd-snapshot --output FILE",
		Short: "Take a snapshot of the cluster's etcd, to a file, a folder or S3",
		Long: `Take a snapshot of the cluster's etcd, to a file, a folder or S3.

It comes from the first control plane that gives one, is verified by the hash at
its end, and is at its place whole or not at all. In a folder or a bucket it is
called CLUSTER-TIME.snapshot, and --keep removes the oldest of the cluster beyond
a number. It holds the cluster's secrets as Kubernetes stores them, encrypted with
a key of the artefact: keep both, and not together.`,
		Example: `  pave bootstrap etcd-snapshot --identity-file age.key --output-dir backups --keep 14
  pave bootstrap etcd-snapshot --identity-file age.key --s3-endpoint https://s3.example.com --s3-bucket etcd \
    --s3-access-key-env S3_KEY --s3-secret-key-env S3_SECRET --keep 14`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Log = a.Log
			result, err := recovery.Take(cmd.Context(), o)
			return a.EmitEven(result, result.Location != "", err)
		},
	}
	f := cmd.Flags()
	fleetFlags(f, &o.Options, 10*time.Minute, "")
	_ = f.MarkHidden("timeout") // nothing is waited for
	f.StringVar(&o.Output, "output", "", "file for the snapshot")
	f.StringVar(&o.Dir, "output-dir", "", "folder for it")
	f.IntVar(&o.Keep, "keep", 0, "newest snapshots of the cluster that stay in the folder or bucket (default: all)")
	f.StringVar(&o.S3.Bucket, "s3-bucket", "", "bucket for it")
	f.StringVar(&o.S3.Prefix, "s3-prefix", "", "what its key begins with, as in etcd/")
	f.StringVar(&o.S3.Endpoint, "s3-endpoint", "", "URL of the S3-compatible server")
	f.StringVar(&o.S3.Region, "s3-region", "", "region (default: us-east-1, which most servers take)")
	cli.SecretFlags(f, &o.S3.AccessKey, "s3-access-key", "the access key")
	cli.SecretFlags(f, &o.S3.SecretKey, "s3-secret-key", "the secret key")
	cli.CAFlag(f, &o.S3.CAFile)
	return cmd
}
