package contract

import (
	"fmt"
	"regexp"

	"github.com/pave-platform/pave/internal/yamlfile"
)

// maxPath is the length of a path in the container or in Vault.
const maxPath = 253

// mountPathForm has no part that starts or ends with a dot, so none is . or ..
var mountPathForm = regexp.MustCompile(`^(/[A-Za-z0-9_-]([A-Za-z0-9._-]*[A-Za-z0-9_-])?)+$`)

// ownPaths are the system's: a mount there breaks the container.
var ownPaths = regexp.MustCompile(`^/(((proc|sys|dev|run/secrets|var/run/secrets)(/.*)?)|etc|bin|sbin|lib|lib64|usr|var|run)$`)

// sharedPath is where every container can write.
const sharedPath MountPath = "/tmp"

// MountPath is an absolute path in the container.
type MountPath string

func (p MountPath) valid() error {
	switch {
	case len(p) > maxPath:
		return yamlfile.AtMost(string(p), maxPath)
	case !mountPathForm.MatchString(string(p)):
		return fmt.Errorf("%q is not a folder to mount: write an absolute path without . and .. and without a / at the end, as in /data", p)
	case ownPaths.MatchString(string(p)):
		return fmt.Errorf("%q belongs to the system: use a folder of the application, as in /data", p)
	case p == sharedPath:
		return fmt.Errorf("%q is writable in every container: delete the line, or use a folder in it", p)
	}
	return nil
}

var vaultPathForm = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$`)

// VaultPath is the path of a secret in Vault.
type VaultPath string

func (p VaultPath) valid() error {
	if len(p) > maxPath {
		return yamlfile.AtMost(string(p), maxPath)
	}
	if !vaultPathForm.MatchString(string(p)) {
		return fmt.Errorf("%q is not a path in Vault: write it without a / in front and at the end, as in demo/api", p)
	}
	return nil
}
