package kust

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"sort"
	"strings"

	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/api/types"
	sigsyaml "sigs.k8s.io/yaml"
	"trueup.dev/render-wasm/abi"
	"trueup.dev/render-wasm/tree"
)

// Edits are what the declaring resource lays over the kustomization file: it is built as if the file said so. They
// have the meaning of `kustomize edit`, which Argo CD runs, and of the fields of Flux's Kustomization.
type Edits struct {
	NamePrefix string `json:"namePrefix"`
	NameSuffix string `json:"nameSuffix"`
	Namespace  string `json:"namespace"`
	// Images as Argo CD has them: `name:tag`, `name@digest`, `name=other:tag`.
	Images []string `json:"images"`
	// ImageFields as Flux has them.
	ImageFields []types.Image   `json:"imageFields"`
	Replicas    []types.Replica `json:"replicas"`

	Labels                map[string]string `json:"labels"`
	LabelsForced          bool              `json:"labelsForced"`
	LabelsWithoutSelector bool              `json:"labelsWithoutSelector"`
	LabelsInTemplates     bool              `json:"labelsInTemplates"`
	Annotations           map[string]string `json:"annotations"`
	AnnotationsForced     bool              `json:"annotationsForced"`

	Patches    []types.Patch `json:"patches"`
	Components []string      `json:"components"`

	// Metadata is set on every object once it is built, over what it has: Flux's commonMetadata.
	Metadata struct {
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
	} `json:"metadata"`
}

type fields map[string]any

// edit writes the edited file over the one in the repository.
func edit(files *tree.Tree, name string, k *types.Kustomization, edits Edits) (*types.Kustomization, *abi.Failure) {
	changes, failure := changesOf(name, k, edits)
	if failure != nil || len(changes) == 0 {
		return k, failure
	}
	if failure := write(files, name, changes); failure != nil {
		return nil, failure
	}
	content, _ := files.Read(name)
	var edited types.Kustomization
	if err := edited.Unmarshal(content); err != nil {
		return nil, worded(err, name)
	}
	edited.FixKustomization()
	return &edited, nil
}

func changesOf(name string, k *types.Kustomization, edits Edits) (fields, *abi.Failure) {
	changes := fields{}
	if edits.NamePrefix != "" {
		changes["namePrefix"] = edits.NamePrefix
	}
	if edits.NameSuffix != "" {
		changes["nameSuffix"] = edits.NameSuffix
	}
	if edits.Namespace != "" {
		changes["namespace"] = edits.Namespace
	}
	if len(edits.Images)+len(edits.ImageFields) > 0 {
		images, failure := mergeImages(name, k.Images, edits)
		if failure != nil {
			return nil, failure
		}
		changes["images"], changes["imageTags"] = images, nil
	}
	if len(edits.Replicas) > 0 {
		changes["replicas"] = mergeReplicas(k.Replicas, edits.Replicas)
	}
	if len(edits.Labels) > 0 {
		if failure := addLabels(name, k, edits, changes); failure != nil {
			return nil, failure
		}
	}
	if len(edits.Annotations) > 0 {
		merged, failure := mergeTexts(name, "annotation", k.CommonAnnotations, edits.Annotations, edits.AnnotationsForced)
		if failure != nil {
			return nil, failure
		}
		changes["commonAnnotations"] = merged
	}
	if len(edits.Patches) > 0 {
		changes["patches"] = append(append([]types.Patch{}, k.Patches...), edits.Patches...)
	}
	if len(edits.Components) > 0 {
		changes["components"] = mergeNames(k.Components, edits.Components)
	}
	return changes, nil
}

// write keeps every member that does not change as it is in the file.
func write(files *tree.Tree, name string, changes fields) *abi.Failure {
	content, err := files.Read(name)
	if err != nil {
		return abi.InvalidYaml(name, 1, err)
	}
	text, err := sigsyaml.YAMLToJSON(content)
	if err != nil {
		return abi.InvalidYaml(name, 1, err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	members := fields{}
	if err := decoder.Decode(&members); err != nil {
		return abi.InvalidYaml(name, 1, err)
	}
	for member, value := range changes {
		for existing := range members {
			if strings.EqualFold(existing, member) {
				delete(members, existing)
			}
		}
		if value != nil {
			members[member] = value
		}
	}
	written, err := json.Marshal(members)
	if err != nil {
		return abi.InvalidYaml(name, 1, err)
	}
	files.Write(name, written)
	return nil
}

var tagged = regexp.MustCompile(`^(.*):([a-zA-Z0-9._-]*|\*)$`)

// parseImage reads one image argument of `kustomize edit set image`.
func parseImage(text string) (types.Image, bool) {
	name, other, renamed := strings.Cut(text, "=")
	if !renamed {
		other = name
	}
	image := types.Image{}
	rest := other
	if before, digest, found := strings.Cut(other, "@"); found {
		image.Digest, rest = digest, before
		// `name:tag@digest`: the digest decides.
		if match := tagged.FindStringSubmatch(rest); match != nil {
			image.NewTag, rest = match[2], match[1]
		}
	} else if match := tagged.FindStringSubmatch(other); match != nil {
		image.NewTag, rest = match[2], match[1]
	} else if !renamed {
		return image, false
	}
	if renamed {
		image.Name, image.NewName = name, rest
	} else {
		image.Name = rest
	}
	return image, image.Name != ""
}

func mergeImages(name string, existing []types.Image, edits Edits) ([]types.Image, *abi.Failure) {
	byName := map[string]types.Image{}
	for _, text := range edits.Images {
		image, valid := parseImage(text)
		if !valid {
			return nil, &abi.Failure{
				Code: "KustomizeFailed", Message: fmt.Sprintf("The image %q is not understood.", text), Path: name,
				Hint: "write it as name:tag, name@digest or name=newname:tag",
			}
		}
		byName[image.Name] = image
	}
	for _, image := range edits.ImageFields {
		byName[image.Name] = image
	}
	for _, image := range existing {
		set, replaced := byName[image.Name]
		if !replaced {
			byName[image.Name] = image
			continue
		}
		// An asterisk keeps what the file says.
		if set.NewName == "*" {
			set.NewName = image.NewName
		}
		if set.NewTag == "*" {
			set.NewTag = image.NewTag
		}
		if set.Digest == "*" {
			set.Digest = image.Digest
		}
		byName[image.Name] = set
	}
	images := make([]types.Image, 0, len(byName))
	for _, image := range byName {
		images = append(images, image)
	}
	sort.Slice(images, func(one, other int) bool { return images[one].Name < images[other].Name })
	return images, nil
}

func mergeReplicas(existing []types.Replica, wanted []types.Replica) []types.Replica {
	merged := append([]types.Replica{}, wanted...)
	for _, replica := range existing {
		replaced := false
		for _, other := range wanted {
			replaced = replaced || other.Name == replica.Name
		}
		if !replaced {
			merged = append(merged, replica)
		}
	}
	sort.SliceStable(merged, func(one, other int) bool { return merged[one].Name < merged[other].Name })
	return merged
}

func addLabels(name string, k *types.Kustomization, edits Edits, changes fields) *abi.Failure {
	if edits.LabelsWithoutSelector {
		added := types.Label{Pairs: edits.Labels, IncludeTemplates: edits.LabelsInTemplates}
		changes["labels"] = append(append([]types.Label{}, k.Labels...), added)
		return nil
	}
	merged, failure := mergeTexts(name, "label", k.CommonLabels, edits.Labels, edits.LabelsForced)
	if failure == nil {
		changes["commonLabels"] = merged
	}
	return failure
}

func mergeTexts(name string, what string, existing map[string]string, added map[string]string, forced bool) (map[string]string, *abi.Failure) {
	merged := map[string]string{}
	for key, value := range existing {
		merged[key] = value
	}
	for key, value := range added {
		if _, there := merged[key]; there && !forced {
			return nil, &abi.Failure{
				Code: "KustomizeFailed", Message: fmt.Sprintf("The %s %s is in the kustomization file already.", what, key), Path: name,
				Hint: "remove it from one of both, or force it",
			}
		}
		merged[key] = value
	}
	return merged, nil
}

func mergeNames(existing []string, added []string) []string {
	merged := append([]string{}, existing...)
	for _, name := range added {
		there := false
		for _, other := range merged {
			there = there || other == name
		}
		if !there {
			merged = append(merged, name)
		}
	}
	return merged
}

func setMetadata(object *resource.Resource, edits Edits) error {
	if len(edits.Metadata.Labels) > 0 {
		if err := object.SetLabels(laidOver(object.GetLabels(), edits.Metadata.Labels)); err != nil {
			return err
		}
	}
	if len(edits.Metadata.Annotations) > 0 {
		return object.SetAnnotations(laidOver(object.GetAnnotations(), edits.Metadata.Annotations))
	}
	return nil
}

func laidOver(existing map[string]string, added map[string]string) map[string]string {
	merged := maps.Clone(existing)
	if merged == nil {
		merged = map[string]string{}
	}
	maps.Copy(merged, added)
	return merged
}
