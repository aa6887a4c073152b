package contract

import (
	"slices"
	"strings"

	"github.com/pave-platform/pave/internal/yamlfile"
)

// check finds what is wrong between fields: in spec, and in what each environment
// makes of it. Of a file with a field that is wrong by itself it looks only at what
// no other field can change, in the parts that are right: a problem that follows
// from another one would send the reader the wrong way.
func (d *decoder) check(a *Application) {
	if wrong := len(d.Problems); wrong > 0 {
		for _, e := range a.described() {
			c, s := checker{decoder: d, environment: e}, a.merged(e)
			c.ingress(s)
			c.secrets(s)
		}
		beside := slices.DeleteFunc(slices.Clone(d.Problems[wrong:]), func(p yamlfile.Problem) bool {
			return slices.ContainsFunc(d.Problems[:wrong], func(w yamlfile.Problem) bool { return part(w.Path) == part(p.Path) })
		})
		d.Problems = append(d.Problems[:wrong], beside...)
		return
	}
	d.checkName(a)
	d.checkAlternatives(a)
	for _, e := range a.described() {
		c := checker{decoder: d, environment: e}
		s := a.merged(e)
		c.ports(s)
		c.ingress(s)
		c.variables(s)
		c.secrets(s)
		c.resources(s.Resources)
		c.scaling(s)
		c.mounts(s)
		c.database(s)
		c.egress(s)
		c.rollout(s.Rollout)
		c.monitoring(s)
	}
}

// described are spec, as the environment without a name, and the environments with
// overrides.
func (a *Application) described() []Environment {
	return slices.DeleteFunc([]Environment{"", Staging, Production}, func(e Environment) bool {
		return e != "" && a.Spec.Environments.of(e) == nil
	})
}

// part is the field of the spec, or of an environment, that a path is in.
func part(path string) string {
	fields := strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' })
	depth := 2
	if len(fields) > 1 && fields[1] == "environments" {
		depth = 4
	}
	return strings.Join(fields[:min(depth, len(fields))], ".")
}

// maxNameWithOperator leaves room for what the operators of databases and brokers
// append to the name.
const maxNameWithOperator = 40

func (d *decoder) checkName(a *Application) {
	n, s := len(a.Metadata.Name), a.Spec
	if n > maxNameWithOperator && (s.Database != nil && s.Database.Enabled || s.Messaging != nil && s.Messaging.Enabled) {
		d.Conflict("metadata.name", "has %d characters, with a database or a broker at most %d are allowed", n, maxNameWithOperator)
	}
}

// checkAlternatives looks at fields of which one level of the file can have one
// only; merging hides that.
func (d *decoder) checkAlternatives(a *Application) {
	const both = "is there besides autoscaling: delete replicas to let the number of pods follow the load, or delete autoscaling"
	if a.Spec.Replicas != 0 && a.Spec.Autoscaling != nil {
		d.Conflict("spec.replicas", both)
	}
	for _, e := range []Environment{Staging, Production} {
		o, path := a.Spec.Environments.of(e), "spec.environments."+string(e)
		if o == nil {
			continue
		}
		if o.Replicas != 0 && o.Autoscaling != nil {
			d.Conflict(path+".replicas", both)
		}
		if o.Database != nil && (a.Spec.Database == nil || !a.Spec.Database.Enabled) {
			d.Conflict(path+".database", "changes a database that is not there: spec.database must enable one")
		}
	}
}

// decoder is a file that was read, and what is known besides.
type decoder struct {
	*yamlfile.File
	known known
}

// checker looks at the spec of one environment, or at spec itself.
type checker struct {
	*decoder
	environment Environment
}

// conflict reports a problem at a field of the spec: where the environment sets
// it, else where spec does. What several environments inherit is one problem.
func (c checker) conflict(field, format string, args ...any) {
	path := "spec." + field
	if c.environment != "" {
		own := "spec.environments." + string(c.environment) + "." + field
		inside := strings.Count(c.Around(own), ".") - strings.Count(own, ".")
		if inside >= strings.Count(c.Around(path), ".")-strings.Count(path, ".") {
			path = own
		}
	}
	c.decoder.Conflict(path, format, args...)
}
