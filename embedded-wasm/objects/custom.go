package objects

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage/names"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/yaml"

	"trueup.dev/embedded-wasm/schemas"
)

var customs = map[schema.GroupVersionKind]*custom{}

// custom is a kind that a CustomResourceDefinition defines, in one version.
type custom struct {
	names.NameGenerator
	gvk          schema.GroupVersionKind
	isNamespaced bool
	hasStatus    bool
	keepsAll     bool
	form         *structural.Structural
	validator    validation.SchemaValidator
	rules        *cel.Validator
	open         *spec.Schema
	managers     map[string]*managedfields.FieldManager
}

// Define makes the kinds of a definition known, in place of what was known of them.
func Define(options json.RawMessage) (any, error) {
	found, err := kindOf(schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"})
	if err != nil {
		return nil, err
	}
	object, _, err := found.decode(options)
	if err != nil {
		return nil, err
	}
	definition := object.(*apiextensions.CustomResourceDefinition)
	forget(definition.Spec.Group, definition.Spec.Names.Kind)
	components := map[string]any{}
	for _, version := range definition.Spec.Versions {
		made, err := newCustom(definition, version)
		if err != nil {
			return nil, err
		}
		customs[made.gvk] = made
		components[version.Name] = made.open
	}
	return components, nil
}

// Undefine forgets the kinds of a definition that is gone.
func Undefine(options json.RawMessage) (any, error) {
	var gone struct{ Group, Kind string }
	if err := json.Unmarshal(options, &gone); err != nil {
		return nil, err
	}
	forget(gone.Group, gone.Kind)
	return true, nil
}

func forget(group, kind string) {
	for gvk := range customs {
		if gvk.Group == group && gvk.Kind == kind {
			delete(customs, gvk)
		}
	}
}

func newCustom(definition *apiextensions.CustomResourceDefinition, version apiextensions.CustomResourceDefinitionVersion) (*custom, error) {
	known, subresources := version.Schema, version.Subresources
	if known == nil {
		known = definition.Spec.Validation
	}
	if subresources == nil {
		subresources = definition.Spec.Subresources
	}
	form, err := structural.NewStructural(known.OpenAPIV3Schema)
	if err != nil {
		return nil, err
	}
	validator, _, err := validation.NewSchemaValidator(known.OpenAPIV3Schema)
	if err != nil {
		return nil, err
	}
	k := &custom{
		NameGenerator: names.SimpleNameGenerator,
		gvk:           schema.GroupVersionKind{Group: definition.Spec.Group, Version: version.Name, Kind: definition.Spec.Names.Kind},
		isNamespaced:  definition.Spec.Scope == apiextensions.NamespaceScoped,
		hasStatus:     subresources != nil && subresources.Status != nil,
		keepsAll:      definition.Spec.PreserveUnknownFields != nil && *definition.Spec.PreserveUnknownFields,
		form:          form,
		validator:     validator,
		rules:         cel.NewValidator(form, true, celconfig.PerCallLimit),
		managers:      map[string]*managedfields.FieldManager{},
	}
	k.open = k.openAPI()
	return k, nil
}

// openAPI is the schema as clients see it, with what every object has.
func (k *custom) openAPI() *spec.Schema {
	open := k.form.ToKubeOpenAPI()
	open.SetProperty("apiVersion", *spec.StringProperty())
	open.SetProperty("kind", *spec.StringProperty())
	open.SetProperty("metadata", *spec.RefSchema("#/components/schemas/" + schemas.ObjectMeta))
	open.AddExtension("x-kubernetes-group-version-kind", []any{map[string]any{
		"group": k.gvk.Group, "version": k.gvk.Version, "kind": k.gvk.Kind}})
	return open
}

func (k *custom) decode(text []byte) (runtime.Object, error, error) {
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON(text); err != nil {
		return nil, nil, err
	}
	if object.GroupVersionKind() != k.gvk {
		return nil, nil, fmt.Errorf("%s in body cannot be handled as a %s", object.GroupVersionKind(), k.gvk)
	}
	var problems []error
	var twice map[string]any
	if err := yaml.UnmarshalStrict(text, &twice); err != nil {
		problems = append(problems, err)
	}
	meta, found, unknown, err := objectmeta.GetObjectMetaWithOptions(object.Object,
		objectmeta.ObjectMetaOptions{ReturnUnknownFieldPaths: true})
	if err != nil {
		return nil, nil, err
	}
	if !k.keepsAll {
		unknown = append(unknown, pruning.PruneWithOptions(object.Object, k.form, true,
			structural.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})...)
	}
	for _, path := range unknown {
		problems = append(problems, fmt.Errorf("unknown field %q", path))
	}
	if found {
		if err := objectmeta.SetObjectMeta(object.Object, meta); err != nil {
			return nil, nil, err
		}
	}
	defaulting.PruneNonNullableNullsWithoutDefaults(object.Object, k.form)
	defaulting.Default(object.Object, k.form)
	if len(problems) > 0 {
		return object, runtime.NewStrictDecodingError(problems), nil
	}
	return object, nil, nil
}

func (k *custom) encode(object runtime.Object) ([]byte, error) {
	return object.(*unstructured.Unstructured).MarshalJSON()
}

func (k *custom) empty() (runtime.Object, error) {
	object := &unstructured.Unstructured{Object: map[string]any{}}
	object.SetGroupVersionKind(k.gvk)
	return object, nil
}

func (k *custom) strategic(runtime.Object, map[string]any) (runtime.Object, error, error) {
	return nil, nil, notStrategic()
}
func (k *custom) isStrategic() bool  { return false }
func (k *custom) namespaced() bool   { return k.isNamespaced }
func (k *custom) createsOnPut() bool { return false }

func (k *custom) manager(subresource string) (*managedfields.FieldManager, error) {
	if made, ok := k.managers[subresource]; ok {
		return made, nil
	}
	definitions, err := schemas.Of(schemas.ObjectMeta)
	if err != nil {
		return nil, err
	}
	definitions["custom."+k.gvk.Kind] = k.open
	converter, err := managedfields.NewTypeConverter(definitions, k.keepsAll)
	if err != nil {
		return nil, err
	}
	resets := map[fieldpath.APIVersion]*fieldpath.Set{}
	if k.hasStatus {
		reset := fieldpath.NewSet(fieldpath.MakePathOrDie("status"))
		if subresource == statusSubresource {
			reset = fieldpath.NewSet(fieldpath.MakePathOrDie("metadata"), fieldpath.MakePathOrDie("spec"))
		}
		resets[fieldpath.APIVersion(k.gvk.GroupVersion().String())] = reset
	}
	made, err := managedfields.NewDefaultCRDFieldManager(converter, asItIs{}, defaulter{k.form}, asItIs{}, k.gvk,
		k.gvk.GroupVersion(), subresource, fieldpath.NewExcludeFilterSetMap(resets))
	if err == nil {
		k.managers[subresource] = made
	}
	return made, err
}

func (k *custom) beforeCreate(ctx context.Context, object runtime.Object) error {
	return rest.BeforeCreate(customStrategy{custom: k}, ctx, object)
}

func (k *custom) beforeUpdate(ctx context.Context, fresh, old runtime.Object, subresource string) error {
	return rest.BeforeUpdate(customStrategy{custom: k, status: subresource == statusSubresource}, ctx, fresh, old)
}

type customStrategy struct {
	*custom
	status bool
}

func (s customStrategy) ObjectKinds(runtime.Object) ([]schema.GroupVersionKind, bool, error) {
	return []schema.GroupVersionKind{s.gvk}, false, nil
}
func (s customStrategy) Recognizes(gvk schema.GroupVersionKind) bool { return gvk == s.gvk }
func (s customStrategy) NamespaceScoped() bool                       { return s.isNamespaced }
func (s customStrategy) AllowCreateOnUpdate() bool                   { return false }
func (s customStrategy) AllowUnconditionalUpdate() bool              { return false }
func (s customStrategy) Canonicalize(runtime.Object)                 {}

func (s customStrategy) PrepareForCreate(_ context.Context, object runtime.Object) {
	if s.hasStatus {
		delete(content(object), "status")
	}
	object.(metav1.Object).SetGeneration(1)
}

func (s customStrategy) PrepareForUpdate(_ context.Context, fresh, old runtime.Object) {
	after, before := content(fresh), content(old)
	if s.status {
		for member := range after {
			if member != "metadata" && member != "status" {
				delete(after, member)
			}
		}
		for member, value := range before {
			if member != "metadata" && member != "status" {
				after[member] = value
			}
		}
		managed := fresh.(metav1.Object).GetManagedFields()
		after["metadata"] = runtime.DeepCopyJSON(before)["metadata"]
		fresh.(metav1.Object).SetManagedFields(managed)
		return
	}
	if s.hasStatus {
		if status, ok := before["status"]; ok {
			after["status"] = status
		} else {
			delete(after, "status")
		}
	}
	if !reflect.DeepEqual(withoutMetadata(after), withoutMetadata(before)) {
		fresh.(metav1.Object).SetGeneration(old.(metav1.Object).GetGeneration() + 1)
	}
}

func content(object runtime.Object) map[string]any { return object.(*unstructured.Unstructured).Object }

// What counts for the generation: all but the metadata and, where it is a subresource, the status, which is the same
// in both by now.
func withoutMetadata(object map[string]any) map[string]any {
	rest := make(map[string]any, len(object))
	for member, value := range object {
		if member != "metadata" {
			rest[member] = value
		}
	}
	return rest
}

func (s customStrategy) Validate(ctx context.Context, object runtime.Object) field.ErrorList {
	problems := validation.ValidateCustomResource(nil, content(object), s.validator)
	return append(problems, s.further(ctx, object, nil)...)
}

func (s customStrategy) ValidateUpdate(ctx context.Context, fresh, old runtime.Object) field.ErrorList {
	problems := validation.ValidateCustomResourceUpdate(nil, content(fresh), content(old), s.validator)
	return append(problems, s.further(ctx, fresh, content(old))...)
}

func (s customStrategy) further(ctx context.Context, object runtime.Object, old any) field.ErrorList {
	problems := objectmeta.Validate(nil, content(object), s.form, false)
	problems = append(problems, listtype.ValidateListSetsAndMaps(nil, s.form, content(object))...)
	if s.rules == nil || len(problems) > 0 {
		return problems
	}
	if old == nil {
		old = (map[string]any)(nil)
	}
	found, _ := s.rules.Validate(ctx, nil, s.form, content(object), old, celconfig.RuntimeCELCostBudget)
	return append(problems, found...)
}

func (s customStrategy) WarningsOnCreate(context.Context, runtime.Object) []string { return nil }
func (s customStrategy) WarningsOnUpdate(context.Context, runtime.Object, runtime.Object) []string {
	return nil
}

// asItIs stands where built-in kinds have conversions: custom ones are kept as they are written.
type asItIs struct{}

func (asItIs) Convert(_, _, _ any) error { return errors.New("custom objects are not converted") }
func (asItIs) ConvertToVersion(object runtime.Object, _ runtime.GroupVersioner) (runtime.Object, error) {
	return object, nil
}
func (asItIs) ConvertFieldLabel(_ schema.GroupVersionKind, label, value string) (string, string, error) {
	return label, value, nil
}
func (asItIs) New(gvk schema.GroupVersionKind) (runtime.Object, error) {
	object := &unstructured.Unstructured{Object: map[string]any{}}
	object.SetGroupVersionKind(gvk)
	return object, nil
}

// defaulter fills in the defaults of a schema once an apply is merged.
type defaulter struct{ form *structural.Structural }

func (d defaulter) Default(object runtime.Object) { defaulting.Default(content(object), d.form) }
