package controlplane

import "github.com/pave-platform/pave/hack/lab/program"

// Version is what the servers say they are, and the version in
// hack/lab/kubernetes/components/go.mod.
const Version = "v1.36.3"

const versionPackage = "k8s.io/component-base/version"

var (
	etcd              = program.Program{Name: "etcd", Module: "kubernetes/etcd", Package: "go.etcd.io/etcd/server/v3"}
	apiServer         = Component("kube-apiserver")
	controllerManager = Component("kube-controller-manager")
	scheduler         = Component("kube-scheduler")
)

// Component is one of Kubernetes' own programs.
func Component(name string) program.Program {
	return program.Program{
		Name: name, Module: "kubernetes/components", Package: "k8s.io/kubernetes/cmd/" + name,
		LDFlags: "-X " + versionPackage + ".gitVersion=" + Version + " -X " + versionPackage + ".gitMajor=1 -X " + versionPackage + ".gitMinor=36",
	}
}

var (
	// Programs are what a cluster with its controllers is built of.
	Programs = []program.Program{etcd, apiServer, controllerManager, scheduler}

	// APIPrograms are what Start needs, for who starts it in a network from which
	// nothing can be downloaded.
	APIPrograms = []program.Program{etcd, apiServer}
)
