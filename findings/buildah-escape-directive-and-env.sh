#!/bin/bash
# buildah 1.28.2 (Debian 12): `# escape=` of a Dockerfile holds for line ends, and not for the words of ENV and LABEL, which lose their backslashes.
#
# The directive exists so that a backslash can be an ordinary character. buildah's parser takes it for continued lines, but the
# expansion of words keeps the backslash as its escape character: an unquoted c:\dir becomes c:dir, in ENV and LABEL alike, while the same
# text in double quotes stays whole. No warning is printed. docker's builders (20.10 and BuildKit) keep the backslash in all of them.
#
# Seen on 2026-11-29 (buildah 1.28.2+ds1-3+deb12u1+b3):
#   unquoted c:dir
#   quoted c:\dir
#   label c:dir
#   continued one two
# What helps: double quotes around the value, which mean the same to all builders.
# This script fails when that changes. It needs Debian 12 with apt-get, and root.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get download -q buildah=1.28.2+ds1-3+deb12u1+b3 > /dev/null 2>&1
dpkg -x buildah_*.deb root
mkdir context
cat > context/Dockerfile <<'EOT'
# escape=`
FROM scratch
ENV UNQUOTED=c:\dir
ENV QUOTED="c:\dir"
ENV CONTINUED="one `
two"
LABEL label=c:\dir
EOT
buildah=(root/usr/bin/buildah --root "$work/data" --runroot "$work/run" --storage-driver vfs)
"${buildah[@]}" bud --isolation chroot -q -t seen context > /dev/null
{
  "${buildah[@]}" inspect --format '{{range .OCIv1.Config.Env}}{{.}}{{"\n"}}{{end}}' seen |
    sed -n 's/^UNQUOTED=/unquoted /p; s/^QUOTED=/quoted /p'
  "${buildah[@]}" inspect --format '{{index .OCIv1.Config.Labels "label"}}' seen | sed "s/^/label /"; echo
  "${buildah[@]}" inspect --format '{{range .OCIv1.Config.Env}}{{.}}{{"\n"}}{{end}}' seen | sed -n 's/^CONTINUED=/continued /p'
} | grep . | tee found
cat > expected <<'EOT'
unquoted c:dir
quoted c:\dir
label c:dir
continued one two
EOT
diff expected found
