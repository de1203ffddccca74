#!/bin/bash
# zstddec 0.3.4 (npm, October 2026): in place of a layer that skopeo has compressed it gives 16 MB of its own memory, without an error.
#
# The head of a zstd frame may have the size of its contents (RFC 8878: the field is optional). An encoder that works on a stream cannot know it when
# it writes the head: skopeo --dest-compress-format zstd, `tar | zstd`. decode(bytes) of zstddec asks the frame for the size, takes the answer
# "unknown" for a number, lets the decoder fail for want of room, and takes its error code for the length of the result, which it cuts from the
# beginning of its WebAssembly memory. That is mostly zeros, which a reader of tar takes for the end of an empty archive, and has parts of what was decoded
# before. `zstd FILE` writes the size, and zstd:chunked does for its small frames, so that a test with such a file succeeds. The manual says only
# that a call without the size may fail with an error. The other import of the package, zstddec/stream, is right, and so is fzstd.
#
# Seen on 2026-11-30 (skopeo 1.9.3 and zstd 1.5.4 of Debian 12; Node 20.20):
#   zstd FILE: zstd -d right; fzstd 0.1.1 right; zstddec/stream right; zstddec right
#   zstd in a pipe: zstd -d right; fzstd 0.1.1 right; zstddec/stream right; zstddec wrong, 16 MB more than the layer
#   zstd by skopeo: zstd -d right; fzstd 0.1.1 right; zstddec/stream right; zstddec wrong, 16 MB more than the layer
# What helps: import from zstddec/stream.
# This script fails when that changes. It needs Debian 12 with apt-get, python3 and zstd, npm with a registry, Node 20 or newer, and root.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get download -q skopeo=1.9.3+ds1-1+b10 > /dev/null 2>&1
dpkg -x skopeo_*.deb root
export PATH="$work/root/usr/bin:$PATH"
echo '{"private": true}' > package.json
npm install --silent --no-audit --no-fund zstddec@0.3.4 fzstd@0.1.1 > /dev/null 2>&1
echo "a file of a layer" > file
tar -cf layer.tar file
python3 - <<'EOP'
import hashlib
import io
import json
import tarfile

layer = open("layer.tar", "rb").read()
digest = hashlib.sha256(layer).hexdigest()
config = json.dumps({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest]}}).encode()
name = hashlib.sha256(config).hexdigest() + ".json"
manifest = json.dumps([{"Config": name, "RepoTags": ["example.org/app:1"], "Layers": [digest + "/layer.tar"]}]).encode()
with tarfile.open("image.tar", "w") as archive:
    for path, data in ((name, config), (digest + "/layer.tar", layer), ("manifest.json", manifest)):
        entry = tarfile.TarInfo(path)
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))
EOP
zstd -q layer.tar -o file.zst
zstd -q < layer.tar > pipe.zst
# skopeo keeps a list of blobs in /var/lib/containers: here it has one of its own.
mkdir -p /var/lib/containers
unshare --mount sh -c 'mount -t tmpfs tmpfs /var/lib/containers && exec skopeo "$@"' skopeo \
  --insecure-policy copy -q --dest-compress-format zstd docker-archive:image.tar oci:skopeo:1
cat > read.mjs <<'EOJ'
import fs from 'node:fs';
import {execFileSync} from 'node:child_process';
import {decompress} from 'fzstd';
import {ZSTDDecoder} from 'zstddec';
import {ZSTDDecoder as Streaming} from 'zstddec/stream';

const layer = fs.readFileSync('layer.tar');
const blob = (descriptor) => fs.readFileSync('skopeo/blobs/' + descriptor.digest.replace(':', '/'));
const manifest = JSON.parse(blob(JSON.parse(fs.readFileSync('skopeo/index.json')).manifests[0]));
const judged = (bytes) => Buffer.from(bytes).equals(layer) ? 'right' : `wrong, ${Math.trunc((bytes.length - layer.length) / 1e6)} MB more than the layer`;
const [once, stream] = [new ZSTDDecoder(), new Streaming()];
await once.init();
await stream.init();
for (const [kind, bytes] of [['zstd FILE', fs.readFileSync('file.zst')], ['zstd in a pipe', fs.readFileSync('pipe.zst')],
  ['zstd by skopeo', blob(manifest.layers[0])]]) {
  const input = new Uint8Array(bytes);
  console.log(`${kind}: zstd -d ${judged(execFileSync('zstd', ['-dc'], {input}))}; fzstd 0.1.1 ${judged(decompress(input))}; ` +
    `zstddec/stream ${judged(stream.decode(input))}; zstddec ${judged(once.decode(input))}`);
}
EOJ
node read.mjs | tee found
diff found - <<'EOT'
zstd FILE: zstd -d right; fzstd 0.1.1 right; zstddec/stream right; zstddec right
zstd in a pipe: zstd -d right; fzstd 0.1.1 right; zstddec/stream right; zstddec wrong, 16 MB more than the layer
zstd by skopeo: zstd -d right; fzstd 0.1.1 right; zstddec/stream right; zstddec wrong, 16 MB more than the layer
EOT
