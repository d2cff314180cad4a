package abi

import (
	"regexp"
	"strconv"
	"strings"
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
