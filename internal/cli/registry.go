package cli

import (
	"github.com/spf13/pflag"

	"github.com/pave-platform/pave/internal/registry"
	"github.com/pave-platform/pave/internal/secret"
)

// SecretFlags adds --<name>-file and --<name>-env for one secret.
func SecretFlags(f *pflag.FlagSet, s *secret.Source, name, what string) {
	f.StringVar(&s.File, name+"-file", "", "file that holds "+what)
	f.StringVar(&s.Env, name+"-env", "", "NAME of the environment variable that holds "+what)
}

// CAFlag adds the flag that every command which trusts the platform's CA shares.
func CAFlag(f *pflag.FlagSet, file *string) {
	f.StringVar(file, "ca-file", "", "PEM file with the platform's root CA, trusted besides the system's")
}

// RegistryFlags adds the flags that every command which talks to a registry
// shares.
func RegistryFlags(f *pflag.FlagSet, o *registry.Options) {
	CAFlag(f, &o.CAFile)
	RegistryLoginFlags(f, o)
}

// RegistryLoginFlags adds those of RegistryFlags that say who logs in.
func RegistryLoginFlags(f *pflag.FlagSet, o *registry.Options) {
	f.StringVar(&o.Username, "registry-username", "", "user name at the registry (default: the Docker configuration file decides)")
	SecretFlags(f, &o.Password, "registry-password", "the registry password or token")
}
