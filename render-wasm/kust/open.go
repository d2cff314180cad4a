package kust

import (
	"path"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/types"
	sigsyaml "sigs.k8s.io/yaml"
	"trueup.dev/render-wasm/abi"
	"trueup.dev/render-wasm/tree"
)

// open finds and reads the kustomization of a directory. Nothing without a failure: the host has to hand it over, or
// there is none or more than one, which the library words.
func open(files *tree.Tree, directory string) (name string, k *types.Kustomization, failure *abi.Failure) {
	found := ""
	for _, base := range konfig.RecognizedKustomizationFileNames() {
		candidate := path.Join(directory, base)
		kind, err := files.Stat(candidate)
		if err != nil {
			continue
		}
		if kind == tree.File {
			if found != "" {
				return "", nil, &abi.Failure{
					Code: "KustomizeFailed", Message: "There is more than one kustomization file.", Hint: "keep one of them", Path: candidate,
				}
			}
			found = candidate
		}
	}
	if files.Needed() != nil {
		return "", nil, nil
	}
	if found == "" {
		return "", nil, &abi.Failure{
			Code: "KustomizeFailed", Message: "There is no kustomization.yaml.", Hint: "add one, or correct the path", Path: directory,
		}
	}
	content, err := files.Read(found)
	if err != nil {
		return "", nil, nil
	}
	if _, err := sigsyaml.YAMLToJSON(content); err != nil {
		return "", nil, abi.InvalidYaml(found, 1, err)
	}
	var parsed types.Kustomization
	if err := parsed.Unmarshal(content); err != nil {
		return "", nil, worded(err, found)
	}
	parsed.FixKustomization()
	return found, &parsed, nil
}
