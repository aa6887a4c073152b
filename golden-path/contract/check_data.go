package contract

import (
	"slices"
	"strings"

	"github.com/pave-platform/pave/internal/yamlfile"
)

// injected are the variables that come with a database and a broker.
var injected = map[string][]EnvName{
	"database":  {"DATABASE_HOST", "DATABASE_PORT", "DATABASE_NAME", "DATABASE_USER", "DATABASE_PASSWORD", "DATABASE_URL"},
	"messaging": {"RABBITMQ_HOST", "RABBITMQ_PORT", "RABBITMQ_USERNAME", "RABBITMQ_PASSWORD"},
}

func (c checker) variables(s Spec) {
	for source, enabled := range map[string]bool{
		"database":  s.Database != nil && s.Database.Enabled,
		"messaging": s.Messaging != nil && s.Messaging.Enabled,
	} {
		for _, name := range injected[source] {
			if _, set := s.Env[name]; set && enabled {
				c.conflict("env."+string(name), "comes with spec.%s: delete the line, or use another name", source)
			}
		}
	}
}

func (c checker) secrets(s Spec) {
	first := map[ObjectName]int{}
	for i, secret := range s.Secrets {
		path := yamlfile.Index("secrets", i)
		if n, taken := first[secret.Name]; taken {
			c.conflict(path+".name", "%s is the name of spec.%s already", secret.Name, yamlfile.Index("secrets", n))
			continue
		}
		first[secret.Name] = i
		if secret.Vault == nil {
			c.reference(path+".name", secret.Name)
			continue
		}
		keys := map[EnvName]bool{}
		for n, key := range secret.Vault.Keys {
			if keys[key] {
				c.conflict(yamlfile.Index(path+".vault.keys", n), "%s is given twice", key)
			}
			keys[key] = true
		}
	}
}

// maxListed keeps a message readable in a project with many Secrets.
const maxListed = 10

// reference looks whether the project has a Secret that must exist.
func (c checker) reference(path string, name ObjectName) {
	has := c.known.secrets
	if !c.known.project || slices.Contains(has, string(name)) {
		return
	}
	list := "it has none"
	if len(has) > 0 {
		list = "it has: " + strings.Join(has[:min(len(has), maxListed)], ", ")
	}
	if len(has) > maxListed {
		list += ", …"
	}
	c.conflict(path, "the project has no Secret %q%s (%s)", name, yamlfile.DidYouMean(string(name), has), list)
}

func (c checker) mounts(s Spec) {
	names := map[VolumeName]int{}
	paths := map[MountPath]string{}
	mount := func(path MountPath, field, owner string) {
		if other, taken := paths[path]; taken {
			c.conflict(field, "%s is mounted by %s already", path, other)
			return
		}
		paths[path] = owner
	}
	for i, v := range s.Storage {
		path := yamlfile.Index("storage", i)
		if first, taken := names[v.Name]; taken {
			c.conflict(path+".name", "%s is the name of spec.%s already", v.Name, yamlfile.Index("storage", first))
		} else {
			names[v.Name] = i
		}
		mount(v.MountPath, path+".mountPath", "spec."+path)
	}
	for i, path := range s.Writable {
		mount(path, yamlfile.Index("writable", i), "spec."+yamlfile.Index("writable", i))
	}
}

func (c checker) database(s Spec) {
	if s.Database == nil || s.Database.Backup == nil || !s.Database.Backup.Enabled {
		return
	}
	b := s.Database.Backup
	if !s.Database.Enabled {
		c.conflict("database.backup", "has no database to back up: set database.enabled to true, or delete backup")
		return
	}
	if b.Bucket == "" {
		c.conflict("database.backup.bucket", "is missing: a backup needs a bucket as in s3://backups/demo")
	}
	if b.Endpoint == "" {
		c.conflict("database.backup.endpoint", "is missing: a backup needs the address of the S3 service as in https://s3.example.internal")
	}
	if b.Secret == "" {
		c.conflict("database.backup.secret", "is missing: a backup needs the Secret with the bucket's keys")
	} else {
		c.reference("database.backup.secret", b.Secret)
	}
}
