//go:build !wasip1

// The same renderer as a process, for comparing: reads requests from standard input and writes the responses to
// standard output, each with its length before it in four bytes, little endian.
package main

import (
	"encoding/binary"
	"errors"
	"io"
	"log"
	"os"

	"trueup.dev/render-wasm/abi"
	"trueup.dev/render-wasm/ops"
)

func main() {
	for {
		var length [4]byte
		if _, err := io.ReadFull(os.Stdin, length[:]); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			log.Fatal(err)
		}
		request := make([]byte, binary.LittleEndian.Uint32(length[:]))
		if _, err := io.ReadFull(os.Stdin, request); err != nil {
			log.Fatal(err)
		}
		response := abi.Invoke(ops.Table, request)
		binary.LittleEndian.PutUint32(length[:], uint32(len(response)))
		if _, err := os.Stdout.Write(append(length[:], response...)); err != nil {
			log.Fatal(err)
		}
	}
}
