# SPDX-License-Identifier: Apache-2.0
"""A large image whose content is like that of programs and texts, into a registry; and the least that a pull of it can cost."""
import ctypes
import hashlib
import io
import json
import mmap
import multiprocessing
import os
import random
import resource
import tarfile
import time
import urllib.request
import zlib

from registries import CONFIG, LAYER, MANIFEST, digest, machine

# Parts of the whole: a distribution, then what is put on it.
SHARES = (24, 20, 16, 12, 8, 6, 4, 4, 2, 2, 1, 1)
RANDOM = 0.22  # of the pieces; with what gzip makes of the rest about a half of all is left


def vocabulary_text(chance, size=8 << 20):
    words = [chance.randbytes(chance.randrange(2, 12)) for _ in range(4096)]
    common = [1 / (i + 5) for i in range(len(words))]
    out = io.BytesIO()
    while out.tell() < size:
        out.write(b"".join(chance.choices(words, common, k=100_000)))
    return out.getvalue()


def content(chance, text, size):
    pieces, left = [], size
    while left > 0:
        length = min(left, chance.randrange(512, 16384))
        if chance.random() < RANDOM:
            pieces.append(chance.randbytes(length))
        else:
            at = chance.randrange(len(text) - length)
            pieces.append(text[at:at + length])
        left -= length
    return b"".join(pieces)


def make_layer(arguments):
    """Writes PATH.gz and returns its description."""
    path, number, size = arguments
    chance = random.Random(number)
    text = vocabulary_text(random.Random(100))
    out, packed = io.BytesIO(), zlib.compressobj(6, zlib.DEFLATED, 31)
    left, files = size, 0
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        while left > 0:
            folder = "layer%d/%02d" % (number, files // 100)
            if files % 100 == 0:
                entry = tarfile.TarInfo(folder)
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(entry)
            length = min(left, int(chance.lognormvariate(9.5, 1.8)), 16 << 20)
            entry = tarfile.TarInfo("%s/%d" % (folder, files))
            entry.size, entry.mtime = length, 1_000_000
            tar.addfile(entry, io.BytesIO(content(chance, text, length)))
            left, files = left - max(length, 512), files + 1
    data = out.getvalue()
    blob = packed.compress(data) + packed.flush()
    with open(path + ".gz", "wb") as file:
        file.write(blob)
    return {"path": path + ".gz", "diff_id": digest(data), "digest": digest(blob), "size": len(blob), "tar": len(data), "files": files}


def write_files(tar, into):
    """The files of a tar of make_layer (a memoryview), without tarfile's cost."""
    at = 0
    while at + 512 <= len(tar) and tar[at]:
        head = bytes(tar[at:at + 512])
        size, kind = int(head[124:135], 8), head[156:157]
        name = into + "/" + head[:100].rstrip(b"\0").decode()
        if kind == b"5":
            os.makedirs(name, exist_ok=True)
        else:
            file = os.open(name, os.O_WRONLY | os.O_CREAT, 0o644)
            if size:
                os.write(file, tar[at + 512:at + 512 + size])
            os.close(file)
        at += 512 + (size + 511) // 512 * 512


def prepare_floor(size):
    """Of a process of the floor: its library and a buffer whose pages are there."""
    global library, decompressor, buffer
    library = ctypes.CDLL("libdeflate.so.0")
    library.libdeflate_alloc_decompressor.restype = ctypes.c_void_p
    decompressor = ctypes.c_void_p(library.libdeflate_alloc_decompressor())
    buffer = (ctypes.c_char * size)()
    ctypes.memset(buffer, 1, size)


def floor_of_layer(arguments):
    layer, into = arguments
    with open(layer["path"], "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY) as blob:
        assert "sha256:" + hashlib.sha256(blob).hexdigest() == layer["digest"]
        at = (ctypes.c_char * len(blob)).from_buffer(blob)
        result = library.libdeflate_gzip_decompress(decompressor, at, ctypes.c_size_t(len(blob)), buffer, ctypes.c_size_t(layer["tar"]), None)
        assert result == 0, result
        del at
    tar = memoryview(buffer).cast("B")[:layer["tar"]]
    assert "sha256:" + hashlib.sha256(tar).hexdigest() == layer["diff_id"]
    write_files(tar, into)


class BigImage:
    def __init__(self, folder, megabytes):
        os.makedirs(folder)
        work = [("%s/%d" % (folder, i), i, share * megabytes * 1_000_000 // sum(SHARES)) for i, share in enumerate(SHARES)]
        with multiprocessing.Pool(os.cpu_count()) as pool:
            self.layers = pool.map(make_layer, work, 1)
        self.bytes = sum(each["tar"] for each in self.layers)
        self.files = sum(each["files"] for each in self.layers)
        self.compressed = sum(each["size"] for each in self.layers)

    def push(self, host, name, leave_out=None):
        """Into a plain registry, by the shortest way; returns the name to pull."""
        layers = list(self.layers)
        if leave_out == "smallest":
            layers.remove(min(layers, key=lambda each: each["size"]))
        repository, tag = name.split(":")
        config = json.dumps({"architecture": machine(), "os": "linux", "created": "2020-01-01T00:00:00Z", "config": {"Cmd": ["/bin/sh"]},
                             "rootfs": {"type": "layers", "diff_ids": [each["diff_id"] for each in layers]}}).encode()
        for each in layers:
            with open(each["path"], "rb") as file:
                upload(host, repository, each["digest"], file.read())
        upload(host, repository, digest(config), config)
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": {"mediaType": CONFIG, "digest": digest(config), "size": len(config)},
                    "layers": [{"mediaType": LAYER, "digest": each["digest"], "size": each["size"]} for each in layers]}
        ask("http://%s/v2/%s/manifests/%s" % (host, repository, tag), "PUT", json.dumps(manifest).encode(), MANIFEST)
        return host + "/" + name

    def floor(self, into):
        """Seconds without and with a syncfs at the end, and those of processor time without it."""
        os.makedirs(into)
        largest_first = sorted(self.layers, key=lambda each: -each["size"])
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        with multiprocessing.Pool(os.cpu_count(), prepare_floor, [largest_first[0]["tar"]]) as pool:
            started = sum(pool.map(processor_time, range(os.cpu_count()), 1))
            begin = time.monotonic()
            pool.map(floor_of_layer, [(each, into) for each in largest_first], 1)
            bare = time.monotonic() - begin
            pool.close()
            pool.join()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime - started
        directory = os.open(into, os.O_RDONLY)
        begin = time.monotonic()
        ctypes.CDLL(None).syncfs(directory)
        synced = bare + time.monotonic() - begin
        os.close(directory)
        return bare, synced, used


def processor_time(_):
    time.sleep(0.5)  # so that each process has one of these
    return time.process_time()


def ask(url, method, data=None, kind="application/octet-stream"):
    request = urllib.request.Request(url, data=data, method=method, headers={"Content-Type": kind})
    return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request)


def upload(host, repository, sum_of_it, data):
    begun = ask("http://%s/v2/%s/blobs/uploads/" % (host, repository), "POST", b"")
    ask(begun.headers["Location"] + "&digest=" + sum_of_it, "PUT", data)
