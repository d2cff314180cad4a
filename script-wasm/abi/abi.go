// Package abi is how the host and the module speak: one request and one response, both JSON.
//
// A request is {"op": NAME, "options": …}. A response has exactly one of `value` and `failure`.
package abi

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Op carries out one operation; the argument is the request's `options`.
type Op func(options json.RawMessage) (any, error)

// Failure is what was wrong with a script, not with this module.
type Failure struct {
	Message string `json:"message"`
	// Line of the script, from 1.
	Line int `json:"line,omitempty"`
	// Stopped is that it was ended for the time it took.
	Stopped bool `json:"stopped,omitempty"`
}

func (f *Failure) Error() string { return f.Message }

type request struct {
	Op      string          `json:"op"`
	Options json.RawMessage `json:"options"`
}

type response struct {
	Value   any      `json:"value,omitempty"`
	Failure *Failure `json:"failure,omitempty"`
}

// Invoke never panics: what a library does not survive is a failure of this one request.
func Invoke(table map[string]Op, text []byte) (answer []byte) {
	defer func() {
		if problem := recover(); problem != nil {
			answer = marshal(response{Failure: &Failure{Message: fmt.Sprintf("it failed unexpectedly: %v", problem)}})
		}
	}()
	var asked request
	if err := json.Unmarshal(text, &asked); err != nil {
		return marshal(response{Failure: &Failure{Message: "the request is malformed: " + err.Error()}})
	}
	op, known := table[asked.Op]
	if !known {
		return marshal(response{Failure: &Failure{Message: fmt.Sprintf("there is no operation %q", asked.Op)}})
	}
	value, err := op(asked.Options)
	if err != nil {
		var failure *Failure
		if !errors.As(err, &failure) {
			failure = &Failure{Message: err.Error()}
		}
		return marshal(response{Failure: failure})
	}
	return marshal(response{Value: value})
}

func marshal(answer response) []byte {
	text, err := json.Marshal(answer)
	if err != nil {
		text, _ = json.Marshal(response{Failure: &Failure{Message: err.Error()}})
	}
	return text
}
