// Command pave does one step of the golden path per subcommand. It is one
// static binary: the Dagger modules run it in an empty container, and a runner
// without a container engine runs it bare.
package main

import (
	"io"
	"os"

	"github.com/spf13/cobra"
	_ "golang.org/x/crypto/x509roots/fallback" // an empty container has no system roots

	"github.com/pave-platform/pave/internal/cli"
	"github.com/pave-platform/pave/internal/cli/mirrorcmd"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	return cli.Main("pave", args, stdout, stderr, rootCommand)
}

func rootCommand(a *cli.App) *cobra.Command {
	root := &cobra.Command{
		Use:   "pave <noun> <verb>",
		Short: "The golden path of an on-premises developer platform, one step per command",
		Long:  `The golden path of an on-premises developer platform, one step per command.`,
	}
	root.AddCommand(
		bootstrapCommand(a),
		chartCommand(a),
		contractCommand(a),
		deployCommand(a),
		devCommand(a),
		gateCommand(a),
		gitopsCommand(a),
		imageCommand(a),
		mirrorcmd.Command(a, mirrorTools{a}),
		policyCommand(a),
		previewCommand(a),
		promoteCommand(a),
		reportCommand(a),
		sbomCommand(a),
		scanCommand(a),
		signCommand(a),
	)
	return cli.Root(a, root)
}
