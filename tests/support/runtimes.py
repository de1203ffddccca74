# SPDX-License-Identifier: Apache-2.0
"""dockerd, containerd and podman of the test's own: their own folders and sockets, no network, one container each."""
import io
import json
import os
import shutil
import subprocess
import tarfile
import time

from child_process import stop
from leftovers import unmount_below
from mete_agent import skip, wait_for

QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.STDOUT}


def need(*programs):
    for each in programs:
        if shutil.which(each) is None:
            skip("needs %s (Debian's docker.io, containerd, podman, runc)" % each)


def busybox_rootfs(path):
    """A tar archive of a root with busybox."""
    with tarfile.open(path, "w") as archive:
        for name in ("bin", "etc", "proc", "sys", "dev", "tmp", "run"):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(entry)
        archive.add("/bin/busybox", "bin/busybox")
        for name in subprocess.run(["/bin/busybox", "--list"], capture_output=True, text=True, check=True).stdout.split():
            if name == "busybox":
                continue
            entry = tarfile.TarInfo("bin/" + name)
            entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(entry)
        for name, text in (("etc/passwd", b"root:x:0:0:root:/:/bin/sh\nuser:x:1000:1001::/tmp:/bin/sh\n"), ("etc/group", b"root:x:0:\nteam:x:7:user\n")):
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text))


def docker_archive(path, rootfs, tag):
    """The same as an image that `docker load` and `ctr image import` take."""
    import hashlib
    layer = open(rootfs, "rb").read()
    digest = hashlib.sha256(layer).hexdigest()
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Cmd": ["/bin/sleep", "600"]},
                         "created": "2024-02-29T12:34:56Z", "history": [{"created": "2024-02-29T12:34:56Z", "created_by": "busybox"}],
                         "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest]}}).encode()
    name = hashlib.sha256(config).hexdigest()
    manifest = json.dumps([{"Config": name + ".json", "RepoTags": [tag], "Layers": [digest + "/layer.tar"]}]).encode()
    with tarfile.open(path, "w") as archive:
        for file, data in ((name + ".json", config), (digest + "/layer.tar", layer), ("manifest.json", manifest)):
            entry = tarfile.TarInfo(file)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))


class Daemon:
    """A program in the foreground until the end of the `with`."""

    def __init__(self, name, command, work, ready):
        self.log = work + "/" + name + ".log"
        self.name, self.command, self.ready = name, command, ready

    def __enter__(self):
        self.out = open(self.log, "w")
        self.process = subprocess.Popen(self.command, stdout=self.out, stderr=self.out, stdin=subprocess.DEVNULL)

        def up():
            assert self.process.poll() is None, self.name + " ended: " + open(self.log).read()[-2000:]
            return self.ready()
        try:
            wait_for(self.name, up, every=0.2)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *unused):
        stop(self.process)
        self.out.close()


class Docker:
    def __init__(self, work, tag="docker.example/team/sleeper:1.0", before=(), options=(), bridge=False):
        """`before`: words before the daemon's command, such as nsenter's. `bridge`: with docker's own networks, which is for a network
        namespace of the test's own."""
        need("dockerd", "docker", "containerd", "runc")
        self.work, self.tag = work + "/docker", tag
        os.makedirs(self.work)
        self.socket = self.work + "/docker.sock"
        socket = "unix://" + self.socket
        self.client = ["docker", "-H", socket]
        network = [] if bridge else ["--bridge=none", "--iptables=false"]
        self.daemon = Daemon("dockerd", [*before, "dockerd", *options, "--data-root", self.work + "/data", "--exec-root", self.work + "/exec", "-H", socket,
                                         "--pidfile", self.work + "/pid", *network, "--exec-opt", "native.cgroupdriver=cgroupfs"],
                             work, lambda: subprocess.run(self.client + ["info"], **QUIET).returncode == 0)
        self.ids = []

    def __enter__(self):
        self.daemon.__enter__()
        busybox_rootfs(self.work + "/rootfs.tar")
        docker_archive(self.work + "/image.tar", self.work + "/rootfs.tar", self.tag)
        subprocess.run(self.client + ["load", "-i", self.work + "/image.tar"], check=True, **QUIET)
        return self

    def run(self, name, *options, command=()):
        done = subprocess.run(self.client + ["run", "-d", "--net=none", "--name", name, *options, self.tag, *command], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        self.ids.append(done.stdout.strip())
        return self.ids[-1]

    def remove(self, container):
        subprocess.run(self.client + ["rm", "-f", container], check=True, **QUIET)
        self.ids.remove(container)

    def __exit__(self, *unused):
        for each in self.ids:
            subprocess.run(self.client + ["rm", "-f", each], **QUIET)
        self.daemon.__exit__()
        unmount_below(self.work)


class Containerd:
    def __init__(self, work, tag="containerd.example/team/sleeper:2.0"):
        need("containerd", "ctr", "runc")
        self.work, self.tag = work + "/containerd", tag
        os.makedirs(self.work)
        address = self.work + "/containerd.sock"
        with open(self.work + "/config.toml", "w") as config:
            config.write('version = 2\nroot = "%s/root"\nstate = "%s/state"\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\naddress = "%s"\n'
                         % (self.work, self.work, address))
        self.client = ["ctr", "--address", address]
        self.daemon = Daemon("containerd", ["containerd", "--config", self.work + "/config.toml"], work,
                             lambda: subprocess.run(self.client + ["version"], **QUIET).returncode == 0)
        self.ids = []

    def __enter__(self):
        self.daemon.__enter__()
        busybox_rootfs(self.work + "/rootfs.tar")
        docker_archive(self.work + "/image.tar", self.work + "/rootfs.tar", self.tag)
        subprocess.run(self.client + ["image", "import", self.work + "/image.tar"], check=True, **QUIET)
        return self

    def run(self, name, *options):
        done = subprocess.run(self.client + ["run", "-d", *options, self.tag, name, "/bin/sleep", "600"], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        self.ids.append(name)
        return name

    def __exit__(self, *unused):
        for each in self.ids:
            subprocess.run(self.client + ["task", "kill", "-s", "SIGKILL", each], **QUIET)
            for _ in range(100):  # until its end has been noticed
                if subprocess.run(self.client + ["task", "rm", "-f", each], **QUIET).returncode == 0:
                    break
                time.sleep(0.1)
            subprocess.run(self.client + ["container", "rm", each], **QUIET)
        self.daemon.__exit__()
        unmount_below(self.work)


class Podman:
    def __init__(self, work, tag="podman.example/team/sleeper:3.0"):
        need("podman", "conmon", "runc")
        self.work, self.tag = work + "/podman", tag
        os.makedirs(self.work)
        self.client = ["podman", "--root", self.work + "/root", "--runroot", self.work + "/run", "--tmpdir", self.work + "/tmp",
                       "--runtime", "runc", "--cgroup-manager", "cgroupfs", "--events-backend", "none"]
        self.ids = []

    def __enter__(self):
        busybox_rootfs(self.work + "/rootfs.tar")
        subprocess.run(self.client + ["import", "-c", 'CMD ["/bin/sleep", "600"]', self.work + "/rootfs.tar", self.tag], check=True, **QUIET)
        return self

    def run(self, name, *options):
        done = subprocess.run(self.client + ["run", "-d", "--net=none", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1000:1000",
                                             "--name", name, *options, self.tag, "/bin/sleep", "600"], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        self.ids.append(done.stdout.strip())
        return self.ids[-1]

    def __exit__(self, *unused):
        for each in self.ids:
            subprocess.run(self.client + ["rm", "-f", "-t", "0", each], **QUIET)
        unmount_below(self.work)
