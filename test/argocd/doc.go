// Package argocd holds the tests that deploy through a real Argo CD to a real
// node: what pave writes must become running pods, and what goes wrong there must
// come back in plain words. They need Linux and root, and minutes the first time,
// when the lab is compiled.
package argocd
