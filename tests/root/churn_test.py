# SPDX-License-Identifier: Apache-2.0
"""A day's worth of cgroups that come and go: the agent's memory and descriptors stay flat, its series bounded.

METE_CGROUPS: how many are made and removed."""
import itertools
import os
import re
import sys
import threading
import time
import urllib.request

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from amounts import amount  # noqa: E402
from hog import eat  # noqa: E402
from leftovers import cgroup_mounts, clean_up, made_cgroup  # noqa: E402
from mete_agent import SLOW, Agent, run_tests, wait_for, with_config  # noqa: E402
from metrics_text import parse_metrics  # noqa: E402
from pods import container, pod  # noqa: E402

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


SCRAPES = [(path, accept) for path in ("/metrics", "/metrics/cadvisor") for accept in ("text/plain", "application/openmetrics-text; version=1.0.0")]


def scraped(agent, path, accept):
    """The series; one that is there twice is an error, and Prometheus would keep the first of them in silence."""
    request = urllib.request.Request("http://%s%s" % (agent.address, path), headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=30 * SLOW) as answer:
        text = answer.read().decode()
    return parse_metrics(re.sub(r" # \{.*", "", text))  # without exemplars


def churn_pods(agent, end):
    """Pods with one container and with two come and go, some under the name of one that is just going; one is killed again and again."""
    two = container("side") + container("more")
    agent.apply(pod("killed", eat(40), "resources: {limits: {memory: 16Mi}}", restart="Always"))
    for i in itertools.count():
        if end.is_set():
            return
        agent.apply(pod("same", "sleep %d" % (1000 + i), more=two if i % 2 else ""))
        agent.apply(pod("other%d" % (i % 2), "exit 1" if i % 3 else "sleep 1000", "resources: {limits: {cpu: 100m}}", restart="Always"))
        agent.mete("delete", "other%d" % ((i + 1) % 2), check=False)
        agent.mete("kill" if i % 2 else "stop", "same", check=False)


def churn_cgroups(top, end):
    """Cgroups of others, each name made again at once."""
    for i in itertools.count():
        if end.is_set():
            return
        for name in ("again.service", "job-%d.service" % i):
            top.make(name)
            time.sleep(0.02)
            top.remove(name)


def test_no_series_is_held_twice_while_all_comes_and_goes():
    with Agent() as agent, Slice() as top:
        agent.start(*with_config(agent, "export: {other: true, kube: true}\n"))
        end = threading.Event()
        failed = []

        def guarded(work, *arguments):
            try:
                work(*arguments, end)
            except Exception as error:  # noqa: BLE001 - told by the test below
                failed.append(error)
        threads = [threading.Thread(target=guarded, args=each) for each in ((churn_pods, agent), (churn_cgroups, top))]
        for each in threads:
            each.start()
        try:
            seen = set()
            scrapes = 0
            until = time.monotonic() + 6 * SLOW
            while time.monotonic() < until or len(seen) < 3:
                for each in SCRAPES:
                    found = scraped(agent, *each)
                    scrapes += 1
                    seen.update(name for name in ("same", "killed", "other0", "other1") if any(("pod", name) in labels for _, labels in found))
                assert time.monotonic() < until + 60 * SLOW, seen
        finally:
            end.set()
            for each in threads:
                each.join()
        assert not failed, failed
        print("     %d scrapes" % scrapes)


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
