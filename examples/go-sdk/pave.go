package main

import (
	"context"
	"encoding/json"

	"dagger.io/dagger"
	"dagger.io/dagger/querybuilder"
)

// pave is the module, loaded into the session. The SDK knows Dagger's own types
// only; a module's functions are called by their GraphQL names.
type pave struct {
	client   *dagger.Client
	settings settings
	database *dagger.Directory
}

func load(ctx context.Context, client *dagger.Client, s settings) (*pave, error) {
	if err := client.ModuleSource(s.module).AsModule().Serve(ctx); err != nil {
		return nil, err
	}
	p := &pave{client: client, settings: s}
	if s.database != "" {
		p.database = client.Host().Directory(s.database)
	}
	return p, nil
}

// summary is the part of a report's summary.json that the table shows.
type summary struct {
	Title string
	SBOM  struct{ Packages int }
	Scan  struct {
		Critical, High int
		Passed         bool
		Database       struct{ Name string }
	}
}

// gate takes one application as far as the gates and writes its report to out.
// An image that the gates refuse is no error: the report says so.
func (p *pave) gate(ctx context.Context, folder, out string) (summary, error) {
	path := p.root().Select("goldenPath").Arg("source", p.client.Host().Directory(folder))
	if p.settings.commit != "" {
		path = path.Arg("commit", p.settings.commit)
	}
	if p.database != nil {
		path = path.Arg("database", p.database)
	}
	var id dagger.DirectoryID
	if err := path.Select("report").Select("id").Bind(&id).Execute(ctx); err != nil {
		return summary{}, err
	}
	report := p.client.LoadDirectoryFromID(id)
	if _, err := report.Export(ctx, out); err != nil {
		return summary{}, err
	}
	text, err := report.File("summary.json").Contents(ctx)
	if err != nil {
		return summary{}, err
	}
	var s summary
	return s, json.Unmarshal([]byte(text), &s)
}

func (p *pave) root() *querybuilder.Selection {
	root := p.client.QueryBuilder().Select("pave")
	if p.settings.goproxy != "" {
		root = root.Arg("goproxy", p.settings.goproxy)
	}
	return root
}
