package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/pave-platform/pave/internal/fault"
)

// The files that a report reads or copies: the steps' JSON results, and what
// steps leave beside them.
const (
	imageFile       = "image.json"
	publishFile     = "publish.json"
	gateFile        = "gate.json"
	signFile        = "sign.json"
	attestFile      = "attest.json"
	verifyFile      = "verify.json"
	chartFile       = "chart.json"
	deployFile      = "deploy.json"
	provenanceFile  = "provenance.json"
	applicationFile = "application.yaml"
	valuesFile      = "values.yaml"
	manifestsFile   = "manifests.yaml"
	spdxFile        = "sbom.spdx.json"
	cycloneDXFile   = "sbom.cdx.json"
	scanFile        = "scan.json"
	sarifFile       = "scan.sarif"
	scanTableFile   = "scan.txt"
	vulnFile        = "vuln.json"
	publicKeyFile   = "cosign.pub"
)

// known are the files of a report in the order of the flow, with what they are.
var known = []struct{ name, what string }{
	{imageFile, "the build's result"},
	{spdxFile, "SBOM, SPDX 2.3"},
	{cycloneDXFile, "SBOM, CycloneDX"},
	{gateFile, "the gates' result"},
	{scanFile, "Trivy's report"},
	{sarifFile, "the findings as SARIF"},
	{scanTableFile, "the findings as a table"},
	{vulnFile, "the findings as they are attested"},
	{publishFile, "the publication's result"},
	{provenanceFile, "SLSA v1 provenance"},
	{signFile, "the signature's result"},
	{attestFile, "the attestations' result"},
	{verifyFile, "the verification's result"},
	{publicKeyFile, "the key that verifies"},
	{valuesFile, "values for the chart"},
	{manifestsFile, "Kubernetes manifests"},
	{chartFile, "the chart's result"},
	{applicationFile, "Argo CD Application"},
	{deployFile, "the deploy's result"},
}

// run is everything that one run of the steps left behind. A nil pointer is a
// step that was not run.
type run struct {
	image       *imageResult
	publish     *publishResult
	gate        *gateResult
	sign        *signResult
	attest      *attestResult
	verify      *verifyResult
	chart       *Chart
	deploy      *deployResult
	provenance  *provenance
	packages    []softwarePackage
	objects     []object
	application string
	files       []File
}

// read loads the results in dir. A file that is missing is a step that was not
// run; one that is malformed, or about another image, is an input error.
func read(dir string) (*run, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, fault.Inputf("results: %w", err).Fix("give the folder that holds the steps' results")
	}
	if !info.IsDir() {
		return nil, fault.Inputf("results: %s is not a folder", dir)
	}
	r := &run{}
	for _, k := range known {
		info, err := os.Stat(filepath.Join(dir, k.name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return nil, fault.Failedf("results: %w", err)
		case !info.Mode().IsRegular():
			return nil, fault.Inputf("results: %s is not a file", filepath.Join(dir, k.name))
		}
		r.files = append(r.files, File{Name: k.name, What: k.what, Bytes: info.Size()})
	}
	if len(r.files) == 0 {
		return nil, fault.Inputf("results: %s holds no result of a step", dir).Fix("write results there with pave … --json, such as %s", imageFile)
	}
	if err := r.load(dir); err != nil {
		return nil, err
	}
	return r, r.oneImage()
}

func (r *run) load(dir string) error {
	var err error
	text := func(name string) []byte {
		b, readErr := os.ReadFile(filepath.Join(dir, name))
		if readErr != nil && !errors.Is(readErr, fs.ErrNotExist) {
			err = errors.Join(err, fault.Failedf("results: %w", readErr))
		}
		return b
	}
	fail := func(e error) { err = errors.Join(err, e) }

	r.image = decode[imageResult](imageFile, text(imageFile), fail)
	r.publish = decode[publishResult](publishFile, text(publishFile), fail)
	r.gate = decode[gateResult](gateFile, text(gateFile), fail)
	r.sign = decode[signResult](signFile, text(signFile), fail)
	r.attest = decode[attestResult](attestFile, text(attestFile), fail)
	r.verify = decode[verifyResult](verifyFile, text(verifyFile), fail)
	r.chart = decode[Chart](chartFile, text(chartFile), fail)
	r.deploy = decode[deployResult](deployFile, text(deployFile), fail)
	r.provenance = decode[provenance](provenanceFile, predicate(text(provenanceFile)), fail)
	r.packages = readPackages(text(spdxFile), fail)
	r.objects = readObjects(text(manifestsFile), fail)
	r.application = string(text(applicationFile))
	return err
}

// decode reads one result; no text is a step that was not run. It hands errors
// to fail, so that all bad files are named at once.
func decode[T any](name string, text []byte, fail func(error)) *T {
	if len(text) == 0 {
		return nil
	}
	v := new(T)
	if err := json.Unmarshal(text, v); err != nil {
		fail(fault.Inputf("%s:%s%w", name, position(text, err), err).Fix("write it with pave … --json"))
		return nil
	}
	return v
}

// position gives "line:column: " of a JSON error, or a blank where it has none.
func position(text []byte, err error) string {
	var offset int64
	var syntax *json.SyntaxError
	var mismatch *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset
	case errors.As(err, &mismatch):
		offset = mismatch.Offset
	default:
		return " "
	}
	before := text[:min(max(offset, 0), int64(len(text)))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := len(before) - bytes.LastIndexByte(before, '\n')
	return fmt.Sprintf("%d:%d: ", line, column)
}

// predicate unwraps an in-toto statement; a bare predicate stays as it is.
func predicate(text []byte) []byte {
	var statement struct {
		Predicate json.RawMessage `json:"predicate"`
	}
	if json.Unmarshal(text, &statement) == nil && len(statement.Predicate) > 0 {
		return statement.Predicate
	}
	return text
}

// oneImage makes sure that all results are about the same digest.
func (r *run) oneImage() error {
	digests := []struct{ file, digest string }{}
	add := func(file, digest string) {
		if digest != "" {
			digests = append(digests, struct{ file, digest string }{file, digest})
		}
	}
	if r.image != nil {
		add(imageFile, r.image.Digest)
	}
	if r.gate != nil {
		add(gateFile, r.gate.Digest)
	}
	if r.publish != nil {
		add(publishFile, r.publish.Digest)
	}
	if r.sign != nil {
		add(signFile, r.sign.Digest)
	}
	if r.attest != nil {
		_, digest, _ := strings.Cut(r.attest.Ref, "@")
		add(attestFile, digest)
	}
	if r.verify != nil {
		add(verifyFile, r.verify.Digest)
	}
	for _, d := range digests {
		if d.digest != digests[0].digest {
			return fault.Inputf("results: %s is about %s and %s about %s", digests[0].file, digests[0].digest, d.file, d.digest).
				Fix("put the results of one image together")
		}
	}
	return nil
}
