// Command vault serves the core of HashiCorp Vault from memory, uninitialised
// and sealed, for tests: the KV and transit engines, LDAP, Kubernetes and AppRole
// logins. Nothing is kept when it ends.
//
// It is a module of its own because Vault's dependencies and pave's do not
// agree.
package main

import (
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"

	"github.com/hashicorp/go-hclog"
	kubernetes "github.com/hashicorp/vault-plugin-auth-kubernetes"
	kv "github.com/hashicorp/vault-plugin-secrets-kv"
	"github.com/hashicorp/vault/builtin/credential/approle"
	"github.com/hashicorp/vault/builtin/credential/ldap"
	"github.com/hashicorp/vault/builtin/logical/transit"
	vaulthttp "github.com/hashicorp/vault/http"
	"github.com/hashicorp/vault/internalshared/configutil"
	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/hashicorp/vault/sdk/physical/inmem"
	"github.com/hashicorp/vault/vault"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:0", "loopback address to listen on")
	cert := flag.String("tls-cert", "", "PEM certificate; empty: plain http")
	key := flag.String("tls-key", "", "PEM key of the certificate")
	flag.Parse()
	if err := serve(*addr, *cert, *key); err != nil {
		fmt.Fprintln(os.Stderr, "vault:", err)
		os.Exit(1)
	}
}

// serve prints the server's URL as one line to stdout once it listens.
func serve(addr, cert, key string) error {
	core, err := newCore()
	if err != nil {
		return err
	}
	listener, err := listen(addr)
	if err != nil {
		return err
	}
	scheme := "http"
	if cert != "" {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return err
		}
		scheme = "https"
		listener = tls.NewListener(listener, &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}})
	}
	fmt.Printf("%s://%s\n", scheme, listener.Addr())
	return http.Serve(listener, vaulthttp.Handler.Handler(&vault.HandlerProperties{
		Core:           core,
		ListenerConfig: &configutil.Listener{Type: "tcp"},
	}))
}

// listen listens on loopback only: what is served has no protection.
func listen(addr string) (net.Listener, error) {
	tcp, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return nil, err
	}
	if !tcp.IP.IsLoopback() {
		return nil, errors.New("it listens on loopback addresses only")
	}
	return net.ListenTCP("tcp", tcp)
}

func newCore() (*vault.Core, error) {
	logger := hclog.New(&hclog.LoggerOptions{Output: os.Stderr, Level: hclog.Warn})
	storage, err := inmem.NewInmem(nil, logger)
	if err != nil {
		return nil, err
	}
	engines := map[string]logical.Factory{"kv": kv.Factory, "transit": transit.Factory}
	logins := map[string]logical.Factory{"ldap": ldap.Factory, "kubernetes": kubernetes.Factory, "approle": approle.Factory}
	return vault.NewCore(&vault.CoreConfig{
		Physical:           storage,
		Logger:             logger,
		DisableMlock:       true,
		LogicalBackends:    engines,
		CredentialBackends: logins,
		// Mounting looks plugins up here and panics when it is nil.
		BuiltinRegistry: builtins{consts.PluginTypeSecrets: engines, consts.PluginTypeCredential: logins},
	})
}

// builtins is the plugin registry of just the engines and logins above.
type builtins map[consts.PluginType]map[string]logical.Factory

// Contains implements vault.BuiltinRegistry.
func (b builtins) Contains(name string, kind consts.PluginType) bool {
	_, ok := b[kind][name]
	return ok
}

// Get implements vault.BuiltinRegistry.
func (b builtins) Get(name string, kind consts.PluginType) (func() (any, error), bool) {
	factory, ok := b[kind][name]
	return func() (any, error) { return factory, nil }, ok
}

// Keys implements vault.BuiltinRegistry.
func (b builtins) Keys(kind consts.PluginType) []string {
	var names []string
	for name := range b[kind] {
		names = append(names, name)
	}
	return names
}

// DeprecationStatus implements vault.BuiltinRegistry.
func (b builtins) DeprecationStatus(string, consts.PluginType) (consts.DeprecationStatus, bool) {
	return consts.Supported, true
}

// IsBuiltinEntPlugin implements vault.BuiltinRegistry.
func (b builtins) IsBuiltinEntPlugin(string, consts.PluginType) bool { return false }
