package argocd

import (
	"context"
	"errors"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"
)

// sight is an Application at one moment: its state, ErrMissing, or that nobody
// can tell.
type sight struct {
	state State
	err   error
}

// watch tells see what an Application is, and then each change, until ctx ends. A
// watch that breaks is begun anew with a look at what is there now, so that no
// change is missed.
func (c *Client) watch(ctx context.Context, name string, see chan<- sight) {
	const least, most = 100 * time.Millisecond, 5 * time.Second
	pause := least
	for ctx.Err() == nil {
		begin := time.Now()
		if err := c.watchOnce(ctx, name, see); err != nil {
			tell(ctx, see, sight{err: err})
			pause = min(2*pause, most)
		}
		if time.Since(begin) > most { // it worked for a while
			pause = least
		}
		wait(ctx, pause)
	}
}

// watchSeconds ends a watch that is quiet: where a connection died without a word,
// the next look finds out.
const watchSeconds = 120

func (c *Client) watchOnce(ctx context.Context, name string, see chan<- sight) error {
	only := metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector("metadata.name", name).String()}
	list, err := c.applications().List(ctx, only)
	if err != nil {
		return err
	}
	now := sight{err: ErrMissing}
	if len(list.Items) > 0 {
		now = look(&list.Items[0])
	}
	tell(ctx, see, now)

	seconds := int64(watchSeconds)
	only.ResourceVersion, only.TimeoutSeconds, only.AllowWatchBookmarks = list.GetResourceVersion(), &seconds, true
	changes, err := c.applications().Watch(ctx, only)
	if err != nil {
		return err
	}
	defer changes.Stop()
	for change := range changes.ResultChan() {
		switch object, _ := change.Object.(*unstructured.Unstructured); {
		case change.Type == watch.Error:
			err := apierrors.FromObject(change.Object)
			if apierrors.IsResourceExpired(err) || apierrors.IsGone(err) {
				return nil // the server has forgotten so old a version: look anew
			}
			return err
		case change.Type == watch.Deleted:
			tell(ctx, see, sight{err: ErrMissing})
		case change.Type != watch.Bookmark && object != nil:
			tell(ctx, see, look(object))
		}
	}
	return ctx.Err()
}

func look(object *unstructured.Unstructured) sight {
	s, err := parse(object)
	return sight{s, err}
}

func tell(ctx context.Context, see chan<- sight, s sight) {
	select {
	case see <- s:
	case <-ctx.Done():
	}
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// unreachable tells whether s says nothing about the Application.
func (s sight) unreachable() bool { return s.err != nil && !errors.Is(s.err, ErrMissing) }
