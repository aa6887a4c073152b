package sign_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"sync"
	"testing"

	"github.com/secure-systems-lab/go-securesystemslib/encrypted"

	"github.com/pave-platform/pave/internal/registrytest"
	"github.com/pave-platform/pave/internal/secret"
	"github.com/pave-platform/pave/internal/secrettest"
	"github.com/pave-platform/pave/steps/sign"
)

// errand is one thing that the child process of the canary test does.
type errand struct {
	Target     sign.Target
	Predicates []sign.Predicate
	Verify     sign.VerifyOptions
}

const childVariable = "SIGN_TEST_ERRANDS"

// TestMain lets this program be the child of TestSecretsStaySecret: what
// libraries write to the process's own streams is seen only from outside.
func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		os.Exit(child())
	}
	os.Exit(m.Run())
}

// child runs the errands and says all there is to say about them.
func child() int {
	var errands map[string]errand
	if err := json.NewDecoder(os.Stdin).Decode(&errands); err != nil {
		fmt.Println(err)
		return 1
	}
	for _, name := range slices.Sorted(maps.Keys(errands)) {
		e := errands[name]
		ctx := context.Background()
		signed, err1 := sign.Image(ctx, e.Target)
		attested, err2 := sign.Attest(ctx, e.Target, e.Predicates)
		verified, err3 := sign.Verify(ctx, e.Verify)
		for _, r := range []interface{ Summary(io.Writer) }{signed, attested, verified} {
			r.Summary(os.Stdout)
			_ = json.NewEncoder(os.Stdout).Encode(r)
		}
		err := errors.Join(err1, err2, err3)
		fmt.Fprintf(os.Stderr, "%v\n%#v\n%s: failed %t\n", err, err, name, err != nil)
	}
	return 0
}

// recorder keeps everything that is sent to a registry, but for the header
// whose job is to carry the password.
type recorder struct {
	mu   sync.Mutex
	seen bytes.Buffer
}

func (rec *recorder) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		header := r.Header.Clone()
		header.Del("Authorization")
		rec.mu.Lock()
		fmt.Fprintln(&rec.seen, r.Method, r.URL, header)
		rec.seen.Write(body)
		rec.mu.Unlock()
		next.ServeHTTP(w, r)
	})
}

func TestSecretsStaySecret(t *testing.T) {
	const password, token = "canary-of-the-key", "hvs.canary-of-the-vault"
	t.Setenv("SIGN_TEST_PASSWORD", password)
	var rec recorder
	l := newLab(t, registrytest.New(t, registrytest.Options{Wrap: rec.wrap}))
	pair, err := sign.Keygen(t.Context(), sign.KeygenOptions{OutputDir: t.TempDir(), Password: secret.Source{Env: "SIGN_TEST_PASSWORD"}})
	must(t, err)
	private := read(t, pair.PrivateKey)
	block, _ := pem.Decode(private)
	der, err := encrypted.Decrypt(block.Bytes, []byte(password))
	must(t, err)
	secrets := map[string][]byte{
		"key password": []byte(password), "registry password": []byte(l.Password), "Vault token": []byte(token),
		"encrypted key": block.Bytes, "private key": der,
	}

	good := errand{Target: l.target(sign.Bundle), Predicates: facts(t), Verify: l.verification("spdx")}
	good.Target.Key = sign.Key{PEM: secret.Source{File: pair.PrivateKey}, Password: secret.Source{Env: "SIGN_TEST_PASSWORD"}}
	good.Verify.Key = sign.PublicKey{PEM: secret.Source{File: pair.PublicKey}}
	legacy := good
	legacy.Target.Format = sign.Legacy
	cases := map[string]errand{"bundles": good, "legacy": legacy}
	spoil := func(name string, change func(*errand)) {
		e := good
		change(&e)
		cases[name] = e
	}
	spoil("a wrong key password", func(e *errand) { e.Target.Key.Password = secret.Source{File: file(t, password+"-not")} })
	spoil("a private key for the public one", func(e *errand) { e.Verify.Key.PEM.File = pair.PrivateKey })
	spoil("a predicate that is the key", func(e *errand) { e.Predicates = []sign.Predicate{{Type: "spdx", Path: pair.PrivateKey}} })
	spoil("a wrong registry password", func(e *errand) {
		e.Target.Registry.Password = secret.Source{File: file(t, l.Password+"-not")}
		e.Verify.Registry.Password = e.Target.Registry.Password
	})
	spoil("a Vault that is not there", func(e *errand) {
		kms := sign.KMS{Name: "hashivault://pave", Address: "https://127.0.0.1:1", Token: secret.Source{File: file(t, token)}}
		e.Target.Key, e.Verify.Key = sign.Key{KMS: kms}, sign.PublicKey{KMS: kms}
	})
	said := run(t, cases)
	for name := range cases {
		fails := name != "bundles" && name != "legacy"
		if !bytes.Contains(said, fmt.Appendf(nil, "\n%s: failed %t\n", name, fails)) {
			t.Errorf("%s: want failed %t:\n%s", name, fails, said)
		}
	}
	secrettest.NotIn(t, "the process", said, secrets)
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if rec.seen.Len() < 10_000 {
		t.Errorf("only %d bytes were seen on the way to the registry", rec.seen.Len())
	}
	secrettest.NotIn(t, "the registry", rec.seen.Bytes(), secrets)
}

// run gives what a child process writes to its streams.
func run(t *testing.T, errands map[string]errand) []byte {
	t.Helper()
	stdin, err := json.Marshal(errands)
	must(t, err)
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"=1", "VAULT_MAX_RETRIES=0")
	cmd.Stdin = bytes.NewReader(stdin)
	said, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	return said
}
