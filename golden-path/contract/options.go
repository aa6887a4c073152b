package contract

// Option tells what the platform knows and the file does not.
type Option func(*known)

type known struct {
	domains []Host
	secrets []string
	project bool // whether the project's Secrets are known, even if there are none
}

// IngressDomains are those under which an application may be reached; a host
// elsewhere is a problem. Without any of them every host is allowed.
func IngressDomains(domains ...Host) Option {
	return func(k *known) { k.domains = append(k.domains, domains...) }
}

// Secrets are the names of those that the project has. A reference to another
// one is a problem, unless the file says from where in Vault it is synced.
func Secrets(names ...string) Option {
	return func(k *known) { k.secrets, k.project = append(k.secrets, names...), true }
}
