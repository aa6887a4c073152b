package contract_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pave-platform/pave/golden-path/contract"
)

// badFeatures are lines under spec, and the problems that they have.
var badFeatures = map[string]struct {
	lines []string
	want  []string
}{
	"a database with no instances": {[]string{"database: {enabled: true, instances: 0}"}, []string{
		"platform.yaml:8:40: spec.database.instances: 0 is below 1",
	}},
	"a database that is not switched on or off": {[]string{"database: {instances: 2}", "messaging: {}"}, []string{
		"platform.yaml:8:13: spec.database.enabled: is missing",
		"platform.yaml:9:14: spec.messaging.enabled: is missing",
	}},
	"a backup that goes nowhere": {[]string{"database: {enabled: true, backup: {enabled: true}}"}, []string{
		"platform.yaml:8:37: spec.database.backup.bucket: is missing: a backup needs a bucket as in s3://backups/demo",
		"platform.yaml:8:37: spec.database.backup.endpoint: is missing: a backup needs the address of the S3 service as in https://s3.example.internal",
		"platform.yaml:8:37: spec.database.backup.secret: is missing: a backup needs the Secret with the bucket's keys",
	}},
	"a broker that can lose its majority": {[]string{"messaging: {enabled: true, replicas: 2}"}, []string{
		"platform.yaml:8:40: spec.messaging.replicas: 2 is even: use an odd number, so that there is always a majority",
	}},
	"more steps than a rollout takes": {[]string{"rollout: {strategy: canary, canary: {steps: [" + strings.Repeat("{pause: 1s}, ", 51) + "]}}"}, []string{
		"platform.yaml:8:47: spec.rollout.canary.steps: is a list of 51 entries, at most 50 are allowed",
	}},
	"a backup of no database": {[]string{"database: {enabled: false, backup: {enabled: true, bucket: 's3://backups', endpoint: 'https://s3', secret: s}}"}, []string{
		"platform.yaml:8:38: spec.database.backup: has no database to back up: set database.enabled to true, or delete backup",
	}},
	"a backup that an environment leaves incomplete": {[]string{"database: {enabled: true}", "environments: {production: {database: {backup: {enabled: true, endpoint: https://s3, secret: s}}}}"}, []string{
		"platform.yaml:9:50: spec.environments.production.database.backup.bucket: is missing: a backup needs a bucket as in s3://backups/demo",
	}},
	"a backup of wrong parts": {[]string{"database: {enabled: true, backup: {enabled: true, bucket: backups, endpoint: s3, secret: S, schedule: 0 2 * * *, retention: 30}}"}, []string{
		`platform.yaml:8:61: spec.database.backup.bucket: "backups" is not a bucket: write it as in s3://backups/demo`,
		`platform.yaml:8:80: spec.database.backup.endpoint: "s3" is not the address of a service: write it as in https://s3.example.internal, without a path`,
		`platform.yaml:8:92: spec.database.backup.secret: "S" is not a Kubernetes name: use lower-case letters, digits, - and .`,
		`platform.yaml:8:105: spec.database.backup.schedule: "0 2 * * *" is not a schedule: write second, minute, hour, day of the month, month and day of the week (0 is Sunday), as in "0 0 2 * * *" for two at night`,
		`platform.yaml:8:127: spec.database.backup.retention: is the number 30: it must be text, write "30"`,
	}},
	"a schedule that runs backwards": {[]string{"database: {enabled: true, backup: {enabled: false, schedule: 0 0 9-5 * * *}}"}, []string{
		`platform.yaml:8:64: spec.database.backup.schedule: "0 0 9-5 * * *" has the range 9-5, which ends before it begins`,
	}},
	"an environment's database without one": {[]string{"environments: {staging: {database: {instances: 2}}}"}, []string{
		"platform.yaml:8:38: spec.environments.staging.database: changes a database that is not there: spec.database must enable one",
	}},
	"variables that the platform injects": {[]string{"env: {DATABASE_URL: x}", "database: {enabled: true}", "messaging: {enabled: true}", "environments: {staging: {env: {RABBITMQ_HOST: x}}}"}, []string{
		"platform.yaml:8:23: spec.env.DATABASE_URL: comes with spec.database: delete the line, or use another name",
		"platform.yaml:11:49: spec.environments.staging.env.RABBITMQ_HOST: comes with spec.messaging: delete the line, or use another name",
	}},
	"weights that are none": {[]string{"rollout: {strategy: canary, canary: {steps: [{weight: 101}, {weight: -1}]}}"}, []string{
		"platform.yaml:8:57: spec.rollout.canary.steps[0].weight: 101 is above 100",
		"platform.yaml:8:72: spec.rollout.canary.steps[1].weight: -1 is below 0",
	}},
	"weights that do not rise": {[]string{"rollout: {strategy: canary, canary: {steps: [{weight: 20}, {pause: 5m}, {weight: 20}]}}"}, []string{
		"platform.yaml:8:84: spec.rollout.canary.steps[2].weight: 20 does not rise above 20, the weight before it",
	}},
	"steps that are none": {[]string{"rollout: {strategy: canary, canary: {steps: [{}, {weight: 1, pause: 5m}]}}"}, []string{
		"platform.yaml:8:48: spec.rollout.canary.steps[0]: is empty: give it a weight or a pause",
		"platform.yaml:8:52: spec.rollout.canary.steps[1]: has a weight and a pause: write them as steps of their own",
	}},
	"no steps, and a pause that is none": {[]string{"rollout: {strategy: canary, canary: {steps: []}}", "environments: {staging: {rollout: {canary: {steps: [{pause: 5 minutes}]}}}}"}, []string{
		"platform.yaml:8:47: spec.rollout.canary.steps: is an empty list: give it an entry or delete the line",
		`platform.yaml:9:63: spec.environments.staging.rollout.canary.steps[0].pause: "5 minutes" is not a pause: write seconds, minutes or hours as in 30s, 5m or 1h, or manual to wait for a promotion`,
	}},
	"steps of another strategy": {[]string{"rollout: {strategy: blueGreen, canary: {steps: [{weight: 20}]}}", "environments: {production: {rollout: {strategy: rolling, blueGreen: {autoPromote: true}}}}"}, []string{
		"platform.yaml:8:42: spec.rollout.canary: belongs to another strategy than blueGreen: set rollout.strategy to canary, or delete it",
		"platform.yaml:9:71: spec.environments.production.rollout.blueGreen: belongs to another strategy than rolling: set rollout.strategy to blueGreen, or delete it",
	}},
	"choices that are near": {[]string{"rollout: {strategy: bluegreen}", "verticalScaling: {mode: Auto}", "storage: [{name: d, mountPath: /d, size: 1Gi, accessMode: ReadWriteOne}]", "alerts: [{name: A, expr: up, severity: waring}]"}, []string{
		`platform.yaml:8:23: spec.rollout.strategy: "bluegreen" is not known, did you mean blueGreen? (allowed: rolling, canary, blueGreen)`,
		`platform.yaml:9:27: spec.verticalScaling.mode: "Auto" is not known (allowed: Off, Initial, Recreate)`,
		`platform.yaml:10:61: spec.storage[0].accessMode: "ReadWriteOne" is not known, did you mean ReadWriteOnce? (allowed: ReadWriteOnce, ReadWriteMany)`,
		`platform.yaml:11:42: spec.alerts[0].severity: "waring" is not known, did you mean warning? (allowed: info, warning, critical)`,
	}},
	"replicas and autoscaling": {[]string{"replicas: 2", "autoscaling: {maxReplicas: 3}", "environments: {staging: {replicas: 1, autoscaling: {maxReplicas: 2}}}"}, []string{
		"platform.yaml:8:13: spec.replicas: is there besides autoscaling: delete replicas to let the number of pods follow the load, or delete autoscaling",
		"platform.yaml:10:38: spec.environments.staging.replicas: is there besides autoscaling: delete replicas to let the number of pods follow the load, or delete autoscaling",
	}},
	"autoscaling that cannot be": {[]string{"autoscaling: {minReplicas: 4, maxReplicas: 3, cpu: 101}", "environments: {staging: {autoscaling: {maxReplicas: 101}}}"}, []string{
		"platform.yaml:8:54: spec.autoscaling.cpu: 101 is above 100",
		"platform.yaml:9:55: spec.environments.staging.autoscaling.maxReplicas: 101 is above 100",
	}},
	"fewest above most, also after an override": {[]string{"autoscaling: {minReplicas: 4, maxReplicas: 5}", "environments: {staging: {autoscaling: {maxReplicas: 3}}, production: {autoscaling: {minReplicas: 9}}}"}, []string{
		"platform.yaml:9:41: spec.environments.staging.autoscaling: minReplicas 4 is above maxReplicas 3",
		"platform.yaml:9:86: spec.environments.production.autoscaling: minReplicas 9 is above maxReplicas 5",
	}},
	"an environment's autoscaling without a maximum": {[]string{"replicas: 2", "environments: {staging: {autoscaling: {minReplicas: 3}}}"}, []string{
		"platform.yaml:9:41: spec.environments.staging.autoscaling.maxReplicas: is missing",
	}},
	"vertical scaling against autoscaling": {[]string{"verticalScaling: {mode: Recreate}", "environments: {production: {autoscaling: {maxReplicas: 3}}}"}, []string{
		"platform.yaml:8:27: spec.verticalScaling.mode: Recreate changes the requests that autoscaling measures by: use Off, or delete autoscaling",
	}},
	"mounts that collide": {[]string{"storage: [{name: a, mountPath: /data, size: 1Gi}, {name: a, mountPath: /data, size: 1Gi}]", "writable: [/data, /cache, /cache]"}, []string{
		"platform.yaml:8:60: spec.storage[1].name: a is the name of spec.storage[0] already",
		"platform.yaml:8:74: spec.storage[1].mountPath: /data is mounted by spec.storage[0] already",
		"platform.yaml:9:14: spec.writable[0]: /data is mounted by spec.storage[0] already",
		"platform.yaml:9:29: spec.writable[2]: /cache is mounted by spec.writable[1] already",
	}},
	"mounts that cannot be": {[]string{"storage: [{name: A, mountPath: data, size: 5GB}, {name: b, mountPath: /proc/x, size: 1Ki}]", "writable: [/tmp, /a/../b, /data/, /usr]"}, []string{
		`platform.yaml:8:20: spec.storage[0].name: "A" is not the name of a volume: use at most 40 lower-case letters, digits and -, not starting or ending with -`,
		`platform.yaml:8:34: spec.storage[0].mountPath: "data" is not a folder to mount: write an absolute path without . and .. and without a / at the end, as in /data`,
		`platform.yaml:8:46: spec.storage[0].size: "5GB" is not the size of a volume: write a whole number and a unit as in 500Mi or 10Gi`,
		`platform.yaml:8:73: spec.storage[1].mountPath: "/proc/x" belongs to the system: use a folder of the application, as in /data`,
		`platform.yaml:8:88: spec.storage[1].size: "1Ki" is not the size of a volume: write a whole number and a unit as in 500Mi or 10Gi`,
		`platform.yaml:9:14: spec.writable[0]: "/tmp" is writable in every container: delete the line, or use a folder in it`,
		`platform.yaml:9:20: spec.writable[1]: "/a/../b" is not a folder to mount: write an absolute path without . and .. and without a / at the end, as in /data`,
		`platform.yaml:9:29: spec.writable[2]: "/data/" is not a folder to mount: write an absolute path without . and .. and without a / at the end, as in /data`,
		`platform.yaml:9:37: spec.writable[3]: "/usr" belongs to the system: use a folder of the application, as in /data`,
	}},
	"destinations that are none": {[]string{"egress:", "  - {name: a, cidr: 10.20.0.5/16, ports: [443]}", "  - {name: b, cidr: 10.20.0.0, ports: [0, 65536]}", "  - {name: c, namespace: Shop, ports: []}"}, []string{
		`platform.yaml:9:23: spec.egress[0].cidr: "10.20.0.5/16" is an address in a network: write the network, 10.20.0.0/16`,
		`platform.yaml:10:23: spec.egress[1].cidr: "10.20.0.0" is not a network: write address and length as in 10.20.0.0/16`,
		"platform.yaml:10:42: spec.egress[1].ports[0]: 0 is below 1",
		"platform.yaml:10:45: spec.egress[1].ports[1]: 65536 is above 65535",
		`platform.yaml:11:28: spec.egress[2].namespace: "Shop" is not a DNS label: use at most 63 lower-case letters, digits and -, not starting or ending with -`,
		"platform.yaml:11:41: spec.egress[2].ports: is an empty list: give it an entry or delete the line",
	}},
	"destinations that collide": {[]string{"egress:", "  - {name: a, ports: [443, 443]}", "  - {name: a, cidr: '::/0', namespace: shop, ports: [443]}", "  - {name: c, cidr: '::/0', app: orders, ports: [443]}"}, []string{
		"platform.yaml:9:7: spec.egress[0]: has no destination: give it a cidr, or a namespace",
		"platform.yaml:9:30: spec.egress[0].ports[1]: 443 is given twice",
		"platform.yaml:10:7: spec.egress[1]: has two destinations: write cidr and namespace as entries of their own",
		"platform.yaml:10:14: spec.egress[1].name: a is the name of spec.egress[0] already",
		"platform.yaml:11:36: spec.egress[2].app: needs a namespace: an application has no cidr of its own",
	}},
	"alerts": {[]string{"alerts: [{name: High Error Rate, expr: ' ', for: 5, summary: x}]"}, []string{
		`platform.yaml:8:19: spec.alerts[0].name: "High Error Rate" is not the name of an alert: use at most 63 letters, digits and _, starting with a letter, as in HighErrorRate`,
		"platform.yaml:8:42: spec.alerts[0].expr: is empty: write a query that gives a result when the team is to be warned",
		`platform.yaml:8:52: spec.alerts[0].for: is the number 5: it must be text, write "5"`,
	}},
	"alerts and metrics that collide": {[]string{"alerts: [{name: A, expr: up}, {name: A, expr: up}]", "ports: [{name: metrics, port: 9090}]", "metrics: {enabled: true, port: metric}"}, []string{
		"platform.yaml:8:40: spec.alerts[1].name: A is the name of alerts[0] already",
		`platform.yaml:10:34: spec.metrics.port: "metric" is no port of the application, did you mean metrics? (allowed: http, metrics)`,
	}},
	"secrets": {[]string{"secrets: [{name: a, vault: {path: /demo/, keys: [A, A]}}, {name: a, vault: {keys: [1a]}}]"}, []string{
		`platform.yaml:8:37: spec.secrets[0].vault.path: "/demo/" is not a path in Vault: write it without a / in front and at the end, as in demo/api`,
		"platform.yaml:8:78: spec.secrets[1].vault.path: is missing",
		`platform.yaml:8:86: spec.secrets[1].vault.keys[0]: "1a" is not a variable name: use letters, digits and _, not starting with a digit`,
	}},
	"secrets that collide": {[]string{"secrets: [{name: a, vault: {path: demo, keys: [A, A]}}, {name: a}]"}, []string{
		"platform.yaml:8:53: spec.secrets[0].vault.keys[1]: A is given twice",
		"platform.yaml:8:66: spec.secrets[1].name: a is the name of spec.secrets[0] already",
	}},
}

func TestBadFeatures(t *testing.T) {
	for name, c := range badFeatures {
		t.Run(name, func(t *testing.T) {
			_, err := contract.Parse("platform.yaml", []byte(spec(c.lines...)))
			if err == nil {
				t.Fatal("accepted")
			}
			if diff := cmp.Diff(c.want, strings.Split(err.Error(), "\n")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestThePlatformKnowsItsDomainsAndSecrets(t *testing.T) {
	file := spec(
		"ingress: {host: shop.example.com}",
		"secrets: [{name: demo-en}, {name: demo-api, vault: {path: demo/api}}]",
		"database: {enabled: true, backup: {enabled: true, bucket: 's3://backups', secret: rustfs, endpoint: 'https://s3'}}",
		"environments: {staging: {ingress: {host: shop.apps.example.internal}}, production: {ingress: {host: apps.example.internal}}}",
	)
	for name, c := range map[string]struct {
		options []contract.Option
		want    []string
	}{
		"nothing": {nil, nil},
		"domains": {[]contract.Option{contract.IngressDomains("apps.example.internal", "example.org")}, []string{
			`platform.yaml:8:19: spec.ingress.host: "shop.example.com" is outside the platform's domains (allowed: *.apps.example.internal, *.example.org)`,
			`platform.yaml:11:103: spec.environments.production.ingress.host: "apps.example.internal" is outside the platform's domains (allowed: *.apps.example.internal, *.example.org)`,
		}},
		"secrets": {[]contract.Option{contract.Secrets("demo-env", "other")}, []string{
			`platform.yaml:9:20: spec.secrets[0].name: the project has no Secret "demo-en", did you mean demo-env? (it has: demo-env, other)`,
			`platform.yaml:10:85: spec.database.backup.secret: the project has no Secret "rustfs" (it has: demo-env, other)`,
		}},
		"that there are no secrets": {[]contract.Option{contract.Secrets()}, []string{
			`platform.yaml:9:20: spec.secrets[0].name: the project has no Secret "demo-en" (it has none)`,
			`platform.yaml:10:85: spec.database.backup.secret: the project has no Secret "rustfs" (it has none)`,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := contract.Parse("platform.yaml", []byte(file), c.options...)
			var got []string
			if err != nil {
				got = strings.Split(err.Error(), "\n")
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
