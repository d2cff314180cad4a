// Package kust builds a Kustomize directory with the official library.
package kust

import (
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"strings"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/types"
	"trueup.dev/render-wasm/abi"
	"trueup.dev/render-wasm/decode"
	"trueup.dev/render-wasm/tree"
)

// Options of the operation.
type Options struct {
	// Path of the directory with the kustomization file.
	Path   string        `json:"path"`
	Limits decode.Limits `json:"limits"`
	// LoadRestriction is "root" (the command's default) or "none".
	LoadRestriction string `json:"loadRestriction"`
	Edits           Edits  `json:"edits"`
	// Text asks for what `kustomize build` prints, too.
	Text bool `json:"text"`
}

// Result has the objects in the order in which `kustomize build` prints them.
type Result struct {
	Objects []decode.Object `json:"objects"`
	Trace   tree.Trace      `json:"trace"`
	Text    string          `json:"text,omitempty"`
}

// Op builds a directory.
func Op(files *tree.Tree, raw json.RawMessage) (any, error) {
	var options Options
	if err := json.Unmarshal(raw, &options); err != nil {
		return nil, err
	}
	name, k, failure := open(files, options.Path)
	if failure != nil || k == nil {
		return nil, orNil(failure)
	}
	k, failure = edit(files, name, k, options.Edits)
	if failure != nil {
		return nil, failure
	}
	found := scan{
		files: files, limits: options.Limits, seen: map[string]bool{}, sources: map[string][]decode.Head{},
		unrestricted: options.LoadRestriction == "none",
	}
	found.directory(options.Path, k, name)
	if found.failure != nil {
		return nil, found.failure
	}
	if files.Needed() != nil {
		return nil, nil
	}
	tracked := !found.watchesAnnotations
	if tracked {
		if failure := trackOrigins(files, name); failure != nil {
			return nil, failure
		}
	}
	built, err := build(files, options)
	if err != nil {
		// The library names such a file relative to a base that it does not name.
		if found.malformed != nil && strings.Contains(err.Error(), "MalformedYAMLError") {
			return nil, found.malformed
		}
		return nil, worded(err, name)
	}
	return resultOf(files, options, built, &found, tracked)
}

func orNil(failure *abi.Failure) error {
	if failure == nil {
		return nil
	}
	return failure
}

func build(files *tree.Tree, options Options) (resmap.ResMap, error) {
	restrictions := types.LoadRestrictionsRootOnly
	if options.LoadRestriction == "none" {
		restrictions = types.LoadRestrictionsNone
	}
	return krusty.MakeKustomizer(&krusty.Options{
		Reorder:          krusty.ReorderOptionUnspecified,
		LoadRestrictions: restrictions,
		PluginConfig:     types.DisabledPluginConfig(),
	}).Run(tree.FileSystem{Tree: files}, "/"+options.Path)
}

func resultOf(files *tree.Tree, options Options, built resmap.ResMap, found *scan, tracked bool) (any, error) {
	result := Result{Objects: make([]decode.Object, 0, built.Size())}
	for _, object := range built.Resources() {
		var at position
		if tracked {
			origin, err := object.GetOrigin()
			if err == nil && origin != nil {
				at = found.locate(options.Path, origin, object)
			}
			if !found.wantsOrigins {
				if err := object.SetOrigin(nil); err != nil {
					return nil, err
				}
			}
		} else {
			at = found.guess(object)
		}
		if found.wantsOrigins {
			if err := found.recordRemote(options.Path, object); err != nil {
				return nil, err
			}
		}
		if err := setMetadata(object, options.Edits); err != nil {
			return nil, err
		}
		text, err := object.MarshalJSON()
		if err != nil {
			return nil, err
		}
		result.Objects = append(result.Objects, decode.Object{Path: at.path, Line: at.line, Bytes: len(text), Object: text})
	}
	if options.Text {
		text, err := built.AsYaml()
		if err != nil {
			return nil, err
		}
		result.Text = string(text)
	}
	result.Trace = files.Trace()
	return result, nil
}

var (
	nodeContents = regexp.MustCompile(`(?s)node contents:.*`)
	rooted       = regexp.MustCompile(`(['" ])/([^/'" ])`)
)

const messageMax = 700

// worded turns the library's error into ours: paths as in the repository, and no contents of files (S14).
func worded(err error, kustomization string) *abi.Failure {
	text := nodeContents.ReplaceAllString(err.Error(), "its kind of value is not the one expected")
	text = rooted.ReplaceAllString(text, "$1$2")
	text = strings.TrimSpace(strings.ReplaceAll(text, "\n", " "))
	if len(text) > messageMax {
		text = text[:messageMax] + "…"
	}
	if needsProcess(text) {
		return unsupported(kustomization, "It uses a function or plugin, which needs a process of its own.", "use what Kustomize has built in, or commit what the plugin generates")
	}
	return &abi.Failure{
		Code: "KustomizeFailed", Message: "Kustomize: " + text + ".", Path: kustomization,
		Hint: fmt.Sprintf("try `trueup render --repo . --path %s`", path.Dir(kustomization)),
	}
}

func needsProcess(text string) bool {
	for _, sign := range []string{"plugins disabled", "enable-alpha-plugins", "enable-exec", "plugin root", "unable to find plugin"} {
		if strings.Contains(text, sign) {
			return true
		}
	}
	return false
}

func unsupported(at string, message string, hint string) *abi.Failure {
	return &abi.Failure{Code: "Unsupported", Message: message, Hint: hint, Path: at}
}
