package render

import "github.com/pave-platform/pave/golden-path/contract"

func alert(a contract.Alert) any {
	f := fields{
		"name":     string(a.Name),
		"expr":     string(a.Expr),
		"for":      string(a.For),
		"severity": string(a.Severity),
	}
	given(f, "summary", a.Summary)
	return f
}

func metrics(m *contract.Metrics) fields {
	if m == nil || !m.Enabled {
		return fields{"enabled": false}
	}
	return fields{"enabled": true, "path": string(m.Path), "port": string(m.Port)}
}
