# SPDX-License-Identifier: Apache-2.0
"""An agent with a storage driver of the test's choice, on a file system of its own where that matters."""
import contextlib
import fcntl
import os
import re
import struct
import subprocess

from mete_agent import Agent, skip_case, wait_for, with_config

MB = 1 << 20
LAYERED, WHOLE = ("overlay", "erofs"), ("btrfs", "vfs")
MKFS = {"btrfs": ("mkfs.btrfs", "-q"), "ext4": ("mkfs.ext4", "-q", "-m", "0")}

MOUNT = {"btrfs": ",commit=1"}  # removed subvolumes are given back with a commit, by default each 30 s


class StorageAgent(Agent):
    def __init__(self, driver="overlay", limits="evict", on=None):
        """`on`: the file system of its state, "ext4" or "btrfs", in a file on a loop device. The driver btrfs needs the latter."""
        super().__init__()
        on = on or ("btrfs" if driver == "btrfs" else None)
        if on:
            self.put_on(on)
        self.options = with_config(self, "storage: {driver: %s, ephemeralStorage: %s}\n" % (driver, limits))

    def put_on(self, kind):
        image, before = self.work + "/disk", self.work + "/state-before"
        with open(image, "wb") as out:
            out.truncate(512 * MB)
        subprocess.run([*MKFS[kind], image], check=True, capture_output=True)
        os.rename(self.state, before)
        os.mkdir(self.state)
        done = subprocess.run(["mount", "-t", kind, "-o", "loop" + MOUNT.get(kind, ""), image, self.state], capture_output=True, text=True)
        if done.returncode != 0:
            self.close()
            skip_case("this kernel mounts no %s: %s" % (kind, done.stderr.strip()))
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

    def loops(self):
        """Files below the state folder that loop devices are made of."""
        return [each for each in loop_files() if each.startswith(self.state + "/")]

    def wait_for_nothing(self):
        """No pod is left, and nothing on the machine that was made for one."""
        wait_for("the pods to be gone", lambda: not os.listdir(self.state + "/pods"))
        wait_for("the loop devices to be gone", lambda: not self.loops())
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
