package talos

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	bolt "go.etcd.io/bbolt"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/pave-platform/pave/internal/etcdsnapshot"
)

// snapshot is a bolt database in etcd's layout, with its SHA-256 behind it.
func (c *cluster) snapshot() ([]byte, error) {
	dir, err := os.MkdirTemp("", "pave-talos-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "db")
	db, err := bolt.Open(path, 0o600, &bolt.Options{NoSync: true, PageSize: 4096})
	if err != nil {
		return nil, err
	}
	if err := db.Update(c.store); err != nil {
		return nil, err
	}
	if err := db.Close(); err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(raw)
	return append(raw, sum[:]...), nil
}

func (c *cluster) store(tx *bolt.Tx) error {
	for _, name := range []string{"key", "members", "meta", "cluster"} {
		if _, err := tx.CreateBucket([]byte(name)); err != nil {
			return err
		}
	}
	for i, r := range c.records {
		if err := tx.Bucket([]byte("key")).Put(revision(i+1), r.encode(i+1)); err != nil {
			return err
		}
	}
	for _, n := range c.members {
		m, err := json.Marshal(map[string]any{"id": memberID(n), "name": n.o.Name, "peerURLs": []string{peerURL(n)}})
		if err != nil {
			return err
		}
		if err := tx.Bucket([]byte("members")).Put(fmt.Appendf(nil, "%x", memberID(n)), m); err != nil {
			return err
		}
	}
	return nil
}

// revision is etcd's key of a revision: main, '_', sub.
func revision(main int) []byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(main))
	return binary.BigEndian.AppendUint64(append(b, '_'), 0)
}

// The fields of mvccpb.KeyValue.
const (
	fieldKey, fieldCreate, fieldMod, fieldVersion, fieldValue = 1, 2, 3, 4, 5
)

func (r record) encode(main int) []byte {
	var b []byte
	b = protowire.AppendBytes(protowire.AppendTag(b, fieldKey, protowire.BytesType), []byte(r.key))
	for _, f := range []protowire.Number{fieldCreate, fieldMod} {
		b = protowire.AppendVarint(protowire.AppendTag(b, f, protowire.VarintType), uint64(main))
	}
	b = protowire.AppendVarint(protowire.AppendTag(b, fieldVersion, protowire.VarintType), 1)
	return protowire.AppendBytes(protowire.AppendTag(b, fieldValue, protowire.BytesType), []byte(r.value))
}

func decodeRecord(b []byte) record {
	var r record
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return r
		}
		b = b[n:]
		if typ == protowire.BytesType {
			v, n := protowire.ConsumeBytes(b)
			if n < 0 {
				return r
			}
			switch num {
			case fieldKey:
				r.key = string(v)
			case fieldValue:
				r.value = string(v)
			}
			b = b[n:]
			continue
		}
		n = protowire.ConsumeFieldValue(num, typ, b)
		if n < 0 {
			return r
		}
		b = b[n:]
	}
	return r
}

// restore reads what snapshot wrote.
func restore(snapshot []byte, unhashed bool) ([]record, error) {
	dir, err := os.MkdirTemp("", "pave-talos-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "db")
	if err := os.WriteFile(path, snapshot, 0o600); err != nil {
		return nil, err
	}
	if _, err := etcdsnapshot.Read(path, unhashed); err != nil {
		return nil, err
	}
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer db.Close()
	var records []record
	err = db.View(func(tx *bolt.Tx) error {
		return tx.Bucket([]byte("key")).ForEach(func(_, v []byte) error {
			records = append(records, decodeRecord(v))
			return nil
		})
	})
	return records, err
}
