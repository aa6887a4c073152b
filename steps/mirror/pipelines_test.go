package mirror_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/pave-platform/pave/steps/mirror/imagelist"
)

// preset is the part of Renovate's configuration that the preset uses.
type preset struct {
	Schema         string   `json:"$schema"`
	Description    string   `json:"description"`
	Extends        []string `json:"extends"`
	PostUpdate     []string `json:"postUpdateOptions"`
	Alerts         any      `json:"vulnerabilityAlerts"`
	CustomManagers []struct {
		CustomType          string   `json:"customType"`
		Description         string   `json:"description"`
		ManagerFilePatterns []string `json:"managerFilePatterns"`
		MatchStrings        []string `json:"matchStrings"`
		DepNameTemplate     string   `json:"depNameTemplate"`
		DatasourceTemplate  string   `json:"datasourceTemplate"`
		VersioningTemplate  string   `json:"versioningTemplate"`
	} `json:"customManagers"`
	PackageRules []struct {
		Description        string   `json:"description"`
		MatchFileNames     []string `json:"matchFileNames"`
		MatchCurrentValue  string   `json:"matchCurrentValue"`
		MatchDepNames      []string `json:"matchDepNames"`
		MatchManagers      []string `json:"matchManagers"`
		GroupName          string   `json:"groupName"`
		CommitMessageTopic string   `json:"commitMessageTopic"`
		Labels             []string `json:"labels"`
		Automerge          *bool    `json:"automerge"`
		Enabled            *bool    `json:"enabled"`
	} `json:"packageRules"`
}

func readPreset(t *testing.T, name string) (p preset) {
	t.Helper()
	f, err := os.Open("../../pipelines/renovate/" + name + ".json")
	must(t, err)
	defer f.Close()
	d := json.NewDecoder(f)
	d.DisallowUnknownFields()
	must(t, d.Decode(&p))
	return p
}

// found is what a custom manager takes out of a file: the place of the value to
// replace, and of what.
type found struct {
	dep, value, digest string
	from, to           int // of the value
}

func (p preset) match(t *testing.T, file string) (all []found) {
	t.Helper()
	for _, m := range p.CustomManagers {
		for _, s := range m.MatchStrings {
			form := regexp.MustCompile(s)
			for _, at := range form.FindAllStringSubmatchIndex(file, -1) {
				f := found{dep: m.DepNameTemplate}
				for i, name := range form.SubexpNames() {
					if name == "" || at[2*i] < 0 {
						continue
					}
					text := file[at[2*i]:at[2*i+1]]
					switch name {
					case "depName":
						f.dep = text
					case "currentValue":
						f.value, f.from, f.to = text, at[2*i], at[2*i+1]
					case "currentDigest":
						f.digest = text
					default:
						t.Errorf("Renovate knows no group %s", name)
					}
				}
				all = append(all, f)
			}
		}
	}
	return all
}

func TestRenovateFindsTheEntriesOfTheExample(t *testing.T) {
	p := readPreset(t, "mirror")
	for _, m := range p.CustomManagers {
		if m.CustomType != "regex" || m.DatasourceTemplate != "docker" || len(m.ManagerFilePatterns) != 1 {
			t.Errorf("%+v", m)
		}
		pattern := strings.Trim(m.ManagerFilePatterns[0], "/")
		for file, want := range map[string]bool{"images.yaml": true, "mirror/images.yaml": true, "images.lock.yaml": false, "my-images.yaml": false} {
			if got := regexp.MustCompile(pattern).MatchString(file); got != want {
				t.Errorf("%s on %s: %v", pattern, file, got)
			}
		}
	}
	b, err := os.ReadFile("../../examples/mirror/images.yaml")
	must(t, err)
	list, err := imagelist.Parse("images.yaml", b)
	must(t, err)
	var want, got []string
	for _, e := range list.Images {
		want = append(want, string(e.Source)+":"+string(e.Tags[0]))
	}
	for _, f := range p.match(t, string(b)) {
		got = append(got, f.dep+":"+f.value)
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

func TestWhatRenovateProposesIsAGoodList(t *testing.T) {
	const file = `apiVersion: pave/v1
kind: ImageList
images:
  - name: a
    source: ghcr.io/example/a
    tags: ["1.2.0"]
  - name: b
    source: 'harbor.example.internal:8443/b/b'
    tags: [1.22-alpine]
  - name: c
    source: ghcr.io/example/c
    digest: sha256:0000000000000000000000000000000000000000000000000000000000000000
    as: 3.1.4
  - name: several
    source: ghcr.io/example/several
    tags: ["1.1", "1.2"]
  - name: range
    source: ghcr.io/example/range
    versions: ~1.2
`
	all := readPreset(t, "mirror").match(t, file)
	if len(all) != 3 || all[2].digest == "" {
		t.Fatalf("%+v", all)
	}
	slices.SortFunc(all, func(a, b found) int { return b.from - a.from })
	changed := file
	for _, f := range all {
		changed = changed[:f.from] + "9.9.9" + changed[f.to:]
	}
	list, err := imagelist.Parse("images.yaml", []byte(changed))
	must(t, err)
	if list.Images[0].Tags[0] != "9.9.9" || list.Images[1].Tags[0] != "9.9.9" || list.Images[2].As != "9.9.9" || len(list.Images[3].Tags) != 2 {
		t.Errorf("%s", changed)
	}
}

func TestRenovateFindsDaggerModulesAndTheEngine(t *testing.T) {
	const file = `{
  "name": "shop",
  "engineVersion": "v0.19.10",
  "dependencies": [
    {"name": "local", "source": "../toolbox"},
    {"name": "scan", "source": "github.com/pave-platform/pave/modules/scan@v0.2.0", "pin": "0123"},
    {"name": "wolfi", "source": "https://github.com/dagger/dagger.git/modules/wolfi@v0.19.0"},
    {"name": "branch", "source": "github.com/example/modules/x@main"}
  ]
}`
	var got []string
	for _, f := range readPreset(t, "dagger").match(t, file) {
		got = append(got, f.dep+"@"+f.value)
	}
	slices.Sort(got)
	if want := []string{"dagger/dagger@v0.19.0", "dagger/dagger@v0.19.10", "pave-platform/pave@v0.2.0"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if p := readPreset(t, "team"); !slices.Contains(p.Extends, "github>pave-platform/pave//pipelines/renovate/dagger") {
		t.Errorf("%+v", p)
	}
}

// TestThePipelineOnlyCallsDagger keeps the wrapper thin.
func TestThePipelineOnlyCallsDagger(t *testing.T) {
	b, err := os.ReadFile("../../pipelines/mirror/bitbucket-pipelines.yml")
	must(t, err)
	type step struct {
		Step struct {
			Name   string   `yaml:"name"`
			RunsOn []string `yaml:"runs-on"`
			Script []string `yaml:"script"`
		} `yaml:"step"`
	}
	var pipeline struct {
		Definitions any `yaml:"definitions"`
		Pipelines   struct {
			Branches     map[string][]step `yaml:"branches"`
			PullRequests map[string][]step `yaml:"pull-requests"`
			Custom       map[string][]step `yaml:"custom"`
		} `yaml:"pipelines"`
	}
	d := yaml.NewDecoder(strings.NewReader(string(b)))
	d.KnownFields(true)
	must(t, d.Decode(&pipeline))
	seen := 0
	for _, group := range []map[string][]step{pipeline.Pipelines.Branches, pipeline.Pipelines.PullRequests, pipeline.Pipelines.Custom} {
		for name, steps := range group {
			for _, s := range steps {
				seen++
				if len(s.Step.Script) != 1 || !strings.HasPrefix(s.Step.Script[0], "dagger call ") || strings.Contains(s.Step.Script[0], ";") {
					t.Errorf("%s: %q", name, s.Step.Script)
				}
			}
		}
	}
	if seen != 4 {
		t.Errorf("%d steps", seen)
	}
}
