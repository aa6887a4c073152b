// Package mirror brings approved content from public registries to the
// platform's own, and nothing else.
//
// images.yaml says what is wanted, images.lock.yaml which content of it somebody
// approved. It promises that a tag at the target is only ever given to content
// that the lock names, that passed the gate and that the platform's key has
// signed: the tag is the last thing that is written. (An import from an archive
// signs what it brought before it ends, and again if it was cut off.) A tag that
// moves upstream is shown, never followed.
package mirror

import (
	"cmp"
	"context"
	"log/slog"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"golang.org/x/sync/errgroup"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/registry"
	"github.com/pave-platform/pave/steps/mirror/imagelist"
)

// Common is what every verb needs.
type Common struct {
	List   string // images.yaml
	Lock   string // empty: images.lock.yaml beside it
	Target string // registry/project; empty: the list's

	Sources  registry.Options // how to reach where the images come from; a login is the target's own where it is a source too
	Registry registry.Options // how to reach the target
	Log      *slog.Logger     // nil: nothing is said
}

// Scan looks for vulnerabilities in an image and holds them against limits, by
// severity in lower case; nil limits are the scanner's own.
type Scan func(ctx context.Context, img v1.Image, name string, limits map[string]int) (Scanned, error)

// Scanned is what a Scan found.
type Scanned struct {
	Counts   map[string]int // by severity in lower case
	Findings []string       // each as CVE-… package
	Exceeded []string       // limits that were passed, in words
}

// Verify checks a publisher's signature of registry/repository@digest; sources say
// how to reach it. It gives the identity that signed, or nothing where it was a
// key. What does not hold is a fault.Gate.
type Verify func(ctx context.Context, sources registry.Options, ref string, by Publisher) (identity string, err error)

// Publisher is who has to have signed: the key in a PEM file, or an identity with
// a certificate of a Sigstore.
type Publisher struct {
	KeyFile string // empty: the rest counts

	TrustedRoot    string // file
	Issuer         string
	Subject        string // or SubjectPattern
	SubjectPattern string // matches the whole
}

// publisher gives who signs an entry, and false where nobody does.
func (w *workspace) publisher(e imagelist.Entry) (Publisher, bool) {
	if s := e.Signer; s != nil {
		return Publisher{
			TrustedRoot: w.list.RootPath(e), Issuer: string(s.Issuer), Subject: string(s.Subject), SubjectPattern: string(s.SubjectPattern),
		}, true
	}
	key := w.list.KeyPath(e)
	return Publisher{KeyFile: key}, key != ""
}

// Sign signs registry/repository@digest with the platform's key, and tells
// whether there was no valid signature before.
type Sign func(ctx context.Context, ref string) (bool, error)

// workspace is the list, the lock and the registries of one call.
type workspace struct {
	list     *imagelist.List
	lock     *imagelist.Lock
	lockPath string
	target   name.Repository // registry/project, under which the repositories are
	log      *slog.Logger

	reach                registry.Options // of the sources
	sources, registry    *registry.Client
	upstream, downstream *remote.Puller

	scanning sync.Mutex // a scan takes the memory and all cores
}

// jobs is how many registries' answers are awaited at a time.
const jobs = 8

// atATime does something for each of all, for several at a time, until one fails.
func atATime[T any](ctx context.Context, all []T, do func(ctx context.Context, i int, of T) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(jobs)
	for i, of := range all {
		group.Go(func() error { return do(ctx, i, of) })
	}
	return group.Wait()
}

func (c Common) open(ctx context.Context) (*workspace, error) {
	list, err := imagelist.Read(c.List)
	if err != nil {
		return nil, err
	}
	w := &workspace{list: list, lockPath: cmp.Or(c.Lock, imagelist.LockPath(c.List)), log: c.Log}
	if w.log == nil {
		w.log = slog.New(slog.DiscardHandler)
	}
	if w.lock, err = imagelist.ReadLock(w.lockPath); err != nil {
		return nil, err
	}
	target := cmp.Or(c.Target, string(list.Defaults.Target))
	if target == "" {
		return nil, fault.Inputf("%s does not say where to mirror to", c.List).Fix("give it defaults.target, or give --target registry/project")
	}
	if err := imagelist.Target(target).Valid(); err != nil {
		return nil, fault.Inputf("target: %w", err)
	}
	if w.target, err = name.NewRepository(target, name.StrictValidation); err != nil {
		return nil, fault.Inputf("target %q: %w", target, err)
	}
	return w, w.connect(ctx, c)
}

func (w *workspace) connect(ctx context.Context, c Common) (err error) {
	w.reach = c.Sources
	if w.reach.Username == "" && c.Registry.Username != "" {
		w.reach.Username, w.reach.Password, w.reach.Only = c.Registry.Username, c.Registry.Password, w.target.RegistryStr()
	}
	if w.sources, err = registry.New(w.reach); err != nil {
		return err
	}
	if w.registry, err = registry.New(c.Registry); err != nil {
		return err
	}
	if w.upstream, err = puller(ctx, w.sources); err != nil {
		return err
	}
	w.downstream, err = puller(ctx, w.registry)
	return err
}

// puller asks each repository for a token once, not for every tag.
func puller(ctx context.Context, c *registry.Client) (*remote.Puller, error) {
	return remote.NewPuller(append(c.Remote(ctx), remote.WithJobs(jobs))...)
}

func (w *workspace) close() {
	w.sources.Close()
	w.registry.Close()
}

// at gives the repository of an entry at the target.
func (w *workspace) at(entry string) name.Repository {
	return w.target.Registry.Repo(strings.Split(w.target.RepositoryStr()+"/"+entry, "/")...)
}

// isListed tells whether the list still wants what was approved, from the same
// source. Where newest limits the versions of an entry, the approved ones count:
// a new version takes nothing away before it is approved itself.
func (w *workspace) isListed(a imagelist.Approved) (imagelist.Entry, bool) {
	for _, e := range w.list.Images {
		if e.Name != a.Name {
			continue
		}
		for _, tag := range e.Tags {
			if tag == a.Tag {
				return e, true
			}
		}
		if e.As != "" && e.As == a.Tag || e.Versions != "" && w.inRange(e, a.Tag) {
			return e, true
		}
	}
	return imagelist.Entry{}, false
}

// inRange tells whether an approved tag is one of the versions of e.
func (w *workspace) inRange(e imagelist.Entry, tag imagelist.Tag) bool {
	var approved []string
	for _, a := range w.lock.Approved {
		if a.Name == e.Name {
			approved = append(approved, string(a.Tag))
		}
	}
	for _, t := range versions(e, approved) {
		if t == string(tag) {
			return true
		}
	}
	return false
}

// differs says in what the list asks for something else than was approved, or "".
func (w *workspace) differs(e imagelist.Entry, a imagelist.Approved) string {
	switch {
	case e.Source != a.Source:
		return "source was " + string(a.Source)
	case e.Digest != "" && e.Digest != a.Digest:
		return "digest was " + string(a.Digest)
	case !samePlatforms(w.list.PlatformsOf(e), a):
		return "platforms were " + platformWords(a)
	case e.Kind != "" && e.Kind != a.Kind:
		return "kind was " + string(a.Kind)
	}
	return ""
}
