// Package report gathers what the steps of one run left behind and says it in
// three ways: summary.json for programs, report.html for people, summary.txt
// for a terminal.
//
// It promises to say nothing that the results do not say: a step without a
// result is "not run", results of two different images are refused, and the
// same results give the same bytes. Only files with known names are copied, so
// a key that lies beside the results stays where it is.
package report

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/pave-platform/pave/internal/fault"
)

// The files that Run adds to the results.
const (
	SummaryFile = "summary.json" // the Result
	TableFile   = "summary.txt"  // what the Result's Summary writes
	PageFile    = "report.html"
)

// Options say what to report on and where.
type Options struct {
	Input  string // folder with the results of the steps
	Output string // folder to write; made if missing, may be Input itself
	Title  string // heading of the page; empty: the application's name
}

// Run reads the results in o.Input, copies them to o.Output and adds
// summary.json, summary.txt and report.html. Nothing is written before
// everything has been read and rendered.
func Run(ctx context.Context, o Options) (Result, error) {
	if o.Input == "" || o.Output == "" {
		return Result{}, fault.Inputf("a report needs the folder with the results and the folder to write")
	}
	run, err := read(o.Input)
	if err != nil {
		return Result{}, err
	}
	res := summarise(run, o.Title)
	summary, err := json.MarshalIndent(res, "", "  ")
	if err != nil {
		return Result{}, fault.Failedf("%s: %w", SummaryFile, err)
	}
	var page bytes.Buffer
	if err := render(&page, run, res); err != nil {
		return Result{}, fault.Failedf("%s: %w", PageFile, err)
	}
	out, err := openOutput(o.Input, o.Output)
	if err != nil {
		return Result{}, err
	}
	for _, f := range res.Files {
		if err := out.copy(ctx, f.Name); err != nil {
			return Result{}, err
		}
	}
	if err := out.write(SummaryFile, append(summary, '\n')); err != nil {
		return Result{}, err
	}
	var table bytes.Buffer
	res.Summary(&table)
	if err := out.write(TableFile, table.Bytes()); err != nil {
		return Result{}, err
	}
	return res, out.write(PageFile, page.Bytes())
}
