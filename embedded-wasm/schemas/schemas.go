// Package schemas has the official OpenAPI definitions of the built-in kinds: what field management goes by, and what
// clients are told.
package schemas

import (
	"encoding/json"
	"sync"

	extensions "k8s.io/apiextensions-apiserver/pkg/generated/openapi"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	endpoints "k8s.io/apiserver/pkg/endpoints/openapi"
	"k8s.io/kube-openapi/pkg/builder3"
	"k8s.io/kube-openapi/pkg/common"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/generated/openapi"
)

// ObjectMeta is the definition of `metadata`.
const ObjectMeta = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"

type modelNamed interface{ OpenAPIModelName() string }

var (
	known     map[string]common.OpenAPIDefinition
	knownOnce sync.Once
)

// All definitions are made at once, which takes a while; every reference to one is the same.
func definitions(ref common.ReferenceCallback) map[string]common.OpenAPIDefinition {
	knownOnce.Do(func() {
		known = openapi.GetOpenAPIDefinitions(ref)
		for name, definition := range extensions.GetOpenAPIDefinitions(ref) {
			if _, builtIn := known[name]; !builtIn {
				known[name] = definition
			}
		}
	})
	return known
}

var config = sync.OnceValue(func() *common.OpenAPIV3Config {
	namer := endpoints.NewDefinitionNamer(legacyscheme.Scheme)
	return &common.OpenAPIV3Config{
		Info:              &spec.Info{InfoProps: spec.InfoProps{Title: "Kubernetes", Version: "embedded"}},
		GetDefinitionName: namer.GetDefinitionName,
		GetDefinitions:    definitions,
	}
})

// Of gives the definitions of models and of all that they refer to, by name.
func Of(models ...string) (map[string]*spec.Schema, error) {
	return builder3.BuildOpenAPIDefinitionsForResources(config(), models...)
}

// Model is the name of a built-in kind's definition.
func Model(kind schema.GroupVersionKind) (string, bool) {
	object, err := legacyscheme.Scheme.New(kind)
	if err != nil {
		return "", false
	}
	named, ok := object.(modelNamed)
	if !ok {
		return "", false
	}
	return named.OpenAPIModelName(), true
}

var converters = map[schema.GroupVersionKind]managedfields.TypeConverter{}

// Converter is how field management sees objects of a built-in kind. Each is made when it is first needed: all of them
// together take seconds.
func Converter(kind schema.GroupVersionKind) (managedfields.TypeConverter, error) {
	if made, ok := converters[kind]; ok {
		return made, nil
	}
	model, _ := Model(kind)
	definitions, err := Of(model)
	if err != nil {
		return nil, err
	}
	made, err := managedfields.NewTypeConverter(definitions, false)
	if err == nil {
		converters[kind] = made
	}
	return made, err
}

// Components answers what `components.schemas` of an OpenAPI v3 document has for the kinds of one group and version.
func Components(options json.RawMessage) (any, error) {
	var asked struct {
		Group   string   `json:"group"`
		Version string   `json:"version"`
		Kinds   []string `json:"kinds"`
	}
	if err := json.Unmarshal(options, &asked); err != nil {
		return nil, err
	}
	var models []string
	for _, kind := range asked.Kinds {
		for _, name := range []string{kind, kind + "List"} {
			if model, ok := Model(schema.GroupVersionKind{Group: asked.Group, Version: asked.Version, Kind: name}); ok {
				models = append(models, model)
			}
		}
	}
	return Of(models...)
}
