# SPDX-License-Identifier: Apache-2.0
"""The flags of `mete run`, many in few containers: what one script sees from inside, and what is refused in one sentence."""
import json
import os
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from mete_agent import Agent, run_tests, write  # noqa: E402

MIB = 1 << 20

# "key value" lines. `field N NAME FILE`: of a line of /proc/self/status or the like.
LOOK = r"""
say() { echo "$1 $(eval "$2" 2>&1 | tr '\n' ' ' | sed 's/ *$//')"; }
say user 'id -u'; say group 'id -g'; say groups 'id -G'
say host hostname; say domain 'hostname -d 2>/dev/null'
say where pwd
say env 'echo $A,$B,$FROM_FILE,$CALLER'
say shm 'df -k /dev/shm | tail -1 | awk "{print \$2}"'
say tmpfs 'mount | grep " /scratch " | grep -o "size=[0-9a-z]*"'
say bind 'cat /in/word'; say bind_write 'touch /in/new && echo written'
say volume 'touch /data/new && echo written'
say root_write 'touch /new && echo written'
say nofile 'ulimit -Sn; ulimit -Hn'
say oom 'cat /proc/self/oom_score_adj'
say sysctl 'cat /proc/sys/kernel/shm_rmid_forced'
say caps 'grep CapBnd /proc/self/status | cut -f2'
say privs 'grep NoNewPrivs /proc/self/status | cut -f2'
say seccomp 'grep ^Seccomp: /proc/self/status | cut -f2'
say first 'cat /proc/1/comm'
say hosts 'grep friend /etc/hosts'
say cpus 'grep Cpus_allowed_list /proc/self/status | cut -f2'
"""


def seen(text):
    return dict((line.split(" ", 1) + [""])[:2] for line in text.splitlines())


def test_what_flags_do_is_seen_from_inside():
    with Agent().start() as agent:
        shared = agent.work + "/shared"
        os.mkdir(shared)
        write(shared + "/word", "hello\n")
        write(agent.work + "/env", "# none\nFROM_FILE=file\nCALLER\n")
        write(agent.work + "/labels", "from=file\n")
        os.environ["CALLER"] = "caller"
        done = agent.mete(
            "run", "--name", "many", "--cidfile", agent.work + "/id", "--hostname", "own", "--workdir", "/tmp", "--user", "7:8", "--group-add", "9",
            "--env", "A=1", "-e", "B=two words", "--env-file", agent.work + "/env", "--label", "app=web", "--label-file", agent.work + "/labels",
            "--shm-size", "3m", "--tmpfs", "/scratch:size=1m,mode=1777", "--volume", shared + ":/in:ro", "--read-only",
            "--mount", "type=volume,source=data,target=/data", "--ulimit", "nofile=100:200", "--oom-score-adj", "321", "--sysctl", "kernel.shm_rmid_forced=1",
            "--cap-drop", "ALL", "--cap-add", "CHOWN", "--security-opt", "no-new-privileges", "--security-opt", "seccomp=unconfined", "--init",
            "--add-host", "friend:10.9.8.7", "--cpuset-cpus", "0", "--memory", "64m", "--memory-swap", "64m", "--memory-reservation", "32m", "--cpus", "0.5", "--cpu-shares", "512",
            "--pids-limit", "50", "--stop-signal", "INT", "--stop-timeout", "3", "--restart", "no", "--annotation", "note=kept", "--expose", "80",
            "--entrypoint", "sh", "--pull", "never", "--network", "none", "--ipc", "private", "--cgroupns", "private", "--log-driver", "json-file",
            "busybox", "-c", LOOK)
        inside = seen(done.stdout)
        expected = {
            "user": "7", "group": "8", "host": "own", "where": "/tmp", "env": "1,two words,file,caller", "shm": "3072", "tmpfs": "size=1024k",
            "bind": "hello", "bind_write": "touch: /in/new: Read-only file system", "root_write": "touch: /new: Read-only file system",
            "nofile": "100 200", "oom": "321", "sysctl": "1", "caps": "0000000000000001", "privs": "1", "seccomp": "0", "hosts": "10.9.8.7 friend",
            "cpus": "0"}
        assert {key: inside.get(key, "").replace("\t", " ") for key in expected} == expected, (inside, done.stderr)
        assert set(inside["groups"].split()) == {"8", "9"} and inside["first"] != "sh", inside
        # What is not seen from inside.
        [shown] = json.loads(agent.mete("inspect", "many").stdout)
        host, config = shown["HostConfig"], shown["Config"]
        assert open(agent.work + "/id").read() == shown["Id"]
        assert config["Labels"] == {"app": "web", "from": "file"} and "80/tcp" in config["ExposedPorts"], config
        assert (config["StopSignal"], config["StopTimeout"], host["Annotations"]) == ("INT", 3, {"note": "kept"}), shown
        limits = agent.pod("docker/many")["containers"][0]["limits"]
        assert (limits["memoryBytes"], limits["cpuQuotaMicroseconds"], limits["pids"], limits["cpuShares"]) == (64 * MIB, 50000, 50, 512), limits
        assert (host["MemorySwap"], host["MemoryReservation"], host["CpusetCpus"]) == (64 * MIB, 32 * MIB, "0"), host
        agent.mete("rm", "-v", "many")


def test_a_group_is_named_as_the_image_has_it():
    with Agent().start() as agent:
        agent.mete("run", "--name", "made", "busybox", "sh", "-c", "mkdir -p /etc; echo team:x:77:other > /etc/group")
        agent.mete("commit", "made", "with-group")
        out = agent.mete("run", "--rm", "--user", "7:8", "--group-add", "team", "--group-add", "9", "with-group", "id", "-G").stdout
        assert set(out.split()) == {"8", "9", "77"}, out


def test_the_machines_own_and_all_rights():
    with Agent().start() as agent:
        look = "readlink /proc/self/ns/ipc; readlink /proc/self/ns/net; test -d /proc/%d && echo sees; hostname; grep CapBnd /proc/self/status; test -b /dev/loop0 -o -c /dev/kmsg && echo devices" % os.getpid()
        out = agent.mete("run", "--rm", "--ipc", "host", "--pid", "host", "--network", "host", "--privileged", "busybox", "sh", "-c", look).stdout.split("\n")
        assert out[0] == os.readlink("/proc/self/ns/ipc") and out[1] == os.readlink("/proc/self/ns/net"), out
        assert out[2] == "sees" and out[3] == os.uname().nodename and out[5:6] == ["devices"], out
        bounding = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("CapBnd"))
        assert int(out[4].split()[1], 16) & ~int(bounding, 16) == 0 and int(out[4].split()[1], 16) > 0xffff, (out, bounding)


REFUSED = {
    "HostConfig.BlkioWeightDevice": ("--blkio-weight-device", "/dev/null:100"), "MemorySwappiness": ("--memory-swappiness", "10"), "UTSMode": ("--uts", "own"),
    "UsernsMode": ("--userns", "private"), "CgroupnsMode": ("--cgroupns", "host"), "CgroupParent": ("--cgroup-parent", "/x"), "Isolation": ("--isolation", "hyperv"),
    "StorageOpt": ("--storage-opt", "colour=red"), "VolumeDriver": ("--volume-driver", "nfs"), "Unknown runtime": ("--runtime", "kata"), "SecurityOpt": ("--security-opt", "apparmor=mine"),
    "Unable to find group wheel": ("--group-add", "wheel"), "opening seccomp profile": ("--security-opt", "seccomp=/no/such"),
    "compacting json": ("--security-opt", "seccomp=/etc/hostname"), "LogConfig.Type": ("--log-driver", "syslog"), "cpuset": ("--cpuset-cpus", "a"), "Invalid signal": ("--stop-signal", "NOSUCH"),
    "restart policy": ("--restart", "sometimes"), "capability": ("--cap-add", "FLY"), "Range of CPUs": ("--cpus", "1000"), "memory limit": ("--memory", "1m"),
    "--ulimit": ("--ulimit", "nofile"), "--shm-size": ("--shm-size", "large"),
}


def test_what_mete_does_not_do_is_refused_and_leaves_nothing():
    with Agent().start() as agent:
        for named, flags in REFUSED.items():
            done = agent.mete("run", "--name", "none", *flags, "busybox", "true", check=False)
            assert done.returncode in (2, 125) and named in done.stderr and len(done.stderr.strip().splitlines()) <= 2, (flags, done.returncode, done.stdout, done.stderr)
        assert agent.mete("ps", "-aq").stdout == "" and agent.pod_cgroups() == []


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
