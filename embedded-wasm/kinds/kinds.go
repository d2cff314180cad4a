// Package kinds says, for each built-in kind, what the API server does to an object before it is stored: what it fills
// in, resets and refuses. Where the official strategy can be linked without its storage it is that; the rest are
// written here over the official validation.
package kinds

import (
	"context"
	"reflect"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage/names"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// Strategy is what both creating and updating need.
type Strategy interface {
	rest.RESTCreateStrategy
	rest.RESTUpdateStrategy
}

// Resets is implemented by strategies that reset fields which a client may not own.
type Resets interface {
	GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set
}

// Kind is a built-in kind in the one version that is served.
type Kind struct {
	Strategy Strategy
	// Status is nil for kinds without a status subresource.
	Status rest.RESTUpdateStrategy
}

// own is a strategy written here. Spec and Status of an object are reached by their names.
type own struct {
	runtime.ObjectTyper
	names.NameGenerator
	version    string
	namespaced bool
	hasStatus  bool
	// counts: the generation goes up when the spec changes.
	counts        bool
	createOnPut   bool
	prepare       func(fresh, old runtime.Object)
	validate      func(object runtime.Object) field.ErrorList
	validateAgain func(fresh, old runtime.Object) field.ErrorList
	warnings      func(fresh, old runtime.Object) []string
	canonicalize  func(object runtime.Object)
}

func (s own) NamespaceScoped() bool          { return s.namespaced }
func (s own) AllowCreateOnUpdate() bool      { return s.createOnPut }
func (s own) AllowUnconditionalUpdate() bool { return true }

func (s own) Canonicalize(object runtime.Object) {
	if s.canonicalize != nil {
		s.canonicalize(object)
	}
}

func (s own) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	if !s.hasStatus {
		return nil
	}
	return map[fieldpath.APIVersion]*fieldpath.Set{
		fieldpath.APIVersion(s.version): fieldpath.NewSet(fieldpath.MakePathOrDie("status")),
	}
}

func (s own) PrepareForCreate(_ context.Context, object runtime.Object) {
	if s.hasStatus {
		part(object, "Status").SetZero()
	}
	if s.counts {
		accessor(object).SetGeneration(1)
	}
	if s.prepare != nil {
		s.prepare(object, nil)
	}
}

func (s own) PrepareForUpdate(_ context.Context, fresh, old runtime.Object) {
	if s.hasStatus {
		part(fresh, "Status").Set(part(old, "Status"))
	}
	if s.prepare != nil {
		s.prepare(fresh, old)
	}
	if s.counts && !apiequality.Semantic.DeepEqual(part(fresh, "Spec").Interface(), part(old, "Spec").Interface()) {
		accessor(fresh).SetGeneration(accessor(old).GetGeneration() + 1)
	}
}

func (s own) Validate(_ context.Context, object runtime.Object) field.ErrorList {
	return s.validate(object)
}

func (s own) ValidateUpdate(_ context.Context, fresh, old runtime.Object) field.ErrorList {
	return s.validateAgain(fresh, old)
}

func (s own) WarningsOnCreate(_ context.Context, object runtime.Object) []string {
	return s.warn(object, nil)
}

func (s own) WarningsOnUpdate(_ context.Context, fresh, old runtime.Object) []string {
	return s.warn(fresh, old)
}

func (s own) warn(fresh, old runtime.Object) []string {
	if s.warnings == nil {
		return nil
	}
	return s.warnings(fresh, old)
}

// ownStatus is the status subresource of an own strategy: everything but the status stays.
type ownStatus struct {
	own
	validateStatus func(fresh, old runtime.Object) field.ErrorList
	prepareStatus  func(fresh, old runtime.Object)
}

func (s ownStatus) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return map[fieldpath.APIVersion]*fieldpath.Set{
		fieldpath.APIVersion(s.version): fieldpath.NewSet(fieldpath.MakePathOrDie("spec")),
	}
}

func (s ownStatus) PrepareForUpdate(_ context.Context, fresh, old runtime.Object) {
	part(fresh, "Spec").Set(part(old, "Spec"))
	if s.prepareStatus != nil {
		s.prepareStatus(fresh, old)
	}
}

func (s ownStatus) ValidateUpdate(_ context.Context, fresh, old runtime.Object) field.ErrorList {
	return s.validateStatus(fresh, old)
}

func (s ownStatus) WarningsOnUpdate(context.Context, runtime.Object, runtime.Object) []string {
	return nil
}

func part(object runtime.Object, name string) reflect.Value {
	return reflect.ValueOf(object).Elem().FieldByName(name)
}

func accessor(object runtime.Object) metav1.Object { return object.(metav1.Object) }

func newOwn(version string, strategy own) own {
	strategy.ObjectTyper = legacyscheme.Scheme
	strategy.NameGenerator = names.SimpleNameGenerator
	strategy.version = version
	return strategy
}
