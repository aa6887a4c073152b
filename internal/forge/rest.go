package forge

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/pave-platform/pave/internal/registry"
)

// rest makes requests to one repository's API.
type rest struct {
	about
	base       *url.URL
	repository string // the forge's name and the repository's, for messages
	credential string // Basic, or empty
	token      string
	client     *http.Client
	log        *slog.Logger
}

func newRest(a about, base *url.URL, o Options) (*rest, error) {
	token, err := o.Token.Read()
	if err != nil {
		return nil, err
	}
	trust, err := registry.New(registry.Options{CAFile: o.CAFile})
	if err != nil {
		return nil, err
	}
	r := &rest{
		about: a, base: base, token: string(token), log: o.Log,
		repository: fmt.Sprintf("%s repository %s/%s", a.name, o.Project, o.Repository),
		client: &http.Client{
			Transport:     trust.Transport(),
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	if o.Username != "" {
		r.credential = base64.StdEncoding.EncodeToString([]byte(o.Username + ":" + r.token))
	}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	return r, nil
}

// call is one request: an escaped path under the API's base or a whole address,
// and what goes with it.
type call struct {
	what   string // for messages, as in "list the pull requests"
	method string
	path   string
	query  url.Values
	body   any
	into   any // gets the answer's JSON; nil: the answer is not looked at
}

// longestAnswer bounds what is read of one answer. A page of 100 pull requests
// with long descriptions stays far below.
const longestAnswer = 32 << 20

// do makes the request, again where that can do no harm, and gives the answer's
// header.
func (r *rest) do(ctx context.Context, c call) (http.Header, error) {
	var wait backoff
	for attempt := 1; ; attempt++ {
		header, err := r.once(ctx, c)
		if err == nil {
			return header, nil
		}
		pause, again := r.retry(c.method, attempt, err)
		if !again || ctx.Err() != nil {
			return nil, r.explain(ctx, c.what, err)
		}
		if err := wait.pause(ctx, r.log, r.repository, pause, err); err != nil {
			return nil, r.explain(ctx, c.what, err)
		}
	}
}

// answerTimeout is for one answer, to its last byte. Bitbucket Cloud gives up after
// a minute itself.
const answerTimeout = 90 * time.Second

// once makes the request.
func (r *rest) once(ctx context.Context, c call) (http.Header, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	address, err := r.address(c)
	if err != nil {
		return nil, err
	}
	var body io.Reader
	if c.body != nil {
		raw, err := json.Marshal(c.body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(raw)
	}
	request, err := http.NewRequestWithContext(ctx, c.method, address, body)
	if err != nil {
		return nil, err
	}
	r.dress(request)
	response, err := r.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(response.Body, longestAnswer+1))
	switch {
	case response.StatusCode < 200 || response.StatusCode > 299:
		return nil, &refusal{status: response.StatusCode, header: response.Header, message: r.message(raw)}
	case err != nil:
		return nil, err
	case len(raw) > longestAnswer:
		return nil, fmt.Errorf("an answer of more than %d MiB", longestAnswer>>20)
	case c.into == nil:
		return response.Header, nil
	}
	if err := json.Unmarshal(raw, c.into); err != nil {
		return nil, &garbled{err}
	}
	return response.Header, nil
}

func (r *rest) dress(request *http.Request) {
	h := request.Header
	h.Set("Accept", "application/json")
	h.Set("User-Agent", "pave")
	h.Set("X-Atlassian-Token", "no-check") // Data Center: a POST is no cross-site request
	if request.Body != nil {
		h.Set("Content-Type", "application/json")
	}
	switch {
	case r.credential != "":
		h.Set("Authorization", "Basic "+r.credential)
	case r.token != "":
		r.header(h, r.token)
	}
}

// address refuses a next page at another host, which would get the token.
func (r *rest) address(c call) (string, error) {
	if !strings.Contains(c.path, "://") {
		address := r.base.String() + c.path
		if len(c.query) > 0 {
			address += "?" + c.query.Encode()
		}
		return address, nil
	}
	u, err := url.Parse(c.path)
	if err != nil {
		return "", &garbled{err}
	}
	if u.Scheme != r.base.Scheme || u.Host != r.base.Host {
		return "", &garbled{fmt.Errorf("the next page is at another address, %s", u.Host)}
	}
	return c.path, nil
}

// garbled is an answer that is not what the API describes. Asking again gives the
// same.
type garbled struct{ error }

// Unwrap gives the cause.
func (g *garbled) Unwrap() error { return g.error }
