#!/bin/sh
# Installs the dependencies when the lockfile is newer than what is installed. Quiet when there is nothing to do.
set -eu
cd "$(dirname "$0")/.."
if [ ! -e node_modules/.package-lock.json ] || [ -n "$(find package-lock.json -newer node_modules/.package-lock.json)" ]; then
  command -v npm >/dev/null || { echo "trueup: npm is not on the PATH; install Node.js 20 or later, which brings it" >&2; exit 1; }
  echo "trueup: installing dependencies…" >&2
  npm ci --no-audit --no-fund --loglevel=error >&2
fi
