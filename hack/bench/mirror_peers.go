package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// mirrorModule has the programs that are Go modules, in the versions that are
// compared with.
const mirrorModule = "hack/bench/mirrors"

// mirrorPrograms are what one would copy images with.
type mirrorPrograms struct{ pave, small, skopeo, regsync, crane string }

func (m *mirrorLab) build(ctx context.Context) (p mirrorPrograms, err error) {
	if p.pave, err = m.paveBinary(ctx); err != nil {
		return p, err
	}
	p.small = m.path("pave-mirror")
	if _, err = m.exec(ctx, m.repository, "go", "build", "-ldflags=-s -w -buildid=", "-o", p.small, "./cmd/pave-mirror"); err != nil {
		return p, err
	}
	if p.skopeo, err = exec.LookPath("skopeo"); err != nil {
		return p, needSkopeo(err)
	}
	m.say("building regsync and crane")
	p.regsync, p.crane = m.path("bin", "regsync"), m.path("bin", "crane")
	_, err = m.exec(ctx, filepath.Join(m.repository, filepath.FromSlash(mirrorModule)), "go", "build", "-ldflags=-s -w", "-o", m.path("bin")+"/",
		"github.com/regclient/regclient/cmd/regsync", "github.com/google/go-containerregistry/cmd/crane")
	return p, err
}

// parallel is how much each program may do at a time, where it can be told.
const parallel = "8"

// prepare writes the list in the words of a program.
func (m *mirrorLab) prepare(ctx context.Context, by, from, to string, list []mirrored) error {
	file := m.file(by, to)
	if err := os.WriteFile(file, []byte(listFor(by, from, to, list)), 0o600); err != nil {
		return err
	}
	if by == "pave" || by == "pave-mirror" {
		return m.approve(ctx, file)
	}
	return nil
}

// file is the list in the words of a program, for a target.
func (m *mirrorLab) file(by, to string) string {
	return m.path("mirror", by+"-"+strings.ReplaceAll(to, ":", "-")+".list")
}

func (m *mirrorLab) argv(by, to string) []string {
	file := m.file(by, to)
	switch by {
	case "pave":
		return []string{m.programs.pave, "mirror", "run", "--list", file, "--no-scan", "--no-sign"}
	case "pave-mirror":
		return []string{m.programs.small, "run", "--list", file, "--no-scan", "--no-sign"}
	case "skopeo":
		return []string{m.programs.skopeo, "sync", "--all", "--src", "yaml", "--dest", "docker", "--dest-tls-verify=false", file, to + "/library"}
	case "regsync":
		return []string{m.programs.regsync, "once", "-c", file}
	}
	return []string{"xargs", "-a", file, "-P", parallel, "-n", "2", m.programs.crane, "copy", "--insecure"}
}

func (m *mirrorLab) typed(by, to string) string { return m.lab.typed(m.dir, m.argv(by, to)...) }

// approve writes the lock, which is not counted: people approve once.
func (m *mirrorLab) approve(ctx context.Context, file string) error {
	_, err := m.exec(ctx, m.dir, m.programs.pave, "mirror", "approve", "--list", file, "--all", "--no-scan", "--by", "bench")
	return err
}

// listFor is the list as a program reads it, tuned as its manual says.
func listFor(by, from, to string, list []mirrored) string {
	var b strings.Builder
	switch by {
	case "pave", "pave-mirror":
		fmt.Fprintf(&b, "apiVersion: pave/v1\nkind: ImageList\ndefaults: {target: %q}\nimages:\n", to+"/library")
	case "skopeo":
		fmt.Fprintf(&b, "%s:\n  tls-verify: false\n  images:\n", from)
	case "regsync":
		fmt.Fprintf(&b, "version: 1\ncreds:\n  - {registry: %q, tls: disabled, reqConcurrent: %s}\n  - {registry: %q, tls: disabled, reqConcurrent: %s}\n"+
			"defaults: {parallel: %s, skipDockerConfig: true}\nsync:\n", from, parallel, to, parallel, parallel)
	}
	for _, i := range list {
		switch by {
		case "pave", "pave-mirror":
			fmt.Fprintf(&b, "  - {name: %s, source: %q, tags: [%q]}\n", i.name, from+"/up/"+i.name, i.tag)
		case "skopeo":
			fmt.Fprintf(&b, "    up/%s: [%q]\n", i.name, i.tag)
		case "regsync":
			fmt.Fprintf(&b, "  - {source: %q, target: %q, type: image}\n", from+"/up/"+i.name+":"+i.tag, to+"/library/"+i.name+":"+i.tag)
		case "crane":
			fmt.Fprintf(&b, "%s/up/%s:%s %s/library/%s:%s\n", from, i.name, i.tag, to, i.name, i.tag)
		}
	}
	return b.String()
}
