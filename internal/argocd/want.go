package argocd

import (
	"fmt"
	"strings"
	"time"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/gitops"
)

// Want is what [Client.Follow] waits for.
type Want struct {
	Name        string // the Application's
	Parent      string // the Application that generates it, asked to look at Git; empty: as its mark says
	ContentHash string // its application.yaml's seal, as sha256:…; empty: whatever it has

	Timeout  time.Duration // 0: DefaultTimeout
	Patience time.Duration // how long Degraded is borne, since health can pass through it; 0: DefaultPatience
}

// Waiting times of a Want that does not say.
const (
	DefaultTimeout  = 10 * time.Minute
	DefaultPatience = 30 * time.Second
)

// WantOf is a target's Application with the content of its application.yaml.
func WantOf(t gitops.Target, content []byte) Want {
	return Want{Name: t.Name(), Parent: t.Parent(), ContentHash: gitops.ContentHash(content)}
}

func (w Want) withDefaults() Want {
	if w.Timeout <= 0 {
		w.Timeout = DefaultTimeout
	}
	if w.Patience <= 0 {
		w.Patience = DefaultPatience
	}
	return w
}

// Problem is one thing that keeps an application from being well, in plain words.
type Problem struct {
	Resource string `json:"resource"` // as in Pod shop-staging/web-7c9f
	Reason   Reason `json:"reason"`
	Text     string `json:"text"` // what is wrong, in one line
	Fix      string `json:"fix"`  // what to do
}

// String is the problem in one line.
func (p Problem) String() string { return p.Resource + ": " + p.Text + "; " + p.Fix }

// Reason is what kind of problem it is.
type Reason string

// The kinds of problem.
const (
	ImagePull     Reason = "image-pull"     // the image cannot be had
	CrashLoop     Reason = "crash-loop"     // the container ends again and again
	Probe         Reason = "probe"          // it runs and does not answer
	MissingConfig Reason = "missing-config" // a Secret or ConfigMap is not there, or lacks a key
	Quota         Reason = "quota"          // the namespace has no more room
	Refused       Reason = "refused"        // an admission policy says no
	Unschedulable Reason = "unschedulable"  // no node takes the pod
	Volume        Reason = "volume"         // a claim is not bound, or a volume cannot be mounted
	NotReady      Reason = "not-ready"      // an operator's object says that it is not
	Hook          Reason = "hook"           // a job around the sync failed
	Rollout       Reason = "rollout"        // a canary was aborted, or waits for a person
	SyncFailed    Reason = "sync"           // Argo CD cannot apply what the chart makes
	Comparison    Reason = "comparison"     // Argo CD cannot get or render the chart
	NotAllowed    Reason = "not-allowed"    // the AppProject forbids it
	NotGenerated  Reason = "not-generated"  // the Application itself does not come into being
	Unseen        Reason = "unseen"         // it is in another cluster, or may not be read
)

// gate tells whether everything works and the answer is no.
func (r Reason) gate() bool { return r == Refused || r == NotAllowed }

// Outcome is how far an Application came.
type Outcome struct {
	State    State         `json:"state"`
	Waited   time.Duration `json:"-"`
	Problems []Problem     `json:"problems,omitempty"`
}

// Failure is an Application that did not get to what was wanted. It is behind the
// errors of [Client.Follow] that are about the Application; without it, they are
// about the way to the cluster, of which nothing follows for the release.
type Failure struct {
	Outcome
	Why   string // in one line
	Final bool   // waiting longer would not have helped
}

// Error gives the cause and the first problem.
func (f *Failure) Error() string {
	if len(f.Problems) == 0 {
		return f.Why
	}
	more := ""
	if n := len(f.Problems) - 1; n > 0 {
		more = fmt.Sprintf(" (and %d more)", n)
	}
	p := f.Problems[0]
	if p.Resource == "Application "+f.State.Name { // of which Why is
		return f.Why + ": " + p.Text + more
	}
	return f.Why + ": " + p.Resource + ": " + p.Text + more
}

// refused tells whether a policy is what stands in the way.
func (f *Failure) refused() bool {
	for _, p := range f.Problems {
		if p.Reason.gate() {
			return true
		}
	}
	return false
}

// fault makes the failure an error with a kind: Gate where a policy refuses the
// release, which another try does not change, Failed otherwise.
func (f *Failure) fault() error {
	e := fault.Failedf("%w", f)
	if f.refused() {
		e = fault.Gatef("%w", f)
	}
	var fixes []string
	for _, p := range f.Problems {
		if p.Reason.gate() == f.refused() && p.Fix != "" {
			fixes = append(fixes, p.Fix)
			break
		}
	}
	if len(fixes) == 0 {
		fixes = append(fixes, "look at kubectl describe application "+f.State.Name+" -n "+f.State.Namespace)
	}
	return e.Fix("%s", strings.Join(fixes, ", "))
}
