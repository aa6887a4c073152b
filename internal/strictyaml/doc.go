// Package strictyaml reads the YAML files that people write for the platform. It
// promises that a file is answered with everything that is wrong with it at once,
// each with file, line, column, path, the cause and what is allowed instead.
//
// A file is plain YAML: one document of UTF-8 text of at most 1 MiB, without
// anchors, aliases, merge keys and tags, so that it reads the same for a person
// and for a machine.
package strictyaml
