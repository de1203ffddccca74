# SPDX-License-Identifier: Apache-2.0
"""Flags of `mete run` that a policy has, too: bounds and weight of disks, and processes that wait at the memory limit; and the machine's name."""
import os
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from cgroups import Cgroup, MiB  # noqa: E402
from docker_api import Docker  # noqa: E402
from mete_agent import Agent, run_tests, skip, wait_for  # noqa: E402
from pods import policy  # noqa: E402


def disk_of(path):
    """By sysfs, as another program would find it: the number, and its node in /dev."""
    device = os.stat(path).st_dev
    directory = "/sys/dev/block/%d:%d" % (os.major(device), os.minor(device))
    if not os.path.exists(directory):
        skip("needs a state folder on a disk, found device %d:%d" % (os.major(device), os.minor(device)))
    directory = os.path.realpath(directory + "/.." if os.path.exists(directory + "/partition") else directory)
    node = "/dev/" + os.path.basename(directory)
    if not os.path.exists(node):
        skip("needs " + node)
    return open(directory + "/dev").read().strip(), node


def limits(agent, disk):
    """(readBps, writeBps, readIops, writeIops) in the kernel; None: no limit."""
    found = Cgroup(agent.pod("docker/web")["containers"][0]["cgroup"]).io_limits().get(disk, {})
    return tuple(found.get(name) for name in ("rbps", "wbps", "riops", "wiops"))


def test_bounds_of_disks_are_in_the_kernel_and_a_policys_count_too():
    with Agent() as agent:
        disk, node = disk_of(agent.work)
        agent.start()
        agent.mete("run", "-d", "--name", "web", "--label", "app=web", "--device-read-bps", node + ":8m", "--device-write-bps", node + ":4m", "--device-read-iops", node + ":500",
                   "--device-write-iops", node + ":300", "busybox", "sleep", "1000")
        own = (8 * MiB, 4 * MiB, 500, 300)
        assert limits(agent, disk) == own, limits(agent, disk)
        assert "--device-read-bps" in agent.mete("explain", "web").stdout
        assert Docker(agent).inspect("web")["HostConfig"]["BlkioDeviceReadBps"] == [{"Path": node, "Rate": 8 * MiB}]
        # The tighter one of each.
        bound = policy("  io: {devices: [{path: %s, writeBps: 1Mi, readIops: 900}]}" % node).replace("{name: web}", "{name: web, namespace: docker}")
        agent.apply(bound)
        wait_for("the policy's", lambda: limits(agent, disk) == (8 * MiB, MiB, 500, 300))
        agent.kill()
        agent.start()
        assert limits(agent, disk) == (8 * MiB, MiB, 500, 300), limits(agent, disk)
        agent.apply(bound.replace("spec:\n", "spec:\n  dryRun: true\n"))
        wait_for("its own", lambda: limits(agent, disk) == own)
        agent.mete("restart", "-t", "0", "web")
        assert limits(agent, disk) == own
        for flags, why in ((("--device-read-bps", "/dev/null:1m"), "BlkioDevice"), (("--device-read-bps", "/dev/nosuch:1m"), "BlkioDevice"), (("--blkio-weight", "5"), "range of blkio weight")):
            done = agent.mete("run", *flags, "busybox", "true", check=False)
            assert done.returncode == 125 and why in done.stderr, done


def test_a_weight_is_taken_where_the_kernel_has_one():
    with Agent().start() as agent:
        done = agent.mete("run", "-d", "--name", "web", "--blkio-weight", "300", "busybox", "sleep", "1000", check=False)
        if done.returncode != 0:
            assert "HostConfig.BlkioWeight: this kernel has no IO scheduler with weights" in done.stderr, done
            return
        folders = {each.rsplit("/", 1)[0] for each in agent.pod("docker/web")["containers"][0]["procsFiles"]}
        files = [each + name for each in folders for name in ("/blkio.bfq.weight", "/io.weight") if os.path.exists(each + name)]
        assert files and all("300" in open(each).read() for each in files), files


def test_processes_wait_at_the_limit_where_the_kernel_can_do_it():
    with Agent().start() as agent:
        can = Docker(agent).get("/info")["OomKillDisable"]
        # Who takes memory in a system call, as dd does, does not wait: the call returns with less (mem_cgroup_oom, in_user_fault).
        take = """awk 'BEGIN {text = "x"; while (length(text) < 64000000) text = text text}'"""
        done = agent.mete("run", "-d", "--name", "web", "-m", "16m", "--memory-swap", "16m", "--cpus", "0.2", "--oom-kill-disable", "busybox", "sh", "-c",
                          "while [ ! -e /go ]; do sleep 0.1; done; %s; sleep 1000" % take, check=False)
        if not can:
            assert done.returncode == 125 and "HostConfig.OomKillDisable" in done.stderr, done
            return
        directory = [each for each in agent.pod("docker/web")["containers"][0]["procsFiles"] if "/memory/" in each][0].rsplit("/", 1)[0]
        said = lambda: dict(line.split() for line in open(directory + "/memory.oom_control"))  # noqa: E731
        assert said()["oom_kill_disable"] == "1", said()
        agent.mete("exec", "-d", "web", "touch", "/go")
        wait_for("it to wait", lambda: said()["under_oom"] == "1")
        # It outlives the agent, and the next one keeps it.
        agent.kill()
        agent.start()
        assert said()["oom_kill_disable"] == "1" and said()["under_oom"] == "1" and said()["oom_kill"] == "0", said()
        assert "--oom-kill-disable" in agent.mete("explain", "web").stdout
        agent.mete("update", "--memory", "128m", "--memory-swap", "128m", "web")
        wait_for("it to go on", lambda: said()["under_oom"] == "0")
        agent.mete("rm", "-f", "web")


def test_the_machines_name_and_users():
    with Agent().start() as agent:
        out = agent.mete("run", "--rm", "--uts", "host", "--userns", "host", "busybox", "sh", "-c", "readlink /proc/self/ns/uts; hostname; echo $HOSTNAME; readlink /proc/self/ns/user").stdout.split()
        assert out == [os.readlink("/proc/self/ns/uts"), os.uname().nodename, os.uname().nodename, os.readlink("/proc/self/ns/user")], out
        for flags, why in ((("--uts", "host", "--hostname", "x"), "conflicting options: hostname and the UTS mode"), (("--uts", "own"), "UTSMode"), (("--userns", "private"), "UsernsMode")):
            done = agent.mete("run", *flags, "busybox", "true", check=False)
            assert done.returncode == 125 and why in done.stderr, done


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
