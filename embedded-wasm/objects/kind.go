// Package objects does to an object what the API server does between reading a request and writing to its storage:
// decoding, patching, defaulting, field management, validation. It stores nothing.
package objects

import (
	"context"
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	serializer "k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"trueup.dev/embedded-wasm/kinds"
	"trueup.dev/embedded-wasm/schemas"
)

// kind is one kind of objects, built in or defined by a CustomResourceDefinition.
type kind interface {
	// decode gives the form that the rest works on; unknown and duplicate fields come back as a strict error beside it.
	decode(text []byte) (object runtime.Object, strict error, err error)
	encode(object runtime.Object) ([]byte, error)
	manager(subresource string) (*managedfields.FieldManager, error)
	// empty is the object before it exists.
	empty() (runtime.Object, error)
	beforeCreate(ctx context.Context, object runtime.Object) error
	beforeUpdate(ctx context.Context, fresh, old runtime.Object, subresource string) error
	// strategic applies a strategic merge patch; isStrategic says whether the kind has any.
	strategic(old runtime.Object, patch map[string]any) (object runtime.Object, unfit error, err error)
	isStrategic() bool
	namespaced() bool
	createsOnPut() bool
}

func kindOf(gvk schema.GroupVersionKind) (kind, error) {
	if found, ok := customs[gvk]; ok {
		return found, nil
	}
	rules, ok := kinds.Table[gvk.Group+"/"+gvk.Version+"/"+gvk.Kind]
	if !ok {
		return nil, fmt.Errorf("the kind %s is not known here", gvk)
	}
	return builtIn{gvk: gvk, rules: rules}, nil
}

// builtIn works on the internal form, as the API server does.
type builtIn struct {
	gvk   schema.GroupVersionKind
	rules kinds.Kind
}

var strictJSON = serializer.NewSerializerWithOptions(serializer.DefaultMetaFactory, legacyscheme.Scheme, legacyscheme.Scheme,
	serializer.SerializerOptions{Strict: true})

func (k builtIn) hub() schema.GroupVersion {
	return schema.GroupVersion{Group: k.gvk.Group, Version: runtime.APIVersionInternal}
}

func (k builtIn) decode(text []byte) (runtime.Object, error, error) {
	object, found, strict := strictJSON.Decode(text, &k.gvk, nil)
	if strict != nil && !runtime.IsStrictDecodingError(strict) {
		return nil, nil, strict
	}
	if *found != k.gvk {
		return nil, nil, fmt.Errorf("%s in body cannot be handled as a %s", found.Kind, k.gvk.Kind)
	}
	internal, err := k.toHub(object)
	return internal, strict, err
}

func (k builtIn) toHub(versioned runtime.Object) (runtime.Object, error) {
	legacyscheme.Scheme.Default(versioned)
	return legacyscheme.Scheme.ConvertToVersion(versioned, k.hub())
}

func (k builtIn) encode(object runtime.Object) ([]byte, error) {
	versioned, err := legacyscheme.Scheme.ConvertToVersion(object, k.gvk.GroupVersion())
	if err != nil {
		return nil, err
	}
	// As it is read from the storage: with the defaults of what the strategy reset.
	legacyscheme.Scheme.Default(versioned)
	versioned.GetObjectKind().SetGroupVersionKind(k.gvk)
	return json.Marshal(versioned)
}

func (k builtIn) empty() (runtime.Object, error) {
	object, err := legacyscheme.Scheme.New(k.gvk)
	if err == nil {
		object.GetObjectKind().SetGroupVersionKind(k.gvk)
	}
	return object, err
}

var builtInManagers = map[string]*managedfields.FieldManager{}

func (k builtIn) manager(subresource string) (*managedfields.FieldManager, error) {
	key := k.gvk.String() + "/" + subresource
	if made, ok := builtInManagers[key]; ok {
		return made, nil
	}
	converter, err := schemas.Converter(k.gvk)
	if err != nil {
		return nil, err
	}
	resets := map[fieldpath.APIVersion]*fieldpath.Set{}
	var strategy any = k.rules.Strategy
	if subresource == statusSubresource {
		strategy = k.rules.Status
	}
	if known, ok := strategy.(kinds.Resets); ok {
		resets = known.GetResetFields()
	}
	made, err := managedfields.NewDefaultFieldManager(converter, legacyscheme.Scheme, legacyscheme.Scheme,
		legacyscheme.Scheme, k.gvk, k.hub(), subresource, fieldpath.NewExcludeFilterSetMap(resets))
	if err == nil {
		builtInManagers[key] = made
	}
	return made, err
}

func (k builtIn) beforeCreate(ctx context.Context, object runtime.Object) error {
	return rest.BeforeCreate(k.rules.Strategy, ctx, object)
}

func (k builtIn) beforeUpdate(ctx context.Context, fresh, old runtime.Object, subresource string) error {
	if subresource == statusSubresource {
		return rest.BeforeUpdate(k.rules.Status, ctx, fresh, old)
	}
	return rest.BeforeUpdate(k.rules.Strategy, ctx, fresh, old)
}

func (k builtIn) isStrategic() bool { return k.gvk.Group != "apiextensions.k8s.io" }

func (k builtIn) namespaced() bool   { return k.rules.Strategy.NamespaceScoped() }
func (k builtIn) createsOnPut() bool { return k.rules.Strategy.AllowCreateOnUpdate() }
