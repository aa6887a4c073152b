package forge

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
)

// mostPages ends a list that does not end by itself.
const mostPages = 1000

var nextLink = regexp.MustCompile(`<([^>]+)>\s*;\s*rel="?next"?`)

// linked reads a list whose pages follow each other by Link headers (RFC 8288), as
// GitHub's and GitLab's do.
func linked[T any](ctx context.Context, r *rest, what, path string, query url.Values) ([]T, error) {
	var all []T
	for range mostPages {
		var page []T
		header, err := r.do(ctx, call{what: what, method: http.MethodGet, path: path, query: query, into: &page})
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		next := nextLink.FindStringSubmatch(header.Get("Link"))
		if next == nil {
			return all, nil
		}
		path, query = next[1], nil
	}
	return nil, r.explain(ctx, what, endless())
}

func endless() error { return &garbled{fmt.Errorf("the list has more than %d pages", mostPages)} }
