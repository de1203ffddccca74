# SPDX-License-Identifier: Apache-2.0
"""Options of `run` as they are seen from inside, in words that podman and docker share."""
import json
import os

from mete_agent import wait_for
from oci_clients.inside import INVENTORY, limits_of, namespaces_of
from oci_clients_support import control_of
from two_runtimes import call, has, same


def everything_seen_from_inside(c):
    return c.sh(INVENTORY, "--hostname", "inside")


def everything_seen_from_inside_as_a_user(c):
    return c.sh(INVENTORY, "--hostname", "inside", "--user", "1000:1001", "--group-add", "7", "-w", "/tmp", "-e", "X=y z")


def everything_seen_from_inside_privileged(c):
    return c.sh(INVENTORY, "--hostname", "inside", "--privileged")


def everything_seen_from_inside_read_only(c):
    text = c.sh(INVENTORY, "--hostname", "inside", "--read-only")
    assert "can touch /etc/new" not in text, text
    return text


def namespaces(c):
    seen = namespaces_of(c.pid(c.start()))
    same("those of its own", [kind for kind in ("mnt", "pid", "net", "ipc", "uts") if not seen[kind]], [])
    return seen


def namespaces_of_the_host(c):
    return namespaces_of(c.pid(c.start("--pid=host", "--ipc=host", "--uts=host", "--cgroupns=host")))


def namespaces_of_another_container(c):
    first = c.start("--hostname", "first", "--ipc=shareable")
    second = c.start("--pid=container:" + first, "--ipc=container:" + first)
    for kind in ("pid", "ipc"):
        same(kind, os.readlink("/proc/%d/ns/%s" % (c.pid(second), kind)), os.readlink("/proc/%d/ns/%s" % (c.pid(first), kind)))
    has("its processes", c.exec(second, "ps").out, "sleep 600")


def users(c):
    same("by number", c.sh("id -u; id -g", "--user", "1234:77"), "1234\n77\n")
    same("by name", c.sh("id -u; id -g; echo $HOME", "--user", "user"), "1000\n1001\n/tmp\n")
    done = c.run("--user", "nobody-there", c.tag, "true", check=False)
    assert done.code != 0, done
    return c.sh("id", "--user", "user", "--group-add", "42"), done.code


def volumes(c):
    folder = c.work + "/volume"
    os.makedirs(folder, exist_ok=True)
    with open(folder + "/file", "w") as file:
        file.write("content\n")
    same("read-only", c.sh("cat /v/file; touch /v/x 2>/dev/null || echo refused", "-v", folder + ":/v:ro"), "content\nrefused\n")
    c.sh("echo new > /v/new", "-v", folder + ":/v")
    same("written", open(folder + "/new").read(), "new\n")
    same("a file", c.sh("cat /etc/one", "-v", folder + "/file:/etc/one:ro"), "content\n")
    mount = c.sh("grep ' /v ' /proc/mounts | cut -d ' ' -f 4; awk '$5 == \"/v\" {print $7}' /proc/self/mountinfo | tr -d '0-9'", "-v", folder + ":/v:ro")
    return mount


def volumes_that_follow_the_host(c):
    """rslave: what the host mounts later is seen inside; private: it is not."""
    folder = c.work + "/follows"
    os.makedirs(folder + "/later", exist_ok=True)
    call(["mount", "--bind", folder, folder])
    try:
        call(["mount", "--make-shared", folder])
        names = [c.start("-v", folder + ":/v:" + kind) for kind in ("rslave", "rprivate", "rshared")]
        call(["mount", "-t", "tmpfs", "later", folder + "/later"])
        seen = [c.exec(name, "grep", "-c", " /v/later ", "/proc/mounts", check=False).out.strip() for name in names]
        same("mounts seen with rslave, rprivate, rshared", seen, ["1", "0", "1"])
        call(["umount", folder + "/later"])
        seen = [c.exec(name, "grep", "-c", " /v/later ", "/proc/mounts", check=False).out.strip() for name in names]
        same("mounts seen when it is gone again", seen, ["0", "0", "0"])
    finally:
        call(["umount", "-R", folder], check=False)


def a_named_volume_lives_on(c):
    name = c.name_of("volume")
    try:
        c.sh("echo kept > /v/f", "-v", name + ":/v")
        same("kept", c.sh("cat /v/f", "-v", name + ":/v"), "kept\n")
    finally:
        c.cli("volume", "rm", name)


def tmpfs(c):
    text = c.sh("grep ' /t ' /proc/mounts; dd if=/dev/zero of=/t/x bs=1M count=3 2>/dev/null || echo full; stat -c %a /t",
                "--tmpfs", "/t:size=2m,mode=1750,noexec")
    has("tmpfs", text, "size=2048k", "noexec", "full", "1750")
    return text


def a_read_only_root(c):
    same("root", c.sh("touch /x 2>/dev/null || echo refused; touch /t/x && echo fine", "--read-only", "--tmpfs", "/t"), "refused\nfine\n")


def capabilities(c):
    few = c.sh("grep ^Cap /proc/self/status", "--cap-drop", "ALL", "--cap-add", "NET_ADMIN", "--cap-add", "CHOWN")
    has("two", few, "CapEff:\t0000000000001001", "CapInh:\t0000000000000000")
    none = c.sh("grep ^Cap /proc/self/status; chown 1 /tmp 2>/dev/null || echo refused", "--cap-drop", "ALL")
    has("none", none, "CapBnd:\t0000000000000000", "refused")
    return few, none, c.sh("grep ^Cap /proc/self/status", "--user", "1000", "--cap-add", "NET_ADMIN")


def every_capability(c):
    return c.sh("grep ^Cap /proc/self/status", "--cap-add", "ALL")


def seccomp_profiles(c):
    has("default", c.sh("grep ^Seccomp: /proc/self/status"), "Seccomp:\t2")
    has("unconfined", c.sh("grep ^Seccomp: /proc/self/status", "--security-opt", "seccomp=unconfined"), "Seccomp:\t0")
    profile = c.work + "/profile.json"
    with open(profile, "w") as file:
        json.dump({"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
                   "syscalls": [{"names": ["chmod", "fchmodat"], "action": "SCMP_ACT_ERRNO"}]}, file)
    has("own", c.sh("chmod 700 /tmp 2>&1; true", "--security-opt", "seccomp=" + profile), "Operation not permitted")


def no_new_privileges(c):
    has("with", c.sh("grep NoNewPrivs /proc/self/status", "--security-opt", "no-new-privileges"), "NoNewPrivs:\t1")
    has("without", c.sh("grep NoNewPrivs /proc/self/status"), "NoNewPrivs:\t0")


def hostname_and_ulimits(c):
    same("hostname", c.sh("hostname; cat /proc/sys/kernel/hostname", "--hostname", "a-name"), "a-name\na-name\n")
    same("limits", c.sh("ulimit -Sn; ulimit -Hn; ulimit -c", "--ulimit", "nofile=100:200", "--ulimit", "core=0", "--ulimit", "nproc=1000:1000"), "100\n200\n0\n")


def pids_limit(c):
    text = c.sh("for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 5 & done 2>&1; true", "--pids-limit", "8", check=False)
    done = c.run("--pids-limit", "8", c.tag, "sh", "-c", "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 1 & done; wait", check=False)
    has("fork", done.err + text, "fork")


def an_init_reaps(c):
    name = c.start("--init", script="sh -c 'sleep 0.1 & exit 0'; sh -c 'sleep 0.1 &'; sleep 0.5; echo done; sleep 600")
    wait_for("it to be done", lambda: "done" in c.logs(name))
    first = c.exec(name, "cat", "/proc/1/comm").out.strip()
    assert first not in ("sh", "sleep"), first
    assert " Z " not in c.exec(name, "sh", "-c", "cat /proc/[0-9]*/stat").out, "a zombie"
    return first


def devices(c):
    text = c.sh("stat -c '%F %a %t:%T' /dev/mine; echo x > /dev/mine && echo written; dd if=/dev/mine bs=1 count=1 2>&1 | head -1",
                "--device", "/dev/null:/dev/mine:w")
    has("device", text, "written")
    denied = c.sh("mknod /tmp/disk b 254 0 && dd if=/tmp/disk of=/dev/null bs=512 count=1 2>&1", "--cap-add", "MKNOD", check=False)
    has("a device that was not given", denied, "Operation not permitted")
    return text, denied


def sysctls_and_oom_score(c):
    text = c.sh("cat /proc/sys/net/ipv4/ip_default_ttl /proc/self/oom_score_adj", "--sysctl", "net.ipv4.ip_default_ttl=77", "--oom-score-adj", "321")
    same("sysctl and oom score", text, "77\n321\n")


def every_control_file_of_limits(c):
    name = c.start("--memory", "96m", "--memory-swap", "96m", "--memory-reservation", "48m", "--cpu-shares", "300", "--cpu-period", "50000",
                   "--cpu-quota", "20000", "--cpuset-cpus", "1", "--cpuset-mems", "0", "--pids-limit", "33")
    text = limits_of(c.pid(name), control_of)
    has("limits", text, "memory.limit_in_bytes 100663296", "cpu.cfs_quota_us 20000", "cpu.cfs_period_us 50000", "cpu.shares 300",
        "cpuset.cpus 1", "pids.max 33", "memory.soft_limit_in_bytes 50331648")
    return text


def every_control_file_without_limits(c):
    return limits_of(c.pid(c.start()), control_of)


def every_control_file_of_a_privileged_one(c):
    return limits_of(c.pid(c.start("--privileged")), control_of)


def limits_of_a_disk(c):
    device = os.stat(c.work).st_dev
    disk = "/dev/" + os.path.basename(os.path.realpath("/sys/dev/block/%d:%d" % (os.major(device), os.minor(device))))
    name = c.start("--device-read-bps", disk + ":1mb", "--device-write-iops", disk + ":50")
    text = limits_of(c.pid(name), control_of)
    has("limits", text, "1048576", " 50")
    return text


def update_while_it_runs(c):
    name = c.start("--memory", "64m", "--memory-swap", "64m", "--cpu-quota", "50000", "--cpu-period", "100000")
    c.cli("update", "--memory", "80m", "--memory-swap", "80m", name)
    same("memory", c.control(name, "memory", "memory.limit_in_bytes"), str(80 << 20))
    c.cli("update", "--cpu-quota", "150000", "--cpu-period", "100000", name)
    same("cpu", c.control(name, "cpu", "cpu.cfs_quota_us"), "150000")
    c.cli("update", "--cpu-shares", "333", "--cpuset-cpus", "0", name)
    return limits_of(c.pid(name), control_of)


def update_of_cpus(c):
    name = c.start("--cpus", "0.5")
    same("before", (c.control(name, "cpu", "cpu.cfs_quota_us"), c.control(name, "cpu", "cpu.cfs_period_us")), ("50000", "100000"))
    c.cli("update", "--cpus", "1.5", name)
    return limits_of(c.pid(name), control_of)
