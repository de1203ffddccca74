# SPDX-License-Identifier: Apache-2.0
"""What mete-oci does about limits that stand in its way: a quota that would let a killed container die late, a limit that leaves no room for one more
process."""
import copy
import os
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from cases import skip_case  # noqa: E402
from cgroups import V1, Cgroup, MiB  # noqa: E402
from mete_agent import run_tests, wait_for  # noqa: E402
from oci_bundle import Oci  # noqa: E402


def with_limits(oci, **resources):
    linux = copy.deepcopy(oci.config["linux"])
    linux["resources"] = {"devices": linux.get("resources", {}).get("devices", []), **resources}
    return linux


def quota(oci, name="one"):
    return Cgroup(oci.parent + "/" + name).read("cpu.cfs_quota_us", "cpu.max").split()[0]


def test_a_killed_container_has_no_quota_to_wait_for():
    with Oci() as oci:
        linux = with_limits(oci, cpu={"quota": 1000, "period": 100000})
        for words in (["one", "KILL"], ["--all", "one", "9"]):
            pid = oci.started(script="trap '' TERM; while :; do :; done", linux=linux)
            oci.oci("kill", "one", "TERM")
            assert quota(oci) == "1000", "only who is to die is let off"
            oci.oci("kill", *words)
            assert quota(oci) in ("-1", "max"), quota(oci)
            wait_for("its end", lambda: oci.status() == "stopped")
            oci.oci("delete", "one")
            assert not os.path.exists("/proc/%d/exe" % pid)
        oci.started(script="while :; do :; done", linux=linux)
        oci.oci("delete", "--force", "one")
        assert oci.leftovers() == []


def most_likely_victim():
    with open("/proc/self/oom_score_adj", "w") as score:
        score.write("1000")


def refused_exec(oci, group):
    """Lowers the limit page by page until a process that enters finds no room: what mete-oci says then. None: the kernel has killed the container
    in its place."""
    for limit in (size * 4096 for size in range(group.memory_usage() // 4096 + 8, 1, -1)):
        try:
            group.write(str(limit), "memory.limit_in_bytes", "memory.max")
        except OSError:
            break  # v1: that little cannot be had
        done = oci.oci("exec", "one", "true", check=False, preexec_fn=most_likely_victim)
        if done.code != 0:
            return None if "container not running" in done.err else done
    skip_case("all limits leave room for one more process")


def test_exec_that_memory_is_too_small_for_names_the_limit():
    with Oci() as oci:
        for _ in range(10):
            # The kernel kills who has the largest score: the process that enters, as the caller's is inherited; on a busy machine it may find the
            # container's alone.
            oci.started(linux=with_limits(oci, memory={"limit": 64 * MiB}), process=dict(oci.config["process"], oomScoreAdj=0))
            group = Cgroup(oci.parent + "/one")
            assert oci.oci("exec", "one", "true").code == 0
            if done := refused_exec(oci, group):
                break
            oci.oci("delete", "--force", "one")
        assert done, "the kernel killed the container each time"
        # Before the command, or after it has begun.
        assert done.code in (255, 137), done
        assert "memory: found a limit of %d bytes, which has no room for one more process" % group.memory_limit() in done.err, done


def test_a_limit_of_tasks_that_leaves_no_room_is_named():
    if V1:
        return print("     who enters a cgroup of v1 is not counted against its limit")
    with Oci() as oci:
        oci.started(linux=with_limits(oci, pids={"limit": 1}), args=["sleep", "600"])
        done = oci.oci("exec", "one", "true", check=False)
        assert done.code == 255 and "pids limit of the container: found 1, which has no room for one more process" in done.err, done
        Cgroup(oci.parent).write("1", "pids.max")
        done = oci.oci("run", "--bundle", oci.write("two"), "two", check=False)
        assert done.code == 1 and "pids limit of cgroup %s: found 1" % oci.parent in done.err, done
        oci.oci("delete", "--force", "one")
        assert oci.leftovers() == []


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
