package main

import (
	"testing"
	"time"
)

func TestImportsAndClonesMakeMachinesOnTheSameVCenter(t *testing.T) {
	l := testLab(t)
	s, err := l.newSite(t.Context(), "vcenter", 10*time.Millisecond, smallOVA)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	if err := s.importEach(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	r, _, err := s.apply(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range r.Nodes {
		if n.Address == "" || n.Seconds <= 0 {
			t.Errorf("%+v", n)
		}
	}
}
