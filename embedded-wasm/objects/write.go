package objects

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/endpoints/handlers/fieldmanager"
	request "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage/names"
	"k8s.io/apiserver/pkg/warning"
	"sigs.k8s.io/yaml"

	"trueup.dev/embedded-wasm/abi"
)

const statusSubresource = "status"

// Request is one write, as the API server sees it after routing.
type Request struct {
	Group       string `json:"group"`
	Version     string `json:"version"`
	Kind        string `json:"kind"`
	Resource    string `json:"resource"`
	Subresource string `json:"subresource"`
	Namespace   string `json:"namespace"`
	Name        string `json:"name"`
	// create, update, apply, json, merge, strategic
	Verb string `json:"verb"`
	// The stored object; absent where there is none.
	Live json.RawMessage `json:"live"`
	// The object or the patch as the client sent it.
	Body    string `json:"body"`
	Manager string `json:"manager"`
	Force   bool   `json:"force"`
	// Strict, Warn or Ignore.
	FieldValidation string `json:"fieldValidation"`
	// What the API server's allocators give a new Service.
	Allocate Allocation `json:"allocate"`
}

// Response has the object as it is to be stored.
type Response struct {
	Object    json.RawMessage `json:"object"`
	Created   bool            `json:"created"`
	Unchanged bool            `json:"unchanged"`
	Warnings  []string        `json:"warnings,omitempty"`
}

type recorder struct{ texts *[]string }

func (r recorder) AddWarning(_, text string) { *r.texts = append(*r.texts, text) }

type write struct {
	Request
	kind     kind
	gvk      schema.GroupVersionKind
	ctx      context.Context
	warnings []string
}

// Write carries out one write and gives what is to be stored.
func Write(options json.RawMessage) (any, error) {
	w, err := newWrite(options)
	if err != nil {
		return nil, err
	}
	respond := w.update
	if len(w.Live) == 0 {
		respond = w.create
	}
	response, err := respond()
	if err != nil && len(w.warnings) > 0 {
		return nil, &abi.Refusal{Err: err, Warnings: w.warnings}
	}
	return response, err
}

func newWrite(options json.RawMessage) (*write, error) {
	w := &write{}
	if err := json.Unmarshal(options, &w.Request); err != nil {
		return nil, err
	}
	w.gvk = schema.GroupVersionKind{Group: w.Group, Version: w.Version, Kind: w.Kind}
	found, err := kindOf(w.gvk)
	if err != nil {
		return nil, err
	}
	w.kind = found
	w.ctx = warning.WithWarningRecorder(context.Background(), recorder{&w.warnings})
	w.ctx = request.WithNamespace(w.ctx, w.Namespace)
	w.ctx = request.WithRequestInfo(w.ctx, &request.RequestInfo{
		IsResourceRequest: true, APIGroup: w.Group, APIVersion: w.Version,
		Resource: w.Resource, Subresource: w.Subresource, Namespace: w.Namespace, Name: w.Name,
	})
	return w, nil
}

func (w *write) create() (any, error) {
	manager, err := w.kind.manager(w.Subresource)
	if err != nil {
		return nil, err
	}
	empty, err := w.kind.empty()
	if err != nil {
		return nil, err
	}
	var object runtime.Object
	switch w.Verb {
	case "create", "update":
		if object, err = w.decode([]byte(w.Body)); err != nil {
			return nil, err
		}
		if w.Verb == "update" && !w.kind.createsOnPut() {
			return nil, w.notFound()
		}
		if err := w.address(object); err != nil {
			return nil, err
		}
		object = manager.UpdateNoErrors(empty, object, w.Manager)
	case "apply":
		if object, err = w.apply(empty); err != nil {
			return nil, err
		}
		if err := w.address(object); err != nil {
			return nil, err
		}
	case "strategic":
		if !w.kind.isStrategic() {
			return nil, notStrategic()
		}
		return nil, w.notFound()
	default:
		return nil, w.notFound()
	}
	meta := object.(metav1.Object)
	rest.WipeObjectMetaSystemFields(meta)
	rest.FillObjectMetaSystemFields(meta)
	if meta.GetName() == "" && meta.GetGenerateName() != "" {
		meta.SetName(names.SimpleNameGenerator.GenerateName(meta.GetGenerateName()))
	}
	meta.SetResourceVersion("")
	admit(object, w.Allocate)
	if err := w.kind.beforeCreate(w.ctx, object); err != nil {
		return nil, err
	}
	text, err := w.kind.encode(object)
	return Response{Object: text, Created: true, Warnings: w.warnings}, err
}

func (w *write) update() (any, error) {
	old, _, err := w.kind.decode(w.Live)
	if err != nil {
		return nil, err
	}
	manager, err := w.kind.manager(w.Subresource)
	if err != nil {
		return nil, err
	}
	var fresh runtime.Object
	switch w.Verb {
	case "apply":
		if fresh, err = w.apply(old.DeepCopyObject()); err != nil {
			return nil, err
		}
	default:
		if fresh, err = w.desired(old); err != nil {
			return nil, err
		}
		if err := w.address(fresh); err != nil {
			return nil, err
		}
		fresh = manager.UpdateNoErrors(old.DeepCopyObject(), fresh, w.Manager)
	}
	return w.updated(fresh, old)
}

// updated is what is stored of an object that was changed.
func (w *write) updated(fresh, old runtime.Object) (any, error) {
	if err := w.preconditions(fresh.(metav1.Object), old.(metav1.Object)); err != nil {
		return nil, err
	}
	fresh.(metav1.Object).SetResourceVersion(old.(metav1.Object).GetResourceVersion())
	admitUpdate(fresh, old, w.Allocate)
	if err := w.kind.beforeUpdate(w.ctx, fresh, old.DeepCopyObject(), w.Subresource); err != nil {
		return nil, err
	}
	fresh, err := fieldmanager.IgnoreManagedFieldsTimestampsTransformer(w.ctx, fresh, old)
	if err != nil {
		return nil, err
	}
	text, err := w.kind.encode(fresh)
	if err != nil {
		return nil, err
	}
	before, err := w.kind.encode(old)
	return Response{Object: text, Unchanged: bytes.Equal(text, before), Warnings: w.warnings}, err
}

// desired is the object that an update or a patch asks for.
func (w *write) desired(old runtime.Object) (runtime.Object, error) {
	if w.Verb == "update" {
		return w.decode([]byte(w.Body))
	}
	return w.patched(old)
}

func (w *write) apply(live runtime.Object) (runtime.Object, error) {
	manager, err := w.kind.manager(w.Subresource)
	if err != nil {
		return nil, err
	}
	applied := &unstructured.Unstructured{Object: map[string]any{}}
	if err := yaml.Unmarshal([]byte(w.Body), &applied.Object, func(d *json.Decoder) *json.Decoder { d.UseNumber(); return d }); err != nil {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("error decoding YAML: %v", err))
	}
	integers(applied.Object)
	if w.FieldValidation == metav1.FieldValidationStrict || w.FieldValidation == metav1.FieldValidationWarn {
		if err := yaml.UnmarshalStrict([]byte(w.Body), &map[string]any{}); err != nil {
			if w.FieldValidation == metav1.FieldValidationStrict {
				return nil, apierrors.NewBadRequest(fmt.Sprintf("error strict decoding YAML: %v", err))
			}
			w.warnings = append(w.warnings, err.Error())
		}
	}
	return manager.Apply(live, applied, w.Manager, w.Force)
}

// integers makes numbers what the rest expects of unstructured content: int64 where they are whole, else float64.
func integers(value any) any {
	switch given := value.(type) {
	case map[string]any:
		for key, member := range given {
			given[key] = integers(member)
		}
	case []any:
		for index, item := range given {
			given[index] = integers(item)
		}
	case json.Number:
		if whole, err := given.Int64(); err == nil {
			return whole
		}
		fraction, _ := given.Float64()
		return fraction
	}
	return value
}

func (w *write) decode(text []byte) (runtime.Object, error) {
	refuse := func(why error) error {
		return apierrors.NewBadRequest(fmt.Sprintf("%s in version %q cannot be handled as a %s: %v", w.Kind, w.Version, w.Kind, why))
	}
	object, strict, err := w.kind.decode(text)
	if err != nil {
		return nil, refuse(err)
	}
	return object, w.judge(strict, refuse)
}

// judge does with unknown and duplicate fields what the request says.
func (w *write) judge(strict error, refuse func(error) error) error {
	if strict == nil {
		return nil
	}
	switch w.FieldValidation {
	case metav1.FieldValidationStrict:
		return refuse(strict)
	case metav1.FieldValidationIgnore:
	default:
		if known, ok := runtime.AsStrictDecodingError(strict); ok {
			for _, problem := range known.Errors() {
				w.warnings = append(w.warnings, problem.Error())
			}
		}
	}
	return nil
}

// address makes the object's name and namespace those of the request's path, or says that they are others.
func (w *write) address(object runtime.Object) error {
	meta := object.(metav1.Object)
	if w.Name != "" {
		if meta.GetName() == "" {
			meta.SetName(w.Name)
		} else if meta.GetName() != w.Name {
			return apierrors.NewBadRequest(fmt.Sprintf(
				"the name of the object (%s) does not match the name on the URL (%s)", meta.GetName(), w.Name))
		}
	}
	expected := rest.ExpectedNamespaceForScope(w.Namespace, w.kind.namespaced())
	return rest.EnsureObjectNamespaceMatchesRequestNamespace(expected, meta)
}

func (w *write) preconditions(fresh, old metav1.Object) error {
	if uid := fresh.GetUID(); uid != "" && uid != old.GetUID() {
		return apierrors.NewConflict(w.groupResource(), w.Name, fmt.Errorf(
			"Precondition failed: UID in precondition: %v, UID in object meta: %v", uid, old.GetUID()))
	}
	if version := fresh.GetResourceVersion(); version != "" && version != "0" && version != old.GetResourceVersion() {
		return apierrors.NewConflict(w.groupResource(), w.Name, fmt.Errorf(
			"the object has been modified; please apply your changes to the latest version and try again"))
	}
	return nil
}

func (w *write) groupResource() schema.GroupResource {
	return schema.GroupResource{Group: w.Group, Resource: strings.ToLower(w.Resource)}
}

func (w *write) notFound() error { return apierrors.NewNotFound(w.groupResource(), w.Name) }
