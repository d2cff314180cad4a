// Lua and jq as a WebAssembly module: three functions over one memory, and nothing of the host but the clock, the
// randomness and the standard error of WASI.
package main

import (
	"runtime/debug"
	"unsafe"

	"trueup.dev/script-wasm/abi"
	"trueup.dev/script-wasm/ops"
)

// Collecting begins well before the host's cap on the memory is reached.
const memoryBytesSoft = 40 << 20

func main() {}

func init() { debug.SetMemoryLimit(memoryBytesSoft) }

// live pins the buffers into which the host has pointers.
var live = map[uint32][]byte{}

func pin(buffer []byte) uint32 {
	pointer := uint32(uintptr(unsafe.Pointer(unsafe.SliceData(buffer))))
	live[pointer] = buffer
	return pointer
}

// alloc gives the host a buffer of n bytes to write a request into.
//
//go:wasmexport alloc
func alloc(n uint32) uint32 { return pin(make([]byte, max(n, 1))) }

// free lets go of a response.
//
//go:wasmexport free
func free(pointer uint32) { delete(live, pointer) }

// call carries out the request in the buffer, which it takes over, and returns pointer<<32 | length of the response.
//
//go:wasmexport call
func call(pointer, length uint32) uint64 {
	request := live[pointer]
	delete(live, pointer)
	response := abi.Invoke(ops.Table, request[:min(int(length), len(request))])
	return uint64(pin(response))<<32 | uint64(len(response))
}
