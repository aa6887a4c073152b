// Package policy renders the platform's Kyverno policies and judges manifests
// by them before a cluster does. It promises the verdict of Kyverno's own engine
// for what it judges, and says what it leaves to the cluster.
package policy

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"

	"github.com/pave-platform/pave/golden-path/policies"
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/outfile"
)

// Platform is what differs from one platform to another.
type Platform struct {
	Registries    []string
	PublicKeyFile string
	ExceptionDays int
	Operators     []string
	PullSecrets   []string
}

func (p Platform) options() (policies.Options, error) {
	o := policies.Options{Registries: p.Registries, ExceptionDays: p.ExceptionDays, Operators: p.Operators, PullSecrets: p.PullSecrets}
	if p.PublicKeyFile == "" {
		return o, nil
	}
	key, err := os.ReadFile(p.PublicKeyFile)
	if err != nil {
		return o, fault.Inputf("public key: %w", err)
	}
	o.PublicKey = key
	return o, nil
}

// RenderOptions say for whom the policies are and where they go.
type RenderOptions struct {
	Platform
	Output string // file to write; empty: only in the result
}

// RenderResult is what was rendered.
type RenderResult struct {
	Policies []string `json:"policies"`
	Output   string   `json:"output,omitempty"`
	YAML     string   `json:"yaml,omitempty"` // without an output file
}

// Render writes the policies for one platform.
func Render(ctx context.Context, o RenderOptions) (RenderResult, error) {
	if err := ctx.Err(); err != nil {
		return RenderResult{}, err
	}
	options, err := o.options()
	if err != nil {
		return RenderResult{}, err
	}
	data, err := policies.Render(options)
	if err != nil {
		return RenderResult{}, err
	}
	r := RenderResult{Policies: policies.Names(), Output: o.Output}
	if o.Output == "" {
		r.YAML = string(data)
		return r, nil
	}
	return r, outfile.Write(o.Output, data)
}

// Summary writes the policies where they went to no file.
func (r RenderResult) Summary(w io.Writer) {
	fmt.Fprint(w, cmp.Or(r.YAML, fmt.Sprintf("%d policies in %s\n", len(r.Policies), r.Output)))
}
