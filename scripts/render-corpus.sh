#!/bin/sh
# What the official commands print for render-wasm/corpus: writes expected.yaml beside each case.json.
#   sh scripts/render-corpus.sh            writes what is expected
#   sh scripts/render-corpus.sh --check    compares with what is there
# kustomize and helm are built from their Go modules, in the versions whose libraries render-wasm/go.mod names; they are
# kept outside the checkout. `npm test` compares the renderer with expected.yaml, and needs neither them nor Go.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
bin=${TRUEUP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/trueup}/official
kustomize=sigs.k8s.io/kustomize/kustomize/v5@v5.8.2
helm=helm.sh/helm/v4/cmd/helm@$(sed -n 's|.*helm\.sh/helm/v4 ||p' "$here/render-wasm/go.mod")
for module in "$kustomize" "$helm"; do
  kept="$bin/$(echo "$module" | tr '/@' '__')"
  [ -x "$kept" ] && continue
  echo "render-corpus: building $module" >&2
  mkdir -p "$bin/new"
  GOBIN="$bin/new" GOFLAGS=-buildvcs=false go install "$module"
  mv "$bin/new/"* "$kept"
done
exec sh "$here/scripts/node.sh" "$here/scripts/render-corpus.ts" "${1:---write}" \
  "$bin/$(echo "$kustomize" | tr '/@' '__')" "$bin/$(echo "$helm" | tr '/@' '__')" "$here/render-wasm/corpus"
