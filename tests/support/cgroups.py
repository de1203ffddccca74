# SPDX-License-Identifier: Apache-2.0
"""Cgroups in whatever hierarchies this machine has: what v1 and v2 say in different files has one name here."""
import os
import subprocess
import sys
import time

from leftovers import cgroup_mounts, clean_up, made_cgroup

MiB = 1 << 20
# Whose memory controller it is; the others' may be the other version's (hybrid), so that their files are looked for.
V1 = os.path.isdir("/sys/fs/cgroup/memory")


def numbers(text):
    """"name 1\nother 2" as {"name": 1, "other": 2}"""
    return {name: int(value) for name, value in (line.split() for line in text.splitlines())}


class Cgroup:
    """The cgroup of this path. No file of these names: FileNotFoundError, so that wait_for() goes on waiting."""

    def __init__(self, path):
        self.path = path

    def file(self, *names):
        """The first of these that is there, whichever hierarchy has it."""
        for mount in cgroup_mounts():
            for name in names:
                if os.path.exists("%s%s/%s" % (mount, self.path, name)):
                    return "%s%s/%s" % (mount, self.path, name)
        raise FileNotFoundError("no %s of %s" % (" or ".join(names), self.path))

    def has(self, *names):
        try:
            return bool(self.file(*names))
        except FileNotFoundError:
            return False

    def read(self, *names):
        with open(self.file(*names)) as file:
            return file.read()

    def write(self, text, *names):
        with open(self.file(*names), "w") as file:
            file.write(text)

    def memory_limit(self):
        """In bytes; None: it has none."""
        text = self.read("memory.limit_in_bytes", "memory.max").strip()
        return None if text == "max" or int(text) > 1 << 60 else int(text)

    def memory_usage(self):
        return int(self.read("memory.usage_in_bytes", "memory.current"))

    def memory_peak(self):
        return int(self.read("memory.max_usage_in_bytes", "memory.peak"))

    def pids_max(self):
        text = self.read("pids.max").strip()
        return None if text == "max" else int(text)

    def cpu_quota(self):
        """In us of its period; None: it has none."""
        text = self.read("cpu.cfs_quota_us", "cpu.max").split()[0]
        return None if text in ("-1", "max") else int(text)

    def set_cpu_quota(self, quota):
        """v2's file with one number keeps the period."""
        self.write(str(quota), "cpu.cfs_quota_us", "cpu.max")

    def frozen(self):
        if self.has("cgroup.events"):
            return numbers(self.read("cgroup.events"))["frozen"] == 1
        return self.read("freezer.state") == "FROZEN\n"

    def thaw(self):
        self.write("0", "cgroup.freeze") if self.has("cgroup.freeze") else self.write("THAWED", "freezer.state")

    def freeze(self):
        self.write("1", "cgroup.freeze") if self.has("cgroup.freeze") else self.write("FROZEN", "freezer.state")

    def raise_memory_limit(self, limit):
        if self.has("memory.memsw.limit_in_bytes"):  # memory <= memory and swap, always
            self.write(str(limit), "memory.memsw.limit_in_bytes")
        self.write(str(limit), "memory.limit_in_bytes", "memory.max")

    def decided_before_the_kernel(self):
        """What onOOM hold and raise stand on: who runs out of memory waits (v1), or comes past memory.high first (v2)."""
        if V1:
            return numbers(self.read("memory.oom_control"))["oom_kill_disable"] == 1
        return self.read("memory.high") != "max\n"

    def out_of_memory(self):
        """Somebody waits for memory (v1), or has come past memory.high or up to memory.max (v2)."""
        if V1:
            return numbers(self.read("memory.oom_control"))["under_oom"] == 1
        events = numbers(self.read("memory.events"))
        return events["high"] + events["max"] > 0

    def oom_kills(self):
        """By the kernel. A container that v2 kills as a whole counts once, not once for each process."""
        if V1:
            return numbers(self.read("memory.oom_control"))["oom_kill"]
        events = numbers(self.read("memory.events"))
        return events["oom_group_kill" if self.read("memory.oom.group") == "1\n" else "oom_kill"]

    def io_limits(self):
        """{"8:0": {"wbps": 1048576}}: what is limited."""
        found = {}
        if self.has("io.max"):
            for line in self.read("io.max").splitlines():
                disk, *limits = line.split()
                found[disk] = {key: int(value) for key, value in (each.split("=") for each in limits) if value != "max"}
        for key, name in (("rbps", "read_bps"), ("wbps", "write_bps"), ("riops", "read_iops"), ("wiops", "write_iops")):
            if self.has("blkio.throttle.%s_device" % name):
                for line in self.read("blkio.throttle.%s_device" % name).splitlines():
                    disk, value = line.split()
                    found.setdefault(disk, {})[key] = int(value)
        return {disk: limits for disk, limits in found.items() if limits}

    def limit_writes(self, disk, bytes_per_second):
        if self.has("io.max"):
            self.write("%s wbps=%d" % (disk, bytes_per_second), "io.max")
        else:
            self.write("%s %d" % (disk, bytes_per_second), "blkio.throttle.write_bps_device")


class Foreign(Cgroup):
    """A cgroup as another program would make it, with a memory limit, in all hierarchies; removed at the end."""

    # Whatever a policy may write to.
    SETTINGS = ["memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.oom_control", "memory.soft_limit_in_bytes",
                "memory.max", "memory.high", "memory.swap.max", "memory.low", "memory.min", "memory.oom.group",
                "pids.max", "cpu.cfs_burst_us", "cpu.cfs_quota_us", "cpu.shares", "cpu.max", "cpu.max.burst", "cpu.weight",
                "blkio.throttle.read_bps_device", "blkio.throttle.write_bps_device", "blkio.throttle.read_iops_device", "blkio.throttle.write_iops_device",
                "io.max", "cgroup.freeze"]

    def __init__(self, limit=64 * MiB):
        super().__init__("/mete-foreign-%d-%d" % (os.getpid(), time.monotonic_ns() % 1000000))
        made_cgroup(self.path)
        self.processes = []
        self.directories = [mount + self.path for mount in cgroup_mounts()]
        for mount in cgroup_mounts():
            if os.path.exists(mount + "/cgroup.controllers"):  # v2 gives a child what its parent says
                with open(mount + "/cgroup.controllers") as file:
                    there = file.read().split()
                for each in {"cpu", "io", "memory", "pids"}.intersection(there):
                    with open(mount + "/cgroup.subtree_control", "w") as control:
                        control.write("+" + each)
        for directory in self.directories:
            os.mkdir(directory)
        self.write(str(limit), "memory.limit_in_bytes", "memory.max")
        for name in ("cpuset.cpus", "cpuset.mems"):  # v1: nobody may come before these are set
            if os.path.isdir("/sys/fs/cgroup/cpuset"):
                with open("/sys/fs/cgroup/cpuset/" + name) as machines:
                    self.write(machines.read(), name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.thaw()
        for process in self.processes:
            process.kill()
            process.wait()
        clean_up(cgroups=[self.path])

    def run(self, code):
        def join():
            for directory in self.directories:
                with open(directory + "/cgroup.procs", "w") as procs:
                    procs.write("0")
        process = subprocess.Popen([sys.executable, "-c", code], preexec_fn=join)
        self.processes.append(process)
        return process

    def settings(self):
        """Every control file that can be written, as bytes."""
        found = {}
        for name in filter(self.has, self.SETTINGS):
            with open(self.file(name), "rb") as file:
                text = file.read()
            found[name] = text.split(b"\n")[0] if name == "memory.oom_control" else text
        return found

    def with_memory_limit(self, settings, limit):
        """What settings() would be with that limit."""
        return {**settings, os.path.basename(self.file("memory.limit_in_bytes", "memory.max")): b"%d\n" % limit}


def memory_cgroup_of(pid):
    """Its path in the hierarchy that has the memory controller."""
    with open("/proc/%d/cgroup" % pid) as file:
        lines = [line.strip().split(":", 2) for line in file]
    return next(path for _, controllers, path in lines if (controllers.split(",").count("memory") if V1 else controllers == ""))
