package helm

import (
	"fmt"
	"net/url"
	"path"
	"sort"
	"strings"

	chart "helm.sh/helm/v4/pkg/chart/v2"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"trueup.dev/render-wasm/abi"
	"trueup.dev/render-wasm/tree"
)

// linked adds the dependencies that are not in charts/ and stand elsewhere in the repository (`file://../common`), or
// in another one (`git+https://…`).
func (l *loading) linked(directory string, loaded *chart.Chart, depth int) {
	there := namesOf(loaded)
	for _, wanted := range loaded.Metadata.Dependencies {
		if there[wanted.Name] {
			continue
		}
		target, found := l.elsewhere(directory, wanted)
		if !found {
			continue
		}
		dependency := l.chart(target, depth+1)
		if dependency == nil {
			continue
		}
		if has := dependency.Metadata.Version; wanted.Version != "" && !chartutil.IsCompatibleRange(wanted.Version, has) {
			l.refuse(directory, wanted, "HelmFailed", "has version "+has+", which is not "+wanted.Version, "correct the version, or name another ref")
			return
		}
		there[wanted.Name] = true
		loaded.AddDependency(dependency)
	}
}

func namesOf(loaded *chart.Chart) map[string]bool {
	there := map[string]bool{}
	for _, dependency := range loaded.Dependencies() {
		there[dependency.Name()] = true
	}
	return there
}

// elsewhere gives the directory of a dependency's chart, unless its repository is of another kind, or refused, or not
// handed over yet.
func (l *loading) elsewhere(directory string, wanted *chart.Dependency) (target string, found bool) {
	if address, isGit := strings.CutPrefix(wanted.Repository, "git+"); isGit {
		return l.remote(directory, address, wanted)
	}
	relative, isFile := strings.CutPrefix(wanted.Repository, "file://")
	if !isFile {
		return "", false
	}
	target, err := tree.Clean(directory + "/" + relative)
	if err != nil || strings.HasPrefix(relative, "/") || !l.files.Share(directory, target) {
		l.refuse(directory, wanted, "HelmFailed", "stands outside of the repository", "name a directory of the repository")
		return "", false
	}
	return target, true
}

// remote reads `https://host/org/repo@path/to/charts?ref=main`, as the plugin helm-git has it: the path is that of the
// chart, or of the directory that the chart is in under its name.
func (l *loading) remote(directory string, address string, wanted *chart.Dependency) (target string, found bool) {
	parsed, err := url.Parse(address)
	if err != nil {
		l.refuse(directory, wanted, "Unsupported", "has a repository that is no address", "write git+https://host/org/repo@path/to/charts?ref=main")
		return "", false
	}
	query := parsed.Query()
	for name := range query {
		// How the plugin fetches, which is ours to say; all dependencies are resolved.
		if name != "ref" && name != "sparse" && name != "depupdate" {
			l.refuse(directory, wanted, "Unsupported", "asks for "+name+" of its repository", "leave it out")
			return "", false
		}
	}
	var charts string
	parsed.Path, charts, _ = strings.Cut(parsed.Path, "@")
	parsed.RawPath, parsed.RawQuery = "", ""
	inside, err := tree.Clean(charts)
	if err != nil {
		l.refuse(directory, wanted, "HelmFailed", "stands outside of its repository", "name a directory of the repository")
		return "", false
	}
	at, line := l.named(directory, wanted)
	mount, err := l.files.Mounted(tree.Remote{URL: parsed.String(), Ref: query.Get("ref"), Path: at, Line: line})
	if err != nil {
		return "", false
	}
	target = path.Join(mount, inside)
	byName := path.Join(target, wanted.Name)
	kind, err := l.files.Stat(path.Join(byName, "Chart.yaml"))
	if err != nil {
		return "", false
	}
	if kind == tree.File {
		target = byName
	}
	return target, true
}

func (l *loading) named(directory string, wanted *chart.Dependency) (at string, line int) {
	at = path.Join(directory, "Chart.yaml")
	return at, abi.LineOf(l.files.Source(at), wanted.Repository)
}

func (l *loading) refuse(directory string, wanted *chart.Dependency, code string, what string, hint string) {
	at, line := l.named(directory, wanted)
	l.fail(&abi.Failure{Code: code, Message: fmt.Sprintf("The dependency %s %s.", wanted.Name, what), Hint: hint, Path: at, Line: line})
}

func missingDependencies(loaded *chart.Chart, at string) *abi.Failure {
	there := namesOf(loaded)
	missing := []string{}
	for _, wanted := range loaded.Metadata.Dependencies {
		if !there[wanted.Name] {
			missing = append(missing, wanted.Name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	sort.Strings(missing)
	return &abi.Failure{
		Code: "Unsupported", Path: at,
		Message: fmt.Sprintf("The chart's dependencies %s are not in its charts/ directory, and are not fetched from chart repositories.", strings.Join(missing, ", ")),
		Hint:    "run `helm dependency update` and commit charts/, or name them by file:// or git+https://",
	}
}
