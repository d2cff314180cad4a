package decode

import (
	"strings"

	"go.yaml.in/yaml/v3"
	"trueup.dev/render-wasm/abi"
)

// Head tells an object from others, and where it stands.
type Head struct {
	Kind, Name string
	// Line counts from 1.
	Line int
}

// Heads finds bombs, and the objects of a file without decoding them: for files that somebody else reads after it.
func Heads(name string, content []byte, limits Limits) ([]Head, *abi.Failure) {
	documents, failure := documentsOf(name, content)
	if failure != nil {
		return nil, failure
	}
	heads := []Head{}
	for _, part := range documents {
		contents, _, syntax, failure := parse(name, part, limits)
		if failure != nil {
			return nil, failure
		}
		if syntax != nil {
			return nil, abi.InvalidYaml(name, part.line, syntax)
		}
		heads = appendHeads(heads, part.line, contents)
	}
	return heads, nil
}

func appendHeads(heads []Head, firstLine int, at *yaml.Node) []Head {
	if at == nil || at.Kind != yaml.MappingNode {
		return heads
	}
	kind := textOf(member(at, "kind"))
	items := member(at, "items")
	if strings.HasSuffix(kind, "List") && items != nil && items.Kind == yaml.SequenceNode {
		for _, item := range items.Content {
			heads = appendHeads(heads, firstLine, resolved(item))
		}
		return heads
	}
	return append(heads, Head{kind, textOf(member(member(at, "metadata"), "name")), lineOf(firstLine, at)})
}

func textOf(node *yaml.Node) string {
	if node == nil || node.Kind != yaml.ScalarNode || node.ShortTag() == "!!null" {
		return ""
	}
	return node.Value
}
