package deploy_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/gitrepo"
	"github.com/pave-platform/pave/internal/gittest"
	"github.com/pave-platform/pave/internal/secret"
	"github.com/pave-platform/pave/steps/deploy"
)

// TestBadInputIsFoundBeforeAnybodyIsAsked gives wrong options to a deploy into
// a repository that does not exist: the error must be about the input.
func TestBadInputIsFoundBeforeAnybodyIsAsked(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*deploy.Options)
		want  string
	}{
		"a project that leaves the folder":   {func(o *deploy.Options) { o.Project = "../../etc" }, `project name "../../etc" is not a DNS label`},
		"an environment with a slash":        {func(o *deploy.Options) { o.Environment = "a/b" }, "environment name"},
		"an application with a line end":     {func(o *deploy.Options) { o.App = "web\n" }, "application name"},
		"no application":                     {func(o *deploy.Options) { o.App = "" }, "application name"},
		"an application with a dot":          {func(o *deploy.Options) { o.App = ".." }, "application name"},
		"a release name too long for Helm":   {func(o *deploy.Options) { o.App = strings.Repeat("a", 54) }, "at most 53"},
		"names too long together":            {func(o *deploy.Options) { o.App = strings.Repeat("a", 53) }, "Kubernetes allows 63"},
		"an image by tag":                    {func(o *deploy.Options) { o.Image = "registry.example.internal/shop/web:1" }, "not pinned by digest"},
		"another image than the values'":     {func(o *deploy.Options) { o.Image = "registry.example.internal/shop/other@" + digest(1) }, "render the values with the image"},
		"a chart version range":              {func(o *deploy.Options) { o.Chart.Version = "^1.0" }, "not an exact version"},
		"a moving chart version":             {func(o *deploy.Options) { o.Chart.Version = "latest" }, "not an exact version"},
		"a chart name with a path":           {func(o *deploy.Options) { o.Chart.Name = "../x" }, "chart name"},
		"a chart repository over plain http": {func(o *deploy.Options) { o.Chart.Repository = "http://charts" }, "chart repository"},
		"a revision that forges a trailer":   {func(o *deploy.Options) { o.Revision = "abc\nImage: evil" }, "source revision"},
		"values of another environment":      {func(o *deploy.Options) { o.Environment = "production" }, "is for environment staging"},
		"values of another project":          {func(o *deploy.Options) { o.Project = "bank" }, "is for project shop"},
		"no values file":                     {func(o *deploy.Options) { o.ValuesFile += ".gone" }, "values: "},
		"a branch that is no branch":         {func(o *deploy.Options) { o.Repository.Branch = "a..b" }, "not a valid Git branch name"},
		"no author":                          {func(o *deploy.Options) { o.Repository.Author.Name = "" }, "author"},
		"a repository over plain http":       {func(o *deploy.Options) { o.Repository.URL = "http://git.example.com/x" }, "plain http is for loopback"},
		"a repository over git://":           {func(o *deploy.Options) { o.Repository.URL = "git://git.example.com/x" }, "not supported"},
		"a token file that is missing":       {func(o *deploy.Options) { o.Repository.Token.File = "/no/such" }, "secret file"},
		"a user without a token":             {func(o *deploy.Options) { o.Repository.Username = "me"; o.Repository.Token = secret.Source{} }, "--token-file"},
		"a token for a path":                 {func(o *deploy.Options) { o.Repository.URL = "." }, "a user or token is for https"},
		"an ssh key for https":               {func(o *deploy.Options) { o.Repository.SSHKey.File = "key" }, "an ssh key is for ssh"},
		"ssh without a known hosts file":     {func(o *deploy.Options) { o.Repository = shell(o); o.Repository.KnownHostsFile = "" }, "--known-hosts-file"},
		"ssh without a key":                  {func(o *deploy.Options) { o.Repository = shell(o); o.Repository.SSHKey = secret.Source{} }, "--ssh-key-file"},
		"an ssh key that is no key":          {func(o *deploy.Options) { o.Repository = shell(o) }, "not a private key"},
		"a CA file without a certificate":    {func(o *deploy.Options) { o.Repository.CAFile = o.ValuesFile }, "no PEM certificate"},
		"a path where there is no repository": {func(o *deploy.Options) {
			o.Repository.Token = secret.Source{}
			o.Repository.URL = "/no/such/repository"
		}, "there is no folder"},
	} {
		t.Run(name, func(t *testing.T) {
			token := filepath.Join(t.TempDir(), "token")
			if err := os.WriteFile(token, []byte("token-of-a-test"), 0o600); err != nil {
				t.Fatal(err)
			}
			o := options(t, &gittest.Server{URL: "https://127.0.0.1:1/gitops.git", TokenFile: token})
			c.spoil(&o)
			_, err := deploy.Run(t.Context(), o)
			if err == nil || fault.KindOf(err) != fault.Input || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an input error with %q", err, c.want)
			}
		})
	}
}

// shell is an ssh repository whose key file holds something else.
func shell(o *deploy.Options) gitrepo.Options {
	return gitrepo.Options{
		URL: "git@127.0.0.1:gitops.git", Branch: "main", Author: o.Repository.Author,
		SSHKey: secret.Source{File: o.ValuesFile}, KnownHostsFile: o.ValuesFile,
	}
}

func TestBadValues(t *testing.T) {
	for name, c := range map[string]struct{ content, want string }{
		"malformed YAML":             {"a: b\n c: [", "yaml: line "},
		"a key twice":                {"a: 1\na: 2\n", `"a" already set`},
		"a list":                     {"- a\n", "not hold a mapping"},
		"two documents":              {"a: 1\n---\nb: 2\n", "more than one document"},
		"an image that is text":      {"image: web:1\n", "image is not a mapping"},
		"a digest of something else": {"image: {repository: registry.example.internal/shop/web, digest: " + digest(9) + "}\n", "render the values"},
		"a digest that is none":      {"image: {digest: abc}\n", "render the values"},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(t, &gittest.Server{URL: "https://127.0.0.1:1/gitops.git"})
			if err := os.WriteFile(o.ValuesFile, []byte(c.content), 0o644); err != nil {
				t.Fatal(err)
			}
			_, err := deploy.Run(t.Context(), o)
			if err == nil || fault.KindOf(err) != fault.Input || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "values.yaml") {
				t.Errorf("got %v, want an input error with %q", err, c.want)
			}
		})
	}
}

func TestTheValuesMayNameTheImage(t *testing.T) {
	s := gittest.Start(t, gittest.Options{})
	o := options(t, s)
	o.Image = ""
	if _, err := deploy.Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "does not pin the image") {
		t.Errorf("without a digest: %v", err)
	}
	pinned := strings.Replace(values, "shop/web\n", "shop/web\n  digest: "+digest(4)+"\n", 1)
	if err := os.WriteFile(o.ValuesFile, []byte(pinned), 0o644); err != nil {
		t.Fatal(err)
	}
	if r := run(t, o); r.Image != image(4) {
		t.Errorf("deployed %s", r.Image)
	}
}
