package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/lab"
)

// record is what `up` leaves in the lab's folder for the other commands, and
// what they print. It goes away with the lab.
type record struct {
	Name       string            `json:"name"`
	PID        int               `json:"pid"` // of `up`
	Started    time.Time         `json:"started"`
	Address    string            `json:"address"`
	Kubeconfig string            `json:"kubeconfig"`
	CAFile     string            `json:"caFile"`
	Registry   string            `json:"registry,omitempty"`
	Git        string            `json:"git,omitempty"`
	Tools      string            `json:"tools"` // the folder that holds kubectl
	Dir        string            `json:"dir"`
	Logs       map[string]string `json:"logs"` // of each server
}

const (
	recordFile = "lab.json"
	endSocket  = "end.sock" // who connects asks for the end
)

func newRecord(name string, l *lab.Lab, tools string) *record {
	r := &record{
		Name: name, PID: os.Getpid(), Started: time.Now().UTC().Truncate(time.Second),
		Address: l.Address, Kubeconfig: l.Kubeconfig, CAFile: l.CAFile, Registry: l.Registry, Git: l.Git,
		Tools: tools, Dir: l.Dir, Logs: map[string]string{},
	}
	for _, s := range l.Servers() {
		if file, err := l.Log(s); err == nil { // every server has one
			r.Logs[s] = file
		}
	}
	return r
}

func (r *record) write() error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	temp := filepath.Join(r.Dir, "."+recordFile)
	if err := os.WriteFile(temp, append(data, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(temp, filepath.Join(r.Dir, recordFile))
}

// listen gives a channel that is closed when somebody asks for the end.
func (r *record) listen(ctx context.Context) (<-chan struct{}, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "unix", filepath.Join(r.Dir, endSocket))
	if err != nil {
		return nil, err
	}
	asked := make(chan struct{})
	go func() {
		defer l.Close()
		if conn, err := l.Accept(); err == nil {
			conn.Close()
			close(asked)
		}
	}()
	return asked, nil
}

// end asks for the end, and waits until nothing is left.
func (r *record) end(ctx context.Context) error {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", filepath.Join(r.Dir, endSocket))
	if err != nil {
		return fault.Failedf("lab %s does not answer: %w", r.Name, err).Fix("end process %d", r.PID)
	}
	conn.Close()
	for {
		if _, err := os.Stat(r.Dir); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// find gives the running lab of that name, or nil.
func (a *app) find() (*record, error) {
	dirs, err := lab.Dirs()
	if err != nil {
		return nil, err
	}
	for _, dir := range dirs {
		data, err := os.ReadFile(filepath.Join(dir, recordFile))
		if errors.Is(err, fs.ErrNotExist) {
			continue // a test's, or one that starts or ends
		}
		if err != nil {
			return nil, err
		}
		var r record
		if err := json.Unmarshal(data, &r); err != nil {
			return nil, fmt.Errorf("%s: %w", dir, err)
		}
		if r.Name == a.name {
			return &r, nil
		}
	}
	return nil, nil
}

// running is find where there must be one.
func (a *app) running() (*record, error) {
	r, err := a.find()
	if err == nil && r == nil {
		err = fault.Failedf("lab %s does not run", a.name).Fix("use `go run ./hack/lab up`")
	}
	return r, err
}

func (r *record) print(w io.Writer, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(r)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "lab %s\tprocess %d, since %s\n", r.Name, r.PID, r.Started.Format(time.DateTime))
	for _, line := range [][2]string{
		{"kubeconfig", r.Kubeconfig}, {"registry", r.Registry}, {"git", r.Git}, {"CA", r.CAFile}, {"folder", r.Dir},
		{"servers", strings.Join(slices.Sorted(maps.Keys(r.Logs)), " ")},
	} {
		if line[1] != "" {
			fmt.Fprintf(t, "  %s\t%s\n", line[0], line[1])
		}
	}
	return t.Flush()
}

func (r *record) names(w io.Writer) error {
	_, err := fmt.Fprintln(w, strings.Join(slices.Sorted(maps.Keys(r.Logs)), "\n"))
	return err
}

// export writes the lines that make a POSIX shell use the lab.
func (r *record) export(w io.Writer) error {
	lines := fmt.Sprintf("export PATH=%s:\"$PATH\"\n", quote(r.Tools))
	for _, kv := range [][2]string{
		{"KUBECONFIG", r.Kubeconfig}, {"LAB_ADDRESS", r.Address}, {"LAB_REGISTRY", r.Registry}, {"LAB_GIT", r.Git}, {"LAB_CA_FILE", r.CAFile},
	} {
		lines += fmt.Sprintf("export %s=%s\n", kv[0], quote(kv[1]))
	}
	_, err := io.WriteString(w, lines)
	return err
}

// quote gives s as one word of a POSIX shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
