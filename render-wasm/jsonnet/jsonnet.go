// Package jsonnet evaluates Jsonnet files as Argo CD does, with the official Go implementation.
package jsonnet

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	gojsonnet "github.com/google/go-jsonnet"
	"trueup.dev/render-wasm/abi"
	"trueup.dev/render-wasm/decode"
	"trueup.dev/render-wasm/tree"
)

// Variable is a text, or with Code an expression.
type Variable struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Code  bool   `json:"code"`
}

// Options of the operation.
type Options struct {
	Files []string `json:"files"`
	// Path of the source's directory, where imports are looked for last.
	Path string `json:"path"`
	// Libs are directories from the repository's root; the last goes before the others.
	Libs    []string   `json:"libs"`
	ExtVars []Variable `json:"extVars"`
	TLAs    []Variable `json:"tlas"`
}

// Result has the objects in the order of the files.
type Result struct {
	Objects []decode.Object `json:"objects"`
	Trace   tree.Trace      `json:"trace"`
}

// Op evaluates files: each gives an object, or a list of them.
func Op(files *tree.Tree, raw json.RawMessage) (any, error) {
	var options Options
	if err := json.Unmarshal(raw, &options); err != nil {
		return nil, err
	}
	from := &importer{files: files, libraries: append([]string{options.Path}, options.Libs...), read: map[string]gojsonnet.Contents{}}
	result := Result{Objects: []decode.Object{}}
	var failure *abi.Failure
	for _, name := range options.Files {
		objects, failed := evaluate(name, from, options)
		if failure == nil {
			failure = failed
		}
		result.Objects = append(result.Objects, objects...)
	}
	// What was missing made it fail, and another round brings it.
	if files.Needed() != nil {
		return nil, nil
	}
	if failure != nil {
		return nil, failure
	}
	result.Trace = files.Trace()
	return result, nil
}

func evaluate(name string, from *importer, options Options) ([]decode.Object, *abi.Failure) {
	vm := gojsonnet.MakeVM()
	vm.Importer(from)
	for _, variable := range options.ExtVars {
		if variable.Code {
			vm.ExtCode(variable.Name, variable.Value)
		} else {
			vm.ExtVar(variable.Name, variable.Value)
		}
	}
	for _, argument := range options.TLAs {
		if argument.Code {
			vm.TLACode(argument.Name, argument.Value)
		} else {
			vm.TLAVar(argument.Name, argument.Value)
		}
	}
	text, err := vm.EvaluateFile(name)
	if err != nil {
		return nil, worded(err, name)
	}
	var items []json.RawMessage
	if json.Unmarshal([]byte(text), &items) != nil {
		items = []json.RawMessage{json.RawMessage(text)}
	}
	objects := []decode.Object{}
	for _, item := range items {
		found, err := decode.Flatten(name, item)
		if err != nil {
			return nil, worded(err, name)
		}
		objects = append(objects, found...)
	}
	return objects, nil
}

// importer reads from the tree, and nowhere else.
type importer struct {
	files     *tree.Tree
	libraries []string
	// read has to give the same contents for the same file each time.
	read map[string]gojsonnet.Contents
}

var errNotFound = errors.New("it is neither beside the file that imports it nor in a library directory")

func (i *importer) Import(importedFrom string, importedPath string) (gojsonnet.Contents, string, error) {
	// A file that nobody imports is named from the root.
	directories := []string{""}
	if importedFrom != "" {
		directories = []string{tree.Parent(importedFrom)}
		for at := len(i.libraries) - 1; at >= 0; at-- {
			directories = append(directories, i.libraries[at])
		}
	}
	for _, directory := range directories {
		// What leads out of the repository is not there (S2).
		name, err := tree.Clean(directory + "/" + importedPath)
		if err != nil {
			continue
		}
		contents, err := i.contents(name)
		if err == nil {
			return contents, name, nil
		}
		if !errors.Is(err, tree.ErrAbsent) {
			return gojsonnet.Contents{}, "", err
		}
	}
	return gojsonnet.Contents{}, "", fmt.Errorf("couldn't import %q: %w", importedPath, errNotFound)
}

func (i *importer) contents(name string) (gojsonnet.Contents, error) {
	if known, found := i.read[name]; found {
		return known, nil
	}
	content, err := i.files.Read(name)
	if err != nil {
		return gojsonnet.Contents{}, err
	}
	contents := gojsonnet.MakeContentsRaw(content)
	i.read[name] = contents
	return contents, nil
}

// A place in a message: `app/web.jsonnet:3:5-8`, or `app/web.jsonnet:(3:5)-(4:1)` over several lines.
var place = regexp.MustCompile(`([^\s:()]+):\(?(\d+):\d+\)?(-\(?[\d:]+\)?)?`)

const messageMax = 400

func worded(err error, name string) *abi.Failure {
	failure := &abi.Failure{Code: "JsonnetFailed", Path: name, Hint: "correct the file"}
	text := strings.TrimSpace(err.Error())
	if match := place.FindStringSubmatch(text); match != nil {
		failure.Path = match[1]
		failure.Line, _ = strconv.Atoi(match[2])
	}
	first, _, _ := strings.Cut(text, "\n")
	first = strings.TrimPrefix(strings.TrimSpace(place.ReplaceAllString(first, "")), "RUNTIME ERROR: ")
	if len(first) > messageMax {
		first = first[:messageMax] + "…"
	}
	failure.Message = "Jsonnet: " + strings.TrimSuffix(first, ".") + "."
	return failure
}
