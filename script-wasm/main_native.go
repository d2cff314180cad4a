//go:build !wasip1

// The same operations on a line each, to try them without WebAssembly: a request a line in, an answer a line out.
package main

import (
	"bufio"
	"os"

	"trueup.dev/script-wasm/abi"
	"trueup.dev/script-wasm/ops"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		os.Stdout.Write(append(abi.Invoke(ops.Table, lines.Bytes()), '\n'))
	}
}
