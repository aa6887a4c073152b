package forge

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"

	"github.com/pave-platform/pave/internal/fault"
)

// explain names the repository, what was wanted, the cause and the remedy in one
// line. The cause stays in the chain.
func (r *rest) explain(ctx context.Context, what string, err error) error {
	what = fmt.Sprintf("%s of %s", what, r.repository)
	if cause := ctx.Err(); cause != nil {
		return fmt.Errorf("%s: %w", what, cause)
	}
	var no *refusal
	switch {
	case errors.As(err, &no):
		return r.explainRefusal(what, no)
	case errors.As(err, new(*garbled)):
		return fault.Failedf("%s: the answer is not what the API describes: %w", what, err).Fix("check that %s is the API's address", r.base)
	}
	if known := explainConnection(r.base.Host, err); known != nil {
		return fault.Failedf("%s: %w", what, known.Err).Fix("%s", known.Remedy)
	}
	return fault.Failedf("%s: %w", what, err).Fix("check the network and run it again")
}

func (r *rest) explainRefusal(what string, no *refusal) error {
	if no.limited() {
		return fault.Failedf("%s: asked too often (%w)", what, no).Fix("run it again in %s", max(no.after(), firstPause).Round(firstPause))
	}
	switch {
	case no.status == http.StatusUnauthorized && r.token == "":
		return fault.Failedf("%s: it asks for a token (%w)", what, no).Fix("give --forge-token-file or --forge-token-env")
	case no.status == http.StatusUnauthorized:
		return fault.Failedf("%s: the token is refused (%w)", what, no).Fix("check that it has not expired, and give a user name where it is an app password or an API token")
	case no.status == http.StatusForbidden:
		return fault.Failedf("%s: not allowed (%w)", what, no).Fix("give the token these rights: %s", r.rights)
	case no.status == http.StatusNotFound:
		return fault.Inputf("%s: not there, or not to be seen with this token (%w)", what, no).Fix("check project, repository and number, and that the token has these rights: %s", r.rights)
	case no.status >= 300 && no.status < 400:
		return fault.Failedf("%s: it has moved (%w)", what, no).Fix("give the new address and name")
	case no.status >= 500:
		return fault.Failedf("%s: the server failed (%w)", what, no).Fix("run it again: what was done is found and not repeated")
	}
	return fault.Failedf("%s: refused (%w)", what, no).Fix("check the branches, the number and the text that were given")
}

// explainConnection has words for what goes wrong before anybody answers; nil for
// what it does not know.
func explainConnection(host string, err error) *fault.Error {
	if errors.As(err, new(x509.UnknownAuthorityError)) {
		return fault.Failedf("%s shows a certificate by an unknown authority", host).Fix("give the platform's root CA with --ca-file")
	}
	if bad, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return fault.Failedf("%s shows a certificate that does not hold: %w", host, bad.Err).Fix("renew the server's certificate, for the name that it is called by")
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		return fault.Failedf("%s cannot be resolved", dns.Name).Fix("check the forge's address")
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		return fault.Failedf("%s refuses connections", host).Fix("check the address and that the server runs")
	}
	return nil
}

// longestMessage is what is repeated of a forge's own words.
const longestMessage = 300

// message finds the words in an error's body, in each forge's way: one line,
// bounded, and without the token.
func (r *rest) message(raw []byte) string {
	var body struct {
		Error   json.RawMessage `json:"error"`   // Bitbucket Cloud: {message, detail}; GitLab: text
		Message json.RawMessage `json:"message"` // GitHub: text; GitLab: text, list or map
		Errors  []struct {      // Data Center, GitHub
			Message string `json:"message"`
		} `json:"errors"`
	}
	_ = json.Unmarshal(raw, &body) // what can be read is read
	words := []string{plain(body.Message), plain(body.Error)}
	for _, e := range body.Errors {
		words = append(words, e.Message)
	}
	text := strings.Join(strings.Fields(strings.Join(words, " ")), " ")
	for _, hidden := range []string{r.token, r.credential} {
		if hidden != "" {
			text = strings.ReplaceAll(text, hidden, "(hidden)")
		}
	}
	if runes := []rune(text); len(runes) > longestMessage {
		text = string(runes[:longestMessage]) + "…"
	}
	return text
}

func plain(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var object struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(raw, &object) == nil && object.Message != "" {
		return object.Message
	}
	return strings.Trim(string(raw), "[]{}\"")
}
