// Package etcdsnapshot reads etcd's snapshots: a bolt database with its SHA-256
// behind it. It promises that a snapshot it calls good is whole, and that a bad
// one is an error and never a crash.
package etcdsnapshot

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	bolt "go.etcd.io/bbolt"

	"github.com/pave-platform/pave/internal/fault"
)

// sector is what a bolt database's size is a multiple of; what is beyond it is
// the hash.
const sector = 512

// Info is what a snapshot says of itself.
type Info struct {
	Bytes    int64    `json:"bytes"`    // of the file
	SHA256   string   `json:"sha256"`   // of the database, in hex
	Hashed   bool     `json:"hashed"`   // the file ends with that hash, as etcd writes it
	Revision int64    `json:"revision"` // of the last change; 0 where there is none
	Keys     int      `json:"keys"`     // revisions of keys that are kept
	Members  []Member `json:"members"`  // of the cluster that it was taken from
	Last     []byte   `json:"-"`        // the record of the last change
	path     string
}

// Member is a member of the cluster that a snapshot was taken from.
type Member struct {
	Name     string   `json:"name"`
	PeerURLs []string `json:"peerURLs"`
}

// Read verifies the snapshot at path. One without a hash, as a copy of a data
// directory is, is refused unless unhashed says that it may be.
func Read(path string, unhashed bool) (Info, error) {
	i := Info{path: path, Members: []Member{}}
	if err := i.hash(); err != nil {
		return Info{}, broken(path, err)
	}
	if !i.Hashed && !unhashed {
		return Info{}, fault.Inputf("snapshot %s has no hash at its end: it is cut off, or the copy of a data directory", path).
			Fix("take a snapshot with pave bootstrap etcd-snapshot, or say --skip-hash-check if it is a copy of etcd's member/snap/db")
	}
	if err := i.open(); err != nil {
		return Info{}, broken(path, err)
	}
	return i, nil
}

func broken(path string, err error) error {
	return fault.Inputf("snapshot %s: %w", path, err).Fix("take another one")
}

// hash reads the file once.
func (i *Info) hash() error {
	f, err := os.Open(i.path)
	if err != nil {
		return err
	}
	defer f.Close()
	stat, err := f.Stat()
	if err != nil {
		return err
	}
	if !stat.Mode().IsRegular() {
		return errors.New("is not a file")
	}
	i.Bytes = stat.Size()
	rest := i.Bytes % sector
	if i.Bytes < sector || (rest != 0 && rest != sha256.Size) {
		return fmt.Errorf("has %d bytes, which no snapshot has: it is cut off or is something else", i.Bytes)
	}
	sum := sha256.New()
	if _, err := io.CopyN(sum, f, i.Bytes-rest); err != nil {
		return err
	}
	i.SHA256, i.Hashed = hex.EncodeToString(sum.Sum(nil)), rest != 0
	if !i.Hashed {
		return nil
	}
	want, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	if !bytes.Equal(want, sum.Sum(nil)) {
		return errors.New("its content is not what its hash says: it was altered or damaged")
	}
	return nil
}

// open looks into the database. Bolt maps the file and trusts it, hence the care.
func (i *Info) open() (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("is not a sound bolt database: %v", r)
		}
	}()
	db, err := bolt.Open(i.path, 0, &bolt.Options{ReadOnly: true})
	if err != nil {
		return fmt.Errorf("is not a bolt database: %w", err)
	}
	defer db.Close()
	return db.View(func(tx *bolt.Tx) error {
		if tx.Size() > i.Bytes {
			return fmt.Errorf("has %d bytes of a database of %d: it is cut off", i.Bytes, tx.Size())
		}
		return i.read(tx)
	})
}

func (i *Info) read(tx *bolt.Tx) error {
	keys := tx.Bucket([]byte("key"))
	if keys == nil {
		return errors.New("holds no etcd: it has no bucket of keys")
	}
	i.Keys = keys.Stats().KeyN
	if k, v := keys.Cursor().Last(); len(k) >= 8 {
		i.Revision = int64(binary.BigEndian.Uint64(k))
		i.Last = slices.Clone(v)
	}
	members := tx.Bucket([]byte("members"))
	if members == nil {
		return nil
	}
	return members.ForEach(func(_, v []byte) error {
		var m Member
		if err := json.Unmarshal(v, &m); err != nil {
			return fmt.Errorf("a member is unreadable: %w", err)
		}
		i.Members = append(i.Members, m)
		return nil
	})
}

// Holds tells whether this snapshot's history has the last change of the other,
// and the same one: it was taken later, from the same etcd or from one that was
// restored from the other.
func (i Info) Holds(other Info) (held bool, err error) {
	if other.Revision == 0 {
		return true, nil
	}
	db, err := bolt.Open(i.path, 0, &bolt.Options{ReadOnly: true})
	if err != nil {
		return false, err
	}
	defer db.Close()
	err = db.View(func(tx *bolt.Tx) error {
		c := tx.Bucket([]byte("key")).Cursor()
		at := binary.BigEndian.AppendUint64(nil, uint64(other.Revision))
		for k, v := c.Seek(at); bytes.HasPrefix(k, at); k, v = c.Next() {
			held = held || bytes.Equal(v, other.Last)
		}
		return nil
	})
	return held, err
}

// Hosts are the addresses of the members, without ports.
func (i Info) Hosts() []string {
	var hosts []string
	for _, m := range i.Members {
		for _, u := range m.PeerURLs {
			if h := Host(u); h != "" {
				hosts = append(hosts, h)
			}
		}
	}
	return hosts
}

// Host is the address in a member's URL.
func Host(peerURL string) string {
	_, rest, ok := strings.Cut(peerURL, "://")
	if !ok {
		return ""
	}
	if end := strings.LastIndex(rest, ":"); end > 0 {
		rest = rest[:end]
	}
	return strings.Trim(rest, "[]")
}
