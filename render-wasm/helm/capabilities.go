package helm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"sort"

	"helm.sh/helm/v4/pkg/chart/common"
	chart "helm.sh/helm/v4/pkg/chart/v2"
)

// Asked is what a chart asked of the cluster that it is rendered for; another answer may render otherwise.
type Asked struct {
	KubeVersion bool `json:"kubeVersion"`
	// APIVersions are those that `Has` was asked for and that are not known anyway.
	APIVersions []string `json:"apiVersions"`
	// Whole: any API version that comes or goes may render otherwise.
	Whole bool `json:"whole"`
}

type asked struct {
	kubeVersion, whole bool
	apiVersions        map[string]bool
}

func (a *asked) report() *Asked {
	if !a.kubeVersion && !a.whole && len(a.apiVersions) == 0 {
		return nil
	}
	names := make([]string, 0, len(a.apiVersions))
	for name := range a.apiVersions {
		names = append(names, name)
	}
	sort.Strings(names)
	return &Asked{KubeVersion: a.kubeVersion, APIVersions: names, Whole: a.whole}
}

// capabilities are what templates see as `.Capabilities`: what they ask is noticed. Its methods are read like the
// fields of the official one.
type capabilities struct {
	official *common.Capabilities
	asked    *asked
	// onlyHas: every text that names the API versions goes on to ask them for one.
	onlyHas bool
}

func (r *rendering) noticing(official *common.Capabilities, loaded *chart.Chart, values any) capabilities {
	return capabilities{official: official, asked: &r.asked, onlyHas: onlyHas(loaded, values)}
}

// KubeVersion is the official field itself.
func (c capabilities) KubeVersion() reflect.Value {
	c.asked.kubeVersion = true
	return c.field("KubeVersion")
}

// HelmVersion is no question to the cluster.
func (c capabilities) HelmVersion() reflect.Value { return c.field("HelmVersion") }

// APIVersions is the official slice wherever a template may use it as one.
func (c capabilities) APIVersions() reflect.Value {
	if c.onlyHas {
		return reflect.ValueOf(questions{c})
	}
	c.asked.whole = true
	return c.field("APIVersions")
}

// field is addressable, as the methods of its type may need it: text/template goes on with the value inside.
func (c capabilities) field(name string) reflect.Value {
	return reflect.ValueOf(c.official).Elem().FieldByName(name)
}

// MarshalJSON is what `toYaml .Capabilities` prints, and with it all that there is.
func (c capabilities) MarshalJSON() ([]byte, error) {
	c.asked.kubeVersion, c.asked.whole = true, true
	return json.Marshal(c.official)
}

// Format is what `print .Capabilities` prints.
func (c capabilities) Format(state fmt.State, verb rune) {
	c.asked.kubeVersion, c.asked.whole = true, true
	fmt.Fprintf(state, fmt.FormatString(state, verb), c.official)
}

type questions struct{ of capabilities }

// Has answers as the official set does.
func (q questions) Has(apiVersion string) bool {
	if !slices.Contains(common.DefaultVersionSet, apiVersion) {
		if q.of.asked.apiVersions == nil {
			q.of.asked.apiVersions = map[string]bool{}
		}
		q.of.asked.apiVersions[apiVersion] = true
	}
	return q.of.official.APIVersions.Has(apiVersion)
}

// onlyHas is false as soon as some text, in a template, in a file that `tpl` may be given, or in a value, names the API
// versions to do something else with them.
func onlyHas(loaded *chart.Chart, values any) bool {
	for _, file := range append(slices.Clone(loaded.Templates), loaded.Files...) {
		if !asksOnlyHas(file.Data) {
			return false
		}
	}
	for _, dependency := range loaded.Dependencies() {
		if !onlyHas(dependency, nil) {
			return false
		}
	}
	text, err := json.Marshal(values)
	return err == nil && asksOnlyHas(text)
}

func asksOnlyHas(text []byte) bool {
	return bytes.Count(text, []byte(".APIVersions")) == bytes.Count(text, []byte(".APIVersions.Has"))
}
