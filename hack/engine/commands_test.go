package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/pave-platform/pave/internal/fault"
)

func TestUsageErrorsSayWhatToDo(t *testing.T) {
	for line, want := range map[string]string{
		"sideways":                   `unknown command "sideways"; see --help`,
		"down --purge":               "unknown flag: --purge; see --help",
		"up --name A":                `--name "A" is not a name; use at most 31 of a-z, 0-9 and -`,
		"up --registry-mirror a":     `--registry-mirror "a" is not HOST=MIRROR; write for example docker.io=harbor.example.com/dockerhub`,
		"status --state-dir here":    `--state-dir "here" is not an absolute path`,
		bootCommand + " /none/there": "boot is not a command for people; see --help",
	} {
		var out bytes.Buffer
		root := rootCommand(&out, &out)
		root.SetArgs(strings.Fields(line))
		err := root.ExecuteContext(t.Context())
		if err == nil || err.Error() != want || fault.KindOf(err) != fault.Input {
			t.Errorf("%s: got %v, want %s", line, err, want)
		}
	}
}
