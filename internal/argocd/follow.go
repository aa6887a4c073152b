package argocd

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// Follow waits until an Application is as wanted: with that content, Synced by a
// comparison with its spec as it is, no operation running, and Healthy. It asks
// Argo CD to look at Git at once.
//
// It ends early where waiting does not help, and at the timeout. An error about
// the Application is a [*Failure] with the problems in plain words: of kind Gate
// where a policy refuses the release, else Failed. Other errors are about the way
// to the cluster.
func (c *Client) Follow(ctx context.Context, w Want) (Outcome, error) {
	w = w.withDefaults()
	timed, cancel := context.WithTimeoutCause(ctx, w.Timeout, errTimeout)
	defer cancel()
	see := make(chan sight)
	go c.watch(timed, w.Name, see)
	f := &follower{client: c, want: w, begin: time.Now()}
	tick := time.NewTicker(c.between)
	defer tick.Stop()
	for {
		var err error
		select {
		case now := <-see:
			err = f.saw(timed, now)
		case <-tick.C:
			err = f.look(timed)
			tick.Reset(c.between) // a look that took long is not followed by the next one
		case <-timed.Done():
			err = f.late(ctx)
		}
		if err != nil || f.verdict.there {
			return f.outcome(), err
		}
	}
}

var errTimeout = errors.New("timeout")

// between is how often the follower looks beyond the Application itself, and says
// that it still waits.
const between = 5 * time.Second

// follower is the memory of one Follow.
type follower struct {
	client *Client
	want   Want
	begin  time.Time

	now      sight
	known    bool // the API server answered once
	verdict  verdict
	ill      time.Time // since when the same illness; zero: well
	asked    time.Time // when the Application was last asked to look, after the content came; zero: not yet
	problems []Problem
	said     string    // the last word to the log
	saidAt   time.Time // when
	nudged   time.Time // when the parent was last asked
}

func (f *follower) outcome() Outcome {
	return Outcome{State: f.now.state, Waited: time.Since(f.begin).Round(time.Millisecond), Problems: f.problems}
}

// saw takes a sight in.
func (f *follower) saw(ctx context.Context, s sight) error {
	if s.unreachable() {
		if !f.known && refusedAccess(s.err) {
			return f.client.explain(ctx, "read Application "+f.want.Name, s.err)
		}
		f.say(f.client.server + " to answer: " + oneLine(s.err.Error()))
		f.now.err = s.err
		return nil
	}
	first := !f.known
	f.known, f.now = true, s
	f.verdict = judge(s, f.want)
	switch {
	case f.verdict.there:
		f.problems = nil
		return nil
	case !f.asked.IsZero() && s.err == nil && !s.state.has(f.want.ContentHash):
		return f.fail(ctx, "it was replaced by another release ("+shortImage(s.state.Image)+") while it was waited for", true)
	case f.verdict.ill == "":
		f.ill = time.Time{}
	case f.ill.IsZero():
		f.ill = time.Now()
	}
	if first && f.verdict.over {
		// It failed before anybody waited. What was wrong may have been put right.
		err := f.client.Sync(ctx, f.want.Name)
		f.say("another sync, since the last one failed")
		return err
	}
	f.nudge(ctx)
	f.say(f.verdict.waiting)
	return f.decide(ctx)
}

// look is for what does not come by the watch: that time passes, and the state of
// other things than the Application.
func (f *follower) look(ctx context.Context) error {
	if !f.known || f.now.unreachable() {
		return nil
	}
	f.nudge(ctx)
	f.problems = f.find(ctx)
	text := f.verdict.waiting
	if len(f.problems) > 0 {
		text += " (" + f.problems[0].Resource + ": " + f.problems[0].Text + ")"
	}
	f.say(text)
	return f.decide(ctx)
}

// decide ends the waiting where it is in vain.
func (f *follower) decide(ctx context.Context) error {
	lasts := !f.ill.IsZero() && time.Since(f.ill) >= f.want.Patience && f.fresh()
	if f.verdict.over || lasts {
		return f.fail(ctx, f.verdict.ill, true)
	}
	for _, p := range f.problems {
		if p.Reason == Rollout || p.Reason.gate() {
			return f.fail(ctx, "it cannot become Healthy", true)
		}
	}
	return nil
}

// fresh tells whether Argo CD has looked since the content came: what it says can
// be of before.
func (f *follower) fresh() bool { return !f.asked.IsZero() && !f.now.state.pending }

func (f *follower) late(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if !f.known || f.now.unreachable() {
		return f.client.explain(ctx, fmt.Sprintf("wait %s for Application %s", f.want.Timeout, f.want.Name), f.now.err)
	}
	return f.fail(ctx, fmt.Sprintf("still waiting for %s after %s", f.verdict.waiting, f.want.Timeout), false)
}

// brief is how long one look beside the watch may take: an API server that is
// away must not keep the follower from what the watch says.
const brief = 10 * time.Second

func (f *follower) find(ctx context.Context) []Problem {
	ctx, cancel := context.WithTimeout(ctx, brief)
	defer cancel()
	state, parent := f.now.state, f.want.parent(f.now.state)
	switch {
	case f.now.err != nil:
		state = State{Name: f.want.Name}
	case !state.has(f.want.ContentHash):
		return f.client.generatorProblems(ctx, f.want.Name, parent)
	}
	return f.client.Problems(ctx, state, parent)
}

func (f *follower) fail(ctx context.Context, why string, final bool) error {
	f.problems = f.find(ctx)
	failure := &Failure{Outcome: f.outcome(), Why: "Application " + f.want.Name + ": " + why, Final: final}
	failure.State.Name, failure.State.Namespace = f.want.Name, f.client.namespace
	return failure.fault()
}

// nudge asks Argo CD to look, once when the content is there and, for as long as
// it is not, now and then: an Argo CD that was away does not remember.
func (f *follower) nudge(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, brief)
	defer cancel()
	arrived := f.now.err == nil && f.now.state.has(f.want.ContentHash)
	var err error
	switch {
	case arrived && f.asked.IsZero():
		f.asked, f.now.state.pending = time.Now(), true
		err = f.client.Refresh(ctx, f.want.Name)
	case !arrived && time.Since(f.nudged) >= again:
		f.nudged = time.Now()
		if parent := f.want.parent(f.now.state); parent != "" {
			err = f.client.RefreshParent(ctx, parent)
		}
	}
	if err != nil && ctx.Err() == nil {
		f.client.log.Warn("Argo CD is not asked to look at once: it does so every few minutes", "application", f.want.Name, "because", err)
	}
}

// again is when an Argo CD that has not looked is asked once more.
const again = 20 * time.Second

// say tells a person what is waited for: when that changes, and now and then.
func (f *follower) say(text string) {
	if text == f.said && time.Since(f.saidAt) < repeat {
		return
	}
	f.said, f.saidAt = text, time.Now()
	f.client.log.Info("waiting for "+text, "application", f.want.Name, "seconds", int(time.Since(f.begin).Seconds()))
}

const repeat = 30 * time.Second

// parent is the Application that generates the wanted one.
func (w Want) parent(s State) string {
	if s.Parent != "" {
		return s.Parent
	}
	return w.Parent
}

// refusedAccess tells whether asking again is of no use.
func refusedAccess(err error) bool {
	return apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) || missingKind(err)
}
