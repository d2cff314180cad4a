#!/bin/sh
# Builds the renderer (render-wasm/, Go) into render-wasm/dist/: the module compressed, and the digest of its bytes.
#   sh scripts/render-wasm.sh            builds and replaces what is there
#   sh scripts/render-wasm.sh --check    builds, and fails unless the bytes are those that are there
# It needs the Go version that render-wasm/go.mod names; nobody who runs Trueup does. The same sources and Go version
# give the same bytes anywhere.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
dist="$here/render-wasm/dist"
version=$(sed -n 's/^toolchain //p' "$here/render-wasm/go.mod")
# What `buildMetadata: [managedByLabel]` names: the command of the same libraries.
kustomize=$(sed -n 's/^kustomize=//p' "$here/scripts/render-native.sh")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if ! command -v go >/dev/null 2>&1; then
  echo "render-wasm: Go is not installed; $version builds the renderer" >&2
  exit 1
fi
cd "$here/render-wasm"
GOTOOLCHAIN="$version" GOOS=wasip1 GOARCH=wasm CGO_ENABLED=0 GOFLAGS='-mod=readonly -buildvcs=false' \
  go build -buildmode=c-shared -trimpath -ldflags="-s -w -buildid= -X sigs.k8s.io/kustomize/api/provenance.version=$kustomize" -o "$work/renderer.wasm" .
exec sh "$here/scripts/node.sh" "$here/scripts/wasm-module.ts" "${1:---write}" "$work/renderer.wasm" "$dist" renderer
