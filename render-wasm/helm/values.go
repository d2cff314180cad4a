package helm

import (
	"fmt"
	"strings"

	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/strvals"
	"trueup.dev/render-wasm/abi"
	"trueup.dev/render-wasm/tree"
)

// ValueOptions are laid over each other in this order, as `helm template` does with its flags.
type ValueOptions struct {
	// Files relative to the chart, or from the repository's root when they begin with `/`.
	Files         []string `json:"files"`
	IgnoreMissing bool     `json:"ignoreMissing"`
	// Inline are YAML texts, like files after the others.
	Inline []string `json:"inline"`
	// Set, SetString: `a.b[0]=c`.
	Set       []string    `json:"set"`
	SetString []string    `json:"setString"`
	SetFile   []Parameter `json:"setFile"`
}

// Parameter names a file whose content becomes a value.
type Parameter struct {
	Name string `json:"name"`
	Path string `json:"path"`
}

func (l *loading) values(directory string, options ValueOptions) map[string]any {
	merged := map[string]any{}
	for _, name := range options.Files {
		merged = l.valueFile(directory, name, options.IgnoreMissing, merged)
	}
	for index, text := range options.Inline {
		values, err := parseObject(text)
		if err != nil {
			failure := abi.InvalidYaml("", 0, err)
			failure.Code, failure.Hint = "ValuesInvalid", "correct the values"
			failure.Message = fmt.Sprintf("The values that are given in place (%d) are not a YAML mapping.", index+1)
			l.fail(failure)
			continue
		}
		merged = loader.MergeMaps(merged, values)
	}
	for _, text := range options.Set {
		if err := strvals.ParseInto(text, merged); err != nil {
			l.badParameter(text)
		}
	}
	for _, text := range options.SetString {
		if err := strvals.ParseIntoString(text, merged); err != nil {
			l.badParameter(text)
		}
	}
	for _, parameter := range options.SetFile {
		l.setFile(directory, parameter, merged)
	}
	return merged
}

// badParameter does not quote the value (S14).
func (l *loading) badParameter(text string) {
	name, _, _ := strings.Cut(text, "=")
	l.fail(&abi.Failure{Code: "ValuesInvalid", Message: fmt.Sprintf("The parameter %q cannot be set.", name), Hint: "write it as a.b[0].c, and escape commas with \\"})
}

func (l *loading) place(directory string, name string) (string, bool) {
	if strings.Contains(name, "://") {
		l.fail(&abi.Failure{Code: "Unsupported", Message: "A file of values is named by a URL, which is not fetched.", Hint: "copy it into the repository", Path: directory})
		return "", false
	}
	from := directory + "/" + name
	if strings.HasPrefix(name, "/") {
		from = name
	}
	target, err := tree.Clean(from)
	if err != nil {
		l.fail(&abi.Failure{Code: "HelmFailed", Message: fmt.Sprintf("The file %s stands outside of the repository.", name), Hint: "name a file of the repository", Path: directory})
		return "", false
	}
	return target, true
}

func (l *loading) valueFile(directory string, name string, ignoreMissing bool, merged map[string]any) map[string]any {
	target, inside := l.place(directory, name)
	if !inside {
		return merged
	}
	names := []string{target}
	if strings.ContainsAny(target, "*?[") {
		matches, err := tree.FileSystem{Tree: l.files}.Glob(target)
		if err != nil {
			return merged
		}
		names = names[:0]
		for _, match := range matches {
			names = append(names, strings.TrimPrefix(match, "/"))
		}
	}
	found := false
	for _, file := range names {
		content := l.read(file)
		if content == nil {
			continue
		}
		found = true
		values, err := parseValues(content)
		if err != nil {
			l.fail(abi.InvalidYaml(file, 1, err))
			continue
		}
		merged = loader.MergeMaps(merged, values)
	}
	if !found && !ignoreMissing && l.files.Needed() == nil {
		l.fail(&abi.Failure{
			Code: "HelmFailed", Message: "The file of values is not there.", Path: target,
			Hint: "correct its name, or set ignoreMissingValueFiles",
		})
	}
	return merged
}

func (l *loading) setFile(directory string, parameter Parameter, merged map[string]any) {
	target, inside := l.place(directory, parameter.Path)
	if !inside {
		return
	}
	content := l.read(target)
	if content == nil {
		if l.files.Needed() == nil {
			l.fail(&abi.Failure{Code: "HelmFailed", Message: "The file of a parameter is not there.", Hint: "correct its name", Path: target})
		}
		return
	}
	reader := func([]rune) (any, error) { return string(content), nil }
	if err := strvals.ParseIntoFile(parameter.Name+"=file", merged, reader); err != nil {
		l.badParameter(parameter.Name)
	}
}
