package chart_test

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime"
)

const dns = "to namespace kube-system, k8s-app=kube-dns: UDP 53, TCP 53"

// What is open besides DNS, by variant, policy and rule. A variant that is not
// named here opens nothing.
var open = map[string]map[string][]string{
	"ingress":        {"hello-go": {"from namespace traefik: TCP 8080"}},
	"ingress-plain":  {"hello-go": {"from namespace traefik: TCP 8080"}},
	"canary-ingress": {"hello-go": {"from namespace traefik: TCP 8080"}},
	"metrics":        {"hello-go": {"from namespace monitoring: TCP 8080"}},
	"egress": {"hello-go": {
		"to 10.20.0.0/16: TCP 443, TCP 8443",
		"to namespace shop-staging, app.kubernetes.io/name=orders: TCP 8080",
		"to app.kubernetes.io/name=billing: TCP 8080",
		"to namespace search: TCP 9200",
	}},
	"database":        {"hello-go": {toDatabase}, "hello-go-db": database},
	"database-backup": {"hello-go": {toDatabase}, "hello-go-db": append(slices.Clone(database), "to 10.1.2.3/32: TCP 9000")},
	"messaging":       {"hello-go": {toBroker}, "hello-go-mq": broker},
	"messaging-three": {"hello-go": {toBroker}, "hello-go-mq": broker},
	"all-rolling":     everything,
	"all-canary":      everything,
	"all-blue-green":  everything,
}

const (
	app        = "app.kubernetes.io/instance=hello-go app.kubernetes.io/name=hello-go"
	instances  = "cnpg.io/cluster=hello-go-db"
	nodes      = "app.kubernetes.io/component=rabbitmq app.kubernetes.io/name=hello-go-mq"
	toDatabase = "to " + instances + ": TCP 5432"
	toBroker   = "to " + nodes + ": TCP 5672"
	apiServer  = "to 0.0.0.0/0: TCP 6443"
	between    = ": TCP 4369, TCP 25672, TCP 35672-35682, TCP 6000-6500"
)

var (
	database = []string{
		"from " + app + ": TCP 5432",
		"from " + instances + " or namespace cnpg-system, app.kubernetes.io/name=cloudnative-pg: TCP 5432, TCP 8000",
		apiServer,
		"to " + instances + ": TCP 5432, TCP 8000",
	}
	broker     = []string{"from " + app + ": TCP 5672", "from " + nodes + between, apiServer, "to " + nodes + between}
	everything = map[string][]string{
		"hello-go": {
			"from namespace traefik: TCP 8080",
			"from namespace monitoring: TCP 9090",
			toDatabase,
			toBroker,
			"to 10.20.0.0/16: TCP 443",
			"to namespace shop-staging, app.kubernetes.io/name=orders: TCP 8080",
		},
		"hello-go-db": append(slices.Clone(database), "to 0.0.0.0/0: TCP 443"),
		"hello-go-mq": broker,
	}
)

func TestNetworkPoliciesOpenExactlyWhatIsNeeded(t *testing.T) {
	eachVariant(t, func(t *testing.T, file string) {
		want := map[string][]string{"hello-go": nil}
		maps.Copy(want, open[strings.TrimSuffix(filepath.Base(file), ".yaml")])
		for name, rules := range want {
			at := slices.IndexFunc(rules, func(r string) bool { return strings.HasPrefix(r, "to ") })
			if at < 0 {
				at = len(rules)
			}
			want[name] = slices.Insert(slices.Clone(rules), at, dns)
		}
		got := map[string][]string{}
		for _, o := range rendering(t, file) {
			if o.GetKind() != "NetworkPolicy" {
				continue
			}
			var p policy
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &p); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"Ingress", "Egress"}, p.Spec.PolicyTypes); diff != "" {
				t.Error(diff)
			}
			if len(p.Spec.PodSelector.MatchLabels) == 0 {
				t.Errorf("%s selects every pod of the namespace", o.GetName())
			}
			got[o.GetName()] = p.rules()
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

type policy struct {
	Spec struct {
		PodSelector selector `json:"podSelector"`
		PolicyTypes []string `json:"policyTypes"`
		Ingress     []rule   `json:"ingress"`
		Egress      []rule   `json:"egress"`
	} `json:"spec"`
}

type rule struct {
	From  []peer `json:"from"`
	To    []peer `json:"to"`
	Ports []struct {
		Protocol string `json:"protocol"`
		Port     int64  `json:"port"`
		EndPort  int64  `json:"endPort"`
	} `json:"ports"`
}

type peer struct {
	NamespaceSelector *selector `json:"namespaceSelector"`
	PodSelector       *selector `json:"podSelector"`
	IPBlock           *struct {
		CIDR string `json:"cidr"`
	} `json:"ipBlock"`
}

type selector struct {
	MatchLabels map[string]string `json:"matchLabels"`
}

// rules gives each rule as a line.
func (p policy) rules() []string {
	var all []string
	for _, r := range p.Spec.Ingress {
		all = append(all, "from "+r.line(r.From))
	}
	for _, r := range p.Spec.Egress {
		all = append(all, "to "+r.line(r.To))
	}
	return all
}

func (r rule) line(peers []peer) string {
	var who, ports []string
	for _, p := range peers {
		who = append(who, p.String())
	}
	for _, p := range r.Ports {
		ports = append(ports, fmt.Sprintf("%s %d", p.Protocol, p.Port))
		if p.EndPort > 0 {
			ports[len(ports)-1] += fmt.Sprintf("-%d", p.EndPort)
		}
	}
	return strings.Join(who, " or ") + ": " + strings.Join(ports, ", ")
}

func (p peer) String() string {
	var parts []string
	if p.IPBlock != nil {
		parts = append(parts, p.IPBlock.CIDR)
	}
	if p.NamespaceSelector != nil {
		parts = append(parts, "namespace "+p.NamespaceSelector.MatchLabels["kubernetes.io/metadata.name"])
	}
	if p.PodSelector != nil {
		var labels []string
		for _, name := range slices.Sorted(maps.Keys(p.PodSelector.MatchLabels)) {
			labels = append(labels, name+"="+p.PodSelector.MatchLabels[name])
		}
		parts = append(parts, strings.Join(labels, " "))
	}
	return strings.Join(parts, ", ")
}
