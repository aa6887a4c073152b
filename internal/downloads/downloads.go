// Package downloads puts files into the Downloads of a Bitbucket Cloud
// repository.
//
// It promises that a file which it says is there is there whole, that an upload
// whose answer got lost is not a second file, and that the token goes to
// Bitbucket's own address over TLS only (plain http to loopback).
package downloads

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/registry"
	"github.com/pave-platform/pave/internal/secret"
)

// PublicURL is where Bitbucket Cloud's API is.
const PublicURL = "https://api.bitbucket.org/2.0"

// Options say which repository, and who asks.
type Options struct {
	URL        string // of the API; empty: PublicURL
	Workspace  string
	Repository string // its slug
	Username   string // goes with an app password or an API token; empty: the token is an access token
	Token      secret.Source
	CAFile     string // PEM, on top of the system's
}

// IsZero tells whether no repository is named.
func (o Options) IsZero() bool { return o.Workspace == "" && o.Repository == "" }

// Client talks to one repository.
type Client struct {
	base     string // of the repository's downloads
	name     string // of the repository, for errors
	username string
	token    string
	http     *http.Client
	pause    time.Duration // before the second try
}

var slug = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)

// New checks o and reads the token. It talks to nobody.
func New(o Options) (*Client, error) {
	if !slug.MatchString(o.Workspace) || !slug.MatchString(o.Repository) {
		return nil, fault.Inputf("Downloads: %q is not a repository of Bitbucket", o.Workspace+"/"+o.Repository).Fix("give it as WORKSPACE/REPOSITORY")
	}
	if o.URL == "" {
		o.URL = PublicURL
	}
	u, err := url.Parse(o.URL)
	switch {
	case err != nil || u.Host == "" || u.User != nil || (u.Scheme != "https" && u.Scheme != "http"):
		return nil, fault.Inputf("Downloads: %q is not the URL of an API", o.URL).Fix("leave it out, or give it as %s", PublicURL)
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return nil, fault.Inputf("Downloads: %s: plain http is for loopback only", o.URL).Fix("give an https URL, and its CA with --ca-file")
	}
	token, err := o.Token.Read()
	if err != nil {
		return nil, err
	}
	if token == nil {
		return nil, fault.Inputf("Downloads of %s/%s need a token", o.Workspace, o.Repository).Fix("name the file or the variable that holds it")
	}
	trusted, err := registry.TLSConfig(o.CAFile)
	if err != nil {
		return nil, err
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = trusted
	return &Client{
		base: strings.TrimSuffix(o.URL, "/") + "/repositories/" + o.Workspace + "/" + o.Repository + "/downloads",
		name: o.Workspace + "/" + o.Repository, username: o.Username, token: string(token), pause: 500 * time.Millisecond,
		// Redirects lead to storage elsewhere, which is not for the token.
		http: &http.Client{Transport: t, Timeout: 2 * time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// Put uploads content as name, in place of what has that name.
func (c *Client) Put(ctx context.Context, name string, content []byte) error {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("files", name)
	if err == nil {
		_, err = part.Write(content)
	}
	if err := errors.Join(err, form.Close()); err != nil {
		return fault.Failedf("Downloads: %w", err)
	}
	_, err = c.do(ctx, "upload "+name, http.MethodPost, c.base, form.FormDataContentType(), body.Bytes(), http.StatusCreated)
	return err
}

// List gives the names and sizes of what is there.
func (c *Client) List(ctx context.Context) (map[string]int64, error) {
	files := map[string]int64{}
	for next := c.base + "?pagelen=100"; next != ""; {
		if !strings.HasPrefix(next, c.base) {
			return nil, fault.Failedf("Downloads of %s: the next page is at another address", c.name)
		}
		answer, err := c.do(ctx, "list", http.MethodGet, next, "", nil, http.StatusOK)
		if err != nil {
			return nil, err
		}
		var page struct {
			Values []struct {
				Name string
				Size int64
			}
			Next string
		}
		if err := json.Unmarshal(answer, &page); err != nil {
			return nil, fault.Failedf("Downloads of %s: the list is no JSON: %w", c.name, err)
		}
		for _, f := range page.Values {
			files[f.Name] = f.Size
		}
		next = page.Next
	}
	return files, nil
}

// tries is how often a request is made that fails in a way that may pass.
const tries = 4

func (c *Client) do(ctx context.Context, what, method, address, contentType string, body []byte, want int) ([]byte, error) {
	pause := c.pause
	for try := 1; ; try++ {
		answer, passing, err := c.once(ctx, method, address, contentType, body, want)
		if err == nil {
			return answer, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if !passing || try == tries {
			return nil, c.explain(what, err)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
			pause *= 2
		}
	}
}

// refused is an answer that is not the wanted one.
type refused struct {
	status int
	text   string
}

func (r *refused) Error() string { return fmt.Sprintf("%d %s", r.status, r.text) }

func (c *Client) once(ctx context.Context, method, address, contentType string, body []byte, want int) (answer []byte, passing bool, err error) {
	r, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, false, err
	}
	if c.username != "" {
		r.SetBasicAuth(c.username, c.token)
	} else {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	r.Header.Set("Accept", "application/json")
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	response, err := c.http.Do(r)
	if err != nil {
		return nil, true, err
	}
	defer response.Body.Close()
	const most = 4 << 20
	answer, err = io.ReadAll(io.LimitReader(response.Body, most))
	if err != nil {
		return nil, true, err
	}
	if response.StatusCode == want {
		return answer, false, nil
	}
	passing = response.StatusCode >= http.StatusInternalServerError || response.StatusCode == http.StatusTooManyRequests
	return nil, passing, &refused{response.StatusCode, message(answer)}
}

// message finds what Bitbucket says in an error.
func message(answer []byte) string {
	var e struct{ Error struct{ Message string } }
	if json.Unmarshal(answer, &e) == nil && e.Error.Message != "" {
		return strings.Join(strings.Fields(e.Error.Message), " ")
	}
	return "without a reason"
}

func (c *Client) explain(what string, err error) error {
	e := fault.Failedf("Downloads of %s: %s: %w", c.name, what, err)
	var r *refused
	if !errors.As(err, &r) {
		return e
	}
	switch r.status {
	case http.StatusUnauthorized:
		return e.Fix("check the token, and whether it goes with a user name")
	case http.StatusForbidden:
		return e.Fix("give the token the scope repository:write")
	case http.StatusNotFound:
		return e.Fix("check the workspace and the repository, and whether the token may see it")
	}
	return e
}
