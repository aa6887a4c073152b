package main

import (
	"bytes"
	"os"
	"strconv"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pave-platform/pave/internal/imagetest"
	"github.com/pave-platform/pave/steps/sbom"
	"github.com/pave-platform/pave/steps/scan"
)

// The two benchmarks compare the gates on one read of an image with an SBOM and
// a scan that each read it. PAVE_BENCH_MB sets the image's size, uncompressed.
func benchmarkImage(b *testing.B) (tarball string, o scan.Options) {
	b.Helper()
	megabytes := 200
	if s := os.Getenv("PAVE_BENCH_MB"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			b.Fatalf("PAVE_BENCH_MB: %v", err)
		}
		megabytes = n
	}
	files := imagetest.Debian12(map[string][2]string{"libssl3": {"openssl", "3.0.11-1~deb12u2"}})
	files["app/program"] = imagetest.GoProgram(b)
	img := imagetest.Large(b, imagetest.Image(b, files), megabytes)
	return tarballOf(b, img), scan.Options{Database: scan.Database{Dir: demoDatabase(b)}}
}

func BenchmarkGateOneRead(b *testing.B) {
	tarball, o := benchmarkImage(b)
	resetPeak(b)
	for b.Loop() {
		o.Output = b.TempDir()
		err := withImage(b.Context(), tarball, func(img v1.Image) error {
			_, err := gate(b.Context(), img, o)
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(peak(b), "peak-MB")
}

func BenchmarkGateApart(b *testing.B) {
	tarball, o := benchmarkImage(b)
	resetPeak(b)
	for b.Loop() {
		o.Output = b.TempDir()
		err := withImage(b.Context(), tarball, func(img v1.Image) error {
			_, err := sbom.Run(b.Context(), sbom.Options{Image: img, Output: o.Output})
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
		err = withImage(b.Context(), tarball, func(img v1.Image) error {
			o.Image = img
			_, err := scan.Run(b.Context(), o)
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(peak(b), "peak-MB")
}

// resetPeak makes the kernel forget the resident set's peak, see proc(5).
func resetPeak(b *testing.B) {
	b.Helper()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		b.Logf("the peak includes making the image: %v", err)
	}
}

// peak is the largest resident set so far in MB, or 0 where it is not known.
func peak(b *testing.B) float64 {
	b.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, after, _ := bytes.Cut(status, []byte("VmHWM:"))
	kb, err := strconv.ParseFloat(string(bytes.Fields(after)[0]), 64)
	if err != nil {
		return 0
	}
	return kb / 1024
}
