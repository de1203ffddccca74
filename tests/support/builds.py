# SPDX-License-Identifier: Apache-2.0
"""Builds of images with `mete build`: contexts and base images made on the spot, and what an image holds in the end."""
import json
import os
import re
import shutil
import stat
import tempfile

from leftovers import clean_up, made_cgroup
from registries import Store

FOUR_LINES = "FROM ubuntu\nENV MY_SERVICE_PORT=80\nADD bin/amd64/httpserver /httpserver\nENTRYPOINT /httpserver\n"
TOOLS = ("sh", "cat", "ls", "ln", "rm", "mkdir", "chmod", "chown", "echo", "touch", "sleep", "id", "env", "mv", "cp", "test", "true", "false", "stat", "wget",
         "grep", "dd", "mknod", "mount", "ip", "httpd", "tail", "seq", "hostname", "pwd", "printf", "tar", "find", "nc")


def write_files(folder, files):
    """`files`: path -> content, or (content, mode); None is a folder, a path with -> a link."""
    for path, what in files.items():
        if " -> " in path:
            path, target = path.split(" -> ")
            os.makedirs(os.path.dirname(folder + "/" + path), exist_ok=True)
            os.symlink(target, folder + "/" + path)
            continue
        content, mode = what if isinstance(what, tuple) else (what, None)
        place = folder + "/" + path
        if content is None:
            os.makedirs(place, exist_ok=True)
        else:
            os.makedirs(os.path.dirname(place), exist_ok=True)
            with open(place, "wb") as out:
                out.write(content if isinstance(content, bytes) else content.encode())
        os.chmod(place, mode if mode is not None else 0o755 if content is None else 0o644)


def base_folder(folder):
    """A root file system with busybox's programs, and users root and app."""
    write_files(folder, {"bin": None, "tmp": (None, 0o1777), "root": (None, 0o700), "usr/lib": None, "var/run -> /run": None, "run": None,
                         "etc/passwd": "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001:app:/home/app:/bin/sh\n",
                         "etc/group": "root:x:0:\nstaff:x:50:app\napp:x:1001:\n", "etc/release": "base\n"})
    shutil.copy("/bin/busybox", folder + "/bin/busybox")
    for each in TOOLS:
        os.symlink("busybox", folder + "/bin/" + each)


class Builder(Store):
    """A store with the image ubuntu in it."""

    def __init__(self, base=True):
        super().__init__()
        self.parent = "/mete-build-test-%d-%s" % (os.getpid(), os.path.basename(self.work)[-6:])
        made_cgroup(self.parent)
        if base:
            root = self.work + "/ubuntu"
            os.makedirs(root)
            base_folder(root)
            self.mete("image", "import", root, "ubuntu")

    def context(self, files):
        folder = tempfile.mkdtemp(prefix="context-", dir=self.work)
        os.chmod(folder, 0o755)
        write_files(folder, files)
        return folder

    def options(self, *options):
        return ["build", "--cgroup-parent", self.parent, *options]

    def build(self, dockerfile, files=None, *options, name="made", check=True, **more):
        """Builds in a new context. `dockerfile` None: the context has one."""
        context = self.context({**({} if dockerfile is None else {"Dockerfile": dockerfile}), **(files or {})})
        return self.build_in(context, *options, name=name, check=check, **more)

    def build_in(self, context, *options, name="made", check=True, **more):
        return self.mete(*self.options(*(["-t", name] if name else []), *options, context), check=check, **more)

    def record(self, name="made"):
        return json.load(open("%s/images/images/%s.json" % (self.state, (name if ":" in name else name + ":latest").replace("/", "+"))))

    def document(self, name="made"):
        return json.load(open("%s/images/documents/%s.json" % (self.state, self.record(name)["id"])))

    def config(self, name="made"):
        return self.document(name)["config"]

    def tree(self, name="made"):
        return merged(["%s/images/layers/%s" % (self.state, each) for each in reversed(self.record(name)["layers"])])

    def changes(self, name="made", base="ubuntu"):
        """What the image has and its base does not have so."""
        before = self.tree(base)
        return {path: each for path, each in self.tree(name).items() if before.get(path) != each}

    def left(self):
        """What builds have left that is no image, no layer and no cache."""
        store = self.state + "/images"
        found = [each for folder in ("tmp", "incoming", "build/work") for each in (os.listdir(store + "/" + folder) if os.path.isdir(store + "/" + folder) else [])]
        mounts = [line for line in open("/proc/self/mountinfo") if self.work in line]
        return found + mounts + self.groups()

    def groups(self):
        return [folder for mount in ("/sys/fs/cgroup", "/sys/fs/cgroup/memory", "/sys/fs/cgroup/unified") for folder in
                ([mount + self.parent + "/" + each for each in os.listdir(mount + self.parent) if each.startswith("build-")] if os.path.isdir(mount + self.parent) else [])]

    def __exit__(self, *_):
        clean_up([self.work], [self.parent])


def entry_of(path):
    info = os.lstat(path)
    kind = stat.S_IFMT(info.st_mode)
    what = os.readlink(path) if kind == stat.S_IFLNK else open(path, "rb").read() if kind == stat.S_IFREG else None
    return {"kind": {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link", stat.S_IFIFO: "fifo"}.get(kind, "other"),
            "mode": stat.S_IMODE(info.st_mode), "owner": (info.st_uid, info.st_gid), "content": what}


def merged(layers):
    """The files of layers in overlayfs' form, lowest first: path -> kind, mode, owner, content."""
    tree = {}

    def drop(path):
        for each in [each for each in tree if each == path or each.startswith(path + "/")]:
            del tree[each]

    for layer in layers:
        for folder, folders, files in os.walk(layer):
            for name in sorted(folders + files):
                place = folder + "/" + name
                path = os.path.relpath(place, layer)
                info = os.lstat(place)
                if stat.S_ISCHR(info.st_mode) and info.st_rdev == 0:
                    drop(path)
                    continue
                hides = not stat.S_ISDIR(info.st_mode) or "trusted.overlay.opaque" in os.listxattr(place, follow_symlinks=False)
                if hides or tree.get(path, {}).get("kind") != "folder":
                    drop(path)
                tree[path] = entry_of(place)
    return tree


def refused(done, *words):
    assert done.returncode == 1, done
    assert all(each in done.stderr for each in words), done.stderr


def ids(done):
    return re.findall(r"^ ---> ([0-9a-f]{12})$", done.stdout, re.M)
