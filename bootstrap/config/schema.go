package config

import (
	_ "embed"
	"slices"
)

// SchemaURL is where the schema of this version is published.
const SchemaURL = "https://raw.githubusercontent.com/pave-platform/pave/main/bootstrap/config/cluster.schema.json"

//go:generate go test . -run TestTheSchemaIsThatOfTheTypes -update

//go:embed cluster.schema.json
var schema []byte

// Schema gives the JSON Schema (2020-12) of cluster.yaml, with which an editor
// completes and explains the file. It refuses what [Parse] refuses, but for what
// lies between two fields.
func Schema() []byte { return slices.Clone(schema) }
