package contract

import "fmt"

// check finds what is wrong between fields that are each right by themselves.
func (d *decoder) check(a *Application) {
	d.checkPorts(a)
	d.checkResources("spec.resources", a.Spec.Resources)
	for e, o := range map[Environment]*Override{Staging: a.Spec.Environments.Staging, Production: a.Spec.Environments.Production} {
		if o == nil {
			continue
		}
		path := "spec.environments." + string(e)
		if o.Resources != (Resources{}) {
			d.checkResources(path+".resources", a.Spec.Resources.with(o.Resources))
		}
		if o.Ingress != nil && o.Ingress.Host == "" && a.Spec.Ingress == nil {
			d.conflict(path+".ingress", "has no host, and spec.ingress gives none")
		}
	}
}

func (d *decoder) checkPorts(a *Application) {
	names := map[PortName]int{}
	numbers := map[Port]string{a.For("").Port: "spec.port"}
	for i, p := range a.Spec.Ports {
		path := index("spec.ports", i)
		if first, taken := names[p.Name]; taken {
			d.conflict(path+".name", "%s is the name of %s already", p.Name, index("spec.ports", first))
		} else {
			names[p.Name] = i
		}
		if owner, taken := numbers[p.Port]; taken {
			d.conflict(path+".port", "%d is the port of %s already", p.Port, owner)
		} else {
			numbers[p.Port] = path
		}
	}
}

// checkResources looks at resources as they are after a merge; path is where
// the last of them stand in the file.
func (d *decoder) checkResources(path string, r Resources) {
	if r.Limits.CPU != "" && more(r.Requests.CPU, r.Limits.CPU) {
		d.conflict(path, "requests.cpu %s is above limits.cpu %s", r.Requests.CPU, r.Limits.CPU)
	}
	if r.Limits.Memory != "" && more(r.Requests.Memory, r.Limits.Memory) {
		d.conflict(path, "requests.memory %s is above limits.memory %s", r.Requests.Memory, r.Limits.Memory)
	}
}

// conflict reports a problem at a path that the file has.
func (d *decoder) conflict(path, format string, args ...any) {
	p := d.places[path]
	d.problems = append(d.problems, Problem{
		File: d.file, Line: p.line, Column: p.column, Path: path, Message: fmt.Sprintf(format, args...),
	})
}
