// Package kyverno has Kyverno's own command line for tests: the engine that
// judges in a cluster, without a cluster.
package kyverno

import (
	"testing"

	"github.com/pave-platform/pave/hack/lab/program"
)

// Version is in tools/go.mod.
const Version = "v1.19.1"

// CLI gives the path of the kyverno command, built on first use.
func CLI(t testing.TB) string {
	t.Helper()
	return program.Binary(t, program.Program{
		Name:    "kyverno",
		Module:  "kyverno/tools",
		Package: "github.com/kyverno/kyverno/cmd/cli/kubectl-kyverno",
	})
}
