// Package helm renders a chart with the official loader and engine, as `helm template` does.
package helm

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	commonutil "helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/engine"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
	"trueup.dev/render-wasm/abi"
	"trueup.dev/render-wasm/decode"
	"trueup.dev/render-wasm/tree"
)

// Options of the operation.
type Options struct {
	// Path of the directory with Chart.yaml.
	Path   string        `json:"path"`
	Limits decode.Limits `json:"limits"`

	ReleaseName string `json:"releaseName"`
	Namespace   string `json:"namespace"`
	// KubeVersion is empty for the one that Helm assumes.
	KubeVersion string   `json:"kubeVersion"`
	APIVersions []string `json:"apiVersions"`

	Values ValueOptions `json:"values"`

	SkipCRDs             bool `json:"skipCrds"`
	SkipTests            bool `json:"skipTests"`
	SkipSchemaValidation bool `json:"skipSchemaValidation"`

	// Lookup is absent where `lookup` finds nothing, as in `helm template`; else the objects known so far, as JSON, by
	// `["apiVersion","kind","namespace","name"]`; empty for those that are not there.
	Lookup map[string]string `json:"lookup"`
	// Text asks for what `helm template` prints, too.
	Text bool `json:"text"`
}

// Result has the objects in the order in which `helm template` prints them.
type Result struct {
	Objects []decode.Object `json:"objects"`
	Trace   tree.Trace      `json:"trace"`
	// Random are the template functions that give something else each time.
	Random []string `json:"random,omitempty"`
	// Capabilities are what the chart asked of `.Capabilities`; nil if it asked nothing.
	Capabilities *Asked `json:"capabilities,omitempty"`
	Deprecated   bool   `json:"deprecated,omitempty"`
	Text         string `json:"text,omitempty"`
}

type manifest struct {
	source, content string
	isCRD, isHook   bool
}

// Op renders a chart.
func Op(files *tree.Tree, raw json.RawMessage) (any, error) {
	var options Options
	if err := json.Unmarshal(raw, &options); err != nil {
		return nil, err
	}
	loading := loading{files: files, limits: options.Limits}
	loaded := loading.chart(options.Path, 0)
	values := loading.values(options.Path, options.Values)
	if loading.failure != nil {
		return nil, loading.failure
	}
	if files.Needed() != nil {
		return nil, nil
	}
	rendering := rendering{files: files, options: options, random: map[string]bool{}}
	manifests, failure := rendering.manifests(loaded, values)
	if failure != nil {
		files.NeededAt(failure.Path, failure.Line)
		return nil, failure
	}
	result := Result{
		Objects: []decode.Object{}, Random: rendering.randomNames(), Capabilities: rendering.asked.report(), Deprecated: loaded.Metadata.Deprecated,
	}
	for _, manifest := range manifests {
		objects, _, failure := decode.File(rendering.place(manifest.source), []byte(manifest.content), options.Limits)
		if failure != nil {
			return nil, inTemplate(failure)
		}
		for _, object := range objects {
			// Lines of what a template gave are not lines of the template.
			if !manifest.isCRD {
				object.Line = 0
			}
			result.Objects = append(result.Objects, object)
		}
	}
	if options.Text {
		result.Text = printed(manifests)
	}
	result.Trace = files.Trace()
	return result, nil
}

func inTemplate(failure *abi.Failure) *abi.Failure {
	worded := *failure
	if failure.Line > 0 {
		worded.Message = fmt.Sprintf("What the template gives is not a manifest: %s (line %d of its output)", strings.TrimSuffix(failure.Message, "."), failure.Line)
	}
	worded.Line, worded.Hint = 0, "correct the template, or the values that it is given"
	return &worded
}

// printed is what `helm template` prints: objects first, hooks after them.
func printed(manifests []manifest) string {
	var objects, hooks strings.Builder
	for _, manifest := range manifests {
		text := &objects
		if manifest.isHook {
			text = &hooks
		}
		fmt.Fprintf(text, "---\n# Source: %s\n%s\n", manifest.source, manifest.content)
	}
	return strings.TrimSpace(objects.String()) + "\n" + hooks.String()
}

type rendering struct {
	files   *tree.Tree
	options Options
	chart   *chart.Chart
	random  map[string]bool
	asked   asked
}

func (r *rendering) manifests(loaded *chart.Chart, values map[string]any) ([]manifest, *abi.Failure) {
	r.chart = loaded
	at := path.Join(r.options.Path, "Chart.yaml")
	if loaded.Metadata.Type == "library" {
		return nil, &abi.Failure{Code: "HelmFailed", Message: "The chart is a library, which gives no manifests.", Hint: "name the chart that uses it", Path: at}
	}
	if failure := missingDependencies(loaded, at); failure != nil {
		return nil, failure
	}
	if err := chartutil.ProcessDependencies(loaded, values); err != nil {
		return nil, helmFailed(err, at)
	}
	capabilities, failure := r.capabilities(at)
	if failure != nil {
		return nil, failure
	}
	release := common.ReleaseOptions{Name: r.options.ReleaseName, Namespace: r.options.Namespace, Revision: 1, IsInstall: true}
	given, err := commonutil.ToRenderValuesWithSchemaValidation(loaded, values, release, capabilities, r.options.SkipSchemaValidation)
	if err != nil {
		return nil, schemaFailed(err, path.Join(r.options.Path, "values.schema.json"))
	}
	given["Capabilities"] = r.noticing(capabilities, loaded, given["Values"])
	wanted := loaded.Metadata.KubeVersion
	r.asked.kubeVersion = wanted != ""
	if wanted != "" && !chartutil.IsCompatibleRange(wanted, capabilities.KubeVersion.String()) {
		return nil, &abi.Failure{
			Code: "HelmFailed", Path: at, Hint: "use another version of the chart, or set the Kubernetes version it is rendered for",
			Message: fmt.Sprintf("The chart wants Kubernetes %s; it is rendered for %s.", wanted, capabilities.KubeVersion.Version),
		}
	}
	templates := engine.Engine{CustomTemplateFuncs: r.functions()}
	rendered, err := templates.RenderWithContext(context.Background(), loaded, given)
	if err != nil {
		return nil, r.templateFailed(err)
	}
	for name := range rendered {
		if strings.HasSuffix(name, "NOTES.txt") {
			delete(rendered, name)
		}
	}
	return r.ordered(rendered)
}

func (r *rendering) ordered(rendered map[string]string) ([]manifest, *abi.Failure) {
	hooks, generic, err := releaseutil.SortManifests(rendered, nil, releaseutil.InstallOrder)
	if err != nil {
		return nil, r.templateFailed(err)
	}
	manifests := []manifest{}
	if !r.options.SkipCRDs {
		for _, crd := range r.chart.CRDObjects() {
			manifests = append(manifests, manifest{source: crd.Filename, content: string(crd.File.Data), isCRD: true})
		}
	}
	for _, one := range generic {
		manifests = append(manifests, manifest{source: one.Name, content: one.Content})
	}
	for _, hook := range hooks {
		isTest := false
		for _, event := range hook.Events {
			isTest = isTest || event.String() == "test"
		}
		if !(r.options.SkipTests && isTest) {
			manifests = append(manifests, manifest{source: hook.Path, content: hook.Manifest, isHook: true})
		}
	}
	return manifests, nil
}

func (r *rendering) capabilities(at string) (*common.Capabilities, *abi.Failure) {
	capabilities := common.DefaultCapabilities.Copy()
	if r.options.KubeVersion != "" {
		version, err := common.ParseKubeVersion(r.options.KubeVersion)
		if err != nil {
			return nil, &abi.Failure{
				Code: "HelmFailed", Message: fmt.Sprintf("%q is not a Kubernetes version.", r.options.KubeVersion), Hint: "write it as 1.33.0", Path: at,
			}
		}
		capabilities.KubeVersion = *version
	}
	capabilities.APIVersions = append(append(common.VersionSet{}, capabilities.APIVersions...), r.options.APIVersions...)
	return capabilities, nil
}

// place turns a template's name, which begins with the chart's, into a path of the repository.
func (r *rendering) place(source string) string {
	_, rest, found := strings.Cut(source, "/")
	if !found {
		return source
	}
	return path.Join(r.options.Path, rest)
}
