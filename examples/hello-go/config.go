package main

import (
	"cmp"
	"fmt"
	"log/slog"
	"time"
)

// config is what the platform gives every application by environment.
type config struct {
	port        string        // PORT, 8080 by default
	environment string        // ENVIRONMENT, such as staging; shown on the page
	logLevel    slog.Level    // LOG_LEVEL: debug, info, warn or error
	drain       time.Duration // DRAIN, how long to be not ready before stopping
}

func configure(getenv func(string) string) (config, error) {
	c := config{
		port:        cmp.Or(getenv("PORT"), "8080"),
		environment: cmp.Or(getenv("ENVIRONMENT"), "local"),
	}
	if err := c.logLevel.UnmarshalText([]byte(cmp.Or(getenv("LOG_LEVEL"), "info"))); err != nil {
		return config{}, fmt.Errorf("LOG_LEVEL: %w", err)
	}
	var err error
	if c.drain, err = time.ParseDuration(cmp.Or(getenv("DRAIN"), "3s")); err != nil {
		return config{}, fmt.Errorf("DRAIN: %w", err)
	}
	return c, nil
}
