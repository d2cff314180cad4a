package objects

import (
	"encoding/json"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/apis/autoscaling"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"trueup.dev/embedded-wasm/schemas"
)

var scaleKind = schema.GroupVersionKind{Group: "autoscaling", Version: "v1", Kind: "Scale"}

type scaled struct {
	Replicas int32 `json:"replicas"`
	// Where the object has them; a custom kind's definition says so.
	Path []string `json:"replicasPath"`
}

// Scale changes the replicas of an object through its scale subresource. Who owns them is decided on the Scale, and
// carried over to the object.
func Scale(options json.RawMessage) (any, error) {
	asked := scaled{Path: []string{"spec", "replicas"}}
	if err := json.Unmarshal(options, &asked); err != nil {
		return nil, err
	}
	w, err := newWrite(options)
	if err != nil {
		return nil, err
	}
	parent := &unstructured.Unstructured{}
	if err := parent.UnmarshalJSON(w.Live); err != nil {
		return nil, err
	}
	entries, err := scaledBy(parent, w, asked)
	if err != nil {
		return nil, err
	}
	parent.SetManagedFields(entries)
	if err := unstructured.SetNestedField(parent.Object, int64(asked.Replicas), asked.Path...); err != nil {
		return nil, err
	}
	text, err := parent.MarshalJSON()
	if err != nil {
		return nil, err
	}
	old, _, err := w.kind.decode(w.Live)
	if err != nil {
		return nil, err
	}
	fresh, _, err := w.kind.decode(text)
	if err != nil {
		return nil, err
	}
	return w.updated(fresh, old)
}

// scaledBy gives the managed fields of the object once the writer has set its replicas.
func scaledBy(parent *unstructured.Unstructured, w *write, asked scaled) ([]metav1.ManagedFieldsEntry, error) {
	members := make([]any, 0, len(asked.Path))
	for _, member := range asked.Path {
		members = append(members, member)
	}
	path, err := fieldpath.MakePath(members...)
	if err != nil {
		return nil, err
	}
	handler := managedfields.NewScaleHandler(parent.GetManagedFields(), w.gvk.GroupVersion(),
		managedfields.ResourcePathMappings{w.gvk.GroupVersion().String(): path})
	before, err := handler.ToSubresource()
	if err != nil {
		return nil, err
	}
	manager, err := scaleManager()
	if err != nil {
		return nil, err
	}
	now, _, _ := unstructured.NestedInt64(parent.Object, asked.Path...)
	old := &autoscaling.Scale{
		ObjectMeta: metav1.ObjectMeta{
			Name: parent.GetName(), Namespace: parent.GetNamespace(), UID: parent.GetUID(), ManagedFields: before},
		Spec: autoscaling.ScaleSpec{Replicas: int32(now)},
	}
	fresh := old.DeepCopy()
	fresh.Spec.Replicas = asked.Replicas
	updated := manager.UpdateNoErrors(old, fresh, w.Manager)
	return handler.ToParent(updated.(metav1.Object).GetManagedFields())
}

var scaleManagerMade *managedfields.FieldManager

func scaleManager() (*managedfields.FieldManager, error) {
	if scaleManagerMade != nil {
		return scaleManagerMade, nil
	}
	converter, err := schemas.Converter(scaleKind)
	if err != nil {
		return nil, err
	}
	scaleManagerMade, err = managedfields.NewDefaultFieldManager(converter, legacyscheme.Scheme, legacyscheme.Scheme,
		legacyscheme.Scheme, scaleKind, autoscaling.SchemeGroupVersion, "scale", nil)
	return scaleManagerMade, err
}
