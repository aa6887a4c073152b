package argocd

import "time"

// LookEvery makes a follower look around more often than a person needs it.
func (c *Client) LookEvery(d time.Duration) { c.between = d }
