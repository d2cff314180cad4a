package kust

import (
	"encoding/json"
	"path"
	"strings"

	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/api/types"
	sigsyaml "sigs.k8s.io/yaml"
	"trueup.dev/render-wasm/abi"
	"trueup.dev/render-wasm/decode"
	"trueup.dev/render-wasm/tree"
)

type source struct {
	kind, name, namespace string
	line                  int
}

type position struct {
	path string
	line int
}

// resources reads a file of objects: bombs are refused, and where each object stands is remembered.
func (s *scan) resources(name string) {
	if _, read := s.sources[name]; read || s.failure != nil {
		return
	}
	content, err := s.files.Read(name)
	if err != nil {
		return
	}
	objects, _, failure := decode.File(name, content, s.limits)
	if failure != nil {
		// Kustomize reads by rules of its own: what it accepts is accepted, bombs apart.
		if failure.Code == "YamlBomb" {
			s.failure = failure
		}
		if failure.Code == "InvalidYaml" && s.malformed == nil {
			s.malformed = failure
		}
		return
	}
	found := make([]source, 0, len(objects))
	for _, object := range objects {
		var head struct {
			Kind     any `json:"kind"`
			Metadata struct {
				Name      any `json:"name"`
				Namespace any `json:"namespace"`
			} `json:"metadata"`
		}
		if json.Unmarshal(object.Object, &head) != nil {
			continue
		}
		kind, _ := head.Kind.(string)
		objectName, _ := head.Metadata.Name.(string)
		namespace, _ := head.Metadata.Namespace.(string)
		found = append(found, source{kind, objectName, namespace, object.Line})
	}
	s.sources[name] = found
}

// trackOrigins has the library annotate each object with the file that it comes from; resultOf takes it off again.
func trackOrigins(files *tree.Tree, name string) *abi.Failure {
	content, err := files.Read(name)
	if err != nil {
		return nil
	}
	var k types.Kustomization
	if sigsyaml.Unmarshal(content, &k) != nil {
		return nil
	}
	for _, option := range k.BuildMetadata {
		if option == types.OriginAnnotations {
			return nil
		}
	}
	return write(files, name, fields{"buildMetadata": append(append([]string{}, k.BuildMetadata...), types.OriginAnnotations)})
}

// locate finds the line of an object whose file is known.
func (s *scan) locate(directory string, origin *resource.Origin, object *resource.Resource) position {
	if origin.ConfiguredIn != "" {
		return position{path: path.Join(directory, origin.ConfiguredIn)}
	}
	if origin.Path == "" {
		return position{}
	}
	name := path.Join(directory, origin.Path)
	at := position{path: name}
	if len(s.sources[name]) == 1 {
		at.line = s.sources[name][0].line
		return at
	}
	matching := s.matching(name, object)
	if len(matching) == 1 {
		at.line = matching[0].line
	}
	return at
}

// guess finds the only source that an object can come from.
func (s *scan) guess(object *resource.Resource) position {
	at := position{}
	count := 0
	for name := range s.sources {
		for _, candidate := range s.matching(name, object) {
			at = position{name, candidate.line}
			count++
		}
	}
	if count != 1 {
		return position{}
	}
	return at
}

// matching are the objects of the same kind whose name is in the object's: prefixes and suffixes are added to names.
// Of several the longest names count.
func (s *scan) matching(name string, object *resource.Resource) []source {
	found := []source{}
	longest := 0
	for _, candidate := range s.sources[name] {
		if candidate.kind != object.GetKind() || !strings.Contains(object.GetName(), candidate.name) {
			continue
		}
		if len(candidate.name) > longest {
			longest, found = len(candidate.name), found[:0]
		}
		if len(candidate.name) == longest {
			found = append(found, candidate)
		}
	}
	return found
}
