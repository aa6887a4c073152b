// Package chart carries platform-app, the base chart that every application on
// the platform is installed with, inside the binary: the chart that is linted,
// rendered and pushed is the one this version of pave was built with.
package chart

import "embed"

// Name is the chart's name and the name of its folder in [Files].
const Name = "platform-app"

// Files holds the chart's folder.
//
//go:embed all:platform-app
var Files embed.FS
