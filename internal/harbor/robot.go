package harbor

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

// Robot is an account for a machine.
type Robot struct {
	ID          int64        `json:"id,omitempty"`
	Name        string       `json:"name"` // as Harbor writes it: robot$project+name
	Description string       `json:"description,omitempty"`
	Level       string       `json:"level"`    // project or system
	Duration    int64        `json:"duration"` // days; -1 for ever
	Disable     bool         `json:"disable"`
	Permissions []Permission `json:"permissions"`
	ExpiresAt   int64        `json:"expires_at,omitempty"` // Unix time; -1 for never
}

// Permission is what a robot may do in a project.
type Permission struct {
	Kind      string   `json:"kind"`      // project or system
	Namespace string   `json:"namespace"` // the project
	Access    []Access `json:"access"`
}

// Access is an action on a resource, as push on repository.
type Access struct {
	Resource string `json:"resource"`
	Action   string `json:"action"`
}

// NewRobot is a robot with its secret, which Harbor shows once.
type NewRobot struct {
	ID     int64  `json:"id"`
	Name   string `json:"name"`
	Secret string `json:"secret"`
}

// Robots gives the robots of a project.
func (c *Client) Robots(ctx context.Context, p Project) ([]Robot, error) {
	query := url.Values{"q": {fmt.Sprintf("Level=project,ProjectID=%d", p.ID)}}
	return pages[Robot](ctx, c, []string{"robots"}, query, "robots of Harbor project "+p.Name)
}

// CreateRobot makes a robot; its name is given without the prefix that Harbor
// writes before it.
func (c *Client) CreateRobot(ctx context.Context, r Robot) (NewRobot, error) {
	var made NewRobot
	err := c.call(ctx, http.MethodPost, []string{"robots"}, nil, r, &made)
	return made, c.explain("make Harbor robot "+r.Name, err)
}

// DeleteRobot removes a robot, and tells whether there was one.
func (c *Client) DeleteRobot(ctx context.Context, id int64) (bool, error) {
	err := c.call(ctx, http.MethodDelete, []string{"robots", strconv.FormatInt(id, 10)}, nil, nil, nil)
	if statusOf(err) == http.StatusNotFound {
		return false, nil
	}
	return err == nil, c.explain("remove Harbor robot "+strconv.FormatInt(id, 10), err)
}
