module github.com/pave-platform/pave/hack/lab/node/web

go 1.26.0
