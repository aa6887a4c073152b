package contract

import (
	_ "embed"
	"slices"
)

// SchemaURL is where the schema of this version is published.
const SchemaURL = "https://raw.githubusercontent.com/pave-platform/pave/main/golden-path/contract/platform.schema.json"

//go:generate go test . -run TestTheSchemaIsThatOfTheTypes -update

//go:embed platform.schema.json
var schema []byte

// Schema gives the JSON Schema (2020-12) of platform.yaml, with which an editor
// completes and explains the file. It refuses what [Parse] refuses, but for what
// lies between two fields.
func Schema() []byte { return slices.Clone(schema) }
