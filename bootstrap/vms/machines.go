package vms

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"sync"
	"time"

	vimfault "github.com/vmware/govmomi/fault"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/types"
	"golang.org/x/sync/semaphore"

	"github.com/pave-platform/pave/bootstrap/config"
	"github.com/pave-platform/pave/internal/fault"
)

// ensureMachines takes every machine to its address, all at the same time. The
// workers are powered on after the control planes: a worker that finds no API
// waits longer each time it asks.
func (r *run) ensureMachines(ctx context.Context) error {
	nodes := r.Cluster.Spec.Nodes
	limit := int64(r.Parallel)
	if limit <= 0 {
		limit = int64(len(nodes))
	}
	var (
		all           sync.WaitGroup
		made          sync.WaitGroup // cloned or failed
		controlPlanes sync.WaitGroup // powered on or failed
		busy          = semaphore.NewWeighted(limit)
		mu            sync.Mutex
		errs          = make([]error, len(nodes)+1)
	)
	backing, err := r.networkBacking(ctx)
	if err != nil {
		return err
	}
	for _, n := range nodes {
		made.Add(1)
		if n.Role == config.ControlPlane {
			controlPlanes.Add(1)
		}
	}
	for i, n := range nodes {
		all.Go(func() {
			w := &work{run: r, node: n, backing: backing, busy: busy, mu: &mu, at: time.Now()}
			w.cloned = sync.OnceFunc(made.Done)
			w.started = sync.OnceFunc(func() {})
			if n.Role == config.ControlPlane {
				w.started = sync.OnceFunc(controlPlanes.Done)
			} else {
				w.before = controlPlanes.Wait
			}
			errs[i] = w.do(ctx, &r.result.Nodes[i])
		})
	}
	all.Go(func() {
		made.Wait()
		mu.Lock() // nobody makes a machine any more: what is there is read in peace
		defer mu.Unlock()
		errs[len(nodes)] = r.ensureTags(ctx)
	})
	all.Wait()
	return r.failures(ctx, errs)
}

// failures names every machine that failed.
func (r *run) failures(ctx context.Context, errs []error) error {
	if ctx.Err() != nil {
		return interrupted(ctx, ctx.Err())
	}
	failed := 0
	for _, err := range errs {
		if err != nil {
			failed++
		}
	}
	if failed <= 1 {
		return errors.Join(errs...)
	}
	return fault.Failedf("%d things failed, the others are done; no artefact was written:\n%w", failed, errors.Join(errs...))
}

// work takes one machine to its address.
type work struct {
	*run
	node    config.Node
	backing types.BaseVirtualDeviceBackingInfo
	busy    *semaphore.Weighted
	mu      *sync.Mutex // guards present
	at      time.Time   // when the step began
	cloned  func()      // tells that the machine is made, or will not be
	started func()      // tells that it is powered on, or will not be
	before  func()      // waits for those that start before it
}

func (w *work) do(ctx context.Context, result *Node) error {
	defer w.cloned()
	defer w.started()
	begun := time.Now()
	name := string(w.node.Name)
	w.mu.Lock()
	m, there := w.there.machines[name]
	w.mu.Unlock()
	if !there {
		var err error
		if m, err = w.limited(ctx, w.clone); err != nil {
			return w.explain(ctx, "making machine "+name, err)
		}
		w.mu.Lock()
		w.there.machines[name] = m
		w.mu.Unlock()
		w.step("made")
	}
	w.cloned()
	result.VM = m.ref.Value
	if w.before != nil {
		w.before()
	}
	if !m.on {
		if _, err := w.limited(ctx, func(ctx context.Context) (machine, error) { return m, w.powerOn(ctx, m) }); err != nil {
			return w.explain(ctx, "powering "+name+" on", err)
		}
		w.step("powered on")
	}
	w.started()
	address, err := w.waitForAddress(ctx, m)
	if err != nil {
		return err
	}
	if result.Address != address {
		w.step("has its address", "address", address)
	}
	result.Address, result.Seconds = address, time.Since(begun).Seconds()
	return nil
}

// limited does something that loads vCenter when it is its turn.
func (w *work) limited(ctx context.Context, do func(context.Context) (machine, error)) (machine, error) {
	if err := w.busy.Acquire(ctx, 1); err != nil {
		return machine{}, err
	}
	defer w.busy.Release(1)
	return do(ctx)
}

func (w *work) step(done string, more ...any) {
	now := time.Now()
	w.Log.Info("machine "+done, append([]any{"node", w.node.Name, "took", now.Sub(w.at).Round(time.Millisecond)}, more...)...)
	w.at = now
}

// clone makes the machine: all that it is, and that it is the cluster's, in one
// call that vCenter does as a whole or not at all.
func (w *work) clone(ctx context.Context) (machine, error) {
	image := w.there.images[w.imageName()]
	spec, err := w.cloneSpec(image)
	if err != nil {
		return machine{}, err
	}
	folder := object.NewFolder(w.vc.Client, w.there.folder)
	task, err := object.NewVirtualMachine(w.vc.Client, image.ref).Clone(ctx, folder, string(w.node.Name), spec)
	var ref types.ManagedObjectReference
	if err == nil {
		var info *types.TaskInfo
		if info, err = w.vc.wait(ctx, task); err == nil {
			ref, _ = info.Result.(types.ManagedObjectReference)
		}
	}
	if vimfault.Is(err, &types.DuplicateName{}) { // made by the run before, which did not live to see it
		ref, err = w.vc.child(ctx, w.there.folder, "VirtualMachine", string(w.node.Name))
	}
	if err != nil {
		return machine{}, err
	}
	read, err := w.vc.machines(ctx, []types.ManagedObjectReference{ref})
	if err != nil {
		return machine{}, err
	}
	if m := read[0]; m.extra[keyID] == w.there.id && m.extra[keyPrint] == w.known.fingerprint {
		return m, nil
	}
	return machine{}, fault.Failedf("a machine of that name was made meanwhile, and not for this cluster").Fix("choose another name in cluster.yaml, or move it away")
}

func (w *work) powerOn(ctx context.Context, m machine) error {
	task, err := object.NewVirtualMachine(w.vc.Client, m.ref).PowerOn(ctx)
	if err == nil {
		_, err = w.vc.wait(ctx, task)
	}
	if vimfault.Is(err, &types.InvalidPowerState{}) {
		return nil // it is on
	}
	return err
}

// extra is what the machine carries.
func (w *work) extra() ([]types.BaseOptionValue, error) {
	text, ok := w.configs[string(w.node.Name)]
	if !ok {
		return nil, fmt.Errorf("there is no machine config for %s", w.node.Name)
	}
	return w.marks(
		option(keyImage, ""), // the image's own mark is not inherited
		option(keyConfig, base64.StdEncoding.EncodeToString([]byte(text))),
		option("disk.enableUUID", "TRUE"), // disks have names that stay, for storage in Kubernetes
	), nil
}
