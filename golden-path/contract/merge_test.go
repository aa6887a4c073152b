package contract_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pave-platform/pave/golden-path/contract"
)

func parse(t *testing.T, file string) *contract.Application {
	t.Helper()
	a, err := contract.Parse("platform.yaml", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestDefaultsHoldWhereNothingIsSaid(t *testing.T) {
	got := parse(t, spec("{}")).For(contract.Staging)
	want := contract.Spec{
		Port:     8080,
		Replicas: 1,
		Resources: contract.Resources{
			Requests: contract.Amounts{CPU: "50m", Memory: "64Mi"},
			Limits:   contract.Amounts{CPU: "500m", Memory: "256Mi"},
		},
		Rollout: contract.Rollout{Strategy: contract.Rolling},
		Reload:  new(false),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAnEnvironmentOverridesSpecScalarByScalar(t *testing.T) {
	a := parse(t, spec(
		"replicas: 2",
		"env: {LEVEL: info, COLOUR: blue}",
		"ingress: {host: hello.apps.example.internal, tls: false}",
		"resources: {requests: {cpu: 100m}, limits: {cpu: 1}}",
		"environments:",
		"  production:",
		"    replicas: 5",
		"    env: {LEVEL: warn, REGION: eu}",
		"    ingress: {host: hello.example.com}",
		"    resources: {limits: {cpu: 2, memory: 1Gi}}",
	))
	want := contract.Spec{
		Port:     8080,
		Replicas: 5,
		Env:      map[contract.EnvName]contract.EnvValue{"LEVEL": "warn", "COLOUR": "blue", "REGION": "eu"},
		Ingress:  &contract.Ingress{Host: "hello.example.com", TLS: new(false)},
		Resources: contract.Resources{
			Requests: contract.Amounts{CPU: "100m", Memory: "64Mi"},
			Limits:   contract.Amounts{CPU: "2", Memory: "1Gi"},
		},
		Disruption: &contract.Disruption{MaxUnavailable: 1},
		Rollout:    contract.Rollout{Strategy: contract.Rolling},
		Reload:     new(false),
	}
	if diff := cmp.Diff(want, a.For(contract.Production)); diff != "" {
		t.Error(diff)
	}
	if staging := a.For(contract.Staging); staging.Replicas != 2 || staging.Env["LEVEL"] != "info" || staging.Ingress.Host != "hello.apps.example.internal" {
		t.Errorf("production's overrides reach staging: %+v", staging)
	}
	if a.Spec.Ingress.Host != "hello.apps.example.internal" || len(a.Spec.Env) != 2 {
		t.Error("the application itself has changed")
	}
}

func TestADefaultFollowsTheTeamsRequestOrLimit(t *testing.T) {
	got := parse(t, spec("resources: {requests: {memory: 512Mi}, limits: {cpu: 20m}}")).For(contract.Staging).Resources
	want := contract.Resources{
		Requests: contract.Amounts{CPU: "20m", Memory: "512Mi"},
		Limits:   contract.Amounts{CPU: "20m", Memory: "512Mi"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestOnlyTheEnvironmentsOfThePlatformAreKnown(t *testing.T) {
	if _, err := contract.ParseEnvironment("prod"); err == nil || err.Error() != `environment "prod" is not known; use staging or production` {
		t.Errorf("got %v", err)
	}
}

func TestQuantitiesAreCanonicalWhereTheUnitsAllow(t *testing.T) {
	for written, want := range map[contract.CPU]string{"0.5": "500m", "2": "2", "1500m": "1500m", "1000000": "1000000"} {
		if got := written.Canonical(); got != want {
			t.Errorf("CPU %s: got %s, want %s", written, got, want)
		}
	}
	for written, want := range map[contract.Memory]string{"1.5Gi": "1536Mi", "1024Mi": "1Gi", "1.001Mi": "1.001Mi", "1048.577k": "1048.577k"} {
		if got := written.Canonical(); got != want {
			t.Errorf("memory %s: got %s, want %s", written, got, want)
		}
	}
}

func TestAnEnvironmentOverridesEveryKindOfField(t *testing.T) {
	a := parse(t, spec(
		"replicas: 2",
		"database: {enabled: true, storage: {size: 10Gi, class: fast}, backup: {enabled: true, bucket: 's3://backups/demo', endpoint: 'https://s3', secret: rustfs}}",
		"rollout: {strategy: canary, canary: {steps: [{weight: 10}, {pause: manual}]}}",
		"alerts: [{name: Down, expr: up == 0}, {name: Slow, expr: latency > 1}]",
		"environments:",
		"  staging:",
		"    database: {backup: {enabled: false}}",
		"    rollout: {strategy: rolling}",
		"    alerts: []",
		"  production:",
		"    autoscaling: {minReplicas: 3, maxReplicas: 9}",
		"    database: {instances: 3, storage: {size: 50Gi}, backup: {retention: 90d}}",
		"    rollout: {strategy: blueGreen, blueGreen: {autoPromote: true}}",
		"    alerts: [{name: Down, expr: up == 0, for: 1m, severity: critical}]",
	))
	backup := contract.Backup{Enabled: true, Bucket: "s3://backups/demo", Endpoint: "https://s3", Secret: "rustfs", Schedule: "0 0 2 * * *", Retention: "30d"}
	staging, production := backup, backup
	staging.Enabled = false
	production.Retention = "90d"
	for e, want := range map[contract.Environment]contract.Spec{
		contract.Staging: {
			Replicas:   2,
			Disruption: &contract.Disruption{MaxUnavailable: 1},
			Database:   &contract.Database{Enabled: true, Instances: 1, Storage: contract.Volume{Size: "10Gi", Class: "fast"}, Backup: &staging},
			Rollout:    contract.Rollout{Strategy: contract.Rolling},
		},
		contract.Production: {
			Autoscaling: &contract.Autoscaling{MinReplicas: 3, MaxReplicas: 9, CPU: 70},
			Disruption:  &contract.Disruption{MaxUnavailable: 1},
			Database:    &contract.Database{Enabled: true, Instances: 3, Storage: contract.Volume{Size: "50Gi", Class: "fast"}, Backup: &production},
			Rollout:     contract.Rollout{Strategy: contract.BlueGreenWay, BlueGreen: &contract.BlueGreen{AutoPromote: new(true), ScaleDownDelay: "30s"}},
			Alerts:      []contract.Alert{{Name: "Down", Expr: "up == 0", For: "1m", Severity: contract.Critical}},
		},
	} {
		s := a.For(e)
		got := contract.Spec{Replicas: s.Replicas, Autoscaling: s.Autoscaling, Disruption: s.Disruption, Database: s.Database, Rollout: s.Rollout, Alerts: s.Alerts}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:\n%s", e, diff)
		}
	}
}

func TestReplicasAndAutoscalingTakeEachOthersPlace(t *testing.T) {
	a := parse(t, spec(
		"autoscaling: {minReplicas: 2, maxReplicas: 6, memory: 80}",
		"environments: {staging: {replicas: 1}, production: {autoscaling: {maxReplicas: 12}}}",
	))
	if s := a.For(contract.Staging); s.Replicas != 1 || s.Autoscaling != nil || s.Disruption != nil {
		t.Errorf("staging: %+v", s)
	}
	want := &contract.Autoscaling{MinReplicas: 2, MaxReplicas: 12, Memory: 80}
	if s := a.For(contract.Production); s.Replicas != 0 || !cmp.Equal(want, s.Autoscaling) {
		t.Errorf("production: %+v", s)
	}
}
