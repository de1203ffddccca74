# SPDX-License-Identifier: Apache-2.0
"""Small Dockerfiles, one for each instruction and form, built by mete, by docker's classic builder and by buildah: the same files, modes, owners and
configuration. Each difference is a row of docs/build.md, and each row there is seen here."""
import ctypes
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from builds import Builder, base_folder, write_files  # noqa: E402
from leftovers import clean_up, unmount_below  # noqa: E402
from mete_agent import SOURCE, need_root, run_tests, skip, work_folder  # noqa: E402
from runtimes import QUIET, Docker, need  # noqa: E402

KEYS = ("User", "ExposedPorts", "Env", "Entrypoint", "Cmd", "Volumes", "WorkingDir", "Labels", "StopSignal", "Healthcheck", "Shell", "OnBuild")
FILES = {"one": "1\n", "two.txt": "2\n", "three.txt": "3\n", "exec": ("x", 0o755), "private": ("p", 0o600), "set": ("s", 0o4755), "dir/a": ("a", 0o640), "dir/sub/b": "b",
         "dir/link -> a": "", "dir/sub/up -> ../a": "", "inside -> dir/a": "", "absolute -> /dir/a": "", "open": (None, 0o777), "open/x": "x", "with space": "s",
         "skipped.log": "l", "dir/skipped.log": "l", ".dockerignore": "**/*.log\n"}


def packed(mode):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as tar:
        for name, kind, more in (("top", tarfile.DIRTYPE, {"mode": 0o750, "uid": 3}), ("top/file", tarfile.REGTYPE, {"mode": 0o2640, "uid": 12, "gid": 13}),
                                 ("top/soft", tarfile.SYMTYPE, {"linkname": "file"}),
                                 ("top/hard", tarfile.LNKTYPE, {"linkname": "top/file", "mode": 0o2640, "uid": 12, "gid": 13})):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mtime = kind, 1_000_000
            for key, value in more.items():
                setattr(entry, key, value)
            tar.addfile(entry)
    return out.getvalue()


# Name -> what follows FROM ubuntu, or a whole Dockerfile.
CASES = {
    "env": "ENV A=1 B=$A C=\"x y\" D=e\\ f\nENV B=$A",
    "env-old-form": "ENV A one two  three",
    "env-replaced": "ENV PATH=/x:$PATH\nENV PATH=/y:$PATH",
    "env-modifiers": "ENV E=\nENV A=${NONE:-a} B=${E:-b} C=${PATH:+c} D=${NONE:+d} F=${E:+f}",
    "env-quotes": "ENV A='$PATH' B=\"\\$PATH\" C=\\$PATH D=\"a'b\" E='a\"b'",
    "label": "LABEL a=b \"c d\"=\"e f\"\nLABEL a=c multi=\"x \\\ny\"",
    "arg": "ARG V=1\nENV W=$V\nRUN echo $V > /v",
    "arg-before-from": "ARG B=ubuntu\nFROM $B\nARG B\nENV V=$B",
    "arg-hidden-by-env": "ARG V=1\nENV V=2\nRUN echo $V > /v",
    "expose": "EXPOSE 80 443/tcp 53/udp",
    "expose-range": "ENV P=8080\nEXPOSE $P 9000-9003",
    "volume": "VOLUME /a /b\nVOLUME [\"/c d\"]",
    "user": "USER app:staff\nRUN id -u > /tmp/u; id -g >> /tmp/u; echo $HOME >> /tmp/u",
    "user-number": "USER 1234\nRUN id -u > /tmp/u; id -g >> /tmp/u",
    "user-groups": "USER app\nRUN for g in $(grep ^Groups /proc/self/status); do echo $g; done | busybox sort > /tmp/a\nUSER app:staff\nRUN grep ^Groups /proc/self/status > /tmp/b",
    "workdir": "WORKDIR /a\nWORKDIR b\nRUN pwd > here\nENV D=/x\nWORKDIR $D/y",
    "workdir-user": "USER app\nWORKDIR /made",
    "stopsignal": "STOPSIGNAL SIGUSR1",
    "healthcheck": "HEALTHCHECK --interval=1m30s --timeout=5s --start-period=10s --retries=4 CMD test -e /x",
    "healthcheck-list": "HEALTHCHECK CMD [\"test\", \"-e\", \"/x\"]",
    "healthcheck-none": "HEALTHCHECK NONE",
    "shell": "SHELL [\"/bin/sh\", \"-e\", \"-c\"]\nRUN echo a > /a\nCMD b\nENTRYPOINT c",
    "cmd": "CMD echo $PATH",
    "cmd-list": "CMD [\"echo\", \"$PATH\"]",
    "cmd-list-text": "CMD [\"a\"] # text",
    "cmd-last": "CMD a\nCMD [\"b\"]",
    "cmd-empty": "CMD [\"a\"]\nCMD []",
    "entrypoint": "CMD [\"x\"]\nENTRYPOINT exec a",
    "entrypoint-drops-cmd": "ENTRYPOINT [\"/e\"]",
    "maintainer": "MAINTAINER someone <a@b>",
    "onbuild": "ONBUILD RUN echo x > /x\nONBUILD ENV A=b",
    "copy": "COPY one /one\nCOPY exec private set /many/\nCOPY one renamed",
    "copy-folder": "COPY dir /dir\nCOPY dir /etc\nCOPY dir/ /slash/",
    "copy-folder-mode": "COPY open /open\nCOPY open /tmp",
    "copy-all": "COPY . /all",
    "copy-wildcard": "COPY *.txt /w/\nCOPY d?r/[a-b] /x/",
    "copy-list": "COPY [\"with space\", \"/a b/\"]",
    "copy-link": "COPY inside /inside\nCOPY absolute /absolute\nCOPY dir/link /link",
    "copy-through-link": "COPY one /var/run/\nCOPY dir /var/run/new",
    "copy-over": "RUN echo old > /one && mkdir /d && chmod 700 /d && chown 5:6 /d\nCOPY one /one\nCOPY dir /d",
    "copy-chown": "COPY --chown=app:staff dir /d\nCOPY --chown=7 one /new/one\nCOPY --chown=app one /named\nCOPY --chown=3:4 one /n",
    "copy-relative": "WORKDIR /w\nCOPY one .\nCOPY one ./sub/\nCOPY dir ../up",
    "add": "ADD one /one\nADD dir /d",
    "add-tar": "ADD plain.tar /t\nADD odd.name /t2\nADD x.tar.xz /t3/\nCOPY plain.tar /kept",
    "run": "RUN echo a > /a && mkdir -m 750 /b && ln -s a /c && ln /a /d",
    "run-list": "RUN [\"/bin/sh\", \"-c\", \"echo x > /x\"]",
    "run-removes": "RUN rm /etc/release && rm -r /usr && mkdir /usr && rm /bin/nc",
    "run-modes": "RUN umask > /u; touch /f; chmod 1777 /tmp; chmod 4755 /f; chown app:staff /f",
    "run-continued": "RUN echo a \\\n  # comment\n\n  && echo b > \\\n /b",
    "run-environment": "RUN env | grep -v HOSTNAME | grep -v '^_' | sed s/x/x/ > /env; hostname > /dev/null",
    "stages": "FROM ubuntu AS a\nRUN echo a > /a && mkdir /d && echo x > /d/x && chown 5 /d/x\nFROM a AS b\nRUN echo b > /b\nFROM ubuntu\nCOPY --from=b /a /b /from/\nCOPY --from=0 /d /d",
    "scratch": "FROM scratch\nCOPY one /one\nENV A=b",
    "copy-from-image": "FROM scratch\nCOPY --from=ubuntu /etc/release /r",
    "escape": "# escape=`\nFROM ubuntu\nRUN echo a ` \n && echo b > /b\nENV A=c:\\d",
    "case": "from ubuntu\nenv A=b\nrun echo x > /x",
    "heredoc": "RUN <<EOF\necho a > /a\nEOF\nCOPY <<X /x\ntext $PATH\nX",
    "copy-chmod": "COPY --chmod=640 one /one",
    "run-mount": "RUN --mount=type=tmpfs,target=/scratch touch /scratch/x",
    "env-patterns": "ENV A=/usr/bin/x.tar.gz\nENV B=${A##*/} C=${A%.*}",
    "empty-scratch": "FROM scratch\nENV A=b",
}

MOUNTED = ("dev", "proc", "sys", "etc/hosts", "etc/hostname", "etc/resolv.conf")

# Case -> engine -> the word that its row in docs/build.md has. Filled by what was seen.
DIFFERENCES = json.loads(open(__file__.rsplit("/", 1)[0] + "/build_differences.json").read())


def docker_tree(archive):
    """Files and configuration of a `docker save` archive."""
    files = {each.name: each for each in archive.getmembers()}

    def data(name):
        entry = files[name]
        while entry.issym():
            entry = files[os.path.normpath(os.path.join(os.path.dirname(entry.name), entry.linkname))]
        return archive.extractfile(entry).read()
    manifest = json.loads(data("manifest.json"))[0]
    tree = {}
    for layer in manifest["Layers"]:
        apply(tree, tarfile.open(fileobj=io.BytesIO(data(layer))))
    return tree, json.loads(data(manifest["Config"]))


def drop(tree, path, itself=True):
    for each in [each for each in tree if (itself and each == path) or each.startswith(path + "/")]:
        del tree[each]


def apply(tree, layer):
    for entry in layer.getmembers():
        path = os.path.normpath(entry.name).lstrip("/")
        folder, name = os.path.split(path)
        if name == ".wh..wh..opq":
            drop(tree, folder, False)
        elif name.startswith(".wh."):
            drop(tree, os.path.join(folder, name[4:]))
        elif path != ".":
            if entry.islnk():
                tree[path] = tree[os.path.normpath(entry.linkname).lstrip("/")]
                continue
            kind = "folder" if entry.isdir() else "link" if entry.issym() else "file" if entry.isreg() else "other"
            if kind != "folder":
                drop(tree, path)
            content = entry.linkname if kind == "link" else layer.extractfile(entry).read() if kind == "file" else None
            tree[path] = {"kind": kind, "mode": 0o777 if kind == "link" else entry.mode & 0o7777, "owner": (entry.uid, entry.gid), "content": content}


def settings(config):
    found = {key: config.get(key) or None for key in KEYS}
    found["Labels"] = {key: value for key, value in (found["Labels"] or {}).items() if key != "io.buildah.version"} or None
    return found


def whole(dockerfile):
    return dockerfile if re.search(r"^from ", dockerfile, re.M | re.I) else "FROM ubuntu\n" + dockerfile + "\n"


def differences(mine, theirs):
    """Lines of what is not the same."""
    found = []
    for path in sorted(set(mine[0]) | set(theirs[0])):
        one, other = mine[0].get(path), theirs[0].get(path)
        if one != other:
            found.append("%s: mete %s, other %s" % (path, one, other))
    for key in KEYS:
        one, other = settings(mine[1])[key], settings(theirs[1])[key]
        if one != other:
            found.append("%s: mete %s, other %s" % (key, one, other))
    return found


class Peers:
    """The three builders, each with the same image ubuntu."""

    def __init__(self):
        need("dockerd", "docker")
        self.work = work_folder("mete-compared-")
        self.root = self.work + "/ubuntu"
        os.makedirs(self.root)
        base_folder(self.root)
        for each in ("sed",):
            os.symlink("busybox", self.root + "/bin/" + each)
        self.context = self.work + "/context"
        os.makedirs(self.context)
        write_files(self.context, {**FILES, "plain.tar": packed("w"), "odd.name": packed("w:gz"), "x.tar.xz": packed("w:xz")})

    def __enter__(self):
        self.builder = Builder(base=False)
        subprocess.run(["tar", "-C", self.root, "-cf", self.work + "/ubuntu.tar", "."], check=True)
        self.builder.mete("image", "import", self.work + "/ubuntu.tar", "ubuntu")
        self.docker = Docker(self.work).__enter__()
        subprocess.run([*self.docker.client, "import", "-c", "CMD [\"/bin/sh\"]", self.work + "/ubuntu.tar", "ubuntu"], check=True, **QUIET)
        self.buildah = None
        if shutil.which("buildah"):
            self.buildah = ["buildah", "--root", self.work + "/buildah", "--runroot", self.work + "/buildah-run", "--storage-driver", "vfs"]
            subprocess.run([*self.docker.client, "save", "-o", self.work + "/base.tar", "ubuntu"], check=True, **QUIET)
            done = subprocess.run([*self.buildah, "pull", "docker-archive:" + self.work + "/base.tar"], capture_output=True, text=True)
            assert done.returncode == 0, done
            subprocess.run([*self.buildah, "tag", done.stdout.split()[-1], "localhost/ubuntu"], check=True)
        return self

    def __exit__(self, *_):
        self.docker.__exit__()
        self.builder.__exit__()
        unmount_below(self.work)
        clean_up([self.work])

    def by_mete(self):
        done = self.builder.mete(*self.builder.options("-t", "made", self.context), check=False)
        return (self.builder.tree(), self.builder.config()) if done.returncode == 0 else done.stderr

    def by_docker(self):
        done = subprocess.run([*self.docker.client, "build", "--network", "none", "-t", "made", self.context], capture_output=True, text=True,
                              env={**os.environ, "DOCKER_BUILDKIT": "0"})
        if done.returncode != 0:
            return done.stderr
        return self.saved([*self.docker.client, "save", "made"])

    def saved(self, command):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode != 0:
            return done.stderr.decode()
        tree, document = docker_tree(tarfile.open(fileobj=io.BytesIO(done.stdout)))
        return tree, document["config"]

    def by_buildah(self):
        done = subprocess.run([*self.buildah, "build", "--isolation", "chroot", "--pull=never", "--format", "docker", "-t", "made", self.context],
                              capture_output=True, text=True)
        if done.returncode != 0:
            return done.stderr
        place = self.work + "/made.tar"
        if os.path.exists(place):
            os.unlink(place)
        done = subprocess.run([*self.buildah, "push", "made", "docker-archive:" + place], capture_output=True, text=True)
        assert done.returncode == 0, done
        tree, document = docker_tree(tarfile.open(place))
        # What it mounts for RUN it leaves in the layer, which is one row of the page for all cases.
        for each in MOUNTED:
            if not (tree.get(each) or {}).get("content"):
                tree.pop(each, None)
        return tree, document["config"]


def seen(mine, theirs):
    if isinstance(theirs, str):
        return ["refused: " + theirs.strip().splitlines()[-1]]
    return differences(mine, theirs)


def test_the_same_images():
    wrong, engines = [], ["docker"]
    with Peers() as peers:
        if peers.buildah:
            engines.append("buildah")
        for name, dockerfile in CASES.items():
            if sys.argv[1:] and os.environ.get("CASE", name) != name:
                continue
            with open(peers.context + "/Dockerfile", "w") as out:
                out.write(whole(dockerfile))
            mine = peers.by_mete()
            assert not isinstance(mine, str), (name, mine)
            for engine in engines:
                found = seen(mine, peers.by_docker() if engine == "docker" else peers.by_buildah())
                expected = DIFFERENCES.get(name, {}).get(engine)
                if bool(found) != bool(expected):
                    wrong.append("%s, %s: expected %s, found\n    %s" % (name, engine, expected or "no difference", "\n    ".join(found) or "none"))
    assert len(CASES) >= 40 and not wrong, "\n".join(wrong)


def test_each_difference_has_its_reason():
    page = open(SOURCE + "/docs/build.md").read()
    for name, rows in DIFFERENCES.items():
        assert name in CASES, name
        for engine, reason in rows.items():
            assert any(reason in line and engine in line for line in page.splitlines() if line.startswith("|")), (name, engine, reason)


if __name__ == "__main__":
    need_root()
    if ctypes.CDLL(None, use_errno=True).unshare(0x40000000) != 0:
        skip("cannot make a network namespace")
    run_tests(sys.modules[__name__])
