package contract

import (
	"fmt"
	"regexp"

	"github.com/pave-platform/pave/internal/yamlfile"
)

// rule is what every scalar type of the contract knows about its own values:
// valid gives nil, or says what is wrong and what is allowed.
type rule interface{ valid() error }

// verbatim marks scalar types that take a number or a boolean as it is written,
// so that `1.10` stays "1.10" and needs no quotes.
type verbatim interface{ verbatim() }

// EnvValue is the text of an environment variable.
type EnvValue string

func (EnvValue) valid() error { return nil }
func (EnvValue) verbatim()    {}

// maxExpression is some pages of PromQL.
const maxExpression = 4096

var expressionForm = regexp.MustCompile(`\S`)

// Expression is a query; whether it parses shows where it runs.
type Expression string

func (e Expression) valid() error {
	if !expressionForm.MatchString(string(e)) {
		return fmt.Errorf("is empty: write a query that gives a result when the team is to be warned")
	}
	return yamlfile.AtMost(string(e), maxExpression)
}

// maxSummary is a long sentence.
const maxSummary = 1024

// Summary is text for people.
type Summary string

func (s Summary) valid() error { return yamlfile.AtMost(string(s), maxSummary) }
