package gitops

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/forge"
)

// PreviewEnvironment is the environment of previews: no project's releases go there.
const PreviewEnvironment = "previews"

// Labels and annotations of a preview's Application.
const (
	LabelPullRequest   = "pave.dev/pull-request" // its number
	AnnotationURL      = "pave.dev/url"          // where it answers
	AnnotationRevision = annotationRevision      // the commit that it is of

	annotationLink = "link.argocd.argoproj.io/external-link" // shown by Argo CD
)

// Previews are the previews of one application: an Application of Argo CD for each
// open pull request from a branch preview/APP/TEXT, which Argo CD itself makes and
// removes.
type Previews struct {
	Project, App string // DNS labels
	Forge        PreviewForge
	Target       string // branch that pull requests are for; empty: any
	Domain       string // previews are at APP-pr-NUMBER.DOMAIN; empty: nowhere
	Chart        Chart
	Values       map[string]any // the chart's, but for name, ingress.host and preview.commit
	Ingress      bool           // they have a host

	Refresh         int    // seconds between two looks at the forge
	Expired         []int  // pull requests that have none, though they are open
	Cluster         string // Kubernetes API that Argo CD deploys to; empty: its own
	ArgoCDNamespace string // empty: argocd
}

// PreviewForge says where Argo CD finds pull requests, and what it shows there.
type PreviewForge struct {
	Kind                forge.Kind
	API                 string // empty: the public service's
	Project, Repository string
	Username            string // of Bitbucket, with a password
	Secret              string // in Argo CD's namespace, with the key token; empty: the repository is public
	CAConfigMap         string // in Argo CD's namespace, with the key ca.crt; of Bitbucket Data Center and GitLab
}

const (
	maxNumber = 8                            // digits of a pull request's number
	maxStem   = 40 - len("-pr-") - maxNumber // of a preview's name: what database and broker leave
)

// PreviewPath is where a project's ApplicationSet of an application's previews is.
func PreviewPath(project, app string) string {
	return projectFolder(project) + PreviewEnvironment + "/" + app + "/applicationset.yaml"
}

// PreviewNamespace is where a project's previews run.
func PreviewNamespace(project string) string { return project + "-" + PreviewEnvironment }

// PreviewBranches is the pattern of the branches that an application's previews
// are made of, for RE2.
func PreviewBranches(app string) string { return `^preview/` + regexp.QuoteMeta(app) + `/.+$` }

// PreviewName is what a preview's objects are called; number is a pull request's.
// A long application's name is cut, and made unique again by its hash.
func PreviewName(app, number string) string { return fit(app, maxStem) + "-pr-" + number }

// PreviewHost is where a preview answers.
func PreviewHost(app, number, domain string) string { return PreviewName(app, number) + "." + domain }

// Name is the ApplicationSet's. It has dots, so that no release's Application has
// the same.
func (p Previews) Name() string {
	return fit(p.Project+"."+PreviewEnvironment+"."+p.App, maxLabel-len("-pr-")-maxNumber)
}

// ApplicationName is the Application's of one pull request.
func (p Previews) ApplicationName(number string) string { return p.Name() + "-pr-" + number }

// Path is where the ApplicationSet is in the repository.
func (p Previews) Path() string { return PreviewPath(p.Project, p.App) }

// fit cuts a name to a length and keeps it unique.
func fit(name string, longest int) string {
	if len(name) <= longest {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	hash := "-" + hex.EncodeToString(sum[:4])
	return strings.TrimRight(name[:longest-len(hash)], "-.") + hash
}

var domainForm = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)

// longestHost is a DNS name's length (RFC 1035).
const longestHost = 253

// Validate refuses what Kubernetes, Argo CD or DNS would.
func (p Previews) Validate() error {
	for _, err := range []error{ValidProject(p.Project), ValidApp(p.App), p.Chart.Validate(), p.Forge.validate()} {
		if err != nil {
			return err
		}
	}
	if n := PreviewNamespace(p.Project); len(n) > maxLabel {
		return fault.Inputf("project name %q makes the namespace %s of %d characters: Kubernetes allows %d", p.Project, n, len(n), maxLabel).Fix("shorten it")
	}
	switch pull := text(p.Values, "pullSecret"); {
	case pull != "" && !domainForm.MatchString(pull):
		return fault.Inputf("%q is not the name of a Secret", pull).Fix("use lower-case letters, digits, dashes and dots")
	case p.Ingress && p.Domain == "":
		return fault.Inputf("the application has an ingress, and no domain for its previews is given").Fix("give --domain, as in previews.example.com")
	case p.Domain != "" && (!domainForm.MatchString(p.Domain) || len(PreviewHost(p.App, strings.Repeat("9", maxNumber), p.Domain)) > longestHost):
		return fault.Inputf("domain %q is not a DNS name that leaves room for a preview's", p.Domain).Fix("write it as in previews.example.com")
	case p.Refresh < 10:
		return fault.Inputf("a look at the forge every %d seconds", p.Refresh).Fix("give 10 seconds or more")
	}
	return nil
}

func (f PreviewForge) validate() error {
	for _, name := range []string{f.Secret, f.CAConfigMap} {
		if name != "" && !domainForm.MatchString(name) {
			return fault.Inputf("%q is not the name of a Secret or a ConfigMap", name).Fix("use lower-case letters, digits, dashes and dots")
		}
	}
	if f.CAConfigMap != "" && f.Kind != forge.BitbucketDataCenter && f.Kind != forge.GitLab {
		return fault.Inputf("Argo CD takes no CA of its own for %s", f.Kind).Fix("leave the ConfigMap out, and let Argo CD's applicationset controller trust the CA")
	}
	if f.Username != "" && f.Secret == "" {
		return fault.Inputf("user %s of the forge has no Secret with a password", f.Username).Fix("name the Secret in Argo CD's namespace, with --argocd-secret")
	}
	return nil
}

func (p Previews) labels() map[string]string {
	l := map[string]string{
		labelName:        p.App,
		labelPartOf:      p.Project,
		labelManagedBy:   "pave",
		labelEnvironment: PreviewEnvironment,
	}
	if team := text(p.Values, "team"); dnsLabel.MatchString(team) && len(team) <= maxLabel {
		l[labelTeam] = team
	}
	return l
}

// PreviewLabels are those by which the Applications of previews are found; an empty
// app is all of the project.
func PreviewLabels(project, app string) map[string]string {
	l := Previews{Project: project, App: app}.labels()
	if app == "" {
		delete(l, labelName)
	}
	return l
}
