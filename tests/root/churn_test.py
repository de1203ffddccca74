# SPDX-License-Identifier: Apache-2.0
"""A day's worth of cgroups that come and go: the agent's memory and descriptors stay flat, its series bounded.

METE_CGROUPS: how many are made and removed."""
import os
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from amounts import amount  # noqa: E402
from leftovers import cgroup_mounts, clean_up, made_cgroup  # noqa: E402
from mete_agent import Agent, run_tests, wait_for  # noqa: E402

TOTAL = amount("CGROUPS", short=15000, long=100000)
BATCH = 500


class Slice:
    """A parent of the test's own in the hierarchies that are watched, with services below it."""

    def __init__(self):
        self.name = "mete-churn-%d.slice" % os.getpid()
        wanted = ("memory", "cpuacct")
        self.mounts = [each for each in cgroup_mounts() if each.rsplit("/", 1)[1] in wanted] or cgroup_mounts()

    def __enter__(self):
        made_cgroup("/" + self.name)
        for mount in self.mounts:
            os.makedirs(mount + "/" + self.name, exist_ok=True)
        return self

    def path(self, mount, name):
        return mount + "/" + self.name + "/" + name

    def make(self, name):
        for mount in self.mounts:
            os.mkdir(self.path(mount, name))

    def remove(self, name):
        for mount in self.mounts:
            os.rmdir(self.path(mount, name))

    def __exit__(self, *unused):
        clean_up(cgroups=["/" + self.name])


def resident(agent):
    for line in open("/proc/%d/status" % agent.process.pid):
        if line.startswith("VmRSS:"):
            return int(line.split()[1])


def descriptors(agent):
    return len(os.listdir("/proc/%d/fd" % agent.process.pid))


def watches(agent):
    total = 0
    folder = "/proc/%d/fdinfo" % agent.process.pid
    for fd in os.listdir(folder):
        try:
            total += sum(1 for line in open(folder + "/" + fd) if line.startswith("inotify"))
        except FileNotFoundError:
            pass
    return total


def series(agent, top):
    """Of the cgroups below; those of others come and go as they like."""
    return sum(1 for line in agent.get("/metrics").splitlines() if top.name in line)


def shown(agent, name):
    return '/%s"' % name in agent.get("/metrics")


def test_a_new_cgroup_is_known_at_once_and_a_gone_one_gone():
    with Agent() as agent, Slice() as top:
        agent.start()
        for number in range(3):
            name = "worker-%d.service" % number
            top.make(name)
            wait_for("it to be shown", lambda: shown(agent, name))  # noqa: B023 - called here
            top.remove(name)
            wait_for("it to be shown no more", lambda: not shown(agent, name))  # noqa: B023 - called here


def test_one_made_again_is_another_one():
    with Agent() as agent, Slice() as top:
        agent.start()
        top.make("again.service")
        first = wait_for("it", lambda: created(agent))
        time.sleep(1.1)
        top.remove("again.service")
        top.make("again.service")
        wait_for("the new one", lambda: created(agent) not in (None, first))


def created(agent):
    for line in agent.get("/metrics").splitlines():
        if line.startswith("container_start_time_seconds{") and "/again.service" in line:
            return float(line.rsplit(" ", 1)[1])
    return None


def test_churn_leaves_nothing_behind():
    with Agent() as agent, Slice() as top:
        agent.start()
        before = None
        made = 0
        begin = time.monotonic()
        while made < TOTAL:
            names = ["job-%d.service" % (made + i) for i in range(BATCH)]
            for name in names:
                top.make(name)
            if made % (BATCH * 10) == 0:
                count = series(agent, top)
                assert count < BATCH * 80 + 2000, count
            for name in names:
                top.remove(name)
            made += BATCH
            if before is None and made >= TOTAL // 10:
                wait_for("all to be gone", lambda: top.name + "/job-" not in agent.get("/metrics"), 120, 0.3)
                before = (resident(agent), descriptors(agent), watches(agent), series(agent, top))
        wait_for("all to be gone", lambda: top.name + "/job-" not in agent.get("/metrics"), 120, 0.3)
        after = (resident(agent), descriptors(agent), watches(agent), series(agent, top))
        print("     %d made and removed in %.0f s; resident KiB, descriptors, watches, series: %s after a tenth, %s at the end"
              % (made, time.monotonic() - begin, before, after))
        # A leak is one of each cgroup that was made; cgroups of others, which the agent watches, too, are some hundreds at most.
        assert after[0] < before[0] * 1.15 + 2048, (before, after)
        assert after[1] <= before[1] + TOTAL // 50 and after[2] <= before[2] + TOTAL // 50, (before, after)
        assert after[3] <= before[3] + 50, (before, after)


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
