# SPDX-License-Identifier: Apache-2.0
"""A cgroup without a quota under two ancestors that have one: what it lost by them, exactly and as a bound."""
import os
import subprocess
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from leftovers import cgroup_mounts, clean_up, made_cgroup  # noqa: E402
from mete_agent import Agent, run_tests, skip, wait_for  # noqa: E402


def cpu_mount():
    for mount in cgroup_mounts():
        if os.path.exists(mount + "/cpu.shares"):
            return mount
    skip("needs the cpu controller of cgroup v1")


def put(path, value):
    with open(path, "w") as out:
        out.write(str(value))


def shown(agent, family, path):
    for line in agent.get("/metrics?collect[]=cpu").splitlines():
        if line.startswith(family + "{") and 'id="%s"' % path in line:
            return float(line.rsplit(" ", 1)[1])
    return None


def test_the_sum_over_the_ancestors_bounds_what_was_inherited():
    mount = cpu_mount()
    top = "/mete-inherit-%d.slice" % os.getpid()
    middle = top + "/middle.slice"
    leaf = middle + "/busy.service"
    process = None
    made_cgroup(top)
    with Agent() as agent:
        try:
            os.makedirs(mount + leaf)
            # So little that it is used up on a busy machine, too.
            put(mount + top + "/cpu.cfs_quota_us", 3000)
            put(mount + middle + "/cpu.cfs_quota_us", 2000)
            process = subprocess.Popen(["sh", "-c", "while :; do :; done"], preexec_fn=lambda: put(mount + leaf + "/cgroup.procs", os.getpid()))
            agent.start()
            bound = wait_for("throttling of the ancestors", lambda: shown(agent, "mete_container_cpu_ancestor_throttled_seconds_total", leaf))
            wait_for("more of it", lambda: shown(agent, "mete_container_cpu_ancestor_throttled_seconds_total", leaf) > bound + 1)
            wait_for("periods", lambda: shown(agent, "mete_container_cpu_ancestor_throttled_periods_total", leaf) > 10)
            assert shown(agent, "container_cpu_cfs_throttled_seconds_total", leaf) is None, "it has no quota of its own"
            # Of the middle one the top one is the only ancestor.
            assert shown(agent, "mete_container_cpu_ancestor_throttled_seconds_total", middle) <= shown(agent, "mete_container_cpu_ancestor_throttled_seconds_total", leaf)
            assert shown(agent, "mete_container_cpu_ancestor_throttled_seconds_total", top) is None
            if os.path.exists(mount + leaf + "/cpu.stat.local"):
                # The bound counts the stops of both ancestors, also those at one time: the exact sum passes a second later.
                wait_for("a second of it", lambda: (shown(agent, "mete_container_cpu_inherited_throttled_seconds_total", leaf) or 0) > 1)
                inherited = shown(agent, "mete_container_cpu_inherited_throttled_seconds_total", leaf)
                most = shown(agent, "mete_container_cpu_ancestor_throttled_seconds_total", leaf)  # read later: it has grown
                print("     inherited %.2f s, at most %.2f s" % (inherited, most))
                assert inherited <= most, (inherited, most)
        finally:
            if process:
                process.kill()
                process.wait()
            clean_up(cgroups=[top])


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
