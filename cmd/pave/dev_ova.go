package main

import (
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/pave-platform/pave/internal/cli"
	"github.com/pave-platform/pave/internal/dev/vcenter"
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/outfile"
)

// madeOVA is the result of pave dev ova.
type madeOVA struct {
	OVA    string `json:"ova"`    // path
	SHA256 string `json:"sha256"` // hex
}

// Summary says what it is, in one line.
func (m madeOVA) Summary(w io.Writer) { fmt.Fprintf(w, "%s, SHA-256 %s\n", m.OVA, m.SHA256) }

func devOVACommand(a *cli.App) *cobra.Command {
	var dir string
	var size int64
	cmd := &cobra.Command{
		Use:   "ova --output DIR",
		Short: "Make an OVA that no machine boots from, for pave dev vcenter: talos.ova and talos.ova.sha256",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Required(cmd, "output"); err != nil {
				return err
			}
			m := madeOVA{OVA: filepath.Join(dir, "talos.ova")}
			var err error
			if m.SHA256, err = vcenter.WriteOVA(m.OVA, size); err != nil {
				return err
			}
			if err := outfile.Write(m.OVA+".sha256", []byte(m.SHA256+"  talos.ova\n")); err != nil {
				return fault.Failedf("%w", err)
			}
			return a.Emit(m)
		},
	}
	cmd.Flags().StringVar(&dir, "output", "", "folder for the files, made if missing")
	cmd.Flags().Int64Var(&size, "size", 1<<20, "size of its disk in bytes")
	return cmd
}
