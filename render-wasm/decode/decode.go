// Package decode reads plain YAML and JSON files as Kubernetes reads them: with the library that kubectl and the API
// server use, so that `0400` is octal, `yes` is true and 2^53+1 is kept.
package decode

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
	sigsyaml "sigs.k8s.io/yaml"
	"trueup.dev/render-wasm/abi"
	"trueup.dev/render-wasm/tree"
)

// Object is one object, with where it stands.
type Object struct {
	Path string `json:"path,omitempty"`
	// Line counts from 1; 0 where it is not known.
	Line   int             `json:"line,omitempty"`
	Bytes  int             `json:"bytes"`
	Object json.RawMessage `json:"object"`
}

// Options of the operation.
type Options struct {
	Files  []string `json:"files"`
	Limits Limits   `json:"limits"`
}

type file struct {
	Path    string       `json:"path"`
	Objects []Object     `json:"objects"`
	Failure *abi.Failure `json:"failure,omitempty"`
	// Duplicates are the lines of keys that are there twice: the last one counts.
	Duplicates []int `json:"duplicates,omitempty"`
}

// Result has the files in the order asked for.
type Result struct {
	Files []file     `json:"files"`
	Trace tree.Trace `json:"trace"`
}

// Op decodes files; what is wrong with one of them says nothing of the others.
func Op(files *tree.Tree, raw json.RawMessage) (any, error) {
	var options Options
	if err := json.Unmarshal(raw, &options); err != nil {
		return nil, err
	}
	result := Result{Files: make([]file, 0, len(options.Files))}
	for _, name := range options.Files {
		content, err := files.Read(name)
		if err != nil {
			continue
		}
		read := file{Path: name, Objects: []Object{}}
		objects, duplicates, failure := File(name, content, options.Limits)
		read.Failure, read.Duplicates = failure, duplicates
		if failure == nil && objects != nil {
			read.Objects = objects
		}
		result.Files = append(result.Files, read)
	}
	result.Trace = files.Trace()
	return result, nil
}

// File gives the objects of one file, lists flattened.
func File(name string, content []byte, limits Limits) (objects []Object, duplicates []int, failure *abi.Failure) {
	documents, failure := documentsOf(name, content)
	if failure != nil {
		return nil, nil, failure
	}
	for _, part := range documents {
		found, twice, failure := one(name, part, limits)
		if failure != nil {
			return nil, nil, failure
		}
		objects = append(objects, found...)
		duplicates = append(duplicates, twice...)
	}
	return objects, duplicates, nil
}

func documentsOf(name string, content []byte) ([]document, *abi.Failure) {
	if !utf8.Valid(content) || bytes.IndexByte(content, 0) >= 0 {
		return nil, &abi.Failure{Code: "InvalidYaml", Message: "The file is not UTF-8 text.", Hint: "save it as UTF-8, or exclude it", Path: name}
	}
	content = bytes.TrimPrefix(content, []byte("\xef\xbb\xbf"))
	if !strings.HasSuffix(name, ".json") {
		return split(content), nil
	}
	if !json.Valid(content) {
		return nil, &abi.Failure{Code: "InvalidYaml", Message: "The file is not valid JSON.", Hint: "correct the file", Path: name}
	}
	return []document{{text: content, line: 1}}, nil
}

type document struct {
	text []byte
	// line of the file on which it begins.
	line int
}

// split has the rule of Kubernetes: a line of `---`, with nothing after it but blanks or a comment.
func split(content []byte) []document {
	documents := []document{}
	start, line := 0, 1
	current := 1
	for at := 0; at < len(content); {
		end := bytes.IndexByte(content[at:], '\n')
		next := len(content)
		if end >= 0 {
			next = at + end + 1
		}
		text := content[at:next]
		if rest, found := bytes.CutPrefix(text, []byte("---")); found {
			rest = bytes.TrimSpace(rest)
			if len(rest) == 0 || rest[0] == '#' {
				documents = append(documents, document{content[start:at], line})
				start, line = next, current+1
			}
		}
		at = next
		current++
	}
	return append(documents, document{content[start:], line})
}

func one(name string, part document, limits Limits) ([]Object, []int, *abi.Failure) {
	trimmed := bytes.TrimSpace(part.text)
	if len(trimmed) == 0 {
		return nil, nil, nil
	}
	contents, duplicates, syntax, failure := parse(name, part, limits)
	if failure != nil {
		return nil, nil, failure
	}
	if syntax == nil && contents == nil {
		return nil, nil, nil
	}
	// The syntax tree is what finds bombs: without it nothing that could be one is expanded.
	if syntax != nil && bytes.IndexByte(part.text, '&') >= 0 {
		return nil, nil, abi.InvalidYaml(name, part.line, syntax)
	}
	text, failure := toJSON(name, part, trimmed)
	if failure != nil {
		return nil, nil, failure
	}
	if bytes.Equal(text, []byte("null")) {
		return nil, nil, nil
	}
	objects, err := flatten(name, part.line, contents, text)
	if err != nil {
		return nil, nil, abi.InvalidYaml(name, part.line, err)
	}
	return objects, duplicates, nil
}

// parse gives what a document's syntax tree contains, nil for an empty document; a failure where it is a bomb.
func parse(name string, part document, limits Limits) (contents *yaml.Node, duplicates []int, syntax error, failure *abi.Failure) {
	var root yaml.Node
	if syntax = yaml.Unmarshal(part.text, &root); syntax != nil {
		if strings.Contains(syntax.Error(), "exceeded max depth") {
			failure = &abi.Failure{Code: "YamlBomb", Message: "The file is nested far too deep.", Hint: "flatten it", Path: name, Line: part.line}
		}
		return nil, nil, syntax, failure
	}
	if len(root.Content) == 0 {
		return nil, nil, nil, nil
	}
	walk := measure{limits: limits, path: name, first: part.line, known: map[*yaml.Node]size{}, open: map[*yaml.Node]bool{}}
	walk.walk(&root, 0)
	return root.Content[0], walk.duplicates, nil, walk.failure
}

func toJSON(name string, part document, trimmed []byte) (json.RawMessage, *abi.Failure) {
	if trimmed[0] == '{' && json.Valid(trimmed) {
		decoder := json.NewDecoder(bytes.NewReader(trimmed))
		decoder.UseNumber()
		var value any
		if err := decoder.Decode(&value); err != nil {
			return nil, abi.InvalidYaml(name, part.line, err)
		}
		text, err := json.Marshal(value)
		if err != nil {
			return nil, abi.InvalidYaml(name, part.line, err)
		}
		return text, nil
	}
	text, err := sigsyaml.YAMLToJSON(part.text)
	if err != nil {
		return nil, abi.InvalidYaml(name, part.line, err)
	}
	return text, nil
}

// Flatten takes lists apart; where their items stand is not known.
func Flatten(name string, text json.RawMessage) ([]Object, error) {
	if bytes.Equal(bytes.TrimSpace(text), []byte("null")) {
		return nil, nil
	}
	return flatten(name, 0, nil, text)
}

// flatten takes lists apart, `List` of v1 and `ConfigMapList` and the like, lists among their items too.
func flatten(name string, firstLine int, at *yaml.Node, text json.RawMessage) ([]Object, error) {
	var list struct {
		Kind  any               `json:"kind"`
		Items []json.RawMessage `json:"items"`
	}
	kind := ""
	if text[0] == '{' && json.Unmarshal(text, &list) == nil {
		kind, _ = list.Kind.(string)
	}
	if list.Items == nil || !strings.HasSuffix(kind, "List") {
		return []Object{{Path: name, Line: lineOf(firstLine, at), Bytes: len(text), Object: text}}, nil
	}
	nodes := member(at, "items")
	objects := []Object{}
	for index, item := range list.Items {
		if bytes.Equal(item, []byte("null")) {
			continue
		}
		node := at
		if nodes != nil && index < len(nodes.Content) {
			node = resolved(nodes.Content[index])
		}
		found, err := flatten(name, firstLine, node, item)
		if err != nil {
			return nil, err
		}
		objects = append(objects, found...)
	}
	return objects, nil
}

func lineOf(firstLine int, at *yaml.Node) int {
	if at == nil {
		return firstLine
	}
	return firstLine + at.Line - 1
}

func resolved(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.AliasNode {
		return node.Alias
	}
	return node
}

func member(mapping *yaml.Node, name string) *yaml.Node {
	if mapping == nil || mapping.Kind != yaml.MappingNode {
		return nil
	}
	for index := 0; index+1 < len(mapping.Content); index += 2 {
		if mapping.Content[index].Value == name {
			return resolved(mapping.Content[index+1])
		}
	}
	return nil
}
