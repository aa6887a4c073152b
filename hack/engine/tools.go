package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pave-platform/pave/internal/buildcache"
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/subprocess"
)

const daggerModule = "github.com/dagger/dagger"

// toolVersion makes the tools announce the version.
const toolVersion = "-X " + daggerModule + "/engine.Version=" + DaggerVersion + " -X " + daggerModule + "/engine.Tag=" + DaggerVersion

// goEnv asks the pinned toolchain for one of its settings.
func goEnv(ctx context.Context, name string) (string, error) {
	cmd := subprocess.Command(ctx, "go", "env", name)
	cmd.Env = buildcache.GoEnv()
	v, err := subprocess.Output(cmd)
	if err != nil {
		return "", fault.Failedf("the Go %s toolchain: %w", GoVersion, err).Fix("install Go %s or let GOPROXY serve it", GoVersion)
	}
	return v, nil
}

// toolsSource finds the module of the tools in the repository we run in, and
// the key of what is compiled from it.
func toolsSource(ctx context.Context) (dir, key string, err error) {
	repository, err := subprocess.Output(subprocess.Command(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/pave-platform/pave"))
	if err != nil {
		return "", "", fault.Inputf("not inside the repository: %w", err).Fix("run it as `go run ./hack/engine` at the repository's root")
	}
	dir = filepath.Join(repository, "hack", "engine", "tools")
	content, err := buildcache.TreeKey(dir)
	return dir, buildcache.Key("tools 1", DaggerVersion, GoVersion, strings.Join(buildcache.GoFlags(toolVersion), " "), content), err
}

// cliPath is where the CLI is in a part made by buildCLI.
func cliPath(dir string) string { return filepath.Join(dir, "dagger") }

// buildCLI compiles the dagger command into dir.
func buildCLI(ctx context.Context, source, dir string) error {
	return goBuild(ctx, source, dir, nil, "dagger")
}

// buildEngine compiles the engine and its parts into dir, laid out as the root
// file system that the engine expects around it.
func buildEngine(ctx context.Context, source, dir string) error {
	bin := filepath.Join(dir, "usr", "local", "bin")
	cni := filepath.Join(dir, "opt", "cni", "bin")
	for _, d := range []string{bin, cni} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	folder, err := os.MkdirTemp("", "pave-engine-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	patched, err := patch(ctx, source, folder)
	if err != nil {
		return err
	}
	if err := goBuild(ctx, source, bin, []string{patched}, "engine", "init", "dnsname"); err != nil {
		return err
	}
	for from, to := range map[string]string{
		filepath.Join(bin, "engine"):  filepath.Join(bin, "dagger-engine"),
		filepath.Join(bin, "init"):    filepath.Join(bin, "dagger-init"),
		filepath.Join(bin, "dnsname"): filepath.Join(cni, "dnsname"),
	} {
		if err := os.Rename(from, to); err != nil {
			return err
		}
	}
	if err := os.Symlink("/usr/sbin/runc", filepath.Join(bin, "runc")); err != nil {
		return err
	}
	for _, plugin := range []string{"bridge", "loopback", "firewall", "host-local"} {
		if err := os.Symlink("/usr/lib/cni/"+plugin, filepath.Join(cni, plugin)); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(bin, "dnsmasq"), []byte(dnsmasqWrapper), 0o755)
}

// dnsmasqWrapper comes before the real dnsmasq in the engine's PATH. The engine
// shares the host's network, where port 53 of other addresses may be taken: by
// systemd-resolved, or by the dnsmasq of a second engine.
const dnsmasqWrapper = "#!/bin/sh\nexec /usr/sbin/dnsmasq --bind-dynamic \"$@\"\n"

// buildCodegen compiles the code generator of Dagger's Go SDK into dir.
func buildCodegen(ctx context.Context, source, dir string) error {
	return goBuild(ctx, source, dir, nil, "codegen")
}

func goBuild(ctx context.Context, source, dir string, flags []string, commands ...string) error {
	arguments := slices.Clone(flags)
	for _, c := range commands {
		arguments = append(arguments, daggerModule+"/cmd/"+c)
	}
	return buildcache.GoBuild(ctx, source, dir, toolVersion, arguments...)
}

// engineKey is that of the engine; the other tools are not patched.
func engineKey(tools string) string { return buildcache.Key("engine 2", tools, patchAfter, patchAdded) }
