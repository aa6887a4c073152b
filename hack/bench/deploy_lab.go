package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/pave-platform/pave/internal/fault"
	cluster "github.com/pave-platform/pave/internal/lab"
)

// deployHealthy is the way of a commit to a pod that is Healthy, on a real Argo CD
// and a real node of this machine, stage by stage.
func deployHealthy(ctx context.Context, l *lab) (outcome, error) {
	pave, err := l.paveBinary(ctx)
	if err != nil {
		return outcome{}, err
	}
	if os.Getuid() != 0 {
		return outcome{}, fault.Inputf("the lab needs root").Fix("run this row as root on Linux")
	}
	l.say("starting a Kubernetes with Argo CD and a node")
	up, err := cluster.Up(ctx, cluster.Options{
		Parts: []cluster.Part{cluster.ArgoCD, cluster.Kubelet, cluster.Registry, cluster.Git}, Refresh: time.Hour,
	})
	if err != nil {
		return outcome{}, err
	}
	w := &way{lab: l, up: up, pave: pave}
	o, err := w.walk(ctx)
	if e := up.Close(); err == nil {
		err = e
	}
	return o, err
}

// way is a platform in the lab, and the stages of what goes through it.
type way struct {
	*lab
	up     *cluster.Lab
	pave   string
	gitops string // URL

	version string             // of the base chart
	now     map[string]float64 // seconds by stage, of the present walk
	stages  map[string][]float64
	order   []string
	said    []string // the commands of one walk
}

func (w *way) walk(ctx context.Context) (outcome, error) {
	if err := w.platform(ctx); err != nil {
		return outcome{}, err
	}
	source := w.path("healthy")
	if err := os.CopyFS(source, os.DirFS(filepath.Join(w.repository, "examples", "hello-go"))); err != nil {
		return outcome{}, err
	}
	o := outcome{Unit: "s"}
	for n := range w.runs + 1 {
		if n <= 1 { // the very first one makes the environment, too
			w.now, w.stages, w.order, w.said = map[string]float64{}, map[string][]float64{}, nil, nil
		}
		// In the program, or the image would be the same.
		change := fmt.Sprintf("package main\n\nimport \"os\"\n\nfunc init() {\n\tif len(os.Args) == 99 {\n\t\tpanic(\"change %d\")\n\t}\n}\n", n)
		if err := os.WriteFile(filepath.Join(source, "change.go"), []byte(change), 0o644); err != nil {
			return o, err
		}
		start := time.Now()
		if err := w.once(ctx, source, n); err != nil {
			return o, err
		}
		w.arrived()
		if n > 0 {
			o.Runs = append(o.Runs, time.Since(start).Seconds())
		}
	}
	o.Value, o.Commands = median(o.Runs), w.said
	var stages []string
	for _, name := range w.order {
		stages = append(stages, fmt.Sprintf("%s %.1f s", name, median(w.stages[name])))
	}
	o.Compared = "by stage: " + strings.Join(stages, ", ")
	return o, nil
}

// platform sets the GitOps repository up, and a project with a namespace.
func (w *way) platform(ctx context.Context) error {
	charts := w.charts()
	repository, err := w.up.Repository(ctx, "gitops")
	if err != nil {
		return err
	}
	w.gitops = repository.URL
	pushed, err := w.exec(ctx, w.dir, w.pave, "chart", "push", "--repository="+charts, "--json")
	if err != nil {
		return err
	}
	var chart struct{ Version string }
	if err := json.Unmarshal([]byte(pushed.stdout), &chart); err != nil {
		return err
	}
	w.version = chart.Version
	for _, argv := range [][]string{
		{w.pave, "gitops", "init", "--repository=" + w.gitops, "--chart-repository=" + charts, "--project=demo"},
		{w.pave, "gitops", "render", "--output=" + w.path("gitops"), "--argocd-repository=" + w.gitops, "--chart-repository=" + charts, "--project=demo"},
	} {
		if _, err := w.exec(ctx, w.dir, argv...); err != nil {
			return err
		}
	}
	documents := fmt.Sprintf("apiVersion: v1\nkind: Namespace\nmetadata: {name: demo-staging}\n---\napiVersion: v1\nkind: Secret\n"+
		"metadata: {name: charts, namespace: argocd, labels: {argocd.argoproj.io/secret-type: repository}}\n"+
		"stringData: {type: helm, name: charts, url: %q, enableOCI: 'true', insecureOCIForceHttp: 'true'}\n", charts)
	for _, file := range []string{"appproject-platform.yaml", "platform.yaml"} {
		content, err := os.ReadFile(w.path("gitops", "platform", file))
		if err != nil {
			return err
		}
		documents += "---\n" + string(content)
	}
	return w.up.ApplyYAML(ctx, []byte(documents))
}

// once takes one change all the way.
func (w *way) once(ctx context.Context, source string, n int) error {
	tarball, values := w.path("healthy.tar"), w.path("healthy-values.yaml")
	if _, err := w.stage(ctx, "build", w.pave, "image", "build", "--source="+source, "--output="+tarball); err != nil {
		return err
	}
	published, err := w.stage(ctx, "publish", w.pave, "image", "publish", "--tarball="+tarball, fmt.Sprintf("--ref=%s/demo/hello-go:%d", w.up.Registry, n))
	if err != nil {
		return err
	}
	image := digest.FindString(published.stdout)
	if image == "" {
		return fmt.Errorf("no digest in %q", published.stdout)
	}
	image = w.up.Registry + "/demo/hello-go@" + image
	if _, err := w.stage(ctx, "render", w.pave, "chart", "values", "--file="+filepath.Join(source, "platform.yaml"), "--environment=staging", "--image="+image, "--output="+values); err != nil {
		return err
	}
	if err := withoutIngress(values); err != nil {
		return err
	}
	return w.deploy(ctx, values, image)
}

// withoutIngress leaves out what needs an ingress controller, which the lab does
// not have.
func withoutIngress(file string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	fields := map[string]any{}
	if err := yaml.Unmarshal(content, &fields); err != nil {
		return err
	}
	delete(fields, "ingress")
	if content, err = yaml.Marshal(fields); err != nil {
		return err
	}
	return os.WriteFile(file, content, 0o644)
}

var (
	waits = regexp.MustCompile(`(?m)^time=(\S+) .*msg="waiting for (Argo CD to (?:take up|make|compare|sync)|the sync|resources to become Healthy)`)

	// stageOf is what ends when a deploy begins to wait for something.
	stageOf = map[string]string{
		"Argo CD to take up": "push", "Argo CD to make": "push", "Argo CD to compare": "taken up by Argo CD", "the sync": "compared", "Argo CD to sync": "synced", "resources to become Healthy": "synced",
	}
)

// deploy deploys and waits. Its own words, with their times, tell the stages.
func (w *way) deploy(ctx context.Context, values, image string) error {
	argv := []string{
		w.pave, "deploy", "app", "--repository=" + w.gitops, "--project=demo", "--environment=staging", "--app=hello-go", "--image=" + image,
		"--chart-repository=" + w.charts(), "--chart-version=" + w.version, "--values=" + values,
		"--wait", "--kubeconfig-file=" + w.up.Kubeconfig,
	}
	cmd := command(ctx, w.dir, argv...)
	var said strings.Builder
	cmd.Stderr = &said
	last := time.Now()
	err := cmd.Run()
	end := time.Now()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", w.typed(w.dir, argv...), err, tail(said.String()))
	}
	for _, m := range waits.FindAllStringSubmatch(said.String(), -1) {
		at, err := time.Parse(time.RFC3339Nano, m[1])
		if err != nil {
			return err
		}
		w.add(stageOf[m[2]], at.Sub(last))
		last = at
	}
	w.add("Healthy", end.Sub(last))
	w.keep(argv...)
	return nil
}

func (w *way) charts() string { return w.up.Registry + "/platform/charts" }

// stage runs a command that is a stage by itself.
func (w *way) stage(ctx context.Context, name string, argv ...string) (ran, error) {
	r, err := w.exec(ctx, w.dir, argv...)
	w.add(name, r.wall)
	w.keep(argv...)
	return r, err
}

// add counts a part of a stage of the present walk.
func (w *way) add(name string, took time.Duration) {
	if !slices.Contains(w.order, name) {
		w.order = append(w.order, name)
	}
	w.now[name] += took.Seconds()
}

// arrived ends a walk.
func (w *way) arrived() {
	for name, took := range w.now {
		w.stages[name] = append(w.stages[name], took)
	}
	w.now = map[string]float64{}
}

// keep keeps the commands of one walk: build, publish, render, deploy.
func (w *way) keep(argv ...string) {
	const commands = 4
	if len(w.said) < commands {
		w.said = append(w.said, w.typed(w.dir, argv...))
	}
}
