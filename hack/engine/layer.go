package main

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// blobs is the blobs folder of an OCI image layout (image-spec, image-layout.md).
type blobs struct{ dir string }

// write stores what fill writes, under its digest.
func (b blobs) write(fill func(io.Writer) error) (v1.Hash, int64, error) {
	folder := filepath.Join(b.dir, "sha256")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return v1.Hash{}, 0, err
	}
	f, err := os.CreateTemp(folder, ".unfinished-")
	if err != nil {
		return v1.Hash{}, 0, err
	}
	defer func() { _ = os.Remove(f.Name()) }() // after a success it has another name
	defer f.Close()
	sum := sha256.New()
	if err := fill(io.MultiWriter(f, sum)); err != nil {
		return v1.Hash{}, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return v1.Hash{}, 0, err
	}
	hash := v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum.Sum(nil))}
	if err := f.Chmod(0o644); err != nil {
		return v1.Hash{}, 0, err
	}
	return hash, info.Size(), os.Rename(f.Name(), filepath.Join(folder, hash.Hex))
}

// tree is a folder that goes into a layer at a path of its own.
type tree struct {
	source string // on this machine
	target string // in the image, without a leading slash; empty for its root
	asRoot bool   // give everything to root, whoever has it here
	skip   func(rel string) bool
}

// below gives a skip for everything in the folders: what only takes room, or
// is not for a container to bring.
func below(folders ...string) func(string) bool {
	return func(rel string) bool {
		return slices.ContainsFunc(folders, func(f string) bool { return strings.HasPrefix(rel, f+"/") })
	}
}

// writeTo adds the tree to tw: owners and modes as they are, times at zero so
// that the same content is the same layer, hard links as links.
func (t tree) writeTo(tw *tar.Writer) error {
	links := map[uint64]string{}
	return filepath.WalkDir(t.source, func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(t.source, p)
		if err != nil {
			return err
		}
		if t.skip != nil && t.skip(rel) {
			if e.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		name := path.Join(t.target, filepath.ToSlash(rel))
		if name == "." || e.Type()&(fs.ModeDevice|fs.ModeSocket|fs.ModeNamedPipe) != 0 {
			return nil // the root itself; and no device belongs in a layer
		}
		return t.addFile(tw, p, name, links)
	})
}

// addFile adds one entry. A file that has several names is added once, under
// the first of them; links remembers it by its inode.
func (t tree) addFile(tw *tar.Writer, file, name string, links map[uint64]string) error {
	info, err := os.Lstat(file)
	if err != nil {
		return err
	}
	var target string
	if info.Mode()&fs.ModeSymlink != 0 {
		if target, err = os.Readlink(file); err != nil {
			return err
		}
	}
	h, err := tar.FileInfoHeader(info, target)
	if err != nil {
		return err
	}
	h.Name, h.ModTime, h.Uname, h.Gname = name, time.Unix(0, 0), "", ""
	h.AccessTime, h.ChangeTime = time.Time{}, time.Time{}
	if t.asRoot {
		h.Uid, h.Gid = 0, 0
	}
	if info.IsDir() && !strings.HasSuffix(h.Name, "/") {
		h.Name += "/"
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && info.Mode().IsRegular() && stat.Nlink > 1 {
		if first, seen := links[stat.Ino]; seen {
			h.Typeflag, h.Linkname, h.Size = tar.TypeLink, first, 0
		} else {
			links[stat.Ino] = name
		}
	}
	if err := tw.WriteHeader(h); err != nil || h.Typeflag != tar.TypeReg {
		return err
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(tw, f)
	return err
}

// addFolder adds an empty folder owned by root.
func addFolder(tw *tar.Writer, name string, mode int64) error {
	return tw.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: mode, ModTime: time.Unix(0, 0)})
}
