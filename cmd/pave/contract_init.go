package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pave-platform/pave/golden-path/contract"
	"github.com/pave-platform/pave/internal/cli"
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/outfile"
)

// initOptions say which platform.yaml to write.
type initOptions struct {
	file, name, team, project, schema string
	force, dryRun                     bool
}

func contractInitCommand(a *cli.App) *cobra.Command {
	var o initOptions
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Write the smallest valid platform.yaml",
		Example: `  pave contract init --team web --project demo
  pave contract init --name shop --team web --project demo --dry-run`,
		RunE: func(*cobra.Command, []string) error {
			return a.Finish(initContract(o))
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.file, "file", "platform.yaml", "the contract to write")
	f.StringVar(&o.name, "name", "", "name of the application (default: the last part of go.mod's module, else of the folder)")
	f.StringVar(&o.team, "team", "team", "team that owns the application")
	f.StringVar(&o.project, "project", "project", "project of the platform that it belongs to")
	f.StringVar(&o.schema, "schema", contract.SchemaURL, "where editors find the schema: an address, or a file of `pave contract schema`")
	f.BoolVar(&o.force, "force", false, "overwrite a file that is there")
	f.BoolVar(&o.dryRun, "dry-run", false, "print the file, write nothing")
	return cmd
}

// initialized is the Result of `pave contract init`.
type initialized struct {
	File    string `json:"file"`
	Name    string `json:"name"`
	Team    string `json:"team"`
	Project string `json:"project"`
	Written bool   `json:"written"`
	Content string `json:"content"`
}

// Summary is the file itself where it was not written.
func (r initialized) Summary(w io.Writer) {
	if !r.Written {
		fmt.Fprint(w, r.Content)
		return
	}
	fmt.Fprintf(w, "%s: %s of team %s in project %s\nsee `pave contract explain spec` for what else it can say\n", r.File, r.Name, r.Team, r.Project)
}

func initContract(o initOptions) (initialized, error) {
	if o.name == "" {
		name, err := nameOf(filepath.Dir(o.file))
		if err != nil {
			return initialized{}, err
		}
		o.name = name
	}
	content, err := contract.Smallest(contract.Metadata{
		Name: contract.Name(o.name), Team: contract.Name(o.team), Project: contract.Name(o.project),
	}, o.schema)
	if err != nil {
		return initialized{}, err
	}
	r := initialized{File: o.file, Name: o.name, Team: o.team, Project: o.project, Content: string(content)}
	if o.dryRun {
		return r, nil
	}
	if _, err := os.Lstat(o.file); err == nil && !o.force {
		return initialized{}, fault.Inputf("%s is there already", o.file).Fix("check it with `pave contract validate`, or overwrite it with --force")
	}
	if err := outfile.Write(o.file, content); err != nil {
		return initialized{}, fault.Failedf("%w", err)
	}
	r.Written = true
	return r, nil
}

var (
	moduleLine   = regexp.MustCompile(`(?m)^module\s+"?([^\s"]+)`)
	majorVersion = regexp.MustCompile(`^v[0-9]+$`)
	notInName    = regexp.MustCompile(`[^a-z0-9]+`)
)

// nameOf makes a name of the Go module in dir, or of dir itself.
func nameOf(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fault.Inputf("%w", err)
	}
	from := filepath.Base(dir)
	data, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if m := moduleLine.FindSubmatch(bytes.TrimSpace(data)); err == nil && m != nil {
		module := string(m[1])
		if majorVersion.MatchString(path.Base(module)) {
			module = path.Dir(module)
		}
		from = path.Base(module)
	}
	name := strings.Trim(notInName.ReplaceAllString(strings.ToLower(from), "-"), "-")
	name = strings.TrimLeft(name, "0123456789-")
	if name == "" {
		return "", fault.Inputf("no name can be made of %q", from).Fix("give one with --name")
	}
	return strings.TrimRight(name[:min(len(name), 50)], "-"), nil
}
