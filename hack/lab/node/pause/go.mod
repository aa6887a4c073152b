module github.com/pave-platform/pave/hack/lab/node/pause

go 1.26.0
