package kinds

import (
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var definitionBase = newOwn("apiextensions.k8s.io/v1", own{
	hasStatus: true,
	counts:    true,
	prepare: func(fresh, old runtime.Object) {
		definition := fresh.(*apiextensions.CustomResourceDefinition)
		for _, version := range definition.Spec.Versions {
			if !version.Storage {
				continue
			}
			stored := sets.New(definition.Status.StoredVersions...)
			if old == nil || !stored.Has(version.Name) {
				definition.Status.StoredVersions = append(definition.Status.StoredVersions, version.Name)
			}
		}
	},
	validate: same(validateDefinition),
	validateAgain: func(fresh, _ runtime.Object) field.ErrorList {
		return validateDefinition(fresh.(*apiextensions.CustomResourceDefinition))
	},
})

var customResourceDefinition = Kind{Strategy: definitionBase, Status: ownStatus{own: definitionBase,
	validateStatus: func(fresh, old runtime.Object) field.ErrorList { return nil }}}

// The official validation of definitions links all of gRPC; this is the part of it that decides whether objects of
// the kind can be kept at all.
func validateDefinition(definition *apiextensions.CustomResourceDefinition) field.ErrorList {
	var problems field.ErrorList
	spec := field.NewPath("spec")
	if want := definition.Spec.Names.Plural + "." + definition.Spec.Group; definition.Name != want {
		problems = append(problems, field.Invalid(field.NewPath("metadata", "name"), definition.Name,
			"must be spec.names.plural+\".\"+spec.group"))
	}
	if definition.Spec.Group == "" {
		problems = append(problems, field.Required(spec.Child("group"), ""))
	}
	if definition.Spec.Names.Kind == "" {
		problems = append(problems, field.Required(spec.Child("names", "kind"), ""))
	}
	stored := 0
	for index, version := range definition.Spec.Versions {
		at := spec.Child("versions").Index(index)
		if version.Storage {
			stored++
		}
		problems = append(problems, validateSchema(definition, version, at)...)
	}
	if stored != 1 {
		problems = append(problems, field.Invalid(spec.Child("versions"), definition.Spec.Versions,
			"must have exactly one version marked as storage version"))
	}
	return problems
}

func validateSchema(
	definition *apiextensions.CustomResourceDefinition, version apiextensions.CustomResourceDefinitionVersion, at *field.Path,
) field.ErrorList {
	validation := version.Schema
	if validation == nil {
		validation = definition.Spec.Validation
	}
	if validation == nil || validation.OpenAPIV3Schema == nil {
		return field.ErrorList{field.Required(at.Child("schema", "openAPIV3Schema"), "schemas are required")}
	}
	at = at.Child("schema", "openAPIV3Schema")
	form, err := structural.NewStructural(validation.OpenAPIV3Schema)
	if err != nil {
		return field.ErrorList{field.Invalid(at, "", err.Error())}
	}
	return structural.ValidateStructural(at, form)
}
