package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/pave-platform/pave/bootstrap/artefact"
	"github.com/pave-platform/pave/internal/cli"
	"github.com/pave-platform/pave/internal/secret"
)

// bootstrapArtefactCommand is about vm_creation.outputs.json.
func bootstrapArtefactCommand(a *cli.App) *cobra.Command {
	cmd := &cobra.Command{Use: "artefact", Short: "vm_creation.outputs.json: what phase 1 hands to phase 2"}
	cmd.AddCommand(bootstrapArtefactInspectCommand(a), bootstrapArtefactResealCommand(a), bootstrapArtefactVerifyCommand(a))
	return cmd
}

func bootstrapArtefactInspectCommand(a *cli.App) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "inspect",
		Short: "Show what is in clear: the cluster and the addresses of its machines",
		RunE: func(*cobra.Command, []string) error {
			return a.Finish(artefact.Read(file, artefact.Expect{}))
		},
	}
	cmd.Flags().StringVar(&file, "artefact", artefact.FileName, "the artefact")
	return cmd
}

func bootstrapArtefactVerifyCommand(a *cli.App) *cobra.Command {
	var file string
	var e artefact.Expect
	var identity secret.Source
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Check that the artefact is whole and of the cluster that is expected",
		Long: `Check that the artefact is whole and of the cluster that is expected.

Without an identity the checksum is compared, which finds damage. With one the
seal is opened too, which finds an artefact that somebody altered on purpose.`,
		RunE: func(*cobra.Command, []string) error {
			read, err := artefact.Read(file, e)
			if err != nil {
				return err
			}
			v := artefactVerification{Artefact: file, Cluster: read.Cluster.Name, ID: read.Cluster.ID}
			if !identity.IsZero() {
				if _, err := read.Open(identity); err != nil {
					return err
				}
				v.Opened = true
			}
			return a.Emit(v)
		},
	}
	f := cmd.Flags()
	f.StringVar(&file, "artefact", artefact.FileName, "the artefact")
	f.StringVar(&e.Cluster, "cluster", "", "name of the cluster that it has to be of (default: any)")
	f.StringVar(&e.ID, "cluster-id", "", "id of the cluster that it has to be of (default: any)")
	f.DurationVar(&e.MaxAge, "max-age", 0, "how old it may be, as in 24h (default: any age)")
	cli.SecretFlags(f, &identity, "identity", "the age identity that opens it")
	return cmd
}

// artefactVerification is the Result of `pave bootstrap artefact verify`.
type artefactVerification struct {
	Artefact string `json:"artefact"`
	Cluster  string `json:"cluster"`
	ID       string `json:"id"`
	Opened   bool   `json:"opened"` // the seal was checked too
}

// Summary says how much was checked.
func (v artefactVerification) Summary(w io.Writer) {
	checked := "checksum"
	if v.Opened {
		checked = "checksum and seal"
	}
	fmt.Fprintf(w, "%s is whole: cluster %s (%s), %s checked\n", v.Artefact, v.Cluster, v.ID, checked)
}

func bootstrapArtefactResealCommand(a *cli.App) *cobra.Command {
	var file string
	var recipients []string
	var identity secret.Source
	cmd := &cobra.Command{
		Use:   "reseal --recipient age1…",
		Short: "Seal the artefact for other recipients",
		Long: `Seal the artefact for other recipients.

The copies that machines in vCenter carry stay sealed for those they were made
for. Change spec.recipients in cluster.yaml too.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Required(cmd, "recipient"); err != nil {
				return err
			}
			read, err := artefact.Read(file, artefact.Expect{})
			if err != nil {
				return err
			}
			if err := read.Reseal(identity, recipients); err != nil {
				return err
			}
			if _, err := read.Write(file); err != nil {
				return err
			}
			return a.Emit(read)
		},
	}
	f := cmd.Flags()
	f.StringVar(&file, "artefact", artefact.FileName, "the artefact, which is written again")
	f.StringSliceVar(&recipients, "recipient", nil, "age recipient who may open it; can be repeated")
	cli.SecretFlags(f, &identity, "identity", "the age identity that opens it now")
	return cmd
}
