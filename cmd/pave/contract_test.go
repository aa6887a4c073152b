package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pave-platform/pave/golden-path/contract"
)

// contractCommandLine runs a verb of contract and gives its exit code and output.
func contractCommandLine(args ...string) (code int, stdout, stderr string) {
	var out, err strings.Builder
	code = run(append([]string{"contract"}, args...), &out, &err)
	return code, out.String(), err.String()
}

func write(t *testing.T, path, content string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestContractInitThenValidate(t *testing.T) {
	for name, c := range map[string]struct {
		folder, module string
		args           []string
		want           string
	}{
		"named after the folder":          {folder: "My Shop", want: "my-shop of team team in project project"},
		"named after the module":          {folder: "x", module: "module example.com/web/Shop_API/v2\n", want: "shop-api of team team in project project"},
		"named by flags":                  {folder: "x", args: []string{"--name", "shop", "--team", "web", "--project", "demo"}, want: "shop of team web in project demo"},
		"a name that YAML misunderstands": {folder: "null", want: "null of team team in project project"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), c.folder)
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			if c.module != "" {
				write(t, filepath.Join(dir, "go.mod"), c.module)
			}
			file := filepath.Join(dir, "platform.yaml")
			if code, _, stderr := contractCommandLine(append([]string{"init", "--file", file}, c.args...)...); code != 0 {
				t.Fatal(stderr)
			}
			code, stdout, stderr := contractCommandLine("validate", "--file", file)
			if want := file + " is valid: " + c.want + "\n"; code != 0 || stdout != want {
				t.Errorf("code %d, %q, %s, want %q", code, stdout, stderr, want)
			}
			data, err := os.ReadFile(file)
			if err != nil || !strings.HasPrefix(string(data), "# yaml-language-server: $schema="+contract.SchemaURL+"\n") || strings.Count(string(data), "\n") > 9 {
				t.Errorf("%v:\n%s", err, data)
			}
		})
	}
}

func TestContractInitOverwritesNothing(t *testing.T) {
	file := write(t, filepath.Join(t.TempDir(), "platform.yaml"), "mine\n")
	code, _, stderr := contractCommandLine("init", "--file", file, "--name", "shop")
	if code != 2 || !strings.Contains(stderr, file+" is there already; ") {
		t.Errorf("code %d, %s", code, stderr)
	}
	code, stdout, _ := contractCommandLine("init", "--file", file, "--name", "shop", "--dry-run")
	if code != 0 || !strings.Contains(stdout, "  name: shop\n") {
		t.Errorf("dry run: code %d, %s", code, stdout)
	}
	if data, err := os.ReadFile(file); err != nil || string(data) != "mine\n" {
		t.Errorf("%v: %s", err, data)
	}
	code, stdout, _ = contractCommandLine("init", "--file", file, "--name", "shop", "--force", "--json")
	var r initialized
	if err := json.Unmarshal([]byte(stdout), &r); err != nil || code != 0 || !r.Written {
		t.Errorf("force: code %d, %v, %s", code, err, stdout)
	}
	if data, err := os.ReadFile(file); err != nil || string(data) != r.Content {
		t.Errorf("%v: %s", err, data)
	}
}

func TestContractInitRefusesABadName(t *testing.T) {
	code, _, stderr := contractCommandLine("init", "--file", filepath.Join(t.TempDir(), "platform.yaml"), "--name", "Shop")
	if code != 2 || !strings.Contains(stderr, `name: "Shop" is not a DNS label`) {
		t.Errorf("code %d, %s", code, stderr)
	}
}

func TestContractValidateKnowsThePlatform(t *testing.T) {
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "platform.yaml"), `apiVersion: pave/v1
kind: Application
metadata: {name: shop, team: web, project: demo}
spec:
  ingress: {host: shop.example.com}
  secrets: [{name: shop-env}]
`)
	secrets := write(t, filepath.Join(dir, "secrets.txt"), "# of demo\nsecret/shop-env\nother\n")
	host := file + `:5:19: spec.ingress.host: "shop.example.com" is outside the platform's domains (allowed: *.apps.example.internal)`
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"nothing is known":             {nil, ""},
		"a host elsewhere":             {[]string{"--ingress-domain", "apps.example.internal"}, host},
		"a host elsewhere, by pattern": {[]string{"--ingress-domain", "*.apps.example.internal"}, host},
		"one of two domains":           {[]string{"--ingress-domain", "apps.example.internal", "--ingress-domain", "example.com"}, ""},
		"a Secret that is there":       {[]string{"--secret", "shop-env"}, ""},
		"a Secret that is not":         {[]string{"--secret", "shopenv"}, file + `:6:20: spec.secrets[0].name: the project has no Secret "shop-env", did you mean shopenv? (it has: shopenv)`},
		"Secrets from a file":          {[]string{"--secrets-file", secrets}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			code, _, stderr := contractCommandLine(append([]string{"validate", "--file", file}, c.args...)...)
			wantCode, want := 0, ""
			if c.want != "" {
				wantCode, want = 2, "pave: "+c.want+"\n"
			}
			if code != wantCode || stderr != want {
				t.Errorf("code %d\n%s\nwant %d\n%s", code, stderr, wantCode, want)
			}
		})
	}
}

func TestContractSchema(t *testing.T) {
	code, stdout, _ := contractCommandLine("schema")
	if diff := cmp.Diff(string(contract.Schema()), stdout); diff != "" || code != 0 {
		t.Errorf("code %d\n%s", code, diff)
	}
	file := filepath.Join(t.TempDir(), "schema.json")
	if code, _, stderr := contractCommandLine("schema", "--output", file); code != 0 {
		t.Error(stderr)
	}
	if data, err := os.ReadFile(file); err != nil || string(data) != stdout {
		t.Errorf("%v: not the same schema", err)
	}
}

func TestContractExplain(t *testing.T) {
	code, stdout, _ := contractCommandLine("explain", "spec.metrics")
	want := `FIELD   spec.metrics
TYPE    group of fields

Where the application's measurements are read.

FIELDS
  enabled   true or false, required   Whether they are read.
  path      text                      Path that is read.
  port      text                      Name of the port: one of spec.ports, or http.
`
	if diff := cmp.Diff(want, stdout); diff != "" || code != 0 {
		t.Errorf("code %d\n%s", code, diff)
	}
	code, stdout, _ = contractCommandLine("explain", "spec.database.instances", "--json")
	var f contract.Field
	if err := json.Unmarshal([]byte(stdout), &f); err != nil || code != 0 || f.Allowed != "1 to 9" {
		t.Errorf("code %d, %v, %s", code, err, stdout)
	}
	code, _, stderr := contractCommandLine("explain", "spec.databse")
	if code != 2 || !strings.Contains(stderr, "did you mean database?") {
		t.Errorf("code %d, %s", code, stderr)
	}
}
