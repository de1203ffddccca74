# SPDX-License-Identifier: Apache-2.0
"""An agent with a storage driver of the test's choice, on a file system of its own where that matters."""
import contextlib
import fcntl
import os
import re
import signal
import struct
import subprocess

from mete_agent import Agent, skip_case, wait_for, with_config

MB = 1 << 20
LAYERED, WHOLE = ("overlay", "erofs"), ("btrfs", "vfs", "devicemapper")
# A file system with project quotas is "prjquota".
MKFS = {"btrfs": ("mkfs.btrfs", "-q"), "ext4": ("mkfs.ext4", "-q", "-m", "0"), "prjquota": ("mkfs.ext4", "-q", "-m", "0", "-O", "quota,project")}

# Removed subvolumes are given back with a commit, by default each 30 s.
MOUNT = {"btrfs": ("btrfs", "loop,commit=1"), "ext4": ("ext4", "loop"), "prjquota": ("ext4", "loop,prjquota")}
THIN_POOL = ", thinPool: {size: 300Mi, rootSize: 96Mi}"


class StorageAgent(Agent):
    def __init__(self, driver="overlay", limits="evict", on=None):
        """`on`: the file system of its state, of MKFS, in a file on a loop device. The driver btrfs needs its own."""
        super().__init__()
        self.driver = driver
        on = on or ("btrfs" if driver == "btrfs" else None)
        if on:
            self.put_on(on)
        self.options = with_config(self, "storage: {driver: %s, ephemeralStorage: %s%s}\n" % (driver, limits, THIN_POOL if driver == "devicemapper" else ""))

    def put_on(self, kind):
        image, before = self.work + "/disk", self.work + "/state-before"
        with open(image, "wb") as out:
            out.truncate(512 * MB)
        subprocess.run([*MKFS[kind], image], check=True, capture_output=True)
        os.rename(self.state, before)
        os.mkdir(self.state)
        type_of, options = MOUNT[kind]
        done = subprocess.run(["mount", "-t", type_of, "-o", options, image, self.state], capture_output=True, text=True)
        if done.returncode != 0:
            self.close()
            skip_case("this kernel mounts no %s: %s" % ("ext4 with project quotas (CONFIG_QUOTA)" if kind == "prjquota" else kind, done.stderr.strip()))
        subprocess.run(["cp", "-a", before + "/.", self.state], check=True)

    def begin_or_skip(self, *more):
        """Skips the case, with the driver's own words, where the kernel does not have it."""
        try:
            return self.start(*self.options, *more)
        except AssertionError as error:
            found = re.search(r"storage driver [a-z]+: found (a kernel without|no program) .*", str(error))
            if not found:
                raise
            self.close()
            skip_case(found.group())

    def place(self, name):
        return self.container(name)["directory"]

    def sh(self, name, script):
        return self.mete("exec", name, "--", "/bin/sh", "-c", script)

    def inside(self, name, path):
        """A file of the running container, as the machine sees it."""
        return "/proc/%d/root%s" % (self.container(name)["pid"], path)

    def tree(self, name):
        """The whole root of a container, with the drivers that have one."""
        return self.place(name) + ("/thin/tree" if self.driver == "devicemapper" else "/tree")

    def loops(self):
        """Files below the state folder that loop devices are made of for containers, not for images."""
        return [each for each in loop_files() if each.startswith(self.state + "/") and not each.startswith(self.state + "/storage/erofs/") and not each.endswith("/pool.img")]

    # Of the driver devicemapper, as another program sees it.
    def book(self):
        """(the pool's name, the folders of its volumes by number); an empty name: there is no pool."""
        name, volumes = "", {}
        with contextlib.suppress(FileNotFoundError), open(self.state + "/storage/devicemapper/book") as book:
            for line in book:
                kind, *words = line.rstrip("\n").split(" ", 3)
                if kind == "pool":
                    name = "mete-" + words[0]
                if kind == "volume":
                    volumes[int(words[0])] = words[2]
        return name, volumes

    def devices(self):
        """Those of its pool, by `dmsetup`."""
        name, _ = self.book()
        listed = subprocess.run(["dmsetup", "ls"], capture_output=True, text=True, check=True).stdout
        return sorted(line.split()[0] for line in listed.splitlines() if name and line.startswith(name + "-"))

    def pool_bytes(self):
        """What is used of the pool's data."""
        said = subprocess.run(["dmsetup", "status", self.book()[0] + "-pool"], capture_output=True, text=True, check=True).stdout
        return int(said.split()[5].split("/")[0]) * (64 << 10)

    def remove_devices(self):
        """As a boot does: what is mounted goes first."""
        name, volumes = self.book()
        for each in self.mounts():
            if each.endswith("/thin"):
                subprocess.run(["umount", each], check=False, capture_output=True)
        for part in [*volumes, "pool", "data", "meta"]:
            subprocess.run(["dmsetup", "remove", "--retry", "%s-%s" % (name, part)], check=False, capture_output=True)

    def close(self):
        if self.driver == "devicemapper" and self.book()[0]:
            if self.process is not None and self.process.poll() is None:
                self.kill()
            self.end_shims()
            self.remove_devices()
        super().close()

    def end_shims(self):
        """What runs in containers has their devices open."""
        for pid, _ in self.processes():
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(AssertionError):
            wait_for("the shims to end", lambda: not self.processes(), 10)

    def wait_for_nothing(self):
        """No pod is left, and nothing on the machine that was made for one."""
        wait_for("the pods to be gone", lambda: not os.listdir(self.state + "/pods"))
        wait_for("the loop devices to be gone", lambda: not self.loops())
        wait_for("the volumes to be gone", lambda: set(self.book()[1].values()) <= {"images"})
        assert [each for each in self.mounts() if "/pods/" in each or "/templates/" in each] == []


def loop_files():
    found = []
    for name in os.listdir("/sys/block"):
        with contextlib.suppress(OSError):
            with open("/sys/block/%s/loop/backing_file" % name) as file:
                found.append(file.read().strip())
    return found


def blocks(path):
    """Bytes that are allocated."""
    return os.lstat(path).st_blocks * 512


def extents(path):
    """The place on the disk and the length of each (FIEMAP, Documentation/filesystems/fiemap.rst)."""
    most, head, each = 256, 32, 56
    data = bytearray(struct.pack("=QQLLLL", 0, 2**64 - 1, 1, 0, most, 0) + bytes(most * each))  # 1: FIEMAP_FLAG_SYNC
    with open(path, "rb") as file:
        fcntl.ioctl(file, 0xC020660B, data, True)  # FS_IOC_FIEMAP
    count = struct.unpack_from("=L", data, 20)[0]
    return [struct.unpack_from("=QQ", data, head + each * i + 8) for i in range(count)]
