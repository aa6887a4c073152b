package contract

import (
	"slices"
	"strings"

	"github.com/pave-platform/pave/internal/yamlfile"
)

func (c checker) monitoring(s Spec) {
	names := map[AlertName]int{}
	for i, alert := range s.Alerts {
		if first, taken := names[alert.Name]; taken {
			c.conflict(yamlfile.Index("alerts", i)+".name", "%s is the name of %s already", alert.Name, yamlfile.Index("alerts", first))
		} else {
			names[alert.Name] = i
		}
	}
	if s.Metrics == nil || s.Metrics.Port == "" {
		return
	}
	ports := []string{httpPortName}
	for _, p := range s.Ports {
		ports = append(ports, string(p.Name))
	}
	if !slices.Contains(ports, string(s.Metrics.Port)) {
		c.conflict("metrics.port", "%q is no port of the application%s (allowed: %s)",
			s.Metrics.Port, yamlfile.DidYouMean(string(s.Metrics.Port), ports), strings.Join(ports, ", "))
	}
}
