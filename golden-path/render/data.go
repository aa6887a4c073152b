package render

import "github.com/pave-platform/pave/golden-path/contract"

func secret(s contract.Secret) any {
	f := fields{"name": string(s.Name)}
	if s.Vault != nil {
		vault := fields{"path": string(s.Vault.Path)}
		if len(s.Vault.Keys) > 0 {
			vault["keys"] = list(s.Vault.Keys, text)
		}
		f["vault"] = vault
	}
	return f
}

func database(d *contract.Database) fields {
	if d == nil || !d.Enabled {
		return fields{"enabled": false}
	}
	return fields{
		"enabled":   true,
		"instances": int(d.Instances),
		"storage":   volume(d.Storage),
		"backup":    backup(d.Backup),
	}
}

func backup(b *contract.Backup) fields {
	if b == nil || !b.Enabled {
		return fields{"enabled": false}
	}
	return fields{
		"enabled":   true,
		"bucket":    string(b.Bucket),
		"endpoint":  string(b.Endpoint),
		"secret":    string(b.Secret),
		"schedule":  string(b.Schedule),
		"retention": string(b.Retention),
	}
}

func messaging(m *contract.Messaging) fields {
	if m == nil || !m.Enabled {
		return fields{"enabled": false}
	}
	return fields{"enabled": true, "replicas": int(m.Replicas), "storage": volume(m.Storage)}
}

func volume(v contract.Volume) fields {
	return fields{"size": v.Size.Canonical(), "class": string(v.Class)}
}

func storage(s contract.Storage) any {
	return fields{
		"name":       string(s.Name),
		"mountPath":  string(s.MountPath),
		"size":       s.Size.Canonical(),
		"class":      string(s.Class),
		"accessMode": string(s.AccessMode),
	}
}
