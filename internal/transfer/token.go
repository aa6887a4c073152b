package transfer

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// token is a bearer token for one set of repositories.
type token struct {
	mu      sync.Mutex
	value   string
	renewAt time.Time
}

// groupSize is how many repositories one token is asked for: their names have to
// fit into an address.
const groupSize = 20

// expect announces repositories, so that they share tokens.
func (h *host) expect(repositories []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := slices.Compact(slices.Sorted(slices.Values(repositories)))
	h.groups = slices.Collect(slices.Chunk(all, groupSize))
}

// authorize puts credentials on a request to the repositories, and returns the
// token that it used, for renewal.
func (h *host) authorize(ctx context.Context, r *http.Request, repositories []string) (*token, error) {
	config, err := authn.Authorization(ctx, h.auth)
	if err != nil {
		return nil, err
	}
	switch strings.ToLower(h.scheme()) {
	case "basic":
		if config.Username != "" || config.Password != "" {
			r.SetBasicAuth(config.Username, config.Password)
		} else if config.Auth != "" {
			r.Header.Set("Authorization", "Basic "+config.Auth)
		}
	case "bearer":
		if config.RegistryToken != "" {
			r.Header.Set("Authorization", "Bearer "+config.RegistryToken)
			return nil, nil
		}
		t, value, err := h.token(ctx, repositories)
		if err != nil {
			return nil, err
		}
		r.Header.Set("Authorization", "Bearer "+value)
		return t, nil
	}
	return nil, nil
}

func (h *host) scheme() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.challenge.Scheme
}

// token gives a token for the repositories, for their whole group where there
// is one.
func (h *host) token(ctx context.Context, repositories []string) (*token, string, error) {
	wanted, grouped := h.scope(repositories)
	t := h.slot(wanted)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.value != "" && time.Now().Before(t.renewAt) {
		return t, t.value, nil
	}
	got, err := h.exchange(ctx, wanted)
	if grouped && refused(err) {
		h.single()
		return h.token(ctx, repositories) // another slot: not for groups
	}
	if err != nil {
		return nil, "", err
	}
	t.value = got.Token
	if t.value == "" {
		t.value = got.AccessToken
	}
	life := time.Duration(got.ExpiresIn) * time.Second
	if life <= 0 {
		life = time.Minute // what the token specification says of none
	}
	t.renewAt = time.Now().Add(life - min(life/4, 30*time.Second))
	return t, t.value, nil
}

func (h *host) exchange(ctx context.Context, repositories []string) (*transport.Token, error) {
	scopes := make([]string, len(repositories))
	for i, r := range repositories {
		scopes[i] = "repository:" + r + ":" + h.side.actions
	}
	for attempt := 0; ; attempt++ {
		t, err := transport.Exchange(ctx, h.reg, h.auth, h.side.light.Transport, scopes, h.challenge)
		if err == nil || !h.again(ctx, attempt, nil, err) {
			return t, err
		}
	}
}

// scope gives what a token is asked for.
func (h *host) scope(repositories []string) (_ []string, grouped bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.alone {
		for _, g := range h.groups {
			if len(g) > 1 && !slices.ContainsFunc(repositories, func(r string) bool { return !slices.Contains(g, r) }) {
				return g, true
			}
		}
	}
	return repositories, false
}

// single ends asking for tokens for groups.
func (h *host) single() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.alone = true
}

func (h *host) slot(repositories []string) *token {
	h.mu.Lock()
	defer h.mu.Unlock()
	key := strings.Join(repositories, " ")
	if h.tokens[key] == nil {
		h.tokens[key] = &token{}
	}
	return h.tokens[key]
}

func refused(err error) bool {
	answer, ok := errors.AsType[*transport.Error](err)
	return ok && answer.StatusCode >= 400 && answer.StatusCode < 500 && answer.StatusCode != http.StatusTooManyRequests
}

// renew makes the next request fetch a token, or learn the scheme from a
// registry that asks for credentials only now. It says whether that may help.
func (h *host) renew(used *token, value string, resp *http.Response) bool {
	if used == nil {
		return h.learn(resp)
	}
	used.mu.Lock()
	if used.value == value {
		used.value = ""
	}
	used.mu.Unlock()
	return true
}

var parameter = regexp.MustCompile(`(\w+)="([^"]*)"`)

// learn reads the challenge of a registry that had none at first.
func (h *host) learn(resp *http.Response) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.challenge.Scheme != "" {
		return false
	}
	kind, rest, _ := strings.Cut(resp.Header.Get("WWW-Authenticate"), " ")
	if !strings.EqualFold(kind, "basic") && !strings.EqualFold(kind, "bearer") {
		return false
	}
	c := &transport.Challenge{Scheme: kind, Insecure: h.challenge.Insecure, Parameters: map[string]string{}}
	for _, p := range parameter.FindAllStringSubmatch(rest, -1) {
		c.Parameters[strings.ToLower(p[1])] = p[2]
	}
	h.challenge = c
	return true
}
