// Package harbor is a small client of Harbor's API v2.0
// (https://goharbor.io/docs/latest/build-customize-contribute/configure-swagger):
// projects, the rules that keep tags from moving or from being removed, robots.
//
// It promises that making something that is there already is no error, and that
// an error names the thing, what Harbor says and the way out. Images go through
// the registry's own protocol, not through here.
package harbor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/registry"
	"github.com/pave-platform/pave/internal/secret"
)

// Options say where Harbor is and who asks.
type Options struct {
	URL      string // https://harbor.example.com; plain http on loopback only
	Username string // of a user, or of a robot as in robot$pave
	Password secret.Source
	CAFile   string // PEM certificates trusted besides the system's; empty for none
}

// Client asks Harbor. It is safe for use by several goroutines.
type Client struct {
	base     *url.URL
	http     *http.Client
	username string
	password string
}

// New validates o and reads the password.
func New(o Options) (*Client, error) {
	base, err := url.Parse(o.URL)
	if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" || base.Path != "" && base.Path != "/" {
		return nil, fault.Inputf("Harbor's address %q is not https://host", o.URL).Fix("give scheme and host, without a path")
	}
	if o.Username == "" {
		return nil, fault.Inputf("Harbor's API wants a user or a robot").Fix("give --harbor-username and --harbor-token-file or --harbor-token-env")
	}
	password, err := o.Password.Read()
	if err != nil {
		return nil, err
	}
	if len(password) == 0 {
		return nil, fault.Inputf("Harbor user %s has no token", o.Username).Fix("give --harbor-token-file or --harbor-token-env")
	}
	// The registry's transport trusts the CA and speaks plain http to loopback only.
	transport, err := registry.New(registry.Options{CAFile: o.CAFile})
	if err != nil {
		return nil, err
	}
	return &Client{
		base: base.JoinPath("api", "v2.0"), username: o.Username, password: string(password),
		http: &http.Client{Transport: transport.Transport()},
	}, nil
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// answer is what Harbor said where it was not what was asked for.
type answer struct {
	status int
	text   string
}

func (a *answer) Error() string {
	if a.text == "" {
		return fmt.Sprintf("Harbor answers %d", a.status)
	}
	return fmt.Sprintf("Harbor answers %d: %s", a.status, a.text)
}

func statusOf(err error) int {
	if a, ok := errors.AsType[*answer](err); ok {
		return a.status
	}
	return 0
}

// maxAnswer bounds what a server can make us read.
const maxAnswer = 8 << 20

// call sends body, if there is one, and reads the answer into result, if there is
// one. Path segments are given unescaped.
func (c *Client) call(ctx context.Context, method string, path []string, query url.Values, body, result any) error {
	escaped := make([]string, len(path))
	for i, p := range path {
		escaped[i] = url.PathEscape(p)
	}
	at := c.base.JoinPath(escaped...)
	at.RawQuery = query.Encode()
	var content io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return err
		}
		content = bytes.NewReader(encoded)
	}
	r, err := http.NewRequestWithContext(ctx, method, at.String(), content)
	if err != nil {
		return err
	}
	r.SetBasicAuth(c.username, c.password)
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "pave")
	r.Header.Set("X-Is-Resource-Name", "true") // a project that is named like a number is a name
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return err
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return &answer{resp.StatusCode, message(text)}
	}
	if result == nil {
		return nil
	}
	if err := json.Unmarshal(text, result); err != nil {
		return fmt.Errorf("the answer is not what the API says: %w", err)
	}
	return nil
}

// message reads Harbor's list of errors.
func message(body []byte) string {
	var list struct {
		Errors []struct{ Code, Message string }
	}
	if json.Unmarshal(body, &list) != nil {
		return ""
	}
	var all []string
	for _, e := range list.Errors {
		all = append(all, strings.TrimSpace(strings.ToLower(e.Code)+": "+e.Message))
	}
	return strings.Join(all, ", ")
}

// explain names the thing and the way out.
func (c *Client) explain(what string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("%s: %w", what, err)
	}
	switch statusOf(err) {
	case http.StatusUnauthorized:
		return fault.Failedf("%s: %w", what, err).Fix("check --harbor-username and its token")
	case http.StatusForbidden:
		return fault.Failedf("%s: %w", what, err).Fix("give %s that right in Harbor", c.username)
	case http.StatusNotFound:
		return fault.Failedf("%s: %w", what, err).Fix("check the name, and that %s may see it", c.username)
	}
	if known, ok := errors.AsType[*fault.Error](err); ok {
		return &fault.Error{Kind: known.Kind, Err: fmt.Errorf("%s: %w", what, known.Err), Remedy: known.Remedy}
	}
	return fault.Failedf("%s: %w", what, err).Fix("check Harbor's address, and that it runs")
}
