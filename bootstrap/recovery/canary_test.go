package recovery_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"testing"

	"github.com/pave-platform/pave/bootstrap/recovery"
)

// TestSecretsStaySecret looks for the cluster's secrets in all that a snapshot, a
// recovery and a refused one say at their most talkative.
func TestSecretsStaySecret(t *testing.T) {
	t.Parallel()
	c := formed(t)
	secrets := c.Secrets(t)
	var said bytes.Buffer
	log := slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelDebug}))
	record := func(result interface{ Summary(io.Writer) }, err error) {
		result.Summary(&said)
		_ = json.NewEncoder(&said).Encode(result)
		fmt.Fprintf(&said, "%v %#v\n", err, err)
	}
	o := recovery.SnapshotOptions{Options: access(c), Output: c.File("second.snapshot")}
	o.Log = log
	s, err := recovery.Take(t.Context(), o)
	record(s, err)
	for _, change := range []func(*recovery.Options){
		func(o *recovery.Options) { o.Confirm = "" },
		func(o *recovery.Options) { o.Identity.File = o.Snapshot },
		func(o *recovery.Options) { o.Snapshot = o.Identity.File },
		func(o *recovery.Options) { o.Wipe = controlPlanes },
	} {
		o := options(c)
		o.Log = log
		change(&o)
		r, err := recovery.Run(t.Context(), o)
		record(r, err)
	}
	secrets.AddConfig(t, c.File("kubeconfig"))
	secrets.AddConfig(t, c.File("talosconfig"))
	if said.Len() < 2000 {
		t.Errorf("they said no more than %s", &said)
	}
	secrets.NotIn(t, said.Bytes())
}
