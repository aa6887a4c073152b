// Package config reads cluster.yaml, the one file in which the platform's
// engineer says which machines a cluster has and where they stand. It promises
// that a [Cluster] it returns is complete and valid, and that an invalid file is
// answered with everything that is wrong with it at once, each with file, line,
// column, path, the cause and what is allowed instead.
//
// The file holds no secret: credentials come from files and environment
// variables. It is plain YAML under the rules of package yamlfile, with line ends
// of Unix or of Windows. Paths in it are relative to the folder that it is in,
// with / on every system.
package config
