#!/bin/bash
# npm's tar 7.5.23, tar-stream 3.2.2, modern-tar 0.8.6 and nanotar 0.3.0: a sparse file of GNU tar's pax format comes out under another name, shorter,
# with the map of its holes as its first bytes, and none of the four raises an error or a warning.
#
# "tar --sparse --format=pax" writes a file with holes as an ordinary entry, ./GNUSparseFile.PID/NAME, whose data is a map and then the parts that
# are no holes; the true name and size stand in pax records (GNU.sparse.name, GNU.sparse.realsize), which a reader that does not know them may
# ignore. These four do. Of the older form for sparse files ("S" entries) npm's tar says that it is unsupported; of this one it says nothing. Image layers
# that were made with --sparse (databases, disk images, lastlog) and archives for or from a container's file system lose such files so.
# Python's tarfile, as an example of the others, gives the file as it was.
#
# Seen on 2026-11-29 (GNU tar 1.34 and Python 3.11 of Debian 12; a file "disk" of 2 MiB of hole and 3 bytes):
#   tarfile: disk, 2097155 bytes
#   tar: GNUSparseFile.PID/disk, 515 bytes, warnings: 0
#   tar-stream: ./GNUSparseFile.PID/disk, 515 bytes
#   modern-tar: ./GNUSparseFile.PID/disk, 515 bytes
#   nanotar: ./GNUSparseFile.PID/disk, 515 bytes
# What helps: no --sparse for archives that such programs read. A reader can make holes of zeros again when it extracts.
# This script fails when that changes. It needs npm with a registry, Node 20 or newer, GNU tar and Python 3.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private": true}' > package.json
npm install --silent --no-audit --no-fund tar@7.5.23 tar-stream@3.2.2 modern-tar@0.8.6 nanotar@0.3.0 > /dev/null 2>&1
truncate -s 2M disk
printf end >> disk
tar --format=pax --sparse -cf sparse.tar disk
mkdir tarfile tar
python3 -c 'import tarfile; tarfile.open("sparse.tar").extractall("tarfile")'
cat > read.mjs <<'EOF'
import fs from 'node:fs';
import {parseTar} from 'nanotar';
import {unpackTar} from 'modern-tar';
import {extract} from 'tar-stream';
import * as tar from 'tar';
const archive = fs.readFileSync('sparse.tar');
let warnings = 0;
await tar.x({file: 'sparse.tar', cwd: 'tar', onwarn: () => ++warnings});
const found = fs.readdirSync('tar', {recursive: true}).find((name) => name.endsWith('disk'));
console.log(`tar: ${found}, ${fs.statSync('tar/' + found).size} bytes, warnings: ${warnings}`);
const stream = extract();
stream.end(archive);
for await (const entry of stream) {
  let size = 0;
  for await (const part of entry) size += part.length;
  console.log(`tar-stream: ${entry.header.name}, ${size} bytes`);
}
for (const entry of await unpackTar(archive)) console.log(`modern-tar: ${entry.header.name}, ${entry.data.length} bytes`);
for (const entry of parseTar(archive)) console.log(`nanotar: ${entry.name}, ${entry.data.length} bytes`);
EOF
{
  echo "tarfile: $(ls tarfile), $(stat -c %s tarfile/disk) bytes"
  node read.mjs
} | sed 's/File\.[0-9]*/File.PID/' | tee seen
diff seen - <<'EOF'
tarfile: disk, 2097155 bytes
tar: GNUSparseFile.PID/disk, 515 bytes, warnings: 0
tar-stream: ./GNUSparseFile.PID/disk, 515 bytes
modern-tar: ./GNUSparseFile.PID/disk, 515 bytes
nanotar: ./GNUSparseFile.PID/disk, 515 bytes
EOF
