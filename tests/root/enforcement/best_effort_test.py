# SPDX-License-Identifier: Apache-2.0
"""machine.bestEffort: pods without requests are held back while the machine is loaded; an agent without that rule lets them go."""
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from cgroups import Cgroup  # noqa: E402
from mete_agent import Agent, run_tests, stays, wait_for, with_config  # noqa: E402
from pods import documents, launch, pod  # noqa: E402

BUSY = "while :; do :; done"
BEGGAR = pod("beggar", BUSY)
PAYER = pod("payer", BUSY, "resources: {requests: {cpu: 100m}}")


def quota(agent, name):
    """Cores; None: as many as it likes."""
    group = Cgroup(agent.pod(name)["cgroup"])
    value = group.cpu_quota()
    period = group.read("cpu.cfs_period_us") if group.has("cpu.cfs_period_us") else group.read("cpu.max").split()[1]
    return value and value / int(period)


def used(agent, name, seconds=3):
    """Cores, over some time."""
    first, begin = agent.metric("container_cpu_usage_seconds_total", pod=name, container="main", cpu="total"), time.monotonic()
    time.sleep(seconds)
    return (agent.metric("container_cpu_usage_seconds_total", pod=name, container="main", cpu="total") - first) / (time.monotonic() - begin)


def test_who_asks_for_nothing_is_held_back_and_the_others_are_not():
    # A tenth of the machine: less than the busy pods use themselves, whatever else runs.
    with Agent() as agent:
        agent.start(*with_config(agent, "machine: {bestEffort: {cpu: 10%}}"))
        agent.apply(documents(BEGGAR, PAYER))
        wait_for("it to be held", lambda: quota(agent, "beggar") is not None)
        told = wait_for("the event", lambda: agent.events("CpuSuppressed"))
        assert len(told) == 1 and told[0]["pod"] == "default/beggar", told
        wait_for("the least", lambda: quota(agent, "beggar") <= 0.1)
        share = used(agent, "beggar")
        print("     it used %.3f cores, held to %.3f; the other %.3f" % (share, quota(agent, "beggar"), used(agent, "payer")))
        assert share < 0.15, share
        assert quota(agent, "payer") is None
        assert not agent.events("LimitDrift"), agent.events("LimitDrift")
        assert agent.metric("mete_enforcement_actions_total", enforcer="cpu", action="suppress", outcome="done") >= 1
        # The next agent has no such rule.
        agent.kill()
        agent.start(*with_config(agent, "machine: {}"))
        wait_for("it to be free", lambda: quota(agent, "beggar") is None)
        assert not agent.events("LimitDrift"), agent.events("LimitDrift")


def test_nobody_is_held_while_it_is_not_used():
    with Agent() as agent:
        agent.start(*with_config(agent, "machine: {bestEffort: {cpu: 100%}}"))
        launch(agent, pod("beggar"), "beggar")
        # Whatever else runs: it wants next to nothing, and is held to no less than that if the machine is full.
        stays("not held", lambda: quota(agent, "beggar") is None or quota(agent, "beggar") >= 0.02, 3)


def test_a_share_that_is_none_is_refused():
    with Agent() as agent:
        for wrong in ("0%", "101%", "5"):
            done = agent.mete("agent", *with_config(agent, "machine: {bestEffort: {cpu: %s}}" % wrong), check=False)
            assert done.returncode != 0 and "bestEffort.cpu" in done.stderr, done


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
