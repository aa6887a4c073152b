package main

import (
	"fmt"
	"io"
	"strings"
)

// clientEnv is what a Dagger client needs to use the engine at address; an
// empty address is Dagger's own choice, the Docker host.
func clientEnv(address string) []string {
	env := []string{"DO_NOT_TRACK=1", "DAGGER_NO_NAG=1"}
	if address != "" {
		env = append(env, "_EXPERIMENTAL_DAGGER_RUNNER_HOST="+address)
	}
	return env
}

// printEnv writes the lines that make a POSIX shell use the CLI in the folder
// cli with the engine at address.
func printEnv(w io.Writer, cli, address string) error {
	lines := fmt.Sprintf("export PATH=%s:\"$PATH\"\n", quote(cli))
	for _, kv := range clientEnv(address) {
		name, value, _ := strings.Cut(kv, "=")
		lines += fmt.Sprintf("export %s=%s\n", name, quote(value))
	}
	_, err := io.WriteString(w, lines)
	return err
}

// quote gives s as one word of a POSIX shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
