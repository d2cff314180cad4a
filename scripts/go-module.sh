#!/bin/sh
# Builds one of the Go modules into its dist/: the module compressed, and the digest of its bytes.
#   sh scripts/go-module.sh DIRECTORY NAME --write            builds and replaces what is there
#   sh scripts/go-module.sh DIRECTORY NAME --check            builds, and fails unless the bytes are those that are there
# What follows is added to the linker's flags. It needs the Go version that DIRECTORY/go.mod names; nobody who runs
# Trueup does. The same sources and Go version give the same bytes anywhere.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
directory=$1 name=$2 mode=$3 flags=${4:-}
version=$(sed -n 's/^toolchain //p' "$here/$directory/go.mod")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if ! command -v go >/dev/null 2>&1; then
  echo "$directory: Go is not installed; $version builds it" >&2
  exit 1
fi
cd "$here/$directory"
GOTOOLCHAIN="$version" GOOS=wasip1 GOARCH=wasm CGO_ENABLED=0 GOFLAGS='-mod=readonly -buildvcs=false' \
  go build -buildmode=c-shared -trimpath -ldflags="-s -w -buildid=${flags:+ $flags}" -o "$work/$name.wasm" .
sh "$here/scripts/node.sh" "$here/scripts/wasm-module.ts" "$mode" "$work/$name.wasm" "$here/$directory/dist" "$name"
