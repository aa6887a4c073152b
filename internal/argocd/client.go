// Package argocd is pave's one client of a cluster that runs Argo CD. It speaks
// to the Kubernetes API only, so that Argo CD's own API server need not be
// reachable, nor be there at all.
//
// It promises that "at the wanted release" is decided by the hash that
// application.yaml is sealed with, that no decision rests on the local clock,
// and that waiting outlives an API server or an Argo CD that is away for a while.
package argocd

import (
	"log/slog"
	"net/http"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/secret"
)

// Options say where the cluster is and how to get in.
type Options struct {
	// Kubeconfig is a file of that format. Without one, the service account of
	// the pod that this runs in is used.
	Kubeconfig secret.Source
	Context    string       // of the kubeconfig; empty: its current one
	Namespace  string       // of Argo CD and its Applications; empty: argocd
	CAFile     string       // PEM certificates that sign the API server's, where the kubeconfig has none
	Log        *slog.Logger // progress; nil for none
}

// Given tells whether a cluster is named.
func (o Options) Given() bool { return !o.Kubeconfig.IsZero() || o.Context != "" }

// Client reads and nudges Applications. It is safe for use by several goroutines.
type Client struct {
	namespace string
	server    string // for messages
	base      string // URL of the API, without a slash at its end
	objects   dynamic.Interface
	mapper    meta.ResettableRESTMapper
	http      *http.Client
	log       *slog.Logger
	between   time.Duration // how often a follower looks around
}

// The kinds of Argo CD that pave speaks of.
var (
	applications    = schema.GroupVersionResource{Group: "argoproj.io", Version: "v1alpha1", Resource: "applications"}
	applicationSets = schema.GroupVersionResource{Group: "argoproj.io", Version: "v1alpha1", Resource: "applicationsets"}
)

// FieldManager owns what pave applies.
const FieldManager = "pave"

// New validates o and reads what it names. It contacts nobody.
func New(o Options) (*Client, error) {
	config, err := o.config()
	if err != nil {
		return nil, err
	}
	return NewForConfig(config, o)
}

// NewForConfig is New with a configuration that the caller answers for; of o, only
// the namespace and the log count.
func NewForConfig(config *rest.Config, o Options) (*Client, error) {
	config = rest.CopyConfig(config)
	config.UserAgent = "pave"
	if config.QPS == 0 {
		config.QPS, config.Burst = requestsPerSecond, 2*requestsPerSecond
	}
	config.WarningHandler = rest.NoWarnings{}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fault.Inputf("kubeconfig: %w", err)
	}
	objects, err := dynamic.NewForConfigAndClient(config, client)
	if err != nil {
		return nil, fault.Inputf("kubeconfig: %w", err)
	}
	groups, err := discovery.NewDiscoveryClientForConfigAndClient(config, client)
	if err != nil {
		return nil, fault.Inputf("kubeconfig: %w", err)
	}
	base, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return nil, fault.Inputf("kubeconfig: %w", err)
	}
	c := &Client{
		between:   between,
		base:      strings.TrimSuffix(base.String(), "/"),
		namespace: o.Namespace, server: config.Host, objects: objects, http: client, log: o.Log,
		mapper: restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(groups)),
	}
	if c.namespace == "" {
		c.namespace = "argocd"
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// requestsPerSecond is enough to look at an application's resources at once, and
// nothing that an API server would notice.
const requestsPerSecond = 50

// Namespace is Argo CD's.
func (c *Client) Namespace() string { return c.namespace }

func (c *Client) applications() dynamic.ResourceInterface {
	return c.objects.Resource(applications).Namespace(c.namespace)
}

func (c *Client) applicationSets() dynamic.ResourceInterface {
	return c.objects.Resource(applicationSets).Namespace(c.namespace)
}
