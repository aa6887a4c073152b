// Command pave does one step of the golden path per subcommand. It is one
// static binary: the Dagger modules run it in an empty container, and a runner
// without a container engine runs it bare.
package main

import (
	"os"

	_ "golang.org/x/crypto/x509roots/fallback" // an empty container has no system roots
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }
