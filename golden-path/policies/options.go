package policies

import (
	"crypto/x509"
	"encoding/pem"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/pave-platform/pave/internal/fault"
)

// registryPattern is a host with an optional port, and an optional path of
// repositories, as in an image's name.
var registryPattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$`)

const maxExceptionDays = 366

func (o Options) check() error {
	for _, r := range o.Registries {
		if !registryPattern.MatchString(r) {
			return fault.Inputf("registry %q is not a host with a path", r).Fix("write it as at the beginning of an image's name: registry.example.com or registry.example.com/project")
		}
	}
	if o.ExceptionDays < 0 || o.ExceptionDays > maxExceptionDays {
		return fault.Inputf("an exception of %d days", o.ExceptionDays).Fix("give 1 to %d days", maxExceptionDays)
	}
	for _, user := range o.Operators {
		if user == "" || strings.TrimSpace(user) != user {
			return fault.Inputf("operator %q is not a user name", user).Fix("write it as system:serviceaccount:NAMESPACE:NAME")
		}
	}
	for _, secret := range o.PullSecrets {
		if wrong := validation.IsDNS1123Subdomain(secret); len(wrong) > 0 {
			return fault.Inputf("pull secret %q: %s", secret, wrong[0]).Fix("give the name of a Secret in Kyverno's namespace")
		}
	}
	return nil
}

func checkKey(data []byte) error {
	fix := "give the public key of those that sign, as `pave sign public-key` writes it"
	block, rest := pem.Decode(data)
	switch {
	case block == nil:
		return fault.Inputf("the public key is not PEM").Fix("%s", fix)
	case strings.Contains(block.Type, "PRIVATE"):
		return fault.Inputf("a private key was given for the public one").Fix("%s", fix)
	case strings.TrimSpace(string(rest)) != "":
		return fault.Inputf("there is more in the file than one public key").Fix("%s", fix)
	}
	if _, err := x509.ParsePKIXPublicKey(block.Bytes); err != nil {
		return fault.Inputf("the public key: %w", err).Fix("%s", fix)
	}
	return nil
}
