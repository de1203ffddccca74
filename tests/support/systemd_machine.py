# SPDX-License-Identifier: Apache-2.0
"""systemd itself, as a container of mete-oci's: its root is an overlay over the machine's own, so that Debian's systemd is there, and its
cgroups are below one that the test makes and removes."""
import json
import os
import subprocess

from leftovers import cgroup_mounts, clean_up, made_cgroup
from mete_agent import BIN, wait_for, work_folder

CAPABILITIES = ["CAP_" + name for name in
                "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE NET_ADMIN SYS_CHROOT "
                "SYS_PTRACE SYS_ADMIN SYS_NICE MKNOD SETFCAP".split()]


class SystemdMachine:
    """`prepare(root)`: called when the root is mounted and nothing runs. `capabilities`: more of them."""

    def __init__(self, name, prepare, capabilities=()):
        self.group = "/mete-%s-test-%d" % (name, os.getpid())
        self.name, self.prepare = name, prepare
        self.capabilities = CAPABILITIES + ["CAP_" + each for each in capabilities]
        self.mounts = []

    def __enter__(self):
        self.work = work_folder("mete-%s-" % self.name)
        made_cgroup(self.group)
        self.oci = [BIN + "/mete-oci", "--root", self.work + "/state"]
        try:
            self.boot()
        except BaseException:
            self.__exit__()
            raise
        return self

    def mount(self, *arguments):
        subprocess.run(["mount", *arguments], check=True)
        self.mounts.append(arguments[-1])

    def config(self, config):
        """systemd's container interface: writable cgroups, /run and /tmp of its own, the rights of a manager."""
        config["root"] = {"path": self.root, "readonly": False}
        config["process"].update(args=["/lib/systemd/systemd", "--system", "--unit=basic.target", "--log-target=null"],
                                 env=["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "container=oci"], noNewPrivileges=False, rlimits=[], terminal=False)
        for kind in ("bounding", "effective", "permitted"):
            config["process"]["capabilities"][kind] = self.capabilities
        config["linux"].update(maskedPaths=[], readonlyPaths=[], cgroupsPath=self.group,
                               resources={"devices": [{"allow": True, "access": "rwm"}], "memory": {"limit": 512 << 20}, "pids": {"limit": 500}})
        for mount in config["mounts"]:
            if mount["type"] in ("cgroup", "sysfs"):
                mount["options"].remove("ro")
        for place in ("/run", "/run/lock", "/tmp"):
            config["mounts"].append({"destination": place, "type": "tmpfs", "source": "tmpfs", "options": ["mode=755", "nosuid", "nodev"]})
        return config

    def boot(self):
        self.upper, self.root = self.work + "/upper", self.work + "/root"
        os.makedirs(self.upper)
        os.makedirs(self.root)
        self.mount("-t", "tmpfs", "mete", self.upper)  # an overlay's upper directory may not itself be on an overlay
        os.makedirs(self.upper + "/up")
        os.makedirs(self.upper + "/work")
        self.mount("-t", "overlay", "overlay", "-o", "lowerdir=/,upperdir=%s/up,workdir=%s/work" % (self.upper, self.upper), self.root)
        os.makedirs(self.root + "/mete")
        self.prepare(self)
        subprocess.run([BIN + "/mete-oci", "spec", "--bundle", self.work], check=True)
        with open(self.work + "/config.json") as file:
            config = self.config(json.load(file))
        with open(self.work + "/config.json", "w") as file:
            json.dump(config, file)
        with open(self.work + "/log", "w") as log:
            subprocess.run(self.oci + ["run", "--detach", "--bundle", self.work, "machine"], check=True, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for("systemd", lambda: self.run("systemctl is-system-running").stdout.strip() in ("running", "degraded"), 180, 0.2)

    def run(self, script):
        return subprocess.run(self.oci + ["exec", "machine", "/bin/sh", "-c", "cd /mete; " + script], capture_output=True, text=True)

    def __exit__(self, *unused):
        subprocess.run(self.oci + ["delete", "--force", "machine"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for place in reversed(self.mounts):
            subprocess.run(["umount", "-l", place])
        left = [mount + self.group for mount in cgroup_mounts() if os.path.exists(mount + self.group)]
        clean_up([self.work], [self.group])
        assert not left, left
