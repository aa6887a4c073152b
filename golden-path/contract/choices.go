package contract

import (
	"fmt"

	"github.com/pave-platform/pave/internal/yamlfile"
)

// choice is a text of which only a few are allowed.
type choice interface{ choices() []string }

// The constants that a file of this version of the contract carries.
const (
	CurrentAPIVersion APIVersion = "pave/v1"
	ApplicationKind   Kind       = "Application"
)

// APIVersion is the version of the contract.
type APIVersion string

func (APIVersion) choices() []string { return []string{string(CurrentAPIVersion)} }

func (v APIVersion) valid() error {
	if v != CurrentAPIVersion {
		return fmt.Errorf("%q is not known, the only version is %s", v, CurrentAPIVersion)
	}
	return nil
}

// Kind is the kind of document.
type Kind string

func (Kind) choices() []string { return []string{string(ApplicationKind)} }

func (k Kind) valid() error {
	if k != ApplicationKind {
		return fmt.Errorf("%q is not known, the only kind is %s", k, ApplicationKind)
	}
	return nil
}

// Strategy is how a new version takes over.
type Strategy string

// The strategies of a rollout.
const (
	Rolling      Strategy = "rolling"
	CanaryWay    Strategy = "canary"
	BlueGreenWay Strategy = "blueGreen"
)

func (Strategy) choices() []string {
	return []string{string(Rolling), string(CanaryWay), string(BlueGreenWay)}
}
func (s Strategy) valid() error { return yamlfile.Among(s, s.choices()) }

// ScalingMode is what is done with the resources that were measured.
type ScalingMode string

// The modes of vertical scaling.
const (
	ScalingOff      ScalingMode = "Off"
	ScalingInitial  ScalingMode = "Initial"
	ScalingRecreate ScalingMode = "Recreate"
)

func (ScalingMode) choices() []string {
	return []string{string(ScalingOff), string(ScalingInitial), string(ScalingRecreate)}
}
func (m ScalingMode) valid() error { return yamlfile.Among(m, m.choices()) }

// AccessMode is who may mount a volume.
type AccessMode string

// The access modes of a volume.
const (
	ReadWriteOnce AccessMode = "ReadWriteOnce"
	ReadWriteMany AccessMode = "ReadWriteMany"
)

func (AccessMode) choices() []string { return []string{string(ReadWriteOnce), string(ReadWriteMany)} }
func (m AccessMode) valid() error    { return yamlfile.Among(m, m.choices()) }

// Severity is how urgent an alert is.
type Severity string

// The severities of an alert.
const (
	Info     Severity = "info"
	Warning  Severity = "warning"
	Critical Severity = "critical"
)

func (Severity) choices() []string { return []string{string(Info), string(Warning), string(Critical)} }
func (s Severity) valid() error    { return yamlfile.Among(s, s.choices()) }
