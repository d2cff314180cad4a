package objects

import (
	"encoding/json"
	"strconv"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Scale changes the replicas of an object through its scale subresource: only that field becomes the writer's.
func Scale(options json.RawMessage) (any, error) {
	var asked struct {
		Request
		Replicas int64 `json:"replicas"`
	}
	if err := json.Unmarshal(options, &asked); err != nil {
		return nil, err
	}
	asked.Verb, asked.Subresource = "merge", "scale"
	asked.Body = `{"spec":{"replicas":` + strconv.FormatInt(asked.Replicas, 10) + `}}`
	text, err := json.Marshal(asked.Request)
	if err != nil {
		return nil, err
	}
	written, err := Write(text)
	if err != nil {
		return nil, err
	}
	response := written.(Response)
	response.Object, err = untimed(response.Object)
	return response, err
}

// untimed takes the times of who scaled out of an object: the API server keeps none.
func untimed(text json.RawMessage) (json.RawMessage, error) {
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON(text); err != nil {
		return nil, err
	}
	entries := object.GetManagedFields()
	for index := range entries {
		if entries[index].Subresource == "scale" {
			entries[index].Time = nil
		}
	}
	object.SetManagedFields(entries)
	return object.MarshalJSON()
}
