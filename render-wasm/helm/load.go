package helm

import (
	"bytes"

	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"helm.sh/helm/v4/pkg/chart/loader/archive"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/ignore"
	"sigs.k8s.io/yaml"
	"trueup.dev/render-wasm/abi"
	"trueup.dev/render-wasm/decode"
	"trueup.dev/render-wasm/tree"
)

// Charts hold charts hold charts; deeper than this it is a mistake or an attack.
const nestingMax = 16

// An archive in charts/ that unpacks to more is refused (S3).
const archiveBytesMax = 32 << 20

var byteOrderMark = []byte{0xef, 0xbb, 0xbf}

func init() { archive.MaxDecompressedChartSize = archiveBytesMax }

// loading reads everything that a chart and its values consist of, and goes on after the first thing that is missing:
// the host then learns of all of them at once.
type loading struct {
	files   *tree.Tree
	limits  decode.Limits
	failure *abi.Failure
}

func (l *loading) fail(failure *abi.Failure) {
	if l.failure == nil {
		l.failure = failure
	}
}

func (l *loading) chart(directory string, depth int) *chart.Chart {
	at := path.Join(directory, "Chart.yaml")
	if depth > nestingMax {
		l.fail(&abi.Failure{Code: "HelmFailed", Message: fmt.Sprintf("Charts are nested more than %d deep.", nestingMax), Hint: "flatten them", Path: at})
		return nil
	}
	buffered := l.collect(directory)
	if l.failure != nil || l.files.Needed() != nil {
		return nil
	}
	loaded, err := loader.LoadFiles(buffered)
	if err != nil {
		l.fail(helmFailed(err, at))
		return nil
	}
	l.linked(directory, loaded, depth)
	return loaded
}

// collect has the rules of Helm's own loader for directories: .helmignore, and no byte order marks.
func (l *loading) collect(directory string) []*archive.BufferedFile {
	rules := l.ignored(directory)
	system := tree.FileSystem{Tree: l.files}
	buffered := []*archive.BufferedFile{}
	err := system.Walk("/"+directory, func(name string, info fs.FileInfo, err error) error {
		if err != nil {
			return err
		}
		relative := strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(name, "/"), directory), "/")
		if relative == "" {
			return nil
		}
		if rules.Ignore(relative, info) {
			if info.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		if info.IsDir() {
			return nil
		}
		content, err := l.files.Read(strings.TrimPrefix(name, "/"))
		if errors.Is(err, tree.ErrNeeded) {
			return nil
		}
		if err != nil {
			return err
		}
		l.guard(strings.TrimPrefix(name, "/"), content)
		buffered = append(buffered, &archive.BufferedFile{Name: relative, Data: bytes.TrimPrefix(content, byteOrderMark)})
		return nil
	})
	if err != nil && !errors.Is(err, tree.ErrNeeded) {
		l.fail(helmFailed(err, directory))
	}
	return buffered
}

// guard finds bombs before Helm expands them (F21); what else is wrong with a file Helm says itself.
func (l *loading) guard(name string, content []byte) {
	extension := path.Ext(name)
	isTemplate := strings.Contains("/"+name, "/templates/")
	if isTemplate || (extension != ".yaml" && extension != ".yml" && extension != ".json") {
		return
	}
	if _, failure := decode.Heads(name, content, l.limits); failure != nil && failure.Code == "YamlBomb" {
		l.fail(failure)
	}
}

func (l *loading) ignored(directory string) *ignore.Rules {
	rules := ignore.Empty()
	name := path.Join(directory, ignore.HelmIgnore)
	if kind, err := l.files.Stat(name); err == nil && kind == tree.File {
		if content, err := l.files.Read(name); err == nil {
			parsed, err := ignore.Parse(bytes.NewReader(content))
			if err != nil {
				l.fail(helmFailed(err, name))
			} else {
				rules = parsed
			}
		}
	}
	rules.AddDefaults()
	return rules
}

// read gives a file of values; nil when it is not there.
func (l *loading) read(name string) []byte {
	kind, err := l.files.Stat(name)
	if err != nil || kind != tree.File {
		return nil
	}
	content, err := l.files.Read(name)
	if err != nil {
		return nil
	}
	l.guard(name, content)
	return content
}

func parseValues(content []byte) (map[string]any, error) {
	return loader.LoadValues(bytes.NewReader(content))
}

func parseObject(text string) (map[string]any, error) {
	object := map[string]any{}
	err := yaml.Unmarshal([]byte(text), &object)
	return object, err
}
