#!/bin/sh
# Builds the control plane of the tests (tests/cluster/control-plane) once, and prints the path of the binary.
# A link beside it, called kubectl, is kubectl. The binary is kept outside the checkout, under a digest of all
# that goes into it: TRUEUP_CACHE, else trueup/ in the user's cache directory.
set -eu
source=$(cd "$(dirname "$0")/../tests/cluster/control-plane" && pwd)
cache=${TRUEUP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/trueup}

say() { echo "trueup: $*" >&2; }
stop() { say "$*"; exit 1; }

# go.mod asks for 1.26; an older Go that may fetch toolchains would download one, so it is asked with that turned off.
command -v go >/dev/null ||
  stop "the test control plane is built with Go 1.26 or later; there is no go on the PATH"
go_version=$(cd / && GOTOOLCHAIN=local go env GOVERSION)
minor=$(printf '%s\n' "$go_version" | sed -n 's/^go1\.\([0-9]*\).*/\1/p')
[ -n "$minor" ] && [ "$minor" -ge 26 ] ||
  stop "the test control plane is built with Go 1.26 or later; this is $go_version"

version=$(sed -n 's/^[[:space:]]*k8s\.io\/kubernetes v//p' "$source/go.mod" | head -n 1)
minor=${version#*.}
minor=${minor%%.*}
variables=k8s.io/component-base/version
# A fixed date: equal sources give an equal binary.
ldflags="-s -w -X $variables.gitVersion=v$version -X $variables.gitMajor=${version%%.*} -X $variables.gitMinor=$minor"
ldflags="$ldflags -X $variables.gitTreeState=clean -X $variables.gitCommit=0000000 -X $variables.buildDate=2026-01-01T00:00:00Z"
tags=providerless

sha256() { if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi; }
digest=$(
  cd "$source"
  { for file in go.mod go.sum *.go; do echo "$file"; cat "$file"; done; echo "$ldflags $tags"; go version; } | sha256 | cut -c 1-16
)
directory=$cache/control-plane/$digest
binary=$directory/control-plane
mkdir -p "$cache/control-plane"

# One builds, the others wait. A directory is made atomically everywhere; its owner's id tells whether it still lives.
lock=$directory.lock
waiting=
until [ -x "$binary" ] || mkdir "$lock" 2>/dev/null; do
  owner=$(cat "$lock/owner" 2>/dev/null || true)
  # Its owner was killed while it built, or before it could write its id.
  if { [ -n "$owner" ] && ! kill -0 "$owner" 2>/dev/null; } || [ -n "$(find "$lock" -prune -mmin +60)" ]; then
    rm -rf "$lock"
    continue
  fi
  [ -n "$waiting" ] || say "waiting for another build of the test control plane…"
  waiting=yes
  sleep 1
done

if [ ! -x "$binary" ]; then
  echo $$ >"$lock/owner"
  new=$directory.new.$$
  trap 'rm -rf "$lock" "$new"' EXIT
  trap 'exit 130' INT TERM HUP
  # Somebody may have finished between the look and the lock.
  if [ ! -x "$binary" ]; then
    say "building the test control plane (5-10 minutes, once)…"
    mkdir -p "$new"
    (cd "$source" && CGO_ENABLED=0 GOTOOLCHAIN=local go build -trimpath -buildvcs=false -tags "$tags" -ldflags "$ldflags" \
      -o "$new/control-plane" .) >&2 || stop "the test control plane did not build"
    ln -s control-plane "$new/kubectl"
    rm -rf "$directory"
    mv "$new" "$directory"
    say "built $binary"
  fi
  # Binaries of earlier sources: 140 MB each, and nobody asks for them again.
  find "$cache/control-plane" -mindepth 1 -maxdepth 1 -type d ! -name "$digest*" -mtime +7 -exec rm -rf {} +
fi
echo "$binary"
