package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// request is what the lab's program asks for, a line of JSON on standard input.
type request struct {
	ID    int     `json:"id"`
	Start *server `json:"start"`
	Kill  int     `json:"kill"` // a process that was started here
}

// server is a process to be.
type server struct {
	Path string   `json:"path"`
	Args []string `json:"args"` // without the name
	Env  []string `json:"env"`
	Dir  string   `json:"dir"`
	Log  string   `json:"log"` // file for what it says, which is appended to
}

// answer is a line of JSON on standard output: to a request, or with Ended.
type answer struct {
	ID     int    `json:"id,omitempty"`
	PID    int    `json:"pid,omitempty"`
	Error  string `json:"error,omitempty"`
	Ended  int    `json:"ended,omitempty"`  // the process that has ended
	Status string `json:"status,omitempty"` // how
}

// keeper is the first process in the lab's namespaces.
type keeper struct {
	mu      sync.Mutex // held from a process's start until its number is known
	running map[int]bool
	out     *json.Encoder
	null    *os.File
}

func inner(dir string) error {
	if os.Getpid() != 1 {
		return errors.New("the inner keeper is for the outer one to start")
	}
	syscall.CloseOnExec(lifeLineFile) // the servers have no part in them
	syscall.CloseOnExec(lockFile)
	if err := mounts(dir); err != nil {
		return err
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	k := &keeper{running: map[int]bool{}, out: json.NewEncoder(os.Stdout), null: null}
	k.say(answer{PID: 1}) // it is ready
	go k.reap()
	for in := json.NewDecoder(os.Stdin); ; {
		var r request
		if err := in.Decode(&r); errors.Is(err, io.EOF) {
			select {} // the outer keeper ends us
		} else if err != nil {
			return err
		}
		k.answer(r)
	}
}

func (k *keeper) answer(r request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	a := answer{ID: r.ID}
	var err error
	switch {
	case r.Start != nil:
		if a.PID, err = k.start(*r.Start); err == nil {
			k.running[a.PID] = true
		}
	case k.running[r.Kill]:
		err = syscall.Kill(r.Kill, syscall.SIGKILL)
	}
	if err != nil {
		a.Error = err.Error()
	}
	_ = k.out.Encode(a)
}

func (k *keeper) say(a answer) {
	k.mu.Lock()
	defer k.mu.Unlock()
	_ = k.out.Encode(a)
}

func (k *keeper) start(s server) (int, error) {
	log, err := os.OpenFile(s.Log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return 0, err
	}
	defer log.Close()
	return syscall.ForkExec(s.Path, append([]string{s.Path}, s.Args...), &syscall.ProcAttr{
		Dir:   s.Dir,
		Env:   s.Env,
		Files: []uintptr{k.null.Fd(), log.Fd(), log.Fd()},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
}

// reap collects every process that ends here, orphans too, and tells of those
// that were asked for.
func (k *keeper) reap() {
	children := make(chan os.Signal, 1)
	signal.Notify(children, syscall.SIGCHLD)
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		if errors.Is(err, syscall.ECHILD) {
			<-children
			continue
		}
		if err != nil || status.Stopped() || status.Continued() {
			continue
		}
		k.mu.Lock()
		if k.running[pid] {
			delete(k.running, pid)
			_ = k.out.Encode(answer{Ended: pid, Status: describe(status)})
		}
		k.mu.Unlock()
	}
}

func describe(status syscall.WaitStatus) string {
	if status.Signaled() {
		return "killed by " + status.Signal().String()
	}
	return fmt.Sprintf("exit status %d", status.ExitStatus())
}
