package argocd

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pave-platform/pave/internal/lab/kube"
)

const certificatesMap = "argocd-tls-certs-cm"

var configMap = schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}

// mirror writes what is in ConfigMaps to folders, as a kubelet does for the
// pods in which Argo CD usually runs.
type mirror struct {
	dir    string
	mu     sync.Mutex // for the files
	cancel context.CancelFunc
	ended  chan struct{}
}

// mirrored names the folder of each ConfigMap.
var mirrored = map[string]string{
	certificatesMap:             tlsFolder,
	"argocd-ssh-known-hosts-cm": sshFolder,
	"argocd-gpg-keys-cm":        keysFolder,
}

// start writes all that is there now, and then what changes.
func (m *mirror) start(ctx context.Context, c *kube.Client) error {
	resource, err := c.Resource(configMap, Namespace)
	if err != nil {
		return err
	}
	all, err := resource.List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for _, one := range all.Items {
		if err := m.write(&one); err != nil {
			return err
		}
	}
	var watching context.Context
	watching, m.cancel = context.WithCancel(context.WithoutCancel(ctx))
	m.ended = make(chan struct{})
	go func() {
		defer close(m.ended)
		for version := all.GetResourceVersion(); watching.Err() == nil; {
			w, err := resource.Watch(watching, metav1.ListOptions{ResourceVersion: version})
			if err != nil { // the API server is away, perhaps on purpose
				select {
				case <-watching.Done():
				case <-time.After(time.Second):
				}
				continue
			}
			for event := range w.ResultChan() {
				if changed, ok := event.Object.(*unstructured.Unstructured); ok && changed.GetKind() == configMap.Kind {
					_ = m.write(changed) // the folder goes only with the lab
				}
			}
			version = "" // from now on, with what is there
		}
	}()
	return nil
}

func (m *mirror) stop() {
	if m.cancel != nil {
		m.cancel()
		<-m.ended
	}
}

// write makes the folder of a ConfigMap hold just what the ConfigMap does.
func (m *mirror) write(changed *unstructured.Unstructured) error {
	folder, ok := mirrored[changed.GetName()]
	if !ok {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	dir := filepath.Join(m.dir, folder)
	data, _, _ := unstructured.NestedStringMap(changed.Object, "data")
	var names []string
	for name, content := range data {
		names = append(names, name)
		temp := filepath.Join(m.dir, ".mirrored")
		if err := os.WriteFile(temp, []byte(content), 0o644); err != nil {
			return err
		}
		if err := os.Rename(temp, filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if slices.Contains(names, e.Name()) {
			continue
		}
		if err := os.Remove(filepath.Join(dir, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
