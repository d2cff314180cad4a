// Package ops is the table of what the module can do.
package ops

import (
	"trueup.dev/script-wasm/abi"
	"trueup.dev/script-wasm/jq"
	"trueup.dev/script-wasm/lua"
)

var Table = map[string]abi.Op{
	"lua": lua.Run,
	"jq":  jq.Run,
}
