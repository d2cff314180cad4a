#!/bin/sh
# Builds the embedded cluster's object logic (embedded-wasm/, Go), or compares it with what is there; see go-module.sh.
# Cold, it takes several minutes.
#   sh scripts/embedded-wasm.sh [--check]
set -eu
exec sh "$(dirname "$0")/go-module.sh" embedded-wasm embedded "${1:---write}"
