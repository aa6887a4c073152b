package argocd

import "context"

// Applied is what an Apply came to.
type Applied struct {
	Changed bool   // in a dry run: whether it would change anything
	Diff    string // unified; empty for none
}

// Apply makes the cluster's Application what manifest, an application.yaml, says.
// The same again changes nothing.
func (c *Client) Apply(ctx context.Context, manifest []byte, force, dryRun bool) (Applied, error) {
	return Applied{}, nil
}
