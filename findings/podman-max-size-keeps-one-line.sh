#!/bin/bash
# podman 4.3.1 with conmon 2.1.6 (Debian 12): the line that no longer fits into max-size removes all lines before it. max-file, with which docker's users keep
# older files, is taken without a word and does nothing, and who follows the log misses lines at every such turn.
#
# `--log-driver json-file --log-opt max-size=10m --log-opt max-file=3` is the line that stands in most compose files. Under docker it keeps 20 to 30 MB. Under
# podman the log is one file; when it would grow past max-size, conmon begins an empty one and renames it over the old one. So what is left is between
# one line and max-size, and a program that says much before it ends may leave one line of it: the reason went with the rest. `podman logs -f`
# looks a few times in a second. What was written between its last look and the turn is gone when it opens the new file, so that a collector behind it has
# holes of which nothing tells; the slower the program writes, the smaller they are, and a test with a line a second has none.
#
# Seen with podman 4.3.1+ds1-8+deb12u1+b3 and conmon 2.1.6+ds1-1 of Debian 12 (bookworm), on 2026-11-30 (lines of about 150 bytes):
#   64 lines: kept 64, from line 1
#   65 lines: kept 1, from line 65
#   files of the log: ctr.log
#   followed from the start, 50 lines a second, 200 lines: exit code 0, with holes: yes
# What helps: no max-size and logrotate with copytruncate, --log-driver journald, or a size that is far above what one run of the program writes.
# This script fails when that changes. It needs Debian 12 with apt-get, and root.
set -eu
if [ "${1:-}" != inside ]; then exec unshare --mount --propagation private bash "$(realpath "$0")" inside; fi
for place in /tmp /run; do mount -t tmpfs tmpfs $place; done  # gone with the last process of the namespace, which may be a call of conmon after the end of this script
work=$(TMPDIR=/tmp mktemp -d)
podman() {
  "$work/root/usr/bin/podman" --root "$work/data" --runroot "$work/run" --tmpdir "$work/tmp" \
    --storage-driver vfs --cgroup-manager cgroupfs --runtime runc --events-backend file "$@"
}
clean() {
  podman rm -f -t 0 -a > /dev/null 2>&1 || true
  kill $(jobs -p) 2> /dev/null || true
  wait
  { for name in conmon ""; do rmdir /sys/fs/cgroup/{,*/}"libpod_parent/$name"; done; } 2> /dev/null || true
  rm -rf "$work" || true
}
trap clean EXIT
cd "$work"
apt-get download -q podman=4.3.1+ds1-8+deb12u1+b3 runc=1.1.5+ds1-1+deb12u1 conmon=2.1.6+ds1-1 \
  busybox-static=1:1.35.0-4+deb12u1+b1 libsubid4 libgpgme11 libassuan0 libdevmapper1.02.1 libyajl2 > /dev/null 2>&1
for file in *.deb; do dpkg -x "$file" root; done
export HOME="$work/home" CONTAINERS_CONF="$work/containers.conf" PATH="$work/root/usr/bin:$work/root/usr/sbin:$PATH" LD_LIBRARY_PATH="$work/root/usr/lib/x86_64-linux-gnu:$work/root/lib/x86_64-linux-gnu"
mkdir -p home/.config/containers image/bin
echo '{"default": [{"type": "insecureAcceptAnything"}]}' > home/.config/containers/policy.json
printf '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n[engine]\nconmon_path = ["%s"]\n' "$work/root/usr/bin/conmon" > containers.conf
cp root/bin/busybox image/bin/sh
tar -C image -c . | podman import -q - localhost/shell:1 > /dev/null 2>&1
text=$(printf '%0100d' 0)
# write COUNT COMMAND: a container that writes so many lines, and calls the command after each.
write() {
  podman run -d --name seen --network host --log-driver json-file --log-opt max-size=10kb --log-opt max-file=3 localhost/shell:1 \
    /bin/sh -c "i=0; while [ \$i -lt $1 ]; do i=\$((i+1)); echo line \$i $text; $2; done" > log 2>&1 || cat log
}
{
  for count in 64 65; do
    write $count true
    podman wait seen > /dev/null
    podman logs seen > lines
    echo "$count lines: kept $(wc -l < lines), from $(head -1 lines | cut -d ' ' -f 1-2)"
    file=$(podman inspect seen --format '{{.HostConfig.LogConfig.Path}}')
    files=$(cd "$(dirname "$file")" && ls -d *log*)
    podman rm -f -t 0 seen > /dev/null
  done
  echo "files of the log: $files"
  write 200 'usleep 20000'
  code=0
  podman logs -f seen > lines || code=$?
  echo "followed from the start, 50 lines a second, 200 lines: exit code $code, with holes: $(awk '$2 != last + 1 { holes++ } { last = $2 } END { print holes ? "yes" : "no" }' lines)"
} | tee seen
diff seen - <<'EOT'
64 lines: kept 64, from line 1
65 lines: kept 1, from line 65
files of the log: ctr.log
followed from the start, 50 lines a second, 200 lines: exit code 0, with holes: yes
EOT
