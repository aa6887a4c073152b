package gitops

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"sigs.k8s.io/yaml"

	"github.com/pave-platform/pave/internal/forge"
)

func selector(expired []int) map[string]any {
	if len(expired) == 0 {
		return nil
	}
	numbers := make([]string, len(expired))
	for i, n := range expired {
		numbers[i] = fmt.Sprint(n)
	}
	return map[string]any{"matchExpressions": []any{map[string]any{"key": "number", "operator": "NotIn", "values": numbers}}}
}

// generator is the part of Argo CD's pull request generator that differs between
// forges.
func (f PreviewForge) generator() map[string]any {
	at := map[string]any{}
	given := func(key, value string) {
		if value != "" {
			at[key] = value
		}
	}
	given("api", f.API)
	token := map[string]any{"secretName": f.Secret, "key": "token"}
	switch {
	case f.Secret == "":
	case f.Kind == forge.GitHub || f.Kind == forge.GitLab:
		at["tokenRef"] = token
	case f.Username != "":
		at["basicAuth"] = map[string]any{"username": f.Username, "passwordRef": token}
	default:
		at["bearerToken"] = map[string]any{"tokenRef": token}
	}
	if f.CAConfigMap != "" {
		at["caRef"] = map[string]any{"configMapName": f.CAConfigMap, "key": "ca.crt"}
	}
	switch f.Kind {
	case forge.BitbucketDataCenter:
		given("project", f.Project)
		given("repo", f.Repository)
		return map[string]any{"bitbucketServer": at}
	case forge.GitLab:
		given("project", f.Project+"/"+f.Repository)
		at["pullRequestState"] = "opened" // else it gives closed ones too
		return map[string]any{"gitlab": at}
	case forge.GitHub:
		given("owner", f.Project)
		given("repo", f.Repository)
		return map[string]any{"github": at}
	}
	given("owner", f.Project)
	given("repo", f.Repository)
	return map[string]any{"bitbucket": at}
}

// MayReplace refuses to replace a file where that would destroy somebody's work,
// unless forced. What is replaced is as Read gives it; nil for next removes it.
func MayReplace(path string, old, next []byte, force bool) error {
	if old != nil && !force && !Sealed(old) {
		return conflict(path, old, next)
	}
	return nil
}

// Expired reads which pull requests an applicationset.yaml leaves out.
func Expired(content []byte) ([]int, error) {
	_, generator, err := previewGenerator(content)
	if err != nil {
		return nil, err
	}
	at, _ := generator["selector"].(map[string]any)
	expressions, _ := at["matchExpressions"].([]any)
	var expired []int
	for _, e := range expressions {
		expression, _ := e.(map[string]any)
		values, _ := expression["values"].([]any)
		for _, v := range values {
			text, _ := v.(string)
			n, err := strconv.Atoi(text)
			if err != nil {
				return nil, fmt.Errorf("its selector has %q for a pull request's number", text)
			}
			expired = append(expired, n)
		}
	}
	return expired, nil
}

// WithExpired gives an applicationset.yaml that leaves out these pull requests and
// no others.
func WithExpired(content []byte, expired []int) ([]byte, error) {
	document, generator, err := previewGenerator(content)
	if err != nil {
		return nil, err
	}
	delete(generator, "selector")
	if s := selector(slices.Sorted(slices.Values(expired))); s != nil {
		generator["selector"] = s
	}
	metadata, _ := document["metadata"].(map[string]any)
	metadata["annotations"] = map[string]any{AnnotationSeal: unsealed}
	body, err := yaml.Marshal(document)
	if err != nil {
		return nil, err
	}
	return seal(append([]byte(previewNotice), body...)), nil
}

// previewGenerator reads an applicationset.yaml and finds its one generator in it.
func previewGenerator(content []byte) (document, generator map[string]any, err error) {
	asJSON, err := yaml.YAMLToJSONStrict(content)
	if err != nil {
		return nil, nil, err
	}
	d := json.NewDecoder(bytes.NewReader(asJSON))
	d.UseNumber()
	if err := d.Decode(&document); err != nil {
		return nil, nil, err
	}
	spec, _ := document["spec"].(map[string]any)
	all, _ := spec["generators"].([]any)
	if len(all) == 1 {
		generator, _ = all[0].(map[string]any)
	}
	if document["kind"] != "ApplicationSet" || generator["pullRequest"] == nil || document["metadata"] == nil {
		return nil, nil, errors.New("it is not an ApplicationSet of previews")
	}
	return document, generator, nil
}
