//go:build !linux

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "the demo of the bootstrap needs Linux: each of its two runners is in a network namespace of its own")
	os.Exit(1)
}
