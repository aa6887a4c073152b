package argocd

import "context"

// Problems gives what keeps an Application from being well, most telling first. It
// looks at what Argo CD says, and at the resources themselves as far as the
// client may read them. An empty parent is not looked at.
func (c *Client) Problems(ctx context.Context, s State, parent string) []Problem {
	return nil
}
