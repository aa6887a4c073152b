package render_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pave-platform/pave/golden-path/contract"
	"github.com/pave-platform/pave/golden-path/render"
)

// FuzzValues holds the renderer to its promise: what the contract accepts has
// values in every environment, always the same ones, and they are plain JSON.
func FuzzValues(f *testing.F) {
	for _, name := range applications(f) {
		data, err := os.ReadFile("testdata/" + name + ".yaml")
		if err != nil {
			f.Fatal(err)
		}
		if _, err := contract.Parse("platform.yaml", data); err != nil {
			f.Fatal("a seed that is refused tries nothing: ", err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := contract.Parse("platform.yaml", data)
		if err != nil {
			return
		}
		a.Spec.Image.Repository = ""
		for _, e := range []contract.Environment{contract.Staging, contract.Production} {
			values, err := render.Values(a, e, image)
			if err != nil {
				t.Fatal(err)
			}
			again, err := render.Values(a, e, image)
			if diff := cmp.Diff(values, again); diff != "" || err != nil {
				t.Errorf("%s: rendered twice: %v\n%s", e, err, diff)
			}
			if _, err := json.Marshal(values); err != nil {
				t.Error(err)
			}
			if _, there := values["autoscaling"]; there == (values["replicas"] != nil) {
				t.Errorf("%s: replicas %v, autoscaling %v", e, values["replicas"], values["autoscaling"])
			}
		}
	})
}
