package abi

import (
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

var yamlLine = regexp.MustCompile(`line (\d+)`)

// InvalidYaml words a parser's error. Its own text may quote the file, which may hold secrets (S14): only what quotes
// nothing is passed on. Lines count from `firstLine`.
func InvalidYaml(path string, firstLine int, err error) *Failure {
	failure := &Failure{Code: "InvalidYaml", Hint: "correct the file", Path: path}
	text := strings.TrimPrefix(strings.TrimPrefix(err.Error(), "error converting YAML to JSON: "), "yaml: ")
	if match := yamlLine.FindStringSubmatch(text); match != nil {
		line, _ := strconv.Atoi(match[1])
		failure.Line = firstLine + max(line, 1) - 1
		_, text, _ = strings.Cut(text, match[0]+": ")
	} else if firstLine > 0 {
		failure.Line = firstLine
	}
	switch {
	case strings.Contains(text, "unknown anchor"):
		failure.Message = "An alias names no anchor before it."
	case text == "" || strings.ContainsAny(text, "`'\"\n") || strings.Contains(text, "map key"):
		failure.Message = "This is not valid YAML."
	default:
		failure.Message = "This is not valid YAML: " + text + "."
	}
	return failure
}

// LineOf is where a text stands as a value in a YAML file; 0 where it does not.
func LineOf(content []byte, text string) int {
	var document yaml.Node
	if yaml.Unmarshal(content, &document) != nil {
		return 0
	}
	return lineIn(&document, text)
}

func lineIn(node *yaml.Node, text string) int {
	if node.Kind == yaml.ScalarNode && node.Value == text {
		return node.Line
	}
	for _, child := range node.Content {
		if line := lineIn(child, text); line > 0 {
			return line
		}
	}
	return 0
}
