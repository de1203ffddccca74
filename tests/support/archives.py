# SPDX-License-Identifier: Apache-2.0
"""Archives of images in the forms in which tools write them, made of one registries.Image."""
import gzip
import hashlib
import io
import json
import shutil
import subprocess
import tarfile

from registries import INDEX, MANIFEST, digest, machine


def hex_of(data):
    return hashlib.sha256(data).hexdigest()


def write_tar(path, entries, mode="w"):
    """`entries`: (name, content) in this order; a name that ends with "/" is a directory, a content that is a text a link's target."""
    with tarfile.open(path, mode, format=tarfile.PAX_FORMAT) as tar:
        for name, content in entries:
            entry = tarfile.TarInfo(name.rstrip("/"))
            entry.mode = 0o644
            if name.endswith("/"):
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(entry)
            elif isinstance(content, str):
                entry.type, entry.linkname = tarfile.SYMTYPE, content
                tar.addfile(entry)
            else:
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
    return path


def manifest_json(config, layers, *tags):
    return json.dumps([{"Config": config, "RepoTags": list(tags) or None, "Layers": layers}]).encode()


def of_docker(path, image, *tags):
    """docker 1.10 to 24: a folder for each layer, in the order of their names; a layer that comes again is a link to the first."""
    entries, layers, first = [], [], {}
    for i, each in enumerate(image.tars):
        folder = hex_of(b"%d" % i + each)
        layers.append(folder + "/layer.tar")
        entries += [(folder + "/", b""), (folder + "/VERSION", b"1.0"), (folder + "/json", b"{}"),
                    (layers[-1], "../" + first[each] if each in first else each)]
        first.setdefault(each, layers[-1])
    entries += [(hex_of(image.config) + ".json", image.config), ("manifest.json", manifest_json(hex_of(image.config) + ".json", layers, *tags))]
    if tags:
        entries.append(("repositories", b"{}"))
    return write_tar(path, sorted(entries))


def of_podman(path, image, *tags):
    """Layers beside manifest.json, with docker's old names as links."""
    layers = [hex_of(each) + ".tar" for each in image.tars]
    entries = [(name, each) for name, each in zip(layers, image.tars)] + [(hex_of(image.config) + ".json", image.config)]
    for name in layers:
        entries += [(name[:-4] + "/", b""), (name[:-4] + "/layer.tar", "../" + name)]
    return write_tar(path, [*entries, ("repositories", b"{}"), ("manifest.json", manifest_json(hex_of(image.config) + ".json", layers, *tags))])


def of_crane(path, image, *tags):
    """go-containerregistry (ko, kaniko too): sha256:HEX and HEX.tar.gz, manifest.json last."""
    layers = [hex_of(each) + ".tar.gz" for each in image.blobs]
    return write_tar(path, [("sha256:" + hex_of(image.config), image.config), *zip(layers, image.blobs),
                            ("manifest.json", manifest_json("sha256:" + hex_of(image.config), layers, *tags))])


def of_jib(path, image, *tags):
    """The names say nothing but of layers; manifest.json and config.json."""
    layers = [hex_of(each) + ".tar.gz" for each in image.blobs]
    return write_tar(path, [*zip(layers, image.blobs), ("config.json", image.config), ("manifest.json", manifest_json("config.json", layers, *tags))])


def with_any_names(path, image, *tags):
    layers = ["layers/%d-of-%d" % (i, len(image.tars)) for i in range(len(image.tars))]
    return write_tar(path, [("layers/", b""), *zip(layers, image.blobs), ("my-config", image.config), ("manifest.json", manifest_json("my-config", layers, *tags))])


def blob_entries(*blobs):
    return [("blobs/", b""), ("blobs/sha256/", b""), *[("blobs/sha256/" + hex_of(each), each) for each in blobs]]


def descriptor(manifest, kind=MANIFEST, name=None, platform=None, whole_name=None):
    value = {"mediaType": kind, "digest": digest(manifest), "size": len(manifest)}
    if name or whole_name:
        value["annotations"] = {"org.opencontainers.image.ref.name": name or whole_name.rsplit(":", 1)[1]}
    if whole_name:
        value["annotations"]["io.containerd.image.name"] = whole_name
    if platform:
        value["platform"] = dict(zip(("os", "architecture"), platform.split("/")))
    return value


def index(*descriptors):
    return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": list(descriptors)}).encode()


def of_oci(path, document, *blobs, mode="w"):
    return write_tar(path, [*blob_entries(*blobs), ("index.json", document), ("oci-layout", b'{"imageLayoutVersion": "1.0.0"}')], mode)


def of_new_docker(path, image, *tags):
    """docker 25 and later: both forms in one archive."""
    layers = ["blobs/sha256/" + hex_of(each) for each in image.blobs]
    entries = blob_entries(*image.blobs, image.config, image.manifest)
    document = index(*[descriptor(image.manifest, whole_name="docker.io/library/" + each) for each in tags])
    return write_tar(path, [*entries, ("index.json", document), ("manifest.json", manifest_json("blobs/sha256/" + hex_of(image.config), layers, *tags)),
                            ("oci-layout", b'{"imageLayoutVersion": "1.0.0"}'), ("repositories", b"{}")])


def zstd_packed(image):
    """The image with zstd layers, or None where there is no zstd."""
    if shutil.which("zstd") is None:
        return None
    image.blobs = [subprocess.run(["zstd", "-q", "-c"], input=each, stdout=subprocess.PIPE, check=True).stdout for each in image.tars]
    image.document["layers"] = [{"mediaType": "application/vnd.oci.image.layer.v1.tar+zstd", "digest": digest(each), "size": len(each)} for each in image.blobs]
    return image


def compressed(path):
    with open(path, "rb") as file, gzip.open(path + ".gz", "wb", 1) as out:
        shutil.copyfileobj(file, out)
    return path + ".gz"


HERE, ELSEWHERE = "linux/" + machine(), "linux/s390x"
