package contract

import "github.com/pave-platform/pave/internal/strictyaml"

// MaxBytes is the size of the largest file that is read.
const MaxBytes = strictyaml.MaxBytes

// Problem is one thing that is wrong with a file.
type Problem = strictyaml.Problem

// Problems is everything that is wrong with a file, in the file's order.
type Problems = strictyaml.Problems

// wholeFile are what errors about a whole file say.
var wholeFile = strictyaml.Words{Needs: "apiVersion, kind, metadata and spec", One: "application"}

// decoder reads a file, and knows what the platform told about itself.
type decoder struct {
	strictyaml.Decoder
	known known
}

func newDecoder(file string) *decoder {
	return &decoder{Decoder: strictyaml.Decoder{File: file, Rules: strictyaml.Rules{
		Check: func(value any) error {
			if r, ok := value.(rule); ok {
				return r.valid()
			}
			return nil
		},
		Verbatim: func(value any) bool {
			_, ok := value.(verbatim)
			return ok
		},
	}}}
}
