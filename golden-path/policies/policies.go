// Package policies has the rules that a platform's cluster enforces, for
// Kyverno, as they stand beside this file, and sets in them what differs from
// one platform to another. It promises that nothing is rendered by halves: a
// platform without a key or a registry gets an error, not a policy that lets
// everything pass or nothing.
package policies

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/pave-platform/pave/internal/fault"
)

//go:embed *.yaml
var files embed.FS

// Scope is the label of the namespaces that the policies are for.
const Scope = "managed-by=idp-platform"

// DefaultExceptionDays is how long an exception may last.
const DefaultExceptionDays = 90

// DefaultOperators are the service accounts that make workloads out of an
// application's database and broker, and jobs out of its cron jobs.
func DefaultOperators() []string {
	return []string{
		"system:serviceaccount:cnpg-system:cnpg-manager",
		"system:serviceaccount:kube-system:cronjob-controller",
		"system:serviceaccount:rabbitmq-system:rabbitmq-cluster-operator",
	}
}

// Options are one platform's.
type Options struct {
	Registries    []string // where images may come from: registry.example.com or registry.example.com/project
	PublicKey     []byte   // PEM, of the key that images are signed with
	ExceptionDays int      // how far an exception's end may be; 0: DefaultExceptionDays
	Operators     []string // user names whose workloads are labelled their own way; nil: DefaultOperators
	PullSecrets   []string // Secrets in Kyverno's namespace that log in to the registries
}

// Render gives all policies as one YAML stream, in the order of their names.
func Render(o Options) ([]byte, error) {
	if len(o.Registries) == 0 {
		return nil, fault.Inputf("no registry is allowed").Fix("name those that images may come from, as registry.example.com/project")
	}
	if err := checkKey(o.PublicKey); err != nil {
		return nil, err
	}
	return RenderPartly(o)
}

// RenderPartly is Render for who judges manifests before they reach a cluster:
// it goes without a key and without a registry. A cluster would let no image
// pass by such policies.
func RenderPartly(o Options) ([]byte, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	for _, name := range Names() {
		documents, err := read(name)
		if err == nil {
			err = o.set(name, documents[0])
		}
		for _, d := range documents {
			err = errors.Join(err, encoder.Encode(d))
		}
		if err != nil {
			return nil, fmt.Errorf("policy %s: %w", name, err)
		}
	}
	return out.Bytes(), encoder.Close()
}

// Names gives the policies' names, sorted. A policy's file is its name.
func Names() []string {
	entries, _ := files.ReadDir(".") // it is in the binary
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = strings.TrimSuffix(e.Name(), ".yaml")
	}
	slices.Sort(names)
	return names
}

// read gives the documents in a policy's file: the policy, then what it needs.
func read(name string) ([]*yaml.Node, error) {
	data, err := files.ReadFile(name + ".yaml")
	if err != nil {
		return nil, err
	}
	var documents []*yaml.Node
	for decoder := yaml.NewDecoder(bytes.NewReader(data)); ; {
		var d yaml.Node
		if err := decoder.Decode(&d); errors.Is(err, io.EOF) {
			return documents, nil
		} else if err != nil {
			return nil, err
		}
		documents = append(documents, &d)
	}
}

// set puts the platform's values in their places.
func (o Options) set(name string, document *yaml.Node) error {
	policy := place{document.Content[0]}
	switch name {
	case "allowed-registries":
		return policy.at("spec", "variables", "registries", "expression").set(literal(o.Registries))
	case "exceptions-need-owner":
		return policy.at("spec", "variables", "days", "expression").set(literal(o.exceptionDays()))
	case "require-standard-labels":
		return policy.at("spec", "variables", "operators", "expression").set(literal(o.operators()))
	case "only-signed-images", "only-signed-previews":
		if len(o.PullSecrets) > 0 {
			if err := policy.at("spec").add("credentials", map[string][]string{"secrets": o.PullSecrets}); err != nil {
				return err
			}
		}
		return policy.at("spec", "attestors", "platform", "cosign", "key", "data").set(string(o.PublicKey))
	}
	return nil
}

// literal gives v as CEL writes it, which is as JSON does.
func literal(v any) string {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic(err) // of strings and numbers
	}
	return strings.TrimSpace(out.String())
}

func (o Options) exceptionDays() int {
	if o.ExceptionDays == 0 {
		return DefaultExceptionDays
	}
	return o.ExceptionDays
}

func (o Options) operators() []string {
	if o.Operators == nil {
		return DefaultOperators()
	}
	return o.Operators
}
