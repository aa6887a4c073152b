package imagelist

import (
	_ "embed"
	"slices"
)

// SchemaURL is where the schema of this version is published.
const SchemaURL = "https://raw.githubusercontent.com/pave-platform/pave/main/steps/mirror/imagelist/images.schema.json"

//go:generate go test . -run TestTheSchemaIsThatOfTheTypes -update

//go:embed images.schema.json
var schema []byte

// Schema gives the JSON Schema (2020-12) of images.yaml, with which an editor
// completes and explains the file. It refuses what [Parse] refuses, but for what
// lies between two entries, or between an entry and the defaults.
func Schema() []byte { return slices.Clone(schema) }
