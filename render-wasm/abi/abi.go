// Package abi is how the host and the renderer speak: one request, one response, both plain bytes.
//
// A request is the length of its header in four bytes (little endian), the header as JSON, and then the contents of
// the files that the header lists, one after the other. A response is JSON: exactly one of `value`, `failure`, and
// `need`, what the host has to add to the request before it is asked again.
package abi

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"

	"trueup.dev/render-wasm/tree"
)

// Failure is an expected failure, with the members of the host's own failures.
type Failure struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint"`
	Path    string `json:"path,omitempty"`
	Line    int    `json:"line,omitempty"`
}

func (f *Failure) Error() string { return f.Message }

// Op carries out one operation on the files of a tree. `options` is the header's member of that name.
type Op func(files *tree.Tree, options json.RawMessage) (any, error)

type header struct {
	Op      string          `json:"op"`
	Options json.RawMessage `json:"options"`
	Tree    json.RawMessage `json:"tree"`
}

type response struct {
	Value   any        `json:"value,omitempty"`
	Failure *Failure   `json:"failure,omitempty"`
	Need    *tree.Need `json:"need,omitempty"`
}

// Invoke never panics: a bug in a library is a failure of this one request.
func Invoke(table map[string]Op, request []byte) (answer []byte) {
	defer func() {
		if problem := recover(); problem != nil {
			answer = marshal(response{Failure: &Failure{
				Code:    "RenderCrashed",
				Message: fmt.Sprintf("The renderer failed unexpectedly: %v.", problem),
				Hint:    "report it as a bug, with what was rendered; " + lastFrame(debug.Stack()),
			}})
		}
	}()
	return marshal(carryOut(table, request))
}

func carryOut(table map[string]Op, request []byte) response {
	if len(request) < 4 {
		return response{Failure: malformed(errors.New("it is too short"))}
	}
	length := int(binary.LittleEndian.Uint32(request))
	if length > len(request)-4 {
		return response{Failure: malformed(errors.New("its header is cut off"))}
	}
	var head header
	if err := json.Unmarshal(request[4:4+length], &head); err != nil {
		return response{Failure: malformed(err)}
	}
	op, known := table[head.Op]
	if !known {
		return response{Failure: malformed(fmt.Errorf("there is no operation %q", head.Op))}
	}
	files, err := tree.Parse(head.Tree, request[4+length:])
	if err != nil {
		return response{Failure: malformed(err)}
	}
	value, err := op(files, head.Options)
	// What a tree with holes gave is worth nothing, be it a success or a failure.
	if need := files.Needed(); need != nil {
		return response{Need: need}
	}
	if err != nil {
		var failure *Failure
		if !errors.As(err, &failure) {
			failure = &Failure{Code: "RenderCrashed", Message: err.Error(), Hint: "report it as a bug"}
		}
		return response{Failure: failure}
	}
	return response{Value: value}
}

func malformed(err error) *Failure {
	return &Failure{Code: "RenderCrashed", Message: "The request is malformed: " + err.Error() + ".", Hint: "report it as a bug"}
}

func marshal(answer response) []byte {
	text, err := json.Marshal(answer)
	if err != nil {
		text, _ = json.Marshal(response{Failure: &Failure{Code: "RenderCrashed", Message: err.Error(), Hint: "report it as a bug"}})
	}
	return text
}

// lastFrame names where a panic came from without the addresses and the arguments of a whole stack.
func lastFrame(stack []byte) string {
	if len(stack) > 2000 {
		stack = stack[:2000]
	}
	return string(stack)
}
