# SPDX-License-Identifier: Apache-2.0
"""A throttled process dies only when its next period begins: whoever is killed as a whole loses the quotas that hold it first, the pod's and a
foreign cgroup's, too, and these are there again for whoever comes next."""
import ctypes
import os
import select
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from cgroups import Cgroup, Foreign  # noqa: E402
from held_cgroups import hold, let_go  # noqa: E402
from mete_agent import Agent, run_tests, wait_for  # noqa: E402
from pods import container, delete, launch, pod, wait_exited, wait_restarted  # noqa: E402

LIBC = ctypes.CDLL(None, use_errno=True)
IN_MODIFY = 2
QUOTA = "cpu.cfs_quota_us", "cpu.max"
SPIN = "while :; do :; done"
LIMIT = "resources: {limits: {cpu: 10m}}"  # 1 ms of 100
UNWELL = "\nlivenessProbe: {exec: {command: ['false']}, periodSeconds: 1, failureThreshold: 1}"


class Writes:
    """Who writes to this file is heard of, also when it is gone again at once."""

    def __init__(self, path):
        self.descriptor = LIBC.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        assert LIBC.inotify_add_watch(self.descriptor, path.encode(), IN_MODIFY) >= 0, os.strerror(ctypes.get_errno())

    def wait(self, seconds=10):
        assert select.select([self.descriptor], [], [], seconds)[0], "nobody has written"

    def any(self):
        return bool(select.select([self.descriptor], [], [], 0)[0])


def cgroup_of(agent, name):
    return Cgroup(agent.pod(name)["cgroup"])


def test_a_pods_quota_is_lifted_for_its_end():
    with Agent().start() as agent:
        launch(agent, pod("web", SPIN, LIMIT, more=container("other", SPIN, LIMIT)))
        own = cgroup_of(agent, "web")
        assert own.cpu_quota() == 2000, "the sum of its containers'"
        writes = Writes(own.file(*QUOTA))
        delete(agent, "web")
        writes.wait()
        assert agent.events("LimitDrift") == []


def test_it_is_given_again_to_a_container_that_starts_again():
    with Agent().start() as agent:
        agent.apply(pod("web", SPIN, LIMIT + UNWELL, restart="OnFailure", more=container("other", "exit 0", LIMIT)))
        wait_exited(agent, "web", "other")
        own = cgroup_of(agent, "web")
        writes = Writes(own.file(*QUOTA))
        restarts = agent.container("web", "main")["restarts"]
        wait_restarted(agent, "web", restarts + 1, "main")
        writes.wait()
        wait_for("its quota", lambda: own.cpu_quota() == 2000)
        assert agent.events("LimitDrift") == []


def test_who_waits_for_the_next_start_has_it_too():
    with Agent().start() as agent:
        agent.apply(pod("web", SPIN, LIMIT + UNWELL, restart="OnFailure", more=container("other", "exit 0", LIMIT)))
        waiting = wait_for("a pause", lambda: (found := agent.container("web", "main"))["state"] == "waiting" and found.get("restarts", 0) >= 1 and found)
        own, inner = cgroup_of(agent, "web"), Cgroup(waiting["cgroup"])
        wait_for("the quotas", lambda: own.cpu_quota() == 2000 and inner.cpu_quota() == 1000, 5)
        assert agent.container("web", "main")["state"] == "waiting" and agent.events("LimitDrift") == []


def test_containers_that_go_on_stay_held():
    with Agent().start() as agent:
        launch(agent, pod("web", SPIN, LIMIT + UNWELL, more=container("other", SPIN, LIMIT)))
        own = cgroup_of(agent, "web")
        writes = Writes(own.file(*QUOTA))
        wait_restarted(agent, "web", main="main")
        assert not writes.any() and own.cpu_quota() == 2000


def test_a_cgroup_of_others_has_its_quota_again_when_it_is_empty():
    with Foreign() as foreign, Agent().start() as agent:
        victim = foreign.run("memory = b'x' * (40 << 20)\nwhile True: pass")
        wait_for("its memory", lambda: foreign.memory_usage() > 40 << 20)
        foreign.write("1000000", "cpu.cfs_period_us") if foreign.has("cpu.cfs_period_us") else None
        foreign.write("20000", "cpu.cfs_quota_us") if foreign.has("cpu.cfs_quota_us") else foreign.write("20000 1000000", "cpu.max")
        before = foreign.settings()
        writes = Writes(foreign.file(*QUOTA))
        hold(agent, foreign.path, "  memory: {at: [{usage: 50%, do: kill-container}]}")
        writes.wait()
        lifted = time.monotonic()
        assert victim.wait(10) == -9
        # Of each second it had 20 ms.
        assert time.monotonic() - lifted < 0.7, time.monotonic() - lifted
        wait_for("its quota", lambda: foreign.cpu_quota() == 20000)
        let_go(agent)
        wait_for("what was there", lambda: foreign.settings() == before)


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
