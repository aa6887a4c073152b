package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// record is what `up` leaves for the other commands.
type record struct {
	Name    string    `json:"name"`
	Version string    `json:"version"`
	Started time.Time `json:"started"`
	Process process   `json:"process"`
	State   string    `json:"state"`
	Run     string    `json:"run"`
	Network network   `json:"network"`
	Parts   parts     `json:"parts"`
	Mirrors mirrors   `json:"mirrors,omitempty"`
}

// readRecord gives nil where there is none.
func readRecord(path string) (*record, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var r record
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &r, nil
}

// write replaces the record at path.
func (r *record) write(path string) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	temp := path + ".new"
	if err := os.WriteFile(temp, append(data, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(temp, path)
}

// running gives the record of the instance if its process lives.
func (i instance) running() (*record, error) {
	r, err := readRecord(i.record())
	if err != nil || r == nil || !r.Process.alive() {
		return nil, err
	}
	return r, nil
}
