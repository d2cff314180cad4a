package kust

import (
	"path"
	"strings"

	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/api/types"
	sigsyaml "sigs.k8s.io/yaml"
	"trueup.dev/render-wasm/abi"
	"trueup.dev/render-wasm/decode"
	"trueup.dev/render-wasm/tree"
)

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
	heads, failure := decode.Heads(name, content, s.limits)
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
	s.sources[name] = heads
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
		at.line = s.sources[name][0].Line
		return at
	}
	matching := s.matching(name, object.GetKind(), object.GetName())
	if len(matching) == 1 {
		at.line = matching[0].Line
	}
	return at
}

// guess finds the only source that an object can come from.
func (s *scan) guess(object *resource.Resource) position {
	at := position{}
	count := 0
	kind, objectName := object.GetKind(), object.GetName()
	for name := range s.sources {
		for _, candidate := range s.matching(name, kind, objectName) {
			at = position{name, candidate.Line}
			count++
		}
	}
	if count != 1 {
		return position{}
	}
	return at
}

// matching are the objects of a file of the same kind whose name is in the object's: prefixes and suffixes are added to names.
// Of several the longest names count.
func (s *scan) matching(file string, kind string, name string) []decode.Head {
	found := []decode.Head{}
	longest := 0
	for _, candidate := range s.sources[file] {
		if candidate.Kind != kind || !strings.Contains(name, candidate.Name) {
			continue
		}
		if len(candidate.Name) > longest {
			longest, found = len(candidate.Name), found[:0]
		}
		if len(candidate.Name) == longest {
			found = append(found, candidate)
		}
	}
	return found
}
