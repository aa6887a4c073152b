package sign

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"

	vault "github.com/hashicorp/vault/api"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/registry"
	"github.com/pave-platform/pave/internal/secret"
)

// KMS names a key in Vault's transit engine, in cosign's notation.
//
// cosign's own client for it reads its CA from the environment only, cannot be
// interrupted, and verifies by the first version of a key only; so this one
// speaks to Vault itself.
type KMS struct {
	Name    string        // hashivault://KEY; empty: no KMS
	Address string        // empty: VAULT_ADDR
	Token   secret.Source // absent: VAULT_TOKEN
	Mount   string        // where transit is mounted; empty: TRANSIT_SECRET_ENGINE_PATH, else transit
}

var transitKey = regexp.MustCompile(`^hashivault://([A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?)$`)

// transit signs with the newest version of one key.
type transit struct {
	client   *vault.Client
	mount    string
	name     string
	latest   int
	newest   *ecdsa.PublicKey
	versions keys // all that may verify, the newest first
}

// open reads the public keys of the key, and thereby sees that it is usable.
func (k KMS) open(ctx context.Context, caFile string) (*transit, error) {
	match := transitKey.FindStringSubmatch(k.Name)
	if match == nil {
		return nil, fault.Inputf("key %q is not a key in Vault", k.Name).Fix("write it as hashivault://NAME")
	}
	client, err := k.client(caFile)
	if err != nil {
		return nil, err
	}
	t := &transit{client: client, name: match[1], mount: strings.Trim(firstOf(k.Mount, os.Getenv("TRANSIT_SECRET_ENGINE_PATH"), "transit"), "/")}
	return t, t.load(ctx)
}

func (k KMS) client(caFile string) (*vault.Client, error) {
	address := firstOf(k.Address, os.Getenv("VAULT_ADDR"))
	if address == "" {
		return nil, fault.Inputf("%s needs Vault's address", k.Name).Fix("set VAULT_ADDR or give --vault-address")
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return nil, fault.Inputf("Vault's address %q is not an http(s) URL", address).Fix("write it as https://vault.example.com:8200")
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		return nil, fault.Inputf("Vault's address %s would send the token in the clear", address).Fix("use https")
	}
	token, err := k.token()
	if err != nil {
		return nil, err
	}
	config := vault.DefaultConfig() // reads VAULT_CACERT and the like
	if config.Error != nil {
		return nil, fault.Inputf("Vault's environment variables: %w", config.Error)
	}
	config.Address = address
	if caFile != "" {
		tls, err := registry.TLSConfig(caFile)
		if err != nil {
			return nil, err
		}
		config.HttpClient.Transport.(*http.Transport).TLSClientConfig = tls
	}
	client, err := vault.NewClient(config)
	if err != nil {
		return nil, fault.Inputf("Vault's environment variables: %w", err)
	}
	client.SetToken(token)
	return client, nil
}

func (k KMS) token() (string, error) {
	from := k.Token
	if from.IsZero() {
		if os.Getenv("VAULT_TOKEN") == "" {
			return "", fault.Inputf("%s needs a Vault token", k.Name).Fix("set VAULT_TOKEN or give --vault-token-file")
		}
		from = secret.Source{Env: "VAULT_TOKEN"}
	}
	token, err := from.Read()
	return string(token), err
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// load reads the public keys of all versions of the key.
func (t *transit) load(ctx context.Context) error {
	answer, err := t.client.Logical().ReadWithContext(ctx, t.mount+"/keys/"+t.name)
	if err != nil {
		return t.explain("read", err)
	}
	if answer == nil {
		return fault.Inputf("%s: Vault has no such key", t).Fix("make it with: vault write -f %s/keys/%s type=ecdsa-p256", t.mount, t.name)
	}
	if kind := answer.Data["type"]; kind != "ecdsa-p256" {
		return fault.Inputf("%s: a key of type %v", t, kind).Fix("use one of type ecdsa-p256")
	}
	versions, ok := answer.Data["keys"].(map[string]any)
	if !ok {
		return fault.Failedf("%s: Vault's answer holds no key versions", t)
	}
	for v, data := range versions {
		number, err := strconv.Atoi(v)
		if err != nil {
			return fault.Failedf("%s: Vault's answer holds a version %q", t, v)
		}
		fields, _ := data.(map[string]any)
		encoded, _ := fields["public_key"].(string)
		parsed, err := cryptoutils.UnmarshalPEMToPublicKey([]byte(encoded))
		if err != nil {
			return fault.Failedf("%s: version %s has no public key: %w", t, v, err)
		}
		public, err := p256(parsed)
		if err != nil {
			return err
		}
		t.versions = append(t.versions, public)
		if number > t.latest {
			t.latest, t.newest = number, public
		}
	}
	return nil
}

// PublicKey implements signature.Signer.
func (t *transit) PublicKey(...signature.PublicKeyOption) (crypto.PublicKey, error) {
	return t.newest, nil
}

// SignMessage implements signature.Signer: only the SHA-256 of the message
// travels to Vault.
func (t *transit) SignMessage(message io.Reader, opts ...signature.SignOption) ([]byte, error) {
	ctx := context.Background()
	for _, o := range opts {
		o.ApplyContext(&ctx)
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, message); err != nil {
		return nil, err
	}
	answer, err := t.client.Logical().WriteWithContext(ctx, t.mount+"/sign/"+t.name+"/sha2-256", map[string]any{
		"input":       base64.StdEncoding.EncodeToString(sum.Sum(nil)),
		"prehashed":   true,
		"key_version": t.latest,
	})
	if err != nil {
		return nil, t.explain("sign", err)
	}
	encoded, _ := answer.Data["signature"].(string)
	parts := strings.Split(encoded, ":") // vault:v1:BASE64
	if len(parts) != 3 {
		return nil, fault.Failedf("%s: Vault's answer holds no signature", t)
	}
	return base64.StdEncoding.DecodeString(parts[2])
}

// String names the key and the server.
func (t *transit) String() string {
	return "hashivault://" + t.name + " at " + t.client.Address()
}

func (t *transit) explain(verb string, err error) error {
	response, ok := errors.AsType[*vault.ResponseError](err)
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case ok && response.StatusCode == http.StatusForbidden:
		return fault.Failedf("%s: Vault does not let this token %s it (403)", t, verb).Fix("check the token, and that its policy allows read on %s/keys/%s and update on %s/sign/%s", t.mount, t.name, t.mount, t.name)
	case ok && response.StatusCode == http.StatusNotFound:
		return fault.Inputf("%s: Vault has no transit engine at %s/", t, t.mount).Fix("enable it, or name its mount with --vault-transit-mount")
	case ok && response.StatusCode == http.StatusServiceUnavailable:
		return fault.Failedf("%s: Vault is sealed or not ready (503)", t).Fix("unseal it")
	}
	return fault.Failedf("%s: %s: %w", t, verb, err).Fix("check the address, and that Vault's CA is in --ca-file or VAULT_CACERT")
}
