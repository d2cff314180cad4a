// Package deadline ends what runs too long. Nothing preempts Go compiled to WebAssembly and no timer fires while it
// computes, so that a context of the standard library would never expire. The interpreters ask their context before
// each instruction: this one looks at the clock then.
package deadline

import (
	"context"
	"fmt"
	"time"

	"trueup.dev/script-wasm/abi"
)

// Asking the clock for each instruction would cost more than the instruction.
const askedPerLook = 2048

type expiring struct {
	context.Context
	end    time.Time
	asked  uint32
	done   chan struct{}
	passed bool
}

// In gives a context that expires after so many milliseconds, for one interpreter.
func In(ms int) context.Context {
	end := time.Now().Add(time.Duration(ms) * time.Millisecond)
	return &expiring{Context: context.Background(), end: end, done: make(chan struct{})}
}

// Failure says that a script took that long.
func Failure(ms int) *abi.Failure {
	return &abi.Failure{Message: fmt.Sprintf("it was stopped after %g s", float64(ms)/1000), Stopped: true}
}

func (c *expiring) Done() <-chan struct{} {
	if c.asked++; c.asked%askedPerLook == 0 && !c.passed && !time.Now().Before(c.end) {
		c.passed = true
		close(c.done)
	}
	return c.done
}

func (c *expiring) Err() error {
	if c.passed {
		return context.DeadlineExceeded
	}
	return nil
}

func (c *expiring) Deadline() (time.Time, bool) { return c.end, true }
