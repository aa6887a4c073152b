// Package preview gives each open pull request from a branch preview/APP/TEXT an
// environment of its own: it writes an ApplicationSet into the GitOps repository,
// by which Argo CD itself makes, changes and removes the previews, and it lists
// them, comments on their pull requests and clears what is left of them.
//
// It promises that nothing that whoever opens a pull request can write, but its
// commit, gets into a manifest; that a preview has no secrets and no volumes; that
// an unchanged run makes no commit and no comment; and that nothing is removed that
// is not a preview of this project.
package preview

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/pave-platform/pave/golden-path/contract"
	"github.com/pave-platform/pave/golden-path/render"
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/forge"
	"github.com/pave-platform/pave/internal/gitops"
)

// Application is what previews are made of.
type Application struct {
	File       string // platform.yaml
	Chart      gitops.Chart
	Image      string // repository registry/project/app; empty: spec.image.repository
	PullSecret string // Secret in the previews' namespace with which the image is pulled; may be empty
	Domain     string // previews are at APP-pr-NUMBER.DOMAIN
	Database   bool   // give each one an empty database, if the application has one
	Messaging  bool   // and a broker

	Forge       forge.Options // the application's repository; its token is not used
	Target      string        // branch that pull requests are for; empty: any
	Secret      string        // in Argo CD's namespace, with the forge's token; empty: the repository is public
	CAConfigMap string        // in Argo CD's namespace, with the forge's CA; may be empty
	Refresh     int           // seconds between two looks at the forge; 0: 60

	Cluster         string // Kubernetes API that Argo CD deploys to; empty: its own
	ArgoCDNamespace string // empty: argocd
}

// usualRefresh is a compromise: a preview should not wait, and forges limit how
// often they are asked (Bitbucket Cloud: 1,000 times an hour).
const usualRefresh = 60

// previews renders what a describes.
func (a Application) previews() (gitops.Previews, error) {
	app, err := contract.Read(a.File)
	if err != nil {
		return gitops.Previews{}, err
	}
	values, err := render.Preview(app, render.PreviewOptions{Repository: a.Image, PullSecret: a.PullSecret, Database: a.Database, Messaging: a.Messaging})
	if err != nil {
		return gitops.Previews{}, err
	}
	api, err := a.Forge.Address()
	if err != nil {
		return gitops.Previews{}, err
	}
	if a.Forge.URL == "" {
		api = "" // Argo CD knows the public services
	}
	refresh := a.Refresh
	if refresh == 0 {
		refresh = usualRefresh
	}
	p := gitops.Previews{
		Project: string(app.Metadata.Project), App: string(app.Metadata.Name), Target: a.Target,
		Forge: gitops.PreviewForge{
			Kind: a.Forge.Kind, API: api, Project: a.Forge.Project, Repository: a.Forge.Repository, Username: a.Forge.Username,
			Secret: a.Secret, CAConfigMap: a.CAConfigMap,
		},
		Domain: a.Domain, Chart: a.Chart, Values: values, Ingress: values["ingress"] != nil,
		Refresh: refresh, Cluster: a.Cluster, ArgoCDNamespace: a.ArgoCDNamespace,
	}
	return p, p.Validate()
}

// Of names the previews of an application, and where its pull requests are.
type Of struct {
	Project, App string // DNS labels
	Domain       string // as for Enable; empty: they have no address
	Forge        forge.Options
}

func (o Of) validate() error {
	if err := gitops.ValidProject(o.Project); err != nil {
		return err
	}
	return gitops.ValidApp(o.App)
}

// url is where the preview of a pull request answers; empty for nowhere.
func (o Of) url(number int) string {
	if o.Domain == "" {
		return ""
	}
	return "https://" + gitops.PreviewHost(o.App, fmt.Sprint(number), o.Domain)
}

// application is the name of a preview's Application.
func (o Of) application(number int) string {
	return gitops.Previews{Project: o.Project, App: o.App}.ApplicationName(fmt.Sprint(number))
}

// has tells whether Argo CD makes a preview of an open pull request.
func (o Of) has(p forge.PullRequest) bool {
	text, ok := strings.CutPrefix(p.Branch, "preview/"+o.App+"/")
	return ok && text != "" && p.State == forge.Open
}

// printable takes control characters out of what somebody else wrote, so that it
// cannot talk to the terminal that it is shown on.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return -1
		}
		return r
	}, text)
}

// isPreview refuses a pull request that has no preview.
func (o Of) isPreview(p forge.PullRequest) error {
	switch {
	case p.State != forge.Open:
		return fault.Inputf("pull request %d is %s and has no preview", p.Number, p.State).Fix("open it again, or another one")
	case !o.has(p):
		return fault.Inputf("pull request %d is from branch %q and has no preview", p.Number, printable(p.Branch)).
			Fix("name the branch preview/%s/TEXT", o.App)
	}
	return nil
}
