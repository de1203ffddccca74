# SPDX-License-Identifier: Apache-2.0
"""A copy of mete-oci that may be lost, and a container from which a program reaches for it."""
import hashlib
import json
import os
import shutil
import sys
import sysconfig
import time

from waiting import SLOW, wait_for
from oci_bundle import PROGRAM, Oci

ALL = ["CAP_" + each for each in (
    "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK "
    "IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE "
    "AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE").split()]


class Attacked(Oci):
    """A copy of mete-oci that may be lost, and a container in which Python attacks it."""

    def __init__(self):
        super().__init__()
        os.makedirs(self.work + "/victims")
        self.program = self.victim("mete-oci", PROGRAM)
        self.secret = self.work + "/secret-of-the-host"
        with open(self.secret, "w") as file:
            file.write("secret\n")
        shutil.copy(os.path.dirname(__file__) + "/attacker.py", self.rootfs + "/attacker.py")
        self.python = os.path.realpath(sys.executable)
        folders = {"/usr", "/lib", "/lib64", sysconfig.get_config_var("installed_base")}
        self.python_mounts = [{"destination": each, "type": "bind", "source": each, "options": ["rbind", "ro"]} for each in folders if os.path.isdir(each)]
        self.hash = self.digest(self.program)

    def victim(self, name, path):
        shutil.copy(path, self.work + "/victims/" + name)
        os.chmod(self.work + "/victims/" + name, 0o755)
        return self.work + "/victims/" + name

    def victims(self):
        """All that the attacker may write to."""
        infos = [os.stat(self.work + "/victims/" + each) for each in os.listdir(self.work + "/victims")]
        return ",".join("%d:%d" % (each.st_dev, each.st_ino) for each in infos)

    @staticmethod
    def digest(path):
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()

    def process(self, **changes):
        return dict(self.config["process"], **changes)

    def with_rights(self, names):
        return {each: names for each in ("bounding", "effective", "permitted")}

    def attack(self, begin, rights=None, stop=False, seconds=4, until=None, calls_at_least=0):
        """Findings of the attacker while begin() is called over and over: for so long, and at least so many times."""
        process = self.process(noNewPrivileges=False, **({"capabilities": self.with_rights(rights)} if rights else {}))
        bundle = self.write("one", args=[self.python, "-I", "/attacker.py", self.secret, self.victims()] + (["stop"] if stop else []), process=process,
                            mounts=self.config["mounts"] + self.python_mounts)
        if os.path.exists(self.rootfs + "/tmp/looks"):
            os.remove(self.rootfs + "/tmp/looks")
        with open(self.work + "/attacker.out", "w") as out, open(self.work + "/attacker.err", "w") as err:
            attacker = self.begin("run", "--pid-file", self.work + "/pid", "--bundle", bundle, "one", stdout=out, stderr=err)
            wait_for("the attacker to run", lambda: self.status() == "running" and os.path.exists(self.work + "/pid"))
            wait_for("it to look", lambda: os.path.exists(self.rootfs + "/tmp/looks"))
            assert attacker.poll() is None, open(self.work + "/attacker.err").read()
            calls, end = 0, time.monotonic() + seconds * SLOW
            while (time.monotonic() < end or calls < calls_at_least) and not (until and until in open(self.work + "/attacker.out").read()):
                begin()
                calls += 1
            open(self.rootfs + "/tmp/stop", "w").close()
            attacker.wait(60 * SLOW)
        os.remove(self.rootfs + "/tmp/stop")
        text = open(self.work + "/attacker.out").read()
        found = [tuple(json.loads(line)) for line in text.splitlines()]
        assert found and found[-1][0] == "end", (text, open(self.work + "/attacker.err").read())
        return found, calls

    def first_pid(self):
        return open(self.work + "/pid").read()

    def unharmed(self):
        assert self.digest(self.program) == self.hash, "the container has overwritten mete-oci"


def kinds(found, *wanted):
    return [each for each in found if each[0] in wanted]
