# SPDX-License-Identifier: Apache-2.0
"""mete-oci on a bundle, a state root and a cgroup parent of the test's own; and what is left of them."""
import ctypes
import json
import os
import shutil
import subprocess
import tempfile
import time

from leftovers import cgroup_mounts, clean_up, made_cgroup
from mete_agent import BIN, need_root, skip, work_folder
from two_runtimes import Done

PROGRAM = os.environ.get("METE_OCI", BIN + "/mete-oci")
PR_SET_CHILD_SUBREAPER = 36


class Oci:
    def __init__(self):
        need_root()
        if not os.path.exists(PROGRAM):
            skip("needs " + PROGRAM)
        self.program = PROGRAM
        self.begun = []
        self.work = work_folder("mete-bundle-")
        self.root = self.work + "/state"
        self.bundle = self.work + "/bundle"
        self.rootfs = self.bundle + "/rootfs"
        self.parent = "/" + os.path.basename(self.work)
        made_cgroup(self.parent)
        for name in ("bin", "etc", "proc", "sys", "dev", "tmp", "run", "root"):
            os.makedirs(self.rootfs + "/" + name)
        shutil.copy("/bin/busybox", self.rootfs + "/bin/busybox")
        for name in subprocess.run(["/bin/busybox", "--list"], capture_output=True, text=True, check=True).stdout.split():
            if name != "busybox":
                os.symlink("busybox", self.rootfs + "/bin/" + name)
        self.oci("spec", "--bundle", self.bundle)
        with open(self.bundle + "/config.json") as file:
            self.config = json.load(file)
        self.config["process"]["env"] = ["PATH=/bin"]
        self.config["process"]["terminal"] = False
        self.config["root"]["readonly"] = False
        # A container whose creator has ended is ours then, so that its end is seen, and nobody else has to reap it.
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        for each in self.containers():
            self.oci("delete", "--force", each, check=False)
        self.reap()
        clean_up([self.work], [self.parent])

    # A bundle for each container, because each names its own cgroup.
    def write(self, name="one", script=None, args=None, **changes):
        """The bundle's folder; `changes` replace top-level parts of the configuration, but for the command and the cgroup."""
        folder = self.work + "/bundles/" + name
        os.makedirs(folder, exist_ok=True)
        config = json.loads(json.dumps({**self.config, **changes}))
        config["root"]["path"] = self.rootfs
        config["linux"]["cgroupsPath"] = self.parent + "/" + name
        config["process"]["args"] = args or ["sh", "-c", script if script is not None else "sleep 600"]
        with open(folder + "/config.json", "w") as file:
            json.dump(config, file)
        return folder

    def words(self, *words):
        return [self.program, "--root", self.root, *words]

    def begin(self, *words, **how):
        how.setdefault("stdin", subprocess.DEVNULL)
        how.setdefault("stdout", subprocess.DEVNULL)
        how.setdefault("stderr", subprocess.PIPE)
        self.begun = [each for each in self.begun if each.returncode is None] + [subprocess.Popen(self.words(*words), **how)]
        return self.begun[-1]

    def oci(self, *words, check=True, seconds=300, **how):
        """Output goes to files: a container that goes on has them open, and a pipe would not end."""
        with tempfile.TemporaryFile(dir=self.work) as out, tempfile.TemporaryFile(dir=self.work) as err:
            how.setdefault("stdin", subprocess.DEVNULL)
            code = subprocess.run(self.words(*words), stdout=out, stderr=err, timeout=seconds, **how).returncode
            for file in (out, err):
                file.seek(0)
            done = Done(code, out.read().decode(errors="replace"), err.read().decode(errors="replace"))
        if check and done.code != 0:
            raise AssertionError("mete-oci %s: %r" % (" ".join(words), done))
        return done

    def run(self, script=None, name="one", check=True, args=None, **changes):
        return self.oci("run", "--bundle", self.write(name, script, args, **changes), name, check=check)

    def create(self, name="one", script=None, args=None, **changes):
        self.oci("create", "--bundle", self.write(name, script, args, **changes), "--pid-file", self.work + "/pid-" + name, name)
        return int(open(self.work + "/pid-" + name).read())

    def started(self, name="one", script=None, **changes):
        pid = self.create(name, script, **changes)
        self.oci("start", name)
        return pid

    def status(self, name="one"):
        done = self.oci("state", name, check=False)
        return json.loads(done.out)["status"] if done.code == 0 else "none"

    def containers(self):
        return os.listdir(self.root) if os.path.isdir(self.root) else []

    # What is there of all this, one line each.
    def leftovers(self, seconds=30):
        end = time.monotonic() + seconds
        while True:
            self.reap()
            found = (["state " + each for each in self.containers()] + ["cgroup " + each for each in self.cgroups()] +
                     ["process " + each for each in self.processes()] + ["mount " + each for each in self.mounts()])
            if not found or time.monotonic() > end:
                return found
            time.sleep(0.05)

    def cgroups(self):
        found = []
        for mount in cgroup_mounts():
            for folder, below, _ in os.walk(mount + self.parent):
                found += [folder + "/" + each for each in below]
        return found

    def processes(self):
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                command = open("/proc/%s/cmdline" % pid).read().replace("\0", " ")
                cgroup = open("/proc/%s/cgroup" % pid).read()
            except OSError:
                continue
            if zombie(int(pid)):
                continue  # its cgroup and its id are free
            if (self.program in command and self.work in command) or self.parent + "/" in cgroup:
                found.append("%s %s" % (pid, command.strip()))
        return found

    def mounts(self):
        return [line.split()[4] for line in open("/proc/self/mountinfo") if self.work in line]

    def reap(self):
        """Those who became ours; a call that was begun is left to whoever waits for it."""
        own = {each.pid for each in self.begun if each.returncode is None}
        for pid in children():
            if pid not in own and zombie(pid):
                try:
                    os.waitpid(pid, os.WNOHANG)
                except ChildProcessError:
                    pass


def children():
    return [int(pid) for pid in open("/proc/self/task/%d/children" % os.getpid()).read().split()]


def zombie(pid):
    try:
        return open("/proc/%d/stat" % pid).read().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return False
