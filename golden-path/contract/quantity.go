package contract

import (
	"fmt"
	"regexp"

	"k8s.io/apimachinery/pkg/api/resource"
)

// CPU is a number of cores: 2, 0.5, or in thousandths as in 500m.
type CPU string

// Memory is a size with its unit, in powers of two (Ki, Mi, Gi, Ti) or of ten
// (k, M, G, T).
type Memory string

// Size is the size of a volume, a whole number with its unit.
type Size string

// These are narrower than Kubernetes: 512m of memory is half a byte there, and
// an exponent can keep a parser busy for minutes.
var (
	cpuForm    = regexp.MustCompile(`^[0-9]{1,9}(\.[0-9]{1,3}|m)?$`)
	memoryForm = regexp.MustCompile(`^[0-9]{1,9}(\.[0-9]{1,3})?(Ki|Mi|Gi|Ti|k|M|G|T)$`)

	sizeForm = regexp.MustCompile(`^[1-9][0-9]{0,8}(Mi|Gi|Ti|M|G|T)$`)

	leastCPU    = resource.MustParse("1m")
	leastMemory = resource.MustParse("1Mi")
)

func (c CPU) valid() error {
	if !cpuForm.MatchString(string(c)) {
		return fmt.Errorf("%q is not an amount of CPU: write cores as in 0.5, or thousandths as in 500m", c)
	}
	return atLeast(string(c), leastCPU)
}

func (CPU) verbatim() {}

func (m Memory) valid() error {
	if !memoryForm.MatchString(string(m)) {
		return fmt.Errorf("%q is not an amount of memory: write a number and a unit as in 256Mi or 1Gi", m)
	}
	return atLeast(string(m), leastMemory)
}

func (Memory) verbatim() {}

func (s Size) valid() error {
	if !sizeForm.MatchString(string(s)) {
		return fmt.Errorf("%q is not the size of a volume: write a whole number and a unit as in 500Mi or 10Gi", s)
	}
	return nil
}

func (Size) verbatim() {}

func atLeast(s string, least resource.Quantity) error {
	q, err := resource.ParseQuantity(s)
	if err != nil {
		return fmt.Errorf("%q: %w", s, err)
	}
	if q.Cmp(least) < 0 {
		return fmt.Errorf("%s is below %s", s, least.String())
	}
	return nil
}

// Canonical gives c as the API server writes it: 500m for 0.5. What is written
// so shows no difference to what the cluster has.
func (c CPU) Canonical() string { return canonical(c, cpuForm) }

// Canonical gives m as the API server writes it: 1536Mi for 1.5Gi.
func (m Memory) Canonical() string { return canonical(m, memoryForm) }

// Canonical gives s as the API server writes it: 1Gi for 1024Mi.
func (s Size) Canonical() string { return canonical(s, sizeForm) }

// quantity is a CPU, a Memory or a Size. They are compared only after valid
// accepted them.
type quantity interface{ ~string }

func more[Q quantity](a, b Q) bool {
	x, errX := resource.ParseQuantity(string(a))
	y, errY := resource.ParseQuantity(string(b))
	return errX == nil && errY == nil && x.Cmp(y) > 0
}

// canonical leaves an amount as it is where the canonical form needs a unit that
// the contract and the chart do not know: bytes, or millionths.
func canonical[Q quantity](q Q, form *regexp.Regexp) string {
	parsed, err := resource.ParseQuantity(string(q))
	if err != nil || !form.MatchString(parsed.String()) {
		return string(q)
	}
	return parsed.String()
}
