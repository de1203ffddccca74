# SPDX-License-Identifier: Apache-2.0
"""config.json files of random fields that a runtime can be asked for on this machine. Pure but for what it asks the machine once."""
import os
import random
import re
import resource

from oci_random_mounts import RandomMounts

FIRST_ID, IDS = 100000, 65536
MIB = 1 << 20
CAPABILITIES = ("CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW "
                "IPC_LOCK IPC_OWNER SYS_CHROOT SYS_PTRACE SYS_ADMIN SYS_NICE SYS_TIME MKNOD LEASE AUDIT_WRITE SETFCAP SYSLOG").split()
RLIMITS = {"CORE": 0, "CPU": 100, "DATA": 64 * MIB, "FSIZE": MIB, "LOCKS": 0, "MEMLOCK": 0, "MSGQUEUE": 0, "NICE": 0, "NOFILE": 64, "NPROC": 2000, "RSS": 0,
           "RTPRIO": 0, "RTTIME": 1000000, "SIGPENDING": 500, "STACK": MIB, "AS": 256 * MIB}
# What the probe calls (oci_probe.cpp), and a few more.
CALLS = ["mkdir", "chmod", "link", "unlink", "flock", "fsync", "setns", "unshare", "mount", "umount2", "swapoff", "bpf", "clone3", "userfaultfd", "keyctl",
         "semctl", "openat2", "chroot", "io_uring_setup", "quotactl", "personality_of_nobody"]
LOOKED_AT = ["/", "/etc/passwd", "/data", "/data/file", "/dev", "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/console",
             "/dev/ptmx", "/dev/fd", "/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/core", "/dev/shm", "/dev/mqueue", "/dev/pts", "/proc", "/proc/sys",
             "/proc/kcore", "/proc/sysrq-trigger", "/sys", "/sys/fs/cgroup", "/sys/firmware", "/tmp", "/run", "/link", "/etc/link"]


def of_machine():
    """(the capabilities that this process has, the calls that this kernel's headers name)."""
    with open("/proc/self/status") as file:
        mask = int(re.search(r"CapEff:\s*(\w+)", file.read())[1], 16)
    with open("/usr/include/linux/capability.h") as file:
        numbers = dict(re.findall(r"#define CAP_(\w+)\s+(\d+)\n", file.read()))
    with open("/usr/include/x86_64-linux-gnu/asm/unistd_64.h") as file:
        calls = re.findall(r"#define __NR_(\w+) ", file.read())
    return ["CAP_" + each for each in CAPABILITIES if mask >> int(numbers[each]) & 1], calls


class Chooser:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def often(self, share):
        return self.random.random() < share

    def one(self, *words):
        return self.random.choice(words)

    def some(self, words, most=None):
        words = list(words)
        return self.random.sample(words, self.random.randint(0, min(len(words), most or len(words))))


class RandomConfig(RandomMounts):
    """`place`: `sources` (a folder with a folder, a file and mounts to be bound), `namespaces` ({type: path} of others), `group` (its cgroupsPath),
    `capabilities`, `calls`, `disk` (major, minor)."""

    def __init__(self, seed, place):
        self.choose, self.place = Chooser(seed), place
        self.looked_at = list(LOOKED_AT)
        self.kinds = {}
        self.mapped_root = 0
        self.linux = {"cgroupsPath": place.group}
        self.config = {"ociVersion": "1.0.2", "root": {"path": "rootfs"}, "linux": self.linux}
        self.namespaces()
        self.config["process"] = self.process()
        self.config["mounts"] = self.mounts()
        self.names()
        self.paths()
        self.resources()
        self.devices()
        if self.choose.often(0.3):
            self.linux["seccomp"] = self.seccomp()
        if self.choose.often(0.1):
            self.config["hooks"] = {each: [self.hook(each)] for each in self.choose.some(["prestart", "createRuntime", "createContainer", "poststart", "poststop"])}
        if self.choose.often(0.1):
            self.config["annotations"] = {"org.example." + each: each * 3 for each in self.choose.some("abc")}
        self.config["process"]["args"] = ["/probe", *self.looked_at]

    def hook(self, name):
        """What it sees is in a file of its name."""
        see = "cat > /dev/null; { pwd; env | sort | grep -v -e ^_= -e ^PWD=; id -u; readlink /proc/self/ns/net | wc -l; } > %s/hook-%s 2>&1" % (self.place.work, name)
        return {"path": "/bin/sh", "args": ["sh", "-c", see], "env": ["PATH=/usr/bin:/bin", *self.choose.some(["HOOK=" + name, "EMPTY="])], "timeout": 20}

    def own(self, kind):
        return self.kinds.get(kind) == "own"

    def namespaces(self):
        choose = self.choose
        shares = {"pid": 0.85, "network": 0.75, "ipc": 0.8, "uts": 0.8, "cgroup": 0.5, "user": 0.25, "time": 0.05}
        kinds = ["mount"] + [each for each in shares if choose.often(shares[each])]
        choose.random.shuffle(kinds)
        self.linux["namespaces"] = []
        user = "user" in kinds
        # crun 1.8.1 never starts such a container, and its clean-up takes a pid of the container for one of the machine.
        if {"time", "pid"} <= set(kinds) and not user:
            kinds.remove("time")
        for kind in kinds:
            entry = {"type": kind}
            # Those of others are the host's user namespace's: in another one they could be joined, and not be used.
            if kind in self.place.namespaces and not user and choose.often(0.15):
                entry["path"] = self.place.namespaces[kind]
            self.kinds[kind] = "path" if "path" in entry else "own"
            self.linux["namespaces"].append(entry)
        if user:
            self.linux["uidMappings"], self.linux["gidMappings"] = self.mappings(), self.mappings()
            self.mapped_root = self.linux["uidMappings"][0]["hostID"]
        if "time" in kinds and choose.often(0.7):
            self.linux["timeOffsets"] = {each: {"secs": choose.one(1000, 86400), "nanosecs": choose.one(0, 500)} for each in choose.some(["monotonic", "boottime"])}

    def mappings(self):
        first = self.choose.one(FIRST_ID, FIRST_ID, FIRST_ID, 200000)
        if self.choose.often(0.2):
            return [{"containerID": 0, "hostID": first, "size": 1}, {"containerID": 1, "hostID": first + 1000, "size": 65000}]
        return [{"containerID": 0, "hostID": first, "size": IDS}]

    def process(self):
        choose = self.choose
        user = {"uid": choose.one(0, 0, 0, 1000, 1, 4000), "gid": choose.one(0, 0, 1000, 7)}
        if choose.often(0.3):
            user["umask"] = choose.one(0, 0o22, 0o27, 0o77, 0o777)
        if choose.often(0.3):
            user["additionalGids"] = sorted(choose.some([1, 5, 7, 1000, 2000]))
        process = {"terminal": False, "user": user, "cwd": choose.one("/", "/", "/tmp", "/data", "/not/there", "/run", "/proc", "/link"), "env": self.environment()}
        if choose.often(0.4):
            process["noNewPrivileges"] = choose.often(0.6)
        if choose.often(0.85):
            process["capabilities"] = self.capabilities()
        if choose.often(0.4):
            process["rlimits"] = self.rlimits()
        if choose.often(0.2):
            process["oomScoreAdj"] = choose.one(0, 1, 100, 999, 1000)
        if choose.often(0.1):
            process["scheduler"] = choose.one({"policy": "SCHED_OTHER", "nice": 5}, {"policy": "SCHED_BATCH", "nice": 1}, {"policy": "SCHED_IDLE"})
        if choose.often(0.1):
            process["ioPriority"] = {"class": choose.one("IOPRIO_CLASS_BE", "IOPRIO_CLASS_IDLE"), "priority": choose.one(0, 4, 7)}
        return process

    def environment(self):
        words = ["A=1", "B=two words", "C=", "PATH=/bin:/usr/bin", "TERM=xterm", "D==x", "LONG=" + "x" * 3000, "A=again", "E=\u00e4\u20ac", "LINES=2\n3"]
        env = self.choose.some(words)
        return env + (["HOME=" + self.choose.one("/root", "/", "/data")] if self.choose.often(0.4) else [])

    def capabilities(self):
        choose = self.choose
        bounding = choose.some(self.place.capabilities)
        permitted = bounding if choose.often(0.5) else choose.some(bounding)
        effective = permitted if choose.often(0.7) else choose.some(permitted)
        inheritable = [] if choose.often(0.5) else choose.some(permitted)
        ambient = [] if choose.often(0.5) else choose.some(inheritable)
        sets = {"bounding": bounding, "permitted": permitted, "effective": effective, "inheritable": inheritable, "ambient": ambient}
        return {each: names for each, names in sets.items() if names or choose.often(0.5)}

    def rlimits(self):
        limits = []
        for name in self.choose.some(RLIMITS, 5):
            most = resource.getrlimit(getattr(resource, "RLIMIT_" + name, {"LOCKS": 10}.get(name)))[1]
            most = (1 << 64) - 1 if most == resource.RLIM_INFINITY else most
            least = min(RLIMITS[name], most)
            hard = self.choose.one(most, min(most, least + self.choose.random.randint(0, 1 << 20)))
            limits.append({"type": "RLIMIT_" + name, "hard": hard, "soft": self.choose.one(hard, self.choose.random.randint(least, min(hard, 1 << 40)) if hard > least else hard)})
        return limits

    def names(self):
        if self.own("uts"):
            if self.choose.often(0.6):
                self.config["hostname"] = self.choose.one("box", "a-very-long-name." * 3 + "x", "b1")
            if self.choose.often(0.15):
                self.config["domainname"] = "example.org"
        sysctl = {}
        if self.own("network"):
            sysctl.update(self.choose.some({"net.ipv4.ip_forward": "1", "net.core.somaxconn": "77", "net.ipv4.ip_local_port_range": "2000 3000"}.items(), 2))
        if self.own("ipc"):
            sysctl.update(self.choose.some({"kernel.msgmax": "7000", "kernel.shmmni": "99", "fs.mqueue.msg_max": "20", "kernel.sem": "10 20 30 40"}.items(), 2))
        # Only proc's owner may write them, and in a user namespace not all.
        if sysctl and "user" not in self.kinds and self.choose.often(0.4):
            self.linux["sysctl"] = sysctl
        if self.choose.often(0.1):
            self.linux["personality"] = {"domain": self.choose.one("LINUX", "LINUX32")}

    def paths(self):
        choose = self.choose
        self.config["root"]["readonly"] = choose.often(0.3)
        masked = ["/proc/kcore", "/proc/keys", "/proc/acpi", "/sys/firmware", "/not/there/either", "/data", "/data/file", "/etc/passwd", "/proc/timer_list", "/run"]
        read_only = ["/proc/sys", "/proc/sysrq-trigger", "/proc/bus", "/proc/irq", "/data", "/etc", "/nothing", "/tmp"]
        if choose.often(0.6):
            self.linux["maskedPaths"] = choose.some(masked)
        if choose.often(0.6):
            self.linux["readonlyPaths"] = choose.some(read_only)
        if choose.often(0.3):
            self.linux["rootfsPropagation"] = choose.one("private", "rprivate", "slave", "rslave", "shared", "rshared", "unbindable", "runbindable")
        for each in self.linux.get("maskedPaths", []) + self.linux.get("readonlyPaths", []):
            if each not in self.looked_at:
                self.looked_at.append(each)
        self.looked_at += ["/proc/sys/" + each.replace(".", "/") for each in self.linux.get("sysctl", {})]

    def resources(self):
        choose = self.choose
        if choose.often(0.25):
            return
        self.linux["resources"] = resources = {}
        if choose.often(0.5):
            resources["memory"] = self.memory()
        if choose.often(0.5):
            resources["cpu"] = self.cpu()
        if choose.often(0.4):
            resources["pids"] = {"limit": choose.one(50, 60, 1000, 1001, 32768, -1)}
        if choose.often(0.2) and self.place.disk:
            kind = choose.one("throttleReadBpsDevice", "throttleWriteBpsDevice", "throttleReadIOPSDevice", "throttleWriteIOPSDevice")
            resources["blockIO"] = {kind: [{"major": self.place.disk[0], "minor": self.place.disk[1], "rate": choose.one(1000, MIB, 1 << 30)}]}
        if choose.often(0.5):
            resources["devices"] = [{"allow": False, "access": "rwm"}] + choose.some(
                [{"allow": True, "type": "c", "major": 1, "minor": 3, "access": "rwm"}, {"allow": True, "type": "c", "major": 10, "minor": 200, "access": "rw"},
                 {"allow": True, "type": "b", "major": 7, "access": "r"}, {"allow": True, "type": "c", "major": 5, "minor": 1, "access": "rwm"}])

    def memory(self):
        choose = self.choose
        limit = choose.one(32, 64, 200, 1000) * MIB + choose.one(0, 4096)
        memory = {"limit": limit} if choose.often(0.8) else {}
        if choose.often(0.3):
            memory["reservation"] = choose.one(16 * MIB, 20 * MIB)
        if memory and choose.often(0.4):
            memory["swap"] = choose.one(limit, limit * 2, -1)
        if choose.often(0.3):
            memory["swappiness"] = choose.one(0, 1, 60, 100)
        if choose.often(0.15):
            memory["disableOOMKiller"] = choose.often(0.5)
        return memory

    def cpu(self):
        choose = self.choose
        cpu = {}
        if choose.often(0.5):
            cpu["shares"] = choose.one(2, 100, 1024, 262144)
        if choose.often(0.5):
            cpu["quota"] = choose.one(20000, 50000, 200000, 20000, 50000, 200000, -1)
        if choose.often(0.3):
            cpu["period"] = choose.one(10000, 100000, 1000000)
        if choose.often(0.3):
            cpu["cpus"] = choose.one("0", "0-%d" % ((os.cpu_count() or 1) - 1))
        if choose.often(0.2):
            cpu["mems"] = "0"
        return cpu

    def devices(self):
        # In a user namespace nobody may make one.
        if self.choose.often(0.7) or "user" in self.kinds:
            return
        self.linux["devices"] = []
        for path, kind, major, minor in self.choose.some([("/dev/fuse", "c", 10, 229), ("/dev/mine", "c", 1, 3), ("/dev/deep/er", "c", 1, 5), ("/opt/null", "c", 1, 3)], 2):
            device = {"path": path, "type": kind, "major": major, "minor": minor}
            device.update(self.choose.some({"fileMode": self.choose.one(0o666, 0o600, 0o640), "uid": 1000, "gid": 7}.items()))
            self.linux["devices"].append(device)
            self.looked_at.append(path)

    def seccomp(self):
        choose = self.choose
        action, rules = self.actions()
        profile = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64", *choose.some(["SCMP_ARCH_X86", "SCMP_ARCH_X32"])], "syscalls": rules}
        if choose.often(0.4):
            profile["defaultAction"] = "SCMP_ACT_ERRNO"
            if choose.often(0.5):
                profile["defaultErrnoRet"] = choose.one(1, 38, 13)
            left_out = set(choose.some(CALLS))
            allowed = [each for each in self.place.calls if each not in left_out and not any(each in rule["names"] for rule in rules)]
            rules.append({"names": allowed, "action": "SCMP_ACT_ALLOW"})
        return {**profile, **action}

    def actions(self):
        choose = self.choose
        rules = []
        for name in choose.some(CALLS, 4):
            rule = {"names": [name], "action": choose.one("SCMP_ACT_ERRNO", "SCMP_ACT_ERRNO", "SCMP_ACT_LOG")}
            if rule["action"] == "SCMP_ACT_ERRNO" and choose.often(0.6):
                rule["errnoRet"] = choose.one(2, 13, 22, 38, 95)
            rules.append(rule)
        if choose.often(0.4):
            rules.append({"names": ["socket"], "action": "SCMP_ACT_ERRNO", "errnoRet": 97, "args": [{"index": 0, "value": choose.one(2, 38, 40), "op": choose.one("SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_LT")}]})
        return {}, rules
