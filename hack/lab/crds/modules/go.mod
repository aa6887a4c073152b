// The modules whose CustomResourceDefinitions tests use. None is compiled: this
// file makes `go mod download` check them against go.sum.
module github.com/pave-platform/pave/hack/lab/crds/modules

go 1.26.0
