package talos

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// Backend is a real API server that stands behind the cluster's endpoint.
type Backend struct {
	proxy  http.Handler
	client *kubernetes.Clientset
	log    *slog.Logger
}

// NewBackend takes an administrator's access to the API server. Who comes through
// the cluster's endpoint, with a certificate of the cluster's CA, is that
// administrator.
func NewBackend(c *rest.Config, log *slog.Logger) (*Backend, error) {
	transport, err := rest.TransportFor(c)
	if err != nil {
		return nil, err
	}
	target, err := url.Parse(c.Host)
	if err != nil {
		return nil, err
	}
	client, err := kubernetes.NewForConfig(c)
	if err != nil {
		return nil, err
	}
	return &Backend{client: client, log: log, proxy: &httputil.ReverseProxy{
		Transport: transport,
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
	}}, nil
}

// ServeHTTP implements http.Handler.
func (b *Backend) ServeHTTP(w http.ResponseWriter, r *http.Request) { b.proxy.ServeHTTP(w, r) }

// Joined registers a node as its kubelet would.
func (b *Backend) Joined(j Joined) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: j.Name, Labels: map[string]string{"kubernetes.io/hostname": j.Name}}}
	if j.ControlPlane {
		n.Labels["node-role.kubernetes.io/control-plane"] = ""
	}
	nodes := b.client.CoreV1().Nodes()
	made, err := nodes.Create(ctx, n, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		made, err = nodes.Get(ctx, j.Name, metav1.GetOptions{})
	}
	if err == nil {
		made.Status.NodeInfo.KubeletVersion = j.Kubelet
		made.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: j.Address}}
		made.Status.Conditions = []corev1.NodeCondition{{
			Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady", Message: "the double of Talos says so", LastTransitionTime: metav1.Now(),
		}}
		_, err = nodes.UpdateStatus(ctx, made, metav1.UpdateOptions{})
	}
	if err != nil {
		b.log.Error("a node could not be registered", "node", j.Name, "error", err)
	}
}

// kubelet is the version in the image of a node's kubelet.
func (n *Node) kubelet() string {
	image := n.config.Machine().Kubelet().Image()
	return image[strings.LastIndex(image, ":")+1:]
}
