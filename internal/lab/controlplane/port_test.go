package controlplane

import "testing"

func TestAReservedPortIsNobodyElses(t *testing.T) {
	a, releaseA, err := ReservePort()
	if err != nil {
		t.Fatal(err)
	}
	defer releaseA()
	b, releaseB, err := ReservePort()
	if err != nil {
		t.Fatal(err)
	}
	defer releaseB()
	if a == b || a == 0 {
		t.Errorf("got %d and %d", a, b)
	}
}
