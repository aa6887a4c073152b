package main

import "github.com/pave-platform/pave/internal/buildcache"

// What the engine is made of. The modules behind the tools are pinned in
// tools/go.mod; changing anything here makes a new cache entry.
const (
	// DaggerVersion is the version that the engine and the CLI announce; each
	// refuses a peer of another one.
	DaggerVersion = "v0.19.10"
	// GoVersion compiles the tools and is the toolchain in the builder image.
	GoVersion = buildcache.GoVersion
	// DebianSuite is the release of the engine's root and the builder image.
	DebianSuite = "bookworm"
	// BuilderImage is the name under which the builder image stands in for the
	// official one: the same toolchain at the same path on the same Debian, but
	// without a C compiler.
	BuilderImage = "library/golang:" + GoVersion + "-" + DebianSuite
)

// rootPackages are what an engine runs besides its own binaries (containers,
// their network, archives, search), and what a Go builder needs (git, ssh).
var rootPackages = []string{
	"ca-certificates", "git", "openssh-client",
	"runc", "containernetworking-plugins", "dnsmasq-base", "iptables", "iproute2",
	"pigz", "xz-utils", "ripgrep",
}
