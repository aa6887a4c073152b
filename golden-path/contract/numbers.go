package contract

import (
	"fmt"

	"github.com/pave-platform/pave/internal/yamlfile"
)

// bounded is a whole number within limits.
type bounded interface{ bounds() (low, high int) }

// Port is a TCP port that a process without privileges can listen on.
type Port int

func (Port) bounds() (low, high int) { return 1024, 65535 }
func (p Port) valid() error          { return within(p) }

// TargetPort is any TCP port.
type TargetPort int

func (TargetPort) bounds() (low, high int) { return 1, 65535 }
func (p TargetPort) valid() error          { return within(p) }

// Replicas is a number of pods.
type Replicas int

func (Replicas) bounds() (low, high int) { return 1, 100 }
func (r Replicas) valid() error          { return within(r) }

// Instances is a number of servers of a database.
type Instances int

func (Instances) bounds() (low, high int) { return 1, 9 }
func (i Instances) valid() error          { return within(i) }

// Nodes is a number of servers of a broker. Of an even number half may be cut
// off, and then none has a majority.
type Nodes int

func (Nodes) bounds() (low, high int) { return 1, 9 }

func (n Nodes) valid() error {
	if err := within(n); err != nil {
		return err
	}
	if n%2 == 0 {
		return fmt.Errorf("%d is even: use an odd number, so that there is always a majority", n)
	}
	return nil
}

// Percent is a share of what is requested.
type Percent int

func (Percent) bounds() (low, high int) { return 1, 100 }
func (p Percent) valid() error          { return within(p) }

// Weight is a share of the requests in percent.
type Weight int

func (Weight) bounds() (low, high int) { return 0, 100 }
func (w Weight) valid() error          { return within(w) }

// Seconds is a duration in whole seconds, at most an hour.
type Seconds int

func (Seconds) bounds() (low, high int) { return 1, 3600 }
func (s Seconds) valid() error          { return within(s) }

// Threshold is a number of failures in a row.
type Threshold int

func (Threshold) bounds() (low, high int) { return 1, 1000 }
func (t Threshold) valid() error          { return within(t) }

func within[N interface {
	~int
	bounded
}](n N) error {
	low, high := n.bounds()
	return yamlfile.Within(int(n), low, high)
}
