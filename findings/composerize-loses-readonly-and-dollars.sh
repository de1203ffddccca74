#!/bin/bash
# composerize 1.7.6 (npm, May 2026): of a line of docker run, a password with "$" comes out shorter in Compose, and a mount that was readonly is
# writable; neither is among the options that the result's comment calls ignored.
#
# In single quotes a "$" is a plain character for the shell and docker; in a compose file it begins a variable, and a plain one is written "$$". composerize
# writes it as it was, so that Compose takes `pa$word` for "pa" and the variable "word" of the machine that it runs on, in
# environment and command alike (a warning is all that it says, and nothing where such a variable exists). Of --mount, all keys without "=" vanish: the
# documented form `readonly`, `ro`, `volume-nocopy`. `readonly=true` becomes a key that Compose refuses (its own is read_only); `-v ...:ro` is kept.
# A list of GPUs becomes "count: .nan".
#
# Seen on 2026-11-30 (what docker-compose 1.29.2 of Debian 12 reads in the result):
#   -e 'PASSWORD=pa$word': PASSWORD: pa
#   nginx sh -c 'echo $PASSWORD': command: sh -c 'echo '
#   --mount type=bind,source=/etc/app,target=/conf,readonly: source: /etc/app target: /conf type: bind
#   -v /etc/app:/old:ro: /etc/app:/old:ro
#   ignored options told: 0
#   --gpus '"device=0,2"': count: .nan
# What helps: each "$" twice and -v with :ro, or another converter.
# This script fails when that changes. It needs npm with a registry, Node, and docker-compose 1.29.2.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
unset word PASSWORD
echo '{"private": true}' > package.json
npm install --silent --no-audit --no-fund composerize@1.7.6 > /dev/null 2>&1
cat > convert.mjs <<'EOT'
import composerize from 'composerize';
process.stdout.write(composerize(process.argv[2], null, 'v3x', 2));
EOT
line="docker run -e 'PASSWORD=pa\$word' --mount type=bind,source=/etc/app,target=/conf,readonly -v /etc/app:/old:ro nginx sh -c 'echo \$PASSWORD'"
node convert.mjs "$line" > compose.yaml
docker-compose -f compose.yaml config > read.yaml 2> warnings
{
  echo "-e 'PASSWORD=pa\$word': $(grep -o 'PASSWORD: .*' read.yaml)"
  echo "nginx sh -c 'echo \$PASSWORD': $(grep -o 'command: .*' read.yaml)"
  echo "--mount type=bind,source=/etc/app,target=/conf,readonly: $(grep -A 2 'source: /etc/app' read.yaml | sed 's/^[ -]*//' | tr '\n' ' ' | sed 's/ $//')"
  echo "-v /etc/app:/old:ro: $(grep -o '/etc/app:.*' read.yaml)"
  echo "ignored options told: $(grep -c ignored compose.yaml || true)"
  echo "--gpus '\"device=0,2\"': $(node convert.mjs "docker run --gpus '\"device=0,2\"' nginx" | grep -o 'count: .*')"
} | tee found
diff found - <<'EOT'
-e 'PASSWORD=pa$word': PASSWORD: pa
nginx sh -c 'echo $PASSWORD': command: sh -c 'echo '
--mount type=bind,source=/etc/app,target=/conf,readonly: source: /etc/app target: /conf type: bind
-v /etc/app:/old:ro: /etc/app:/old:ro
ignored options told: 0
--gpus '"device=0,2"': count: .nan
EOT
