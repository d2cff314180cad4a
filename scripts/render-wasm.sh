#!/bin/sh
# Builds the renderer (render-wasm/, Go), or compares it with what is there; see go-module.sh.
#   sh scripts/render-wasm.sh [--check]
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
# What `buildMetadata: [managedByLabel]` names: the command of the same libraries.
kustomize=$(sed -n 's/^kustomize=//p' "$here/scripts/render-native.sh")
exec sh "$here/scripts/go-module.sh" render-wasm renderer "${1:---write}" \
  "-X sigs.k8s.io/kustomize/api/provenance.version=$kustomize"
