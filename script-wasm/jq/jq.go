// Package jq evaluates the path expressions of ignoreDifferences as Argo CD does: each is deleted from the object, one
// after the other.
package jq

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"

	"github.com/itchyny/gojq"
	"trueup.dev/script-wasm/abi"
	"trueup.dev/script-wasm/deadline"
)

type options struct {
	Paths  []string `json:"paths"`
	Object any      `json:"object"`
	// DeadlineMs of each expression.
	DeadlineMs int `json:"deadlineMs"`
}

type result struct {
	// Object without what the paths lead to.
	Object any `json:"object"`
	// Failures by the index of the path; such a path took nothing away.
	Failures map[int]*abi.Failure `json:"failures,omitempty"`
}

// Run is the operation.
func Run(text json.RawMessage) (any, error) {
	var asked options
	decoder := json.NewDecoder(bytes.NewReader(text))
	// As float64, long integers would come back as others.
	decoder.UseNumber()
	if err := decoder.Decode(&asked); err != nil {
		return nil, err
	}
	answer := result{Object: asked.Object, Failures: map[int]*abi.Failure{}}
	for index, path := range asked.Paths {
		without, err := evaluate("del("+path+")", answer.Object, asked.DeadlineMs)
		if err != nil {
			answer.Failures[index] = err
			continue
		}
		answer.Object = without
	}
	return answer, nil
}

func evaluate(expression string, object any, deadlineMs int) (map[string]any, *abi.Failure) {
	code, err := compile(expression)
	if err != nil {
		return nil, &abi.Failure{Message: err.Error()}
	}
	results := code.RunWithContext(deadline.In(deadlineMs), object)
	value, some := results.Next()
	if !some {
		return nil, &abi.Failure{Message: "it gives nothing"}
	}
	if err, failed := value.(error); failed {
		if errors.Is(err, context.DeadlineExceeded) {
			return nil, deadline.Failure(deadlineMs)
		}
		return nil, &abi.Failure{Message: err.Error()}
	}
	without, isObject := value.(map[string]any)
	if !isObject {
		return nil, &abi.Failure{Message: "it gives no object"}
	}
	if _, more := results.Next(); more {
		return nil, &abi.Failure{Message: "it gives more than one object"}
	}
	return without, nil
}

const compiledMax = 256

var compiled = map[string]*gojq.Code{}

func compile(expression string) (*gojq.Code, error) {
	if code, known := compiled[expression]; known {
		return code, nil
	}
	query, err := gojq.Parse(expression)
	if err != nil {
		return nil, err
	}
	code, err := gojq.Compile(query)
	if err != nil {
		return nil, err
	}
	if len(compiled) >= compiledMax {
		clear(compiled)
	}
	compiled[expression] = code
	return code, nil
}
