package gitops

import (
	"bytes"
	"encoding/json"

	"sigs.k8s.io/yaml"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/gitrepo"
)

// notForArgoCD keeps Argo CD from taking a file beside the Applications for a
// manifest.
const notForArgoCD = "# +argocd:skip-file-rendering\n"

// load reads a file of ours into v and tells whether there is one. A field that
// is not known is an error: a slip of the pen must not lift a refusal.
func load(tree *gitrepo.Tree, path string, v any) (bool, error) {
	content, err := Read(tree, path)
	if err != nil || content == nil {
		return false, err
	}
	asJSON, err := yaml.YAMLToJSONStrict(content)
	if err == nil {
		d := json.NewDecoder(bytes.NewReader(asJSON))
		d.DisallowUnknownFields()
		d.UseNumber()
		err = d.Decode(v)
	}
	if err != nil {
		return true, damaged(path, err)
	}
	return true, nil
}

func damaged(path string, err error) error {
	return fault.Failedf("%s in the repository is damaged: %w", path, err).Fix("revert the commit that damaged it")
}
