#!/bin/bash
# sqfstar 4.5.1 (squashfs-tools, Debian 12): of a file that stands in an archive twice it keeps the first one, where tar's rule is the last, and ends with code 0.
# Archives that tar -u, -r or -A made become an image of what they were before.
#
# A tape cannot be rewritten, so an archive is updated by adding the new file at its end, and who extracts it has the last one. GNU tar -u and -r do that, and
# -A joins archives, with which layers of an image are laid over each other when one file system is to be made of them. sqfstar takes an archive
# from a pipe to an image in one pass. It writes "already exists in the tar file, ignoring" among its lines of statistics: what is ignored is the newer file.
# The mode of a folder that stands in both layers is the first one's, too. tar2sqfs of squashfs-tools-ng 1.2.0 refuses such an archive with code 1.
#
# Seen with squashfs-tools 1:4.5.1-1, squashfs-tools-ng 1.2.0-1 and GNU tar 1.34 of Debian 12 (bookworm), on 2026-11-30:
#   tar -u, then tar -x: new
#   tar -u, then sqfstar: code 0, old
#   two layers by tar -A, then tar -x: second, 700
#   two layers by tar -A, then sqfstar: code 0, first, 755
#   tar2sqfs: code 1
# What helps: extract first and call mksquashfs on the folder.
# This script fails when that changes. It needs Debian 12, apt-get and root.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
umask 022
cd "$work"
apt-get download -q squashfs-tools=1:4.5.1-1 squashfs-tools-ng=1.2.0-1 libsquashfs1=1.2.0-1 liblzo2-2 > /dev/null 2>&1
for file in *.deb; do dpkg -x "$file" root; done
export PATH="$work/root/usr/bin:$PATH" LD_LIBRARY_PATH="$work/root/usr/lib/x86_64-linux-gnu"
mkdir -p updated/etc first/etc second/etc
echo old > updated/etc/conf
touch -d '2026-01-01' updated/etc/conf
tar -C updated -cf updated.tar etc
echo new > updated/etc/conf
tar -C updated -uf updated.tar etc
echo first > first/etc/conf
echo second > second/etc/conf
chmod 700 second/etc
for layer in first second; do tar -C $layer -cf $layer.tar etc; done
cp first.tar joined.tar
tar -Af joined.tar second.tar
extracted() { rm -rf out; mkdir out; tar -C out -xf "$1"; cat out/etc/conf; }
image() {  # image ARCHIVE: the code of sqfstar, and what the image holds
  rm -f image
  local code=0
  sqfstar image < "$1" > log 2>&1 || code=$?
  echo "code $code, $(unsquashfs -cat image etc/conf)"
}
{
  echo "tar -u, then tar -x: $(extracted updated.tar)"
  echo "tar -u, then sqfstar: $(image updated.tar)"
  echo "two layers by tar -A, then tar -x: $(extracted joined.tar), $(extracted joined.tar > /dev/null; stat -c %a out/etc)"
  echo "two layers by tar -A, then sqfstar: $(image joined.tar), $(image joined.tar > /dev/null; rm -rf out; unsquashfs -d out image > /dev/null; stat -c %a out/etc)"
  code=0
  tar2sqfs -q image.ng < updated.tar > log 2>&1 || code=$?
  echo "tar2sqfs: code $code"
} | tee seen
diff seen - <<'EOT'
tar -u, then tar -x: new
tar -u, then sqfstar: code 0, old
two layers by tar -A, then tar -x: second, 700
two layers by tar -A, then sqfstar: code 0, first, 755
tar2sqfs: code 1
EOT
