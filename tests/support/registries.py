# SPDX-License-Identifier: Apache-2.0
"""Registries of images on loopback: Debian's docker-registry, and one in Python that lies as it is told. Images made on the spot."""
import base64
import contextlib
import gzip
import hashlib
import http.server
import io
import json
import os
import shutil
import socket
import stat
import subprocess
import tarfile
import threading
import urllib.request

from mete_agent import BIN, skip, wait_for, work_folder
from leftovers import clean_up

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def machine():
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)


def layer_tar(files):
    """`files`: path -> content; a callable mode is not needed, programs are what lies in bin/."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path, content in files.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            entry.mode = 0o755 if path.startswith("bin/") else 0o644
            entry.mtime = 1_000_000
            tar.addfile(entry, io.BytesIO(content))
    return out.getvalue()


class Image:
    """An OCI image: its documents and blobs."""

    def __init__(self, *layers, command=("/bin/sh",)):
        self.tars = [layer_tar(each) for each in layers]
        self.blobs = [gzip.compress(each, 6, mtime=0) for each in self.tars]
        self.config = json.dumps({"architecture": machine(), "os": "linux", "created": "2020-01-01T00:00:00Z",
                                  "config": {"Cmd": list(command), "Env": ["A=b"]},
                                  "rootfs": {"type": "layers", "diff_ids": [digest(each) for each in self.tars]}}).encode()
        self.document = {"schemaVersion": 2, "mediaType": MANIFEST,
                         "config": {"mediaType": CONFIG, "digest": digest(self.config), "size": len(self.config)},
                         "layers": [{"mediaType": LAYER, "digest": digest(each), "size": len(each)} for each in self.blobs]}

    @property
    def manifest(self):
        return json.dumps(self.document).encode()

    def archive(self, path, name):
        """As `docker save` writes it."""
        files = {"config.json": self.config, "manifest.json": json.dumps(
            [{"Config": "config.json", "RepoTags": [name], "Layers": ["%d/layer.tar" % i for i in range(len(self.tars))]}]).encode()}
        sum_of_config = hashlib.sha256(self.config).hexdigest()
        files[sum_of_config + ".json"] = files.pop("config.json")
        files["manifest.json"] = files["manifest.json"].replace(b"config.json", (sum_of_config + ".json").encode())
        for i, each in enumerate(self.tars):
            name_of_layer = hashlib.sha256(each).hexdigest() + "/layer.tar"
            files["manifest.json"] = files["manifest.json"].replace(b"\"%d/layer.tar\"" % i, b"\"" + name_of_layer.encode() + b"\"")
            files[name_of_layer] = each
        with open(path, "wb") as out:
            out.write(layer_tar(files))
        return path


class Lying(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", kind="application/json", length=None, **headers):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self):
        registry = self.server.registry
        registry.requests.append((self.command, self.path, dict(self.headers)))
        if registry.refuse and registry.refuse(self):
            return
        parts = self.path.split("?")[0].split("/")
        if self.path == "/v2/":
            return self.answer(200, b"{}")
        if "manifests" in parts:
            data = registry.manifests.get(parts[-1])
            if data is None:
                return self.answer(404, json.dumps({"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}).encode())
            return self.answer(200, data, registry.types.get(parts[-1]) or json.loads(data).get("mediaType", MANIFEST), Docker_Content_Digest=digest(data))
        data = registry.blobs.get(parts[-1])
        if data is None:
            return self.answer(404, json.dumps({"errors": [{"code": "BLOB_UNKNOWN", "message": "blob unknown"}]}).encode())
        if registry.blob and registry.blob(self, parts[-1], data):
            return None
        return self.answer(200, data, "application/octet-stream")

    do_HEAD = do_GET


class LyingRegistry:
    """`blob(handler, digest, data)` and `refuse(handler)` return true when they have answered."""

    def __init__(self):
        self.manifests, self.blobs, self.types, self.requests = {}, {}, {}, []
        self.blob = self.refuse = None
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Lying)
        self.server.daemon_threads = True
        self.server.registry = self
        self.host = "127.0.0.1:%d" % self.server.server_port
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def add(self, image, tag):
        self.manifests[tag] = self.manifests[digest(image.manifest)] = image.manifest
        for each in [*image.blobs, image.config]:
            self.blobs[digest(each)] = each
        return "%s/app:%s" % (self.host, tag)

    def asked(self, part):
        return [each for each in self.requests if part in each[1]]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class DockerRegistry:
    """Debian's docker-registry with a storage of its own. `tls`: (certificate, key); `users`: name -> password."""

    def __init__(self, tls=None, users=None):
        program = shutil.which("docker-registry")
        if program is None:
            skip("no docker-registry")
        self.work = work_folder("mete-registry-")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.host = "127.0.0.1:%d" % self.port
        config = {"version": 0.1, "log": {"level": "error"}, "storage": {"filesystem": {"rootdirectory": self.work + "/data"}},
                  "http": {"addr": self.host}}
        if tls:
            config["http"]["tls"] = {"certificate": tls[0], "key": tls[1]}
        if users:
            with open(self.work + "/htpasswd", "w") as out:
                out.writelines("%s:%s\n" % (name, bcrypt(password)) for name, password in users.items())
            config["auth"] = {"htpasswd": {"realm": "test", "path": self.work + "/htpasswd"}}
        with open(self.work + "/config.yml", "w") as out:
            json.dump(config, out)  # JSON is YAML
        self.log = open(self.work + "/log", "w")
        self.process = subprocess.Popen([program, "serve", self.work + "/config.yml"], stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL,
                                        env={"PATH": os.environ["PATH"], "OTEL_TRACES_EXPORTER": "none"})
        wait_for("the registry to listen", self.listens)

    def listens(self):
        if self.process.poll() is not None:
            raise AssertionError("docker-registry ended:\n" + open(self.work + "/log").read()[-2000:])
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        return False

    def stored(self):
        """Blob -> its size."""
        found = {}
        for folder, _, files in os.walk(self.work + "/data/docker/registry/v2/blobs"):
            if "data" in files:
                found["sha256:" + os.path.basename(folder)] = os.path.getsize(folder + "/data")
        return found

    def manifest(self, repository, tag):
        request = urllib.request.Request("http://%s/v2/%s/manifests/%s" % (self.host, repository, tag), headers={"Accept": MANIFEST})
        data = urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request).read()
        return digest(data), json.loads(data)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.log.close()
        clean_up([self.work], [])


def bcrypt(password):
    import crypt  # noqa: PLC0415 - with Debian's libxcrypt it knows bcrypt
    return crypt.crypt(password, "$2b$05$" + "a" * 22)


def basic(user, password):
    return "Basic " + base64.b64encode(("%s:%s" % (user, password)).encode()).decode()


class Store:
    """`mete` on a state of its own, without an agent."""

    def __init__(self):
        self.work = work_folder("mete-store-")
        self.state = self.work + "/state"
        self.environment = {**os.environ, "DOCKER_CONFIG": self.work + "/docker", "METE_CONFIG": ""}
        self.environment.pop("METE_CONFIG")

    def words(self, *words):
        return [BIN + "/mete", "--state", self.state, "--run", self.work + "/run", *words]

    def mete(self, *words, check=True, **more):
        done = subprocess.run(self.words(*words), capture_output=True, text=True, env=self.environment, timeout=300, **more)
        assert not check or done.returncode == 0, (words, done)
        return done

    def images(self):
        return {each["name"]: each for each in json.loads(self.mete("images", "-o", "json").stdout)["images"]}

    def files(self, name):
        """What the image's layers hold, topmost last."""
        record = json.load(open("%s/images/images/%s.json" % (self.state, name.replace("/", "+"))))
        found = {}
        for layer in reversed(record["layers"]):
            top = "%s/images/layers/%s" % (self.state, layer)
            for folder, _, files in os.walk(top):
                for each in files:
                    path = os.path.relpath(folder + "/" + each, top)
                    if stat.S_ISCHR(os.lstat(folder + "/" + each).st_mode):
                        found.pop(path, None)  # a whiteout
                    else:
                        found[path] = open(folder + "/" + each, "rb").read()
        return found

    def layers(self):
        return sorted(os.listdir(self.state + "/images/layers"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        clean_up([self.work], [])
