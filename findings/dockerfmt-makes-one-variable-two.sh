#!/bin/bash
# @reteps/dockerfmt 0.5.4 (npm; what prettier-plugin-sh 0.20.0 formats Dockerfiles with): one variable becomes two, without an error.
#
# ENV has an old form, `ENV NAME all the rest`, whose value may have spaces and "=" without quotes: options of Java and of compilers are written so. The
# formatter puts a "=" between name and value, and no quotes around the value, which is another instruction as soon as there is a space in it. Where the
# next word has a "=", as in -Da=b -Dc=d, it becomes a variable of its own, named "-Dc", and the program starts without that option. Where it has none, the
# build fails, which is the lucky case. A formatter is trusted not to change what a file means, and it runs on every commit. LABEL stays as it was.
#
# Seen on 2026-11-30 (buildah 1.28.2+ds1-3+deb12u1+b3 of Debian 12, Node 20.20, prettier 3.10.1):
#   before: JAVA_OPTS=[-Da=b -Dc=d]
#   dockerfmt writes: ENV JAVA_OPTS=-Da=b -Dc=d
#   dockerfmt: JAVA_OPTS=[-Da=b] -Dc=[d]
#   prettier: JAVA_OPTS=[-Da=b] -Dc=[d]
#   a value of two words, before: GREETING=[hello world]
#   dockerfmt: Syntax error - can't find = in "world"
# What helps: `ENV NAME="value"` throughout, before a formatter sees it.
# This script fails when that changes. It needs Debian 12 with apt-get, npm with a registry, Node 20 or newer, and root.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get download -q buildah=1.28.2+ds1-3+deb12u1+b3 > /dev/null 2>&1
dpkg -x buildah_*.deb root
echo '{"private": true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts @reteps/dockerfmt@0.5.4 prettier@3.10.1 prettier-plugin-sh@0.20.0 > /dev/null 2>&1
cat > format.mjs <<'EOJ'
import { readFileSync } from 'node:fs';
import { formatDockerfileContents } from '@reteps/dockerfmt';
process.stdout.write(await formatDockerfileContents(readFileSync(0, 'utf8'), { indent: 4, trailingNewline: true, spaceRedirects: false }));
EOJ
variables() {  # the variables of an image that is built of the Dockerfile on standard input
  rm -rf context
  mkdir context
  cat > context/Dockerfile
  local buildah=(root/usr/bin/buildah --root "$work/data" --runroot "$work/run" --storage-driver vfs)
  if "${buildah[@]}" bud --isolation chroot -q -t seen context > /dev/null 2> log; then
    "${buildah[@]}" inspect --format '{{range .OCIv1.Config.Env}}{{.}}{{"\n"}}{{end}}' seen | grep -v '^PATH=' | sed -n 's/=\(.*\)/=[\1]/p' | paste -sd ' '
  else
    sed -n "s/.*\(Syntax error - can't find = in \"[^\"]*\"\).*/\1/p" log
  fi
}
printf 'FROM scratch\nENV JAVA_OPTS -Da=b -Dc=d\n' > options
printf 'FROM scratch\nENV GREETING hello world\n' > words
{
  echo "before: $(variables < options)"
  echo "dockerfmt writes: $(node format.mjs < options | grep ENV)"
  echo "dockerfmt: $(node format.mjs < options | variables)"
  echo "prettier: $(node_modules/.bin/prettier --plugin=prettier-plugin-sh --parser=dockerfile < options | variables)"
  echo "a value of two words, before: $(variables < words)"
  echo "dockerfmt: $(node format.mjs < words | variables)"
} | tee seen
diff seen - <<'EOT'
before: JAVA_OPTS=[-Da=b -Dc=d]
dockerfmt writes: ENV JAVA_OPTS=-Da=b -Dc=d
dockerfmt: JAVA_OPTS=[-Da=b] -Dc=[d]
prettier: JAVA_OPTS=[-Da=b] -Dc=[d]
a value of two words, before: GREETING=[hello world]
dockerfmt: Syntax error - can't find = in "world"
EOT
