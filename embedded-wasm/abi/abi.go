// Package abi is how the host and the module speak: one request and one response, both JSON.
//
// A request is {"op": NAME, "options": …}. A response has exactly one of `value` and `status`: a Kubernetes Status, as
// a client of the API is to see it.
package abi

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Op carries out one operation; the argument is the request's `options`.
type Op func(options json.RawMessage) (any, error)

type request struct {
	Op      string          `json:"op"`
	Options json.RawMessage `json:"options"`
}

type response struct {
	Value  any            `json:"value,omitempty"`
	Status *metav1.Status `json:"status,omitempty"`
	// Warnings are for the client, beside a Status.
	Warnings []string `json:"warnings,omitempty"`
}

// Refusal is an error that a client is warned beside.
type Refusal struct {
	Err      error
	Warnings []string
}

func (r *Refusal) Error() string { return r.Err.Error() }
func (r *Refusal) Unwrap() error { return r.Err }

// Invoke never panics: a bug in a library is an internal error of this one request.
func Invoke(table map[string]Op, text []byte) (answer []byte) {
	defer func() {
		if problem := recover(); problem != nil {
			answer = marshal(response{Status: StatusOf(fmt.Errorf("panic: %v\n%s", problem, debug.Stack()))})
		}
	}()
	var asked request
	if err := json.Unmarshal(text, &asked); err != nil {
		return marshal(response{Status: StatusOf(fmt.Errorf("the request is malformed: %w", err))})
	}
	op, known := table[asked.Op]
	if !known {
		return marshal(response{Status: StatusOf(fmt.Errorf("there is no operation %q", asked.Op))})
	}
	value, err := op(asked.Options)
	if err != nil {
		answer := response{Status: StatusOf(err)}
		var refusal *Refusal
		if errors.As(err, &refusal) {
			answer.Warnings = refusal.Warnings
		}
		return marshal(answer)
	}
	return marshal(response{Value: value})
}

// StatusOf is what a client sees of an error: the error's own Status, or 500 with its text.
func StatusOf(err error) *metav1.Status {
	var known apierrors.APIStatus
	if errors.As(err, &known) {
		status := known.Status()
		status.TypeMeta = metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}
		return &status
	}
	return &metav1.Status{
		TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"},
		Status:   metav1.StatusFailure,
		Code:     http.StatusInternalServerError,
		Message:  err.Error(),
	}
}

func marshal(answer response) []byte {
	text, err := json.Marshal(answer)
	if err != nil {
		text, _ = json.Marshal(response{Status: StatusOf(err)})
	}
	return text
}
