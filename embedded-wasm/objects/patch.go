package objects

import (
	"errors"
	"fmt"
	"net/http"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/mergepatch"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/apimachinery/pkg/util/validation/field"
	kjson "sigs.k8s.io/json"
)

// patched is the object that a JSON, merge or strategic patch makes of the stored one.
func (w *write) patched(old runtime.Object) (runtime.Object, error) {
	if w.Verb == "strategic" {
		return w.strategicallyPatched(old)
	}
	before, err := w.kind.encode(old)
	if err != nil {
		return nil, err
	}
	text, twice, err := w.patchText(before)
	if err != nil {
		return nil, err
	}
	refuse := func(why error) error { return invalidPatch(string(text), why) }
	object, strict, err := w.kind.decode(text)
	if err != nil {
		return nil, refuse(err)
	}
	return object, w.judge(joined(twice, strict), refuse)
}

// patchText gives the patched text, and what is said twice in the patch.
func (w *write) patchText(before []byte) ([]byte, []error, error) {
	if w.Verb == "json" {
		patch, err := jsonpatch.DecodePatch([]byte(w.Body))
		if err != nil {
			return nil, nil, apierrors.NewBadRequest(err.Error())
		}
		text, err := patch.Apply(before)
		if err != nil {
			err = apierrors.NewGenericServerResponse(http.StatusUnprocessableEntity, "", schema.GroupResource{}, "", err.Error(), 0, false)
		}
		return text, nil, err
	}
	twice, err := kjson.UnmarshalStrict([]byte(w.Body), &map[string]any{})
	if err != nil {
		return nil, nil, apierrors.NewBadRequest(fmt.Sprintf("error decoding patch: %v", err))
	}
	text, err := jsonpatch.MergePatch(before, []byte(w.Body))
	if errors.Is(err, jsonpatch.ErrBadJSONPatch) {
		err = apierrors.NewBadRequest(err.Error())
	}
	return text, twice, err
}

func (w *write) strategicallyPatched(old runtime.Object) (runtime.Object, error) {
	patch := map[string]any{}
	twice, err := kjson.UnmarshalStrict([]byte(w.Body), &patch)
	if err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	refuse := func(why error) error { return invalidPatch(fmt.Sprintf("%+v", patch), why) }
	object, unfit, err := w.kind.strategic(old, patch)
	if err != nil {
		return nil, err
	}
	if unfit != nil && !runtime.IsStrictDecodingError(unfit) {
		return nil, refuse(unfit)
	}
	return object, w.judge(joined(twice, unfit), refuse)
}

func joined(twice []error, strict error) error {
	if known, ok := runtime.AsStrictDecodingError(strict); ok {
		twice = append(twice, known.Errors()...)
	}
	if len(twice) == 0 {
		return nil
	}
	return runtime.NewStrictDecodingError(twice)
}

func invalidPatch(shown string, why error) error {
	return apierrors.NewInvalid(schema.GroupKind{}, "",
		field.ErrorList{field.Invalid(field.NewPath("patch"), shown, why.Error())})
}

func notStrategic() error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status: metav1.StatusFailure, Code: http.StatusUnsupportedMediaType, Reason: metav1.StatusReasonUnsupportedMediaType,
		Message: "the body of the request was in an unknown format - accepted media types include: " +
			"application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
	}}
}

// strategic merges lists by their keys. What does not fit into the kind comes back beside the object: a strict error for
// fields that it does not have, any other where the object is worth nothing.
func (k builtIn) strategic(old runtime.Object, patch map[string]any) (object runtime.Object, unfit error, err error) {
	if !k.isStrategic() {
		return nil, nil, notStrategic()
	}
	before, err := k.encode(old)
	if err != nil {
		return nil, nil, err
	}
	content := map[string]any{}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(before, &content); err != nil {
		return nil, nil, err
	}
	versioned, err := k.empty()
	if err != nil {
		return nil, nil, err
	}
	merged, err := strategicpatch.StrategicMergeMapPatch(content, patch, versioned)
	if err != nil {
		return nil, nil, unmergeable(err)
	}
	unfit = runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(merged, versioned, true)
	if unfit != nil && !runtime.IsStrictDecodingError(unfit) {
		return nil, unfit, nil
	}
	object, err = k.toHub(versioned)
	return object, unfit, err
}

// unmergeable is the answer to a patch that cannot be merged at all.
func unmergeable(err error) error {
	for _, malformed := range []error{
		mergepatch.ErrBadJSONDoc, mergepatch.ErrBadPatchFormatForPrimitiveList, mergepatch.ErrBadPatchFormatForRetainKeys,
		mergepatch.ErrBadPatchFormatForSetElementOrderList, mergepatch.ErrUnsupportedStrategicMergePatchFormat,
	} {
		if errors.Is(err, malformed) {
			return apierrors.NewBadRequest(err.Error())
		}
	}
	if errors.Is(err, mergepatch.ErrNoListOfLists) || errors.Is(err, mergepatch.ErrPatchContentNotMatchRetainKeys) {
		return apierrors.NewGenericServerResponse(http.StatusUnprocessableEntity, "", schema.GroupResource{}, "", err.Error(), 0, false)
	}
	return err
}
