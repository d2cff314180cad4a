#!/bin/sh
# Builds what bench/render.ts and scripts/render-corpus.sh compare with, once, and prints a line each: its name, a tab, the path of the binary.
#   native     render-wasm/ as a program of this machine: the same sources as the module
#   kustomize  the official commands, from their Go modules, in the versions whose libraries render-wasm/go.mod names;
#   helm       a line is missing where the Go module proxy does not give one
# They are kept outside the checkout: TRUEUP_CACHE, else trueup/ in the user's cache directory.
set -eu
source=$(cd "$(dirname "$0")/../render-wasm" && pwd)
cache=${TRUEUP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/trueup}

if ! command -v go >/dev/null 2>&1; then
  echo "render-native: Go is not installed; nothing is compared with" >&2
  exit 0
fi
# The command of the library that render-wasm/go.mod names. scripts/render-wasm.sh reads it here.
kustomize=v5.8.2
toolchain=$(sed -n 's/^toolchain //p' "$source/go.mod")
sha256() { if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi; }

sources() { echo "$kustomize" && cd "$source" && find . -type f \( -name '*.go' -o -name 'go.*' \) | LC_ALL=C sort | xargs cat; }
native=$cache/render-native/$(sources | sha256 | cut -c 1-16)
if [ ! -x "$native" ]; then
  echo "render-native: building render-wasm for this machine" >&2
  mkdir -p "$cache/render-native"
  (cd "$source" && GOTOOLCHAIN="$toolchain" CGO_ENABLED=0 GOFLAGS='-mod=readonly -buildvcs=false' \
    nice -n 10 go build -trimpath \
    -ldflags="-s -w -X sigs.k8s.io/kustomize/api/provenance.version=$kustomize" -o "$native.new" .)
  mv "$native.new" "$native"
fi
printf 'native\t%s\n' "$native"

official() {
  kept=$cache/official/$(echo "$2" | tr '/@' '__')
  if [ ! -x "$kept" ]; then
    echo "render-native: building $2" >&2
    mkdir -p "$cache/official/new-$$"
    if ! GOTOOLCHAIN="$toolchain" GOBIN="$cache/official/new-$$" GOFLAGS=-buildvcs=false nice -n 10 go install "$2" >&2; then
      echo "render-native: $1 is left out" >&2
      rm -rf "$cache/official/new-$$"
      return 0
    fi
    mv "$cache/official/new-$$/"* "$kept"
    rmdir "$cache/official/new-$$"
  fi
  printf '%s\t%s\n' "$1" "$kept"
}
official kustomize "sigs.k8s.io/kustomize/kustomize/v5@$kustomize"
official helm "helm.sh/helm/v4/cmd/helm@$(sed -n 's|.*helm\.sh/helm/v4 ||p' "$source/go.mod")"
