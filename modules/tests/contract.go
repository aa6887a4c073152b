package main

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"dagger/tests/internal/dagger"
)

// Contract tests that a first platform.yaml is valid, and that everything that is wrong
// with a bad one is said at once.
// +cache="never"
func (t *Tests) Contract(ctx context.Context) error {
	m := dag.Contract(dagger.ContractOpts{Toolbox: t.Tools, IngressDomains: []string{"apps.example.internal"}, Secrets: []string{"demo-env"}})
	identity, err := decode[struct{ Name, Team, Project string }](m.Validate(ctx, m.Init("hello", "web", "demo")))
	if err != nil {
		return err
	}
	schema, err := m.Schema().Contents(ctx)
	if err != nil {
		return err
	}
	explained, err := m.Explain(ctx, dagger.ContractExplainOpts{Field: "spec.database.instances"})
	if err != nil {
		return err
	}
	bad := dag.Directory().WithNewFile("platform.yaml", `apiVersion: pave/v1
kind: Application
metadata: {name: a, team: b, project: c}
spec:
  prot: 8080
  ingress: {host: a.example.com}
  secrets: [{name: other-env}]
  database: {enabled: true, instances: 0}
`)
	_, wrong := m.Validate(ctx, bad.File("platform.yaml"))
	return errors.Join(
		want("name", identity.Name, "hello"),
		want("the schema is JSON", json.Valid([]byte(schema)), true),
		want("explains", strings.Contains(explained, "spec.database.instances"), true),
		refused(wrong, 2, "platform.yaml:5:"),
		refused(wrong, 2, "platform.yaml:6:"),
		refused(wrong, 2, "platform.yaml:7:"),
		refused(wrong, 2, "platform.yaml:8:"),
	)
}

// Policy tests that what the chart renders passes the platform's policies, and that an
// image from elsewhere and a container that runs as root do not.
// +cache="never"
func (t *Tests) Policy(ctx context.Context) error {
	chart := dag.Chart(dagger.ChartOpts{Toolbox: t.Tools})
	manifests := chart.Template(chart.Values(t.Examples.File("hello-go/platform.yaml"), pinned), "hello-go", "demo-staging")
	ours := dag.Policy(dagger.PolicyOpts{Toolbox: t.Tools, AllowedRegistries: []string{"registry:5000"}})
	if _, err := ours.Check(ctx, manifests); err != nil {
		return err
	}
	key := dag.Directory().WithNewFile("cosign.pub", publicKey).File("cosign.pub")
	rendered := ours.Render(key)
	if _, err := ours.Check(ctx, manifests, dagger.PolicyCheckOpts{Policies: rendered}); err != nil {
		return err
	}
	_, elsewhere := dag.Policy(dagger.PolicyOpts{Toolbox: t.Tools, AllowedRegistries: []string{"harbor.example.com"}}).Check(ctx, manifests)
	text, err := manifests.Contents(ctx)
	if err != nil {
		return err
	}
	root := dag.Directory().WithNewFile("manifests.yaml", strings.ReplaceAll(text, "runAsUser: 65532", "runAsUser: 0"))
	_, asRoot := ours.Check(ctx, root.File("manifests.yaml"))
	return errors.Join(
		refused(elsewhere, 3, "allowed-registries"),
		refused(asRoot, 3, "no-run-as-root"),
	)
}

// publicKey is one that nothing is signed with.
const publicKey = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt
6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==
-----END PUBLIC KEY-----
`
