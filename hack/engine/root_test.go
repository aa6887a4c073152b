package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestTheEngineTrustsWhatTheEnvironmentTrusts(t *testing.T) {
	host, root := t.TempDir(), t.TempDir()
	bundle, folder := filepath.Join(host, "bundle.crt"), filepath.Join(host, "certs")
	for _, err := range []error{
		os.WriteFile(bundle, []byte("bundle"), 0o644),
		os.MkdirAll(filepath.Join(folder, "hooks"), 0o755),
		os.WriteFile(filepath.Join(folder, "ca.crt"), []byte("ca"), 0o644),
		os.Symlink("ca.crt", filepath.Join(folder, "hash.0")),
		os.Symlink("gone", filepath.Join(folder, "dangling.0")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	env := map[string]string{"SSL_CERT_FILE": bundle, "SSL_CERT_DIR": folder + ":/does/not/exist"}
	for range 2 { // the second time over what is there
		if err := copyTrust(root, func(name string) string { return env[name] }); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{bundle: "bundle", folder + "/ca.crt": "ca", folder + "/hash.0": "ca"} {
		if got, err := os.ReadFile(filepath.Join(root, path)); err != nil || string(got) != want {
			t.Errorf("%s: got %q, %v", path, got, err)
		}
	}
	if _, err := os.Lstat(filepath.Join(root, folder, "dangling.0")); err == nil {
		t.Error("a link that leads nowhere was copied")
	}
}
