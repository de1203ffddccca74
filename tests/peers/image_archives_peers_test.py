# SPDX-License-Identifier: Apache-2.0
"""What `mete save` writes is read by docker, podman, skopeo, buildah and umoci, and what they write by `mete load` and `image import`."""
import json
import os
import shutil
import subprocess
import sys
import tarfile

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from archives import write_tar  # noqa: E402
from leftovers import clean_up  # noqa: E402
from mete_agent import run_tests, skip_case, work_folder  # noqa: E402
from registries import Image, Store, digest  # noqa: E402

BASE, TOP = {"bin/sh": b"a program\n" * 1000, "etc/release": b"1\n"}, {"app": b"one"}


def need(program):
    if shutil.which(program) is None:
        skip_case("no " + program)


def run(*words, check=True, **more):
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, **more)
    assert not check or done.returncode == 0, (words, done.stdout, done.stderr)
    return done.stdout


class Saved:
    """A store with the image app:1, and saved.tar of it, whose configuration has `id`."""

    def __enter__(self):
        self.store = Store()
        self.work = self.store.work
        self.store.mete("load", "-i", Image(BASE, TOP).archive(self.work + "/made.tar", "app:1"))
        self.path = self.work + "/saved.tar"
        self.store.mete("save", "-o", self.path, "app:1")
        with tarfile.open(self.path) as tar:
            self.id = "sha256:" + json.load(tar.extractfile("manifest.json"))[0]["Config"].rsplit("/", 1)[1]
        return self

    def __exit__(self, *_):
        self.store.__exit__()

    def check_back(self, path, *names, same=True):
        """What a peer wrote is the image that was saved. `same`: with the same configuration, so that it has the same id."""
        with Store() as other:
            said = other.mete("load", "-i", path).stdout.splitlines()
            loaded = "sha256:" + next(iter(other.images().values()))["id"]
            assert said == (["Loaded image: " + each for each in names] or ["Loaded image ID: " + loaded]), (path, said)
            other.mete("image", "import", path, "again:1")
            assert other.files("again:1") == {**BASE, **TOP} and "sha256:" + other.images()["again:1"]["id"] == loaded, (path, other.images())
            assert not same or loaded == self.id, (path, loaded, self.id)


def test_skopeo():
    need("skopeo")
    with Saved() as saved:
        for source in ("docker-archive:%s:app:1" % saved.path, "oci-archive:%s:1" % saved.path):
            config = run("skopeo", "inspect", "--config", "--raw", source)
            assert digest(config.encode()) == saved.id, source
            for target, names in (("docker-archive:%s/a.tar:team/app:2" % saved.work, ["team/app:2"]), ("oci-archive:%s/b.tar:team/app:2" % saved.work, ["team/app:2"]),
                                  ("oci:%s/layout:v1" % saved.work, []), ("dir:%s/dir" % saved.work, [])):
                path = target.split(":")[1]
                run("skopeo", "copy", "-q", source, target)
                # From docker's form to OCI's, skopeo writes the configuration anew.
                saved.check_back(path, *names, same=source.split("-")[0] == target.split("-")[0])
                if os.path.isdir(path):
                    shutil.rmtree(path)
                else:
                    os.remove(path)
        run("skopeo", "copy", "-q", "--dest-compress-format", "zstd", "--dest-compress", "oci-archive:%s:1" % saved.path, "oci:%s/zstd:v1" % saved.work)
        saved.check_back(saved.work + "/zstd")


def test_umoci_finds_no_fault():
    need("umoci")
    with Saved() as saved:
        layout = saved.work + "/layout"
        os.mkdir(layout)
        run("tar", "xf", saved.path, "-C", layout)
        assert run("umoci", "ls", "--layout", layout).split() == ["1"]
        seen = json.loads(run("umoci", "stat", "--image", layout + ":1", "--json"))
        assert seen["history"] is None or len(seen["history"]) == 2, seen
        run("umoci", "unpack", "--image", layout + ":1", saved.work + "/bundle")
        with open(saved.work + "/bundle/rootfs/app", "rb") as file:
            assert file.read() == TOP["app"]
        # What it changed comes back: a layer of umoci's own, with its whiteout. The tag is new, but umoci copies the annotation with the whole old
        # name: the tag tells.
        with open(saved.work + "/bundle/rootfs/new", "w") as out:
            out.write("2")
        os.remove(saved.work + "/bundle/rootfs/etc/release")
        run("umoci", "repack", "--image", layout + ":2", saved.work + "/bundle")
        with Store() as other:
            other.mete("image", "import", layout, "app:2")
            files = other.files("app:2")
            assert files["new"] == b"2" and len(other.layers()) == 3, files
            assert os.lstat("%s/images/layers/%s/etc/release" % (other.state, top_layer(other, "app:2"))).st_rdev == 0


def top_layer(store, name):
    with open("%s/images/images/%s.json" % (store.state, name)) as file:
        return json.load(file)["layers"][0]


def of_containers(program, work):
    """The words of podman or buildah on a storage of their own."""
    return [program, "--root", work + "/storage", "--runroot", work + "/run", "--storage-driver", "vfs"]


def test_podman():
    need("podman")
    with Saved() as saved:
        podman = of_containers("podman", saved.work)
        assert "app:1" in run(*podman, "load", "-i", saved.path)
        (seen,) = json.loads(run(*podman, "image", "inspect", "app:1"))
        assert "sha256:" + seen["Id"] == saved.id, seen["Id"]
        for form, path in (("docker-archive", "a.tar"), ("oci-archive", "b.tar"), ("oci-dir", "layout"), ("docker-dir", "dir")):
            run(*podman, "save", "-q", "--format", form, "-o", saved.work + "/" + path, "app:1")
            with Store() as other:
                other.mete("image", "import", saved.work + "/" + path, "again:1")
                assert other.files("again:1") == {**BASE, **TOP}, form
        run(*podman, "tag", "app:1", "app:2")
        run(*podman, "save", "-q", "-m", "-o", saved.work + "/both.tar", "app:1", "app:2")
        with Store() as other:
            said = other.mete("load", "-i", saved.work + "/both.tar").stdout
            assert "app:1" in said and "app:2" in said, said


def test_buildah():
    need("buildah")
    with Saved() as saved:
        buildah = of_containers("buildah", saved.work)
        container = run(*buildah, "from", "docker-archive:" + saved.path).strip()
        root = saved.work + "/copied"
        with open(root, "w") as out:
            out.write("new")
        run(*buildah, "copy", container, root, "/new")
        run(*buildah, "config", "--env", "C=d", container)
        for target in ("docker-archive:%s/a.tar:made:1" % saved.work, "oci-archive:%s/b.tar:made:1" % saved.work):
            run(*buildah, "commit", "-q", container, target)
            with Store() as other:
                other.mete("image", "import", target.split(":")[1], "made:1")
                assert other.files("made:1") == {**BASE, **TOP, "new": b"new"}, target
                assert "C=d" in other.mete("image", "inspect", "-f", "{{json .Config.Env}}", "made:1").stdout


class Docker:
    """A dockerd of its own."""

    def __enter__(self):
        need("dockerd")
        from waiting import wait_for
        self.work = work_folder("mete-docker-")
        self.log = open(self.work + "/log", "w")
        self.host = "unix://%s/sock" % self.work
        self.process = subprocess.Popen(
            ["dockerd", "-H", self.host, "--data-root", self.work + "/data", "--exec-root", self.work + "/exec", "-p", self.work + "/pid", "--iptables=false",
             "--ip6tables=false", "--bridge=none", "--storage-driver", "vfs"], stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL)
        try:
            wait_for("dockerd", lambda: self.process.poll() is not None or subprocess.run(self.words("version"), capture_output=True).returncode == 0)
            assert self.process.poll() is None
        except AssertionError:
            self.__exit__()
            skip_case("dockerd does not start here: " + open(self.work + "/log").read()[-200:])
        return self

    def words(self, *words):
        return ["docker", "-H", self.host, *words]

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        clean_up([self.work], [])


def test_docker():
    with Docker() as docker, Saved() as saved:
        assert run(*docker.words("load", "-i", saved.path)) == "Loaded image: app:1\n"
        (seen,) = json.loads(run(*docker.words("image", "inspect", "app:1")))
        assert seen["Id"] == saved.id, seen
        run(*docker.words("save", "-o", saved.work + "/docker.tar", "app:1"))
        saved.check_back(saved.work + "/docker.tar", "app:1")
        # By the id: no name. Another name of it: both.
        run(*docker.words("save", "-o", saved.work + "/id.tar", saved.id))
        saved.check_back(saved.work + "/id.tar")
        run(*docker.words("tag", "app:1", "app:2"))
        run(*docker.words("save", "-o", saved.work + "/two.tar", "app:1", "app:2"))
        saved.check_back(saved.work + "/two.tar", "app:1", "app:2")
        # Both make the same of a root file system.
        path = write_tar(saved.work + "/root.tar", [("etc/", b""), ("etc/x", b"y")])
        changes = ['CMD ["/a", "b"]', "ENV A=1", "EXPOSE 80", "LABEL k=v", "USER app:x", "WORKDIR /srv", "VOLUME /data", "STOPSIGNAL SIGINT", "ENTRYPOINT /e",
                   "ONBUILD RUN x"]
        words = [word for each in changes for word in ("-c", each)]
        # Its import (20.10) knows no STOPSIGNAL.
        run(*docker.words("import", *words[:14], *words[16:], path, "root:1"))
        (theirs,) = json.loads(run(*docker.words("image", "inspect", "root:1")))
        # mete resolves the user when it imports: this one is nobody's.
        words[words.index("USER app:x")] = "USER 7:8"
        saved.store.mete("import", *words, path, "root:1")
        (ours,) = json.loads(saved.store.mete("image", "inspect", "root:1").stdout)
        assert ours["RootFS"] == theirs["RootFS"], (ours, theirs)
        for key, value in ours["Config"].items():
            assert key in ("User", "StopSignal") or theirs["Config"][key] == value, (key, value, theirs["Config"][key])
        assert run(*docker.words("load", "-i", saved.path)) == "Loaded image: app:1\n"


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
