#!/bin/bash
# umoci 0.4.7 and containerd 1.6.20 (Debian 12): an image that containerd exported, changed by `umoci repack` under a new tag and imported
# again, replaces the image that it was made from. The new tag does not exist.
#
# `ctr image export` writes two names of an image into index.json: the tag as org.opencontainers.image.ref.name, and the whole name as
# io.containerd.image.name. `umoci repack --image LAYOUT:2` adds an entry with ref.name 2 and copies the other annotations of the entry that
# the bundle was unpacked from, so that both entries carry containerd's name of the first. `umoci ls` shows 1 and 2; `ctr image import`
# believes io.containerd.image.name where it stands, unpacks both entries under the old name, and keeps the one that comes last.
#
# Seen on 2026-11-29 (umoci 0.4.7+ds-3+b7, containerd 1.6.20~ds1-1+deb12u3, skopeo 1.9.3+ds1-1+b10, which only makes the first layout):
#   umoci lists: 1 2
#   names in the layout: 1 example.org/app:1, 2 example.org/app:1
#   images after import: example.org/app:1
#   what example.org/app:1 holds: two
# What helps: remove the annotation from the entry after repack, or take an image's tag from ref.name where the two contradict each other.
# This script fails when that changes. It needs Debian 12 with apt-get and python3, and root.
set -eu
work=$(mktemp -d)
daemon=
trap '[ -z "$daemon" ] || { kill "$daemon"; wait "$daemon" || true; }; rm -rf "$work"' EXIT
cd "$work"
for package in umoci=0.4.7+ds-3+b7 skopeo=1.9.3+ds1-1+b10 containerd=1.6.20~ds1-1+deb12u3; do
  apt-get download -q "$package" > /dev/null 2>&1
done
for file in *.deb; do dpkg -x "$file" root; done
export PATH="$work/root/usr/bin:$PATH"

python3 - <<'EOP'
import hashlib
import io
import json
import tarfile


def tar(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in files:
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


layer = tar([("which", b"one\n")])
digest = hashlib.sha256(layer).hexdigest()
config = json.dumps({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest]}}).encode()
name = hashlib.sha256(config).hexdigest() + ".json"
manifest = json.dumps([{"Config": name, "RepoTags": ["example.org/app:1"], "Layers": [digest + "/layer.tar"]}]).encode()
open("first.tar", "wb").write(tar([(name, config), (digest + "/layer.tar", layer), ("manifest.json", manifest)]))
EOP

cat > config.toml <<EOC
version = 2
root = "$work/data"
state = "$work/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "$work/containerd.sock"
EOC
containerd --config config.toml > containerd.log 2>&1 &
daemon=$!
ctr=(ctr --address "$work/containerd.sock" image)
for _ in $(seq 100); do "${ctr[@]}" ls > /dev/null 2>&1 && break; sleep 0.1; done

skopeo --insecure-policy copy -q docker-archive:first.tar oci:first:1
tar -C first -cf oci.tar .
"${ctr[@]}" import --base-name example.org/app oci.tar > /dev/null
"${ctr[@]}" export exported.tar example.org/app:1
mkdir layout
tar -C layout -xf exported.tar
umoci unpack --image layout:1 bundle
echo two > bundle/rootfs/which
umoci repack --image layout:2 bundle
"${ctr[@]}" rm --sync example.org/app:1 > /dev/null
tar -C layout -cf changed.tar .
"${ctr[@]}" import changed.tar > /dev/null

{
  echo "umoci lists: $(umoci ls --layout layout | sort | tr '\n' ' ' | sed 's/ $//')"
  python3 - <<'EOP'
import json
names = [each["annotations"] for each in json.load(open("layout/index.json"))["manifests"]]
print("names in the layout: " + ", ".join("%s %s" % (each["org.opencontainers.image.ref.name"], each["io.containerd.image.name"]) for each in names))
EOP
  echo "images after import: $("${ctr[@]}" ls -q | tr '\n' ' ' | sed 's/ $//')"
  mkdir mounted
  "${ctr[@]}" mount example.org/app:1 mounted > /dev/null
  echo "what example.org/app:1 holds: $(cat mounted/which)"
  "${ctr[@]}" unmount mounted > /dev/null
} | tee seen
cat > expected <<'EOT'
umoci lists: 1 2
names in the layout: 1 example.org/app:1, 2 example.org/app:1
images after import: example.org/app:1
what example.org/app:1 holds: two
EOT
diff expected seen
