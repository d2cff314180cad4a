package objects

import (
	"encoding/json"
	"strconv"
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
	return Write(text)
}
