# SPDX-License-Identifier: Apache-2.0
"""One container of a bundle on one OCI runtime, from create to delete, and all that can be seen of it: by the probe inside (oci_probe.cpp), from
outside, and of what is left. What is seen is {key: text}, of two runtimes to be compared by its keys."""
import ctypes
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import time

from leftovers import cgroup_mounts, remove_cgroup, unmount_below

LIBC = ctypes.CDLL(None, use_errno=True)
SECONDS = 60
# Of the machine's own, by the version of cgroups; a v1 view has not all of them.
CONTROLS = ("memory.limit_in_bytes memory.memsw.limit_in_bytes memory.soft_limit_in_bytes memory.swappiness memory.oom_control cpu.shares cpu.cfs_quota_us "
            "cpu.cfs_period_us cpu.cfs_burst_us cpu.idle cpuset.cpus cpuset.mems pids.max blkio.throttle.read_bps_device blkio.throttle.write_bps_device "
            "blkio.throttle.read_iops_device blkio.throttle.write_iops_device devices.list").split()


class V1View:
    """A mount namespace in which the v1 hierarchies stand alone: crun 1.8.1 refuses a machine that has both versions. Made after the mounts of the
    test: it is private."""

    def __init__(self):
        lines = [line.split() for line in open("/proc/self/mounts")]
        names = {"cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids", "net_cls", "net_prio", "perf_event", "hugetlb", "rdma", "misc"}
        script = "set -e; mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup; "
        for _, where, kind, options, *_ in lines:
            if kind != "cgroup":
                continue
            chosen = [each for each in options.split(",") if each in names or each.startswith("name=")]
            script += "mkdir {0}; mount -t cgroup -o {1} cgroup {0}; ".format(where, ",".join((["none"] if chosen[0].startswith("name=") else []) + chosen))
        self.process = subprocess.Popen(["unshare", "-m", "--propagation", "private", "sh", "-c", script + "echo ready; exec sleep 100000"], stdout=subprocess.PIPE, text=True)
        self.made = self.process.stdout.readline() == "ready\n"
        self.namespace = os.open("/proc/%d/ns/mnt" % self.process.pid, os.O_RDONLY | os.O_CLOEXEC)

    def enter(self):
        if LIBC.setns(self.namespace, 0) != 0:
            os._exit(98)

    def close(self):
        os.close(self.namespace)
        self.process.kill()
        self.process.wait()


class Runtime:
    def __init__(self, name, program, view=None):
        self.name, self.program, self.view = name, program, view

    def call(self, place, word, *words):
        """(exit code, what it said); 124 when it does not return. Its output is the file of its name: the container goes on with that of `create`."""
        out_path, err_path = place.work + "/out-" + word, place.work + "/err-" + word
        # Not the null device: crun gives it to the users of the container.
        with open(os.path.join(place.work, "empty"), "a+") as nothing, open(out_path, "wb") as out, open(err_path, "wb") as err:
            process = subprocess.Popen([self.program, "--root", place.work + "/state-" + self.name, word, *words], stdin=nothing, stdout=out, stderr=err,
                                       cwd=place.bundle, preexec_fn=self.view.enter if self.view else None)
            try:
                code = process.wait(SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                code = 124
        return code, read(err_path)


def read(path):
    try:
        with open(path, errors="replace") as file:
            return file.read().strip()
    except OSError as error:
        return os.strerror(error.errno)


def observe(runtime, place, name="c"):
    """({key: text}, what the runtime said). The container's command has to end by itself."""
    place.renew()
    seen, all_said = {}, []

    def step(word, *words):
        code, said = runtime.call(place, word, *words)
        seen[word] = "done" if code == 0 else "failed"
        all_said.append(said)
        return code == 0
    if step("create", "--bundle", place.bundle, "--pid-file", place.work + "/pid", name):
        pid = int(read(place.work + "/pid"))
        seen.update(outside(pid, place))
        if not step("start", name):
            os.kill(pid, signal.SIGKILL)
        seen["end"] = end_of(pid)
        seen.update(inside(read(place.work + "/out-create"), place))
        if step("state", name):
            seen.update(state_of(json.loads(read(place.work + "/out-state"))))
        step("delete", name)
    seen.update(left_over(place))
    if seen.get("delete") != "done":
        runtime.call(place, "delete", "--force", name)
    place.clear()
    return seen, "\n".join(filter(None, all_said))


def end_of(pid):
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        try:
            done, status = os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            return "somebody else's child"
        if done:
            return "signal %d" % os.WTERMSIG(status) if os.WIFSIGNALED(status) else "exit %d" % os.WEXITSTATUS(status)
        time.sleep(0.001)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return "never"


NAMESPACES = ("mnt", "pid", "net", "ipc", "uts", "cgroup", "user", "time")


def outside(pid, place):
    seen = {}
    for name in NAMESPACES:
        found = os.readlink("/proc/%d/ns/%s" % (pid, "pid" if name == "pid" else name))
        others = {os.stat(path).st_ino: kind for kind, path in place.namespaces.items()}
        number = int(found.split("[")[1].rstrip("]"))
        seen["namespace " + name] = "host's" if found == os.readlink("/proc/self/ns/" + name) else "that of the path" if number in others else "own"
    for name in ("uid_map", "gid_map", "setgroups"):
        seen[name] = " ".join(read("/proc/%d/%s" % (pid, name)).split())
    groups = [line.split(":", 2) for line in read("/proc/%d/cgroup" % pid).splitlines()]
    seen["cgroups"] = " ".join(sorted(set(path for number, names, path in groups if number != "0" and not names.startswith("net_"))))
    for mount in cgroup_mounts():
        for name in CONTROLS:
            if os.path.exists(mount + place.group + "/" + name):
                seen["control " + name] = " ".join(sorted(read(mount + place.group + "/" + name).splitlines()))
    return seen


# What a v1 view and a machine with both versions do not both have.
OTHER_HIERARCHIES = ("unified", "net_cls", "net_prio", "systemd")
# Of a file system's own options, those that a configuration can name.
NAMED_OPTIONS = ("size=", "ptmxmode=")


def inside(text, place):
    """What the probe says. Its last lines are those of mountinfo."""
    seen, mounts = {}, []
    for line in text.splitlines():
        mount = re.match(r"(\d+) (\d+) \d+:\d+ (\S+) (\S+) (\S+) (.*?)- (\S+) (\S+) (\S+)", line)
        if mount is None:
            key, _, value = line.partition(": ")
            seen[key] = value
        elif os.path.basename(mount[4]) not in OTHER_HIERARCHIES:
            mounts.append(mount.groups())
    points = {each[3] for each in mounts}
    for number, _, *of_mount in mounts:
        # The kernel lists them as they were made, not as they stand on top of each other.
        if not any(above == number and other[1] == of_mount[1] for _, above, *other in mounts):
            seen.update(mount_of(*of_mount))
    seen["mount points"] = " ".join(sorted(points))
    if "names /sys/fs/cgroup" in seen:
        seen["names /sys/fs/cgroup"] = " ".join(each for each in seen["names /sys/fs/cgroup"].split() if each not in OTHER_HIERARCHIES)
    for name, clock in (("clock monotonic", time.CLOCK_MONOTONIC), ("clock boottime", time.CLOCK_BOOTTIME)):
        if name in seen:
            seen[name] = str(round((int(seen[name]) - time.clock_gettime(clock)) / 200) * 200)
    return seen


def mount_of(root, point, options, kinds, kind, source, more):
    kinds = " ".join(sorted(each.split(":")[0] for each in kinds.split()))
    if root.endswith("/null"):
        return {"mount " + point: "the null device " + kinds}
    seen = {"mount " + point: "%s %s %s" % (kind, ",".join(sorted(options.split(","))), kinds)}
    if root != "/" and not point.startswith("/sys/fs/cgroup"):
        seen["mounted at " + point] = root
    named = ",".join(sorted(each for each in more.split(",") if each.startswith(NAMED_OPTIONS)))
    if named not in ("", "size=0k"):  # crun's cover of a masked folder
        seen["options of " + point] = named
    return seen


def state_of(state):
    return {"state " + each: json.dumps(state.get(each) or None, sort_keys=True) for each in ("id", "status", "bundle", "annotations")}


def left_over(place):
    seen = {"cgroups left": " ".join(sorted(mount for mount in cgroup_mounts() if os.path.isdir(mount + place.group)))}
    seen["mounts left"] = str(sum(place.rootfs in line.split()[4] for line in open("/proc/self/mountinfo")))
    for path in sorted(glob.glob(place.work + "/hook-*")):
        seen[os.path.basename(path)] = read(path)
        os.unlink(path)
    made = []
    for folder, folders, files in os.walk(place.rootfs):
        for name in folders + files:
            path = folder + "/" + name
            if path not in place.image:
                info = os.lstat(path)
                made.append("%s %o %d:%d" % (path[len(place.rootfs):], info.st_mode, info.st_uid, info.st_gid))
    for each in made:
        seen["made in the image " + each.split()[0]] = each
    return seen


class Place:
    """A bundle whose root file system is made anew for each container. `sources`: what a configuration may bind."""

    def __init__(self, work, group, probe):
        self.work, self.group, self.namespaces = work, group, {}
        os.chmod(work, 0o755)
        self.bundle, self.rootfs, self.sources = work + "/bundle", work + "/bundle/rootfs", work + "/sources"
        self.image, self.owner = set(), 0
        os.makedirs(self.bundle)
        shutil.copy(probe, work + "/probe")
        os.makedirs(self.sources + "/folder/inner")
        for each in ("limited", "nest/inner"):
            os.makedirs(self.sources + "/" + each)
        for each in ("file", "folder/file"):
            with open(self.sources + "/" + each, "w") as file:
                file.write("of the host\n")
        subprocess.run(["mount", "-t", "tmpfs", "-o", "noexec,nosuid,nodev,noatime", "limited", self.sources + "/limited"], check=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "nodev,mode=755", "nested", self.sources + "/nest/inner"], check=True)

    def renew(self):
        self.clear()
        for name in ("bin", "dev", "etc", "proc", "sys", "tmp", "run", "data"):
            os.makedirs(self.rootfs + "/" + name)
        os.chmod(self.rootfs + "/tmp", 0o1777)
        os.chmod(self.rootfs + "/data", 0o751)
        os.link(self.work + "/probe", self.rootfs + "/probe")
        for name, text in (("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n"), ("data/file", "of the image\n")):
            with open(self.rootfs + "/" + name, "w") as file:
                file.write(text)
        os.symlink("/data", self.rootfs + "/link")
        os.symlink("../data/file", self.rootfs + "/etc/link")
        self.image = set()
        for folder, folders, files in os.walk(self.rootfs):
            os.lchown(folder, self.owner, self.owner)
            for name in folders + files:
                self.image.add(folder + "/" + name)
                if name != "probe":
                    os.lchown(folder + "/" + name, self.owner, self.owner)

    def clear(self):
        unmount_below(self.rootfs)
        shutil.rmtree(self.rootfs, ignore_errors=True)
        remove_cgroup(self.group)
