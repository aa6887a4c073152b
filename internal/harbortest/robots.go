package harbortest

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/pave-platform/pave/internal/harbor"
)

// robotQuery is how robots of a project are asked for.
var robotQuery = regexp.MustCompile(`^Level=project,ProjectID=([0-9]+)$`)

func (h *Harbor) listRobots(w http.ResponseWriter, r *http.Request) {
	m := robotQuery.FindStringSubmatch(r.URL.Query().Get("q"))
	if m == nil {
		refuse(w, http.StatusBadRequest, "BAD_REQUEST", "must with project ID when to query project robots")
		return
	}
	i := slices.IndexFunc(h.projects, func(p *Project) bool { return strconv.FormatInt(p.ID, 10) == m[1] })
	var own []*harbor.Robot
	for _, robot := range h.robots {
		if i >= 0 && robot.Permissions[0].Namespace == h.projects[i].Name {
			own = append(own, robot)
		}
	}
	page(w, r, own)
}

// robotName is what Harbor takes, without its prefix.
var robotName = regexp.MustCompile(`^[a-z0-9]+(?:[._-][a-z0-9]+)*$`)

func (h *Harbor) createRobot(w http.ResponseWriter, r *http.Request) {
	var robot harbor.Robot
	if !h.read(w, r, &robot) {
		return
	}
	bad := robot.Level != "project" || len(robot.Permissions) != 1 || robot.Permissions[0].Kind != "project" ||
		len(robot.Permissions[0].Access) == 0 || !robotName.MatchString(robot.Name) || robot.Duration == 0 || robot.Duration < -1
	if bad {
		refuse(w, http.StatusBadRequest, "BAD_REQUEST", "robot is not valid")
		return
	}
	project := robot.Permissions[0].Namespace
	if h.find(project) == nil {
		refuse(w, http.StatusNotFound, "NOT_FOUND", "project "+project+" not found")
		return
	}
	robot.Name = "robot$" + project + "+" + robot.Name
	if slices.ContainsFunc(h.robots, func(o *harbor.Robot) bool { return o.Name == robot.Name }) {
		refuse(w, http.StatusConflict, "CONFLICT", "robot account "+robot.Name+" already exists")
		return
	}
	robot.ID, robot.ExpiresAt = h.id(), -1
	if robot.Duration > 0 {
		robot.ExpiresAt = time.Now().AddDate(0, 0, int(robot.Duration)).Unix()
	}
	h.robots = append(h.robots, &robot)
	w.Header().Set("Location", fmt.Sprintf("/api/v2.0/robots/%d", robot.ID))
	answer(w, http.StatusCreated, map[string]any{
		"id": robot.ID, "name": robot.Name, "secret": fmt.Sprintf("Secret%026d", robot.ID),
		"creation_time": time.Now().UTC(), "expires_at": robot.ExpiresAt,
	})
}

func (h *Harbor) deleteRobot(w http.ResponseWriter, id string) {
	i := slices.IndexFunc(h.robots, func(r *harbor.Robot) bool { return strconv.FormatInt(r.ID, 10) == id })
	if i < 0 {
		refuse(w, http.StatusNotFound, "NOT_FOUND", "robot "+id+" not found")
		return
	}
	h.robots = slices.Delete(h.robots, i, i+1)
	w.WriteHeader(http.StatusOK)
}
