// Package conformance holds the tests that need the cluster's real parts: an
// API server with the operators' definitions, and Kyverno's own engine. They
// take minutes the first time, when those parts are compiled.
package conformance
