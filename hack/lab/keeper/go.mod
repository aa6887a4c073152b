module github.com/pave-platform/pave/hack/lab/keeper

go 1.26.0
