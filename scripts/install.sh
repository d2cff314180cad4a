#!/bin/sh
# Installs the dependencies when the lockfile is newer than what is installed. Quiet when there is nothing to do.
set -eu
cd "$(dirname "$0")/.."

fresh() { [ -e node_modules/.package-lock.json ] && [ -z "$(find package-lock.json -newer node_modules/.package-lock.json)" ]; }

fresh && exit 0
command -v npm >/dev/null || { echo "trueup: npm is not on the PATH; install Node.js 20 or later, which brings it" >&2; exit 1; }

# Two starts at once must not install into each other: the second waits for the first. A lock whose holder is gone is taken over.
lock=.install-lock
waited=0
until mkdir "$lock" 2>/dev/null; do
  holder=$(cat "$lock/pid" 2>/dev/null || true)
  if [ -n "$holder" ] && ! kill -0 "$holder" 2>/dev/null; then rm -rf "$lock"; continue; fi
  waited=$((waited + 1))
  [ "$waited" -lt 600 ] || { echo "trueup: another install seems stuck; remove $lock and try again" >&2; exit 1; }
  sleep 1
done
echo $$ > "$lock/pid"
trap 'rm -rf "$lock"' EXIT
fresh && exit 0
echo "trueup: installing dependencies…" >&2
npm ci --no-audit --no-fund --loglevel=error >&2
# npm keeps the times of the archive: say when it was installed.
touch node_modules/.package-lock.json
