// Package lua runs the scripts of `argocd-cm` as Argo CD does: Lua 5.1 as gopher-lua has it, with the libraries that
// Argo CD opens, the object as the global `obj`, and a table as the result.
package lua

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	glua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/parse"
	luajson "layeh.com/gopher-json"
	"trueup.dev/script-wasm/abi"
	"trueup.dev/script-wasm/deadline"
)

type options struct {
	Script string `json:"script"`
	Object any    `json:"object"`
	// Parameters of an action.
	Parameters map[string]string `json:"parameters"`
	// OpenLibs is the standard libraries too, not just the base and tables.
	OpenLibs   bool `json:"openLibs"`
	DeadlineMs int  `json:"deadlineMs"`
}

type result struct {
	// Result is absent where the script returned nothing.
	Result json.RawMessage `json:"result,omitempty"`
	// Printed is what the script printed, for who tries it.
	Printed string `json:"printed,omitempty"`
}

const printedBytesMax = 4000

// Run is the operation.
func Run(text json.RawMessage) (any, error) {
	var asked options
	if err := json.Unmarshal(text, &asked); err != nil {
		return nil, err
	}
	proto, err := compile(asked.Script)
	if err != nil {
		failure := failureOf(err)
		if failure.Line == 0 {
			failure.Line = strings.Count(strings.TrimSpace(asked.Script), "\n") + 1
			failure.Message += " at its end"
		}
		return nil, failure
	}
	state := glua.NewState(glua.Options{SkipOpenLibs: !asked.OpenLibs})
	defer state.Close()
	var printed strings.Builder
	open(state, &printed)
	expiring := deadline.In(asked.DeadlineMs)
	state.SetContext(expiring)
	state.SetGlobal("obj", luajson.DecodeValue(state, asked.Object))
	parameters := state.NewTable()
	for name, value := range asked.Parameters {
		parameters.RawSetString(name, glua.LString(value))
	}
	state.SetGlobal("actionParams", parameters)
	state.Push(state.NewFunctionFromProto(proto))
	if err := state.PCall(0, glua.MultRet, nil); err != nil {
		if expiring.Err() != nil {
			return nil, deadline.Failure(asked.DeadlineMs)
		}
		return nil, failureOf(err)
	}
	answer := result{Printed: printed.String()}
	switch returned := state.Get(-1); returned.Type() {
	case glua.LTNil:
	case glua.LTTable:
		answer.Result, err = luajson.Encode(returned)
		if err != nil {
			// Each level of nesting wraps the error once more.
			var wrapped *json.MarshalerError
			for errors.As(err, &wrapped) {
				err = wrapped.Unwrap()
			}
			return nil, &abi.Failure{Message: "what it returns cannot be written as JSON: " + err.Error()}
		}
	default:
		return nil, &abi.Failure{Message: fmt.Sprintf("it returns a %s, not a table", returned.Type())}
	}
	return answer, nil
}

// open gives what Argo CD gives: the base, tables and packages, and of `os` the time for who requires it.
func open(state *glua.LState, printed *strings.Builder) {
	for _, library := range []struct {
		name string
		open glua.LGFunction
	}{
		{glua.LoadLibName, glua.OpenPackage},
		{glua.BaseLibName, glua.OpenBase},
		{glua.TabLibName, glua.OpenTable},
	} {
		state.Push(state.NewFunction(library.open))
		state.Push(glua.LString(library.name))
		state.Call(1, 0)
	}
	state.PreloadModule(glua.OsLibName, func(state *glua.LState) int {
		state.Push(state.SetFuncs(state.NewTable(), times))
		return 1
	})
	// What ends the process or waits for input is nobody's here.
	if os, isThere := state.GetGlobal(glua.OsLibName).(*glua.LTable); isThere {
		os.RawSetString("exit", glua.LNil)
	}
	state.SetGlobal("print", state.NewFunction(func(state *glua.LState) int {
		for at := 1; at <= state.GetTop() && printed.Len() < printedBytesMax; at++ {
			if at > 1 {
				printed.WriteByte('\t')
			}
			text := state.ToStringMeta(state.Get(at)).String()
			printed.WriteString(text[:min(len(text), printedBytesMax)])
		}
		if printed.Len() < printedBytesMax {
			printed.WriteByte('\n')
		}
		return 0
	}))
}

const compiledMax = 256

// A prototype never changes: each run has a state of its own.
var compiled = map[string]*glua.FunctionProto{}

func compile(script string) (*glua.FunctionProto, error) {
	if proto, known := compiled[script]; known {
		return proto, nil
	}
	chunk, err := parse.Parse(strings.NewReader(script), chunkName)
	if err != nil {
		return nil, err
	}
	proto, err := glua.Compile(chunk, chunkName)
	if err != nil {
		return nil, err
	}
	if len(compiled) >= compiledMax {
		clear(compiled)
	}
	compiled[script] = proto
	return proto, nil
}

const chunkName = "script"

// `script:12: attempt to index a nil value`, and of the parser `script line:3(column:5) near 'x':   syntax error`.
var (
	atRun   = regexp.MustCompile(`^` + chunkName + `:(\d+):\s*`)
	atParse = regexp.MustCompile(`^` + chunkName + ` (?:line:(\d+)\(column:\d+\)|at EOF:)\s*`)
)

func failureOf(err error) *abi.Failure {
	text := err.Error()
	var raised *glua.ApiError
	if errors.As(err, &raised) && raised.Object != nil && raised.Object != glua.LNil {
		text = raised.Object.String()
	}
	failure := &abi.Failure{Message: strings.TrimSpace(text)}
	for _, place := range []*regexp.Regexp{atRun, atParse} {
		match := place.FindStringSubmatch(text)
		if match == nil {
			continue
		}
		failure.Line, _ = strconv.Atoi(match[1])
		failure.Message = strings.Join(strings.Fields(text[len(match[0]):]), " ")
		break
	}
	return failure
}
