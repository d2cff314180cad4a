#!/bin/sh
# What the official commands print for render-wasm/corpus: writes expected.yaml beside each case.json.
#   sh scripts/render-corpus.sh            writes what is expected
#   sh scripts/render-corpus.sh --check    compares with what is there; and the module's answers, byte by byte, with
#                                          those of the same sources as a program of this machine
# kustomize and helm are built from their Go modules (scripts/render-native.sh). `npm test` compares the renderer with
# expected.yaml, and needs neither them nor Go.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
binaries=$(sh "$here/scripts/render-native.sh")
for name in native kustomize helm; do
  binary=$(printf '%s\n' "$binaries" | sed -n "s/^$name	//p")
  [ -n "$binary" ] || { echo "render-corpus: there is no $name to compare with" >&2; exit 1; }
  set -- "$@" "$binary"
done
case $1 in --check) ;; *) set -- --write "$@" ;; esac
exec sh "$here/scripts/node.sh" "$here/scripts/render-corpus.ts" "$@"
