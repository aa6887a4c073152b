package scan

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	javadb "github.com/aquasecurity/trivy-java-db/pkg/db"
)

// javaIndex is Trivy's index of Java archives, which names those that do not
// name themselves. Without it Trivy cannot scan any.
type javaIndex struct {
	cache   string // Trivy cache folder that has a usable java-db; empty if none has
	problem string // why there is none
}

// findJavaIndex looks for java-db in the folders, which are those that the
// vulnerability database may have come with.
func findJavaIndex(folders ...string) javaIndex {
	for _, folder := range slices.Compact(folders) {
		dir := filepath.Join(folder, "java-db")
		if _, err := os.Stat(filepath.Join(dir, "trivy-java.db")); folder == "" || err != nil {
			continue
		}
		client := javadb.NewMetadata(dir)
		switch m, err := client.Get(); {
		case err != nil:
			return javaIndex{problem: fmt.Sprintf("the Java index %s cannot be read: %v", dir, err)}
		case m.Version != javadb.SchemaVersion:
			return javaIndex{problem: fmt.Sprintf("the Java index %s has schema %d, this pave reads schema %d", dir, m.Version, javadb.SchemaVersion)}
		}
		return javaIndex{cache: folder}
	}
	return javaIndex{problem: "there is no Java index: put Trivy's java-db into the folder given with --database"}
}
