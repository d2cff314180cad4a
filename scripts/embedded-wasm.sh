#!/bin/sh
# Builds the embedded cluster's object logic (embedded-wasm/, Go) into embedded-wasm/dist/, as render-wasm.sh builds the
# renderer.
#   sh scripts/embedded-wasm.sh            builds and replaces what is there
#   sh scripts/embedded-wasm.sh --check    builds, and fails unless the bytes are those that are there
# It needs the Go version that embedded-wasm/go.mod names; nobody who runs Trueup does. Cold, it takes several minutes.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
dist="$here/embedded-wasm/dist"
version=$(sed -n 's/^toolchain //p' "$here/embedded-wasm/go.mod")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if ! command -v go >/dev/null 2>&1; then
  echo "embedded-wasm: Go is not installed; $version builds it" >&2
  exit 1
fi
cd "$here/embedded-wasm"
GOTOOLCHAIN="$version" GOOS=wasip1 GOARCH=wasm CGO_ENABLED=0 GOFLAGS='-mod=readonly -buildvcs=false' \
  go build -buildmode=c-shared -trimpath -ldflags="-s -w -buildid=" -o "$work/embedded.wasm" .
exec sh "$here/scripts/node.sh" "$here/scripts/wasm-module.ts" "${1:---write}" "$work/embedded.wasm" "$dist" embedded
