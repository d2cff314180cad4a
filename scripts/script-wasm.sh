#!/bin/sh
# Builds the interpreters of Lua and jq (script-wasm/, Go), or compares them with what is there; see go-module.sh.
#   sh scripts/script-wasm.sh [--check]
set -eu
exec sh "$(dirname "$0")/go-module.sh" script-wasm scripts "${1:---write}"
