// Package ops is the table of what the renderer can do.
package ops

import (
	"trueup.dev/render-wasm/abi"
	"trueup.dev/render-wasm/decode"
	"trueup.dev/render-wasm/helm"
	"trueup.dev/render-wasm/jsonnet"
	"trueup.dev/render-wasm/kust"
)

// Table has one entry an operation, by the name that requests carry.
var Table = map[string]abi.Op{
	"decode":    decode.Op,
	"kustomize": kust.Op,
	"helm":      helm.Op,
	"jsonnet":   jsonnet.Op,
}
