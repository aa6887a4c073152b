package registrytest_test

import (
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pave-platform/pave/internal/registry"
	"github.com/pave-platform/pave/internal/registrytest"
)

func TestEveryKindTakesAndGivesAnImage(t *testing.T) {
	for name, start := range map[string]func(testing.TB, registrytest.Options) *registrytest.Registry{
		"pave": registrytest.New, "distribution": registrytest.Distribution, "version 2": registrytest.Version2,
	} {
		for kind, o := range map[string]registrytest.Options{
			"over TLS with a password": {},
			"plain and open":           {Plain: true, Anonymous: true},
			"over TLS with tokens":     {Tokens: true},
		} {
			if o.Tokens && name != "distribution" {
				continue
			}
			t.Run(name+" "+kind, func(t *testing.T) {
				r := start(t, o)
				img, err := random.Image(1024, 2)
				if err != nil {
					t.Fatal(err)
				}
				ref, err := registry.ParseReference(r.Ref("project/app:1"))
				if err != nil {
					t.Fatal(err)
				}
				if err := remote.Write(ref, img, r.Client(t).Remote(t.Context())...); err != nil {
					t.Fatal(err)
				}
				if _, err := remote.Head(ref, r.Client(t).Remote(t.Context())...); err != nil {
					t.Error(err)
				}
				if o.Anonymous {
					return
				}
				c, err := registry.New(registry.Options{CAFile: r.CAFile})
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				if _, err := remote.Head(ref, c.Remote(t.Context())...); err == nil {
					t.Error("it lets in without a password")
				}
			})
		}
	}
}
