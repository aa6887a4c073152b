package artefact_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"
	"github.com/siderolabs/crypto/x509"
	"github.com/siderolabs/talos/pkg/machinery/config/generate/secrets"

	"github.com/pave-platform/pave/bootstrap/artefact"
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/secret"
)

// canary is in every secret of these tests.
const canary = "canary-of-the-cluster"

var made = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

type lab struct {
	*artefact.Artefact
	dir      string
	identity secret.Source
	content  []byte
}

func seal(t *testing.T) *lab {
	t.Helper()
	l := &lab{dir: t.TempDir()}
	key, err := age.GenerateX25519Identity()
	must(t, err)
	l.identity = secret.Source{File: l.write(t, "identity", "# a comment\n"+key.String()+"\n")}
	l.Artefact = &artefact.Artefact{
		Cluster:   artefact.Cluster{ID: "2c5d8f3a-0000-4000-8000-000000000001", Name: "lab", Project: "idp", Environment: "test", Endpoint: "https://10.20.0.10:6443", Talos: "1.13.0", Kubernetes: "1.36.0"},
		CreatedAt: made,
		Nodes: []artefact.Node{
			{Name: "lab-cp-1", Role: "controlplane", Address: "10.20.0.11", Addresses: []string{"10.20.0.11"}, VM: "vm-1", UUID: "u-1"},
			{Name: "lab-w-1", Role: "worker", Address: "10.20.0.21", Addresses: []string{"10.20.0.21"}, VM: "vm-2", UUID: "u-2"},
		},
		Recipients: []string{key.Recipient().String()},
	}
	must(t, l.Seal(bundle()))
	l.content, err = l.Encode()
	must(t, err)
	return l
}

func bundle() artefact.Secrets {
	return artefact.Secrets{
		Bundle: &secrets.Bundle{
			Cluster: &secrets.Cluster{ID: "id", Secret: canary}, Secrets: &secrets.Secrets{BootstrapToken: canary},
			TrustdInfo: &secrets.TrustdInfo{Token: canary},
			Certs:      &secrets.Certs{OS: &x509.PEMEncodedCertificateAndKey{Crt: []byte("crt"), Key: []byte(canary)}},
		},
		MachineConfigs: map[string]string{"lab-cp-1": "machine: {token: " + canary + "}\n"},
	}
}

func (l *lab) write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(l.dir, name)
	must(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func TestWhatIsSealedIsOpened(t *testing.T) {
	l := seal(t)
	read, err := artefact.Parse("a", l.content, artefact.Expect{Cluster: "lab", ID: l.Cluster.ID})
	must(t, err)
	if diff := cmp.Diff(l.Artefact, read); diff != "" {
		t.Error(diff)
	}
	opened, err := read.Open(l.identity)
	must(t, err)
	if opened.Bundle.Secrets.BootstrapToken != canary || string(opened.Bundle.Certs.OS.Key) != canary || opened.MachineConfigs["lab-cp-1"] != bundle().MachineConfigs["lab-cp-1"] {
		t.Errorf("opened %+v", opened)
	}
	if strings.Contains(string(l.content), canary) {
		t.Error("the artefact shows a secret")
	}
	for name, address := range map[string]string{"lab-cp-1": "10.20.0.11", "lab-w-1": "10.20.0.21"} {
		if !bytes.Contains(l.content, []byte(name)) || !bytes.Contains(l.content, []byte(address)) {
			t.Errorf("%s is not in clear", name)
		}
	}
}

// TestEveryFlippedBitIsNoticed flips each bit of the file. What still is read says
// the same as before.
func TestEveryFlippedBitIsNoticed(t *testing.T) {
	l := seal(t)
	read, harmless := 0, 0
	for i := range len(l.content) * 8 {
		flipped := bytes.Clone(l.content)
		flipped[i/8] ^= 1 << (i % 8)
		a, err := artefact.Parse("a", flipped, artefact.Expect{})
		read++
		if err != nil {
			if fault.KindOf(err) != fault.Input {
				t.Fatalf("bit %d: not an input error: %v", i, err)
			}
			continue
		}
		harmless++
		if diff := cmp.Diff(l.Artefact, a); diff != "" {
			t.Fatalf("bit %d changed the content unnoticed:\n%s", i, diff)
		}
	}
	t.Logf("%d bits, %d of them between the words", read, harmless)
	if harmless > len(l.content)/10 {
		t.Errorf("%d flipped bits were harmless", harmless)
	}
}

func TestEveryTruncationIsNoticed(t *testing.T) {
	l := seal(t)
	whole := len(bytes.TrimSpace(l.content))
	for n := range whole {
		if _, err := artefact.Parse("a", l.content[:n], artefact.Expect{}); fault.KindOf(err) != fault.Input || err == nil {
			t.Fatalf("%d of %d bytes: %v", n, whole, err)
		}
	}
}

func TestAnArtefactThatIsNotTheOneIsRefusedWithTheReason(t *testing.T) {
	l := seal(t)
	replace := func(from, to string) []byte { return []byte(strings.Replace(string(l.content), from, to, 1)) }
	for name, c := range map[string]struct {
		content []byte
		expect  artefact.Expect
		want    string
	}{
		"empty":             {[]byte(" \n"), artefact.Expect{}, "the artefact a is empty; run `pave bootstrap vms apply` again"},
		"no JSON":           {[]byte("<html>"), artefact.Expect{}, "is cut off or no JSON"},
		"another document":  {[]byte(`{"kind":"Report","version":1}`), artefact.Expect{}, `its kind is "Report", not VMCreationOutputs`},
		"too new":           {replace(`"version": 1`, `"version": 2`), artefact.Expect{}, "has format 2, this pave knows 1; use the version of pave that phase 1 used, or a later one"},
		"too old":           {replace(`"version": 1`, `"version": 0`), artefact.Expect{}, "has format 0, which this pave no longer reads"},
		"an altered value":  {replace("10.20.0.11", "10.20.0.99"), artefact.Expect{}, "is altered: its checksum is not that of its content"},
		"another case":      {replace(`"endpoint"`, `"Endpoint"`), artefact.Expect{}, "is altered"},
		"a field twice":     {replace(`"version": 1`, `"version": 1, "version": 1`), artefact.Expect{}, "is altered"},
		"an unknown field":  {replace(`"version": 1`, `"version": 1, "extra": 1`), artefact.Expect{}, "is altered"},
		"something behind":  {append(bytes.Clone(l.content), '}'), artefact.Expect{}, "is cut off or no JSON"},
		"another cluster":   {l.content, artefact.Expect{Cluster: "prod"}, "is of cluster lab, not of prod"},
		"an earlier life":   {l.content, artefact.Expect{Cluster: "lab", ID: "other"}, "of another cluster that was called lab too"},
		"stale":             {l.content, artefact.Expect{MaxAge: time.Hour, Now: made.Add(2 * time.Hour)}, "is 2h0m0s old, older than 1h0m0s"},
		"from tomorrow":     {l.content, artefact.Expect{Now: made.Add(-24 * time.Hour)}, "was made 24h0m0s from now"},
		"a clock is behind": {l.content, artefact.Expect{Now: made.Add(-time.Minute)}, ""},
		"CRLF":              {bytes.ReplaceAll(l.content, []byte("\n"), []byte("\r\n")), artefact.Expect{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := artefact.Parse("a", c.content, c.expect)
			if c.want == "" {
				must(t, err)
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || fault.KindOf(err) != fault.Input {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
	if _, err := artefact.Read(filepath.Join(l.dir, "none.json"), artefact.Expect{}); err == nil || !strings.Contains(err.Error(), "does not exist; pass on what phase 1 wrote") {
		t.Errorf("got %v", err)
	}
}

// TestAForgedArtefactIsNotOpened alters what is in clear and sets the checksum
// right: only the seal can tell.
func TestAForgedArtefactIsNotOpened(t *testing.T) {
	l := seal(t)
	l.Nodes[0].Address = "10.66.6.6"
	content, err := l.Encode()
	must(t, err)
	read, err := artefact.Parse("a", content, artefact.Expect{})
	must(t, err)
	if _, err := read.Open(l.identity); err == nil || !strings.Contains(err.Error(), "is forged") {
		t.Errorf("got %v", err)
	}
}

func TestASealThatIsNotOpenedSaysWhy(t *testing.T) {
	l := seal(t)
	other, err := age.GenerateX25519Identity()
	must(t, err)
	for name, c := range map[string]struct {
		identity secret.Source
		want     string
	}{
		"no identity":         {secret.Source{}, "the artefact of cluster lab is sealed; give the age identity of one of its recipients"},
		"another identity":    {secret.Source{File: l.write(t, "other", other.String())}, "opens nothing in the artefact of cluster lab"},
		"not an identity":     {secret.Source{File: l.write(t, "text", "AGE-SECRET-KEY-1"+canary)}, "the age identity cannot be read"},
		"a file that is gone": {secret.Source{File: filepath.Join(l.dir, "gone")}, "secret file"},
	} {
		_, err := l.Open(c.identity)
		if err == nil || !strings.Contains(err.Error(), c.want) || fault.KindOf(err) != fault.Input {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), canary) {
			t.Errorf("%s: the error shows the identity: %v", name, err)
		}
	}
	l.Sealed[len(l.Sealed)-1] ^= 1
	if _, err := l.Open(l.identity); err == nil || !strings.Contains(err.Error(), "sealed part is damaged") {
		t.Errorf("got %v", err)
	}
}

func TestAnArtefactIsSealedForOthers(t *testing.T) {
	l := seal(t)
	other, err := age.GenerateX25519Identity()
	must(t, err)
	must(t, l.Reseal(l.identity, []string{other.Recipient().String()}))
	if _, err := l.Open(l.identity); err == nil {
		t.Error("the old identity still opens it")
	}
	opened, err := l.Open(secret.Source{File: l.write(t, "other", other.String())})
	must(t, err)
	if opened.Bundle.Secrets.BootstrapToken != canary {
		t.Error("the secrets are not the same")
	}
}

func TestAnArtefactIsWrittenOnceForTheUserAlone(t *testing.T) {
	l := seal(t)
	path := filepath.Join(l.dir, "new", artefact.FileName)
	for i, want := range []bool{true, false} {
		wrote, err := l.Write(path)
		must(t, err)
		if wrote != want {
			t.Errorf("write %d: wrote %v", i, wrote)
		}
	}
	info, err := os.Stat(path)
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	content, err := os.ReadFile(path)
	must(t, err)
	if !json.Valid(content) || !bytes.HasSuffix(content, []byte("}\n")) {
		t.Errorf("not a JSON file: %s", content)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
