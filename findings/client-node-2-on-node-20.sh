#!/bin/bash
# @kubernetes/client-node 2.0.1 (October 2026): installs on Node 20 and on Node 22.14, and cannot be loaded there. The error names neither.
#
# The package says nothing of Node's version ("engines" is absent, as it was in 1.x, which runs on Node 20). Since 2.0 it depends on undici 8, which asks
# for Node 22.19 and binds zlib's zstd functions when it is loaded. Node has them since 22.15, so that below it every program that loads
# client-node ends in a TypeError about `bind` before its first line; npm prints one line about undici among its warnings and exits with 0.
#
# Seen on 2026-11-29 (undici 8.13.1, the newest of the range that client-node asks for):
#   node v20.20.2: TypeError: Cannot read properties of undefined (reading 'bind')
#   node v22.14.0: TypeError: Cannot read properties of undefined (reading 'bind')
#   node v22.15.0: loads
#   engines of client-node: none
#   1.4.0 on node v20.20.2: loads
# What helps: client-node 1.4.0, or Node 22.19.
# This script fails when that changes. It needs npm with a registry.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm=(npm install --silent --no-audit --no-fund --no-save)
load='try { require("@kubernetes/client-node"); console.log("loads") } catch (e) { console.log(e.name + ": " + e.message) }'
echo '{"private": true}' > package.json
{
  for node in 20.20.2 22.14.0 22.15.0; do
    "${npm[@]}" @kubernetes/client-node@2.0.1 undici@8.13.1 "node@$node" > /dev/null 2>&1
    echo "node $(node_modules/.bin/node --version): $(node_modules/.bin/node -e "$load")"
  done
  echo "engines of client-node: $(node_modules/.bin/node -p 'JSON.parse(require("fs").readFileSync("node_modules/@kubernetes/client-node/package.json")).engines || "none"')"
  rm -rf node_modules
  "${npm[@]}" @kubernetes/client-node@1.4.0 node@20.20.2 > /dev/null 2>&1
  echo "1.4.0 on node $(node_modules/.bin/node --version): $(node_modules/.bin/node -e "$load")"
} | tee found
cat > expected <<'EOT'
node v20.20.2: TypeError: Cannot read properties of undefined (reading 'bind')
node v22.14.0: TypeError: Cannot read properties of undefined (reading 'bind')
node v22.15.0: loads
engines of client-node: none
1.4.0 on node v20.20.2: loads
EOT
diff expected found
