# SPDX-License-Identifier: Apache-2.0
"""machine.bestEffort: pods without requests are held back while the machine is loaded; an agent without that rule lets them go."""
import os
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from mete_agent import Agent, run_tests, wait_for  # noqa: E402

POD = """
apiVersion: v1
kind: Pod
metadata: {name: %s}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: busybox
    command: [sh, -c, "while :; do :; done"]
    resources: %s
---
"""


def quota(agent, name):
    """Cores; None: as many as it likes."""
    path = agent.pod(name)["cgroup"]
    if os.path.isdir("/sys/fs/cgroup/cpu"):
        value = int(open("/sys/fs/cgroup/cpu%s/cpu.cfs_quota_us" % path).read())
        return None if value < 0 else value / int(open("/sys/fs/cgroup/cpu%s/cpu.cfs_period_us" % path).read())
    value, period = open("/sys/fs/cgroup%s/cpu.max" % path).read().split()
    return None if value == "max" else int(value) / int(period)


def used(agent, name, seconds=3):
    """Cores, over some time."""
    first, begin = agent.metric("container_cpu_usage_seconds_total", pod=name, container="main"), time.monotonic()
    time.sleep(seconds)
    return (agent.metric("container_cpu_usage_seconds_total", pod=name, container="main") - first) / (time.monotonic() - begin)


def config(agent, text):
    with open(agent.work + "/agent.yaml", "w") as out:
        out.write(text)
    return ("--config", agent.work + "/agent.yaml")


def test_who_asks_for_nothing_is_held_back_and_the_others_are_not():
    # A tenth of the machine: less than the busy pods use themselves, whatever else runs.
    with Agent() as agent:
        agent.start(*config(agent, "machine: {bestEffort: {cpu: 10%}}"))
        agent.apply(POD % ("beggar", "{}") + POD % ("payer", "{requests: {cpu: 100m}}"))
        wait_for("it to be held", lambda: quota(agent, "beggar") is not None, 15)
        told = agent.events("CpuSuppressed")
        assert len(told) == 1 and told[0]["pod"] == "default/beggar", told
        wait_for("the least", lambda: quota(agent, "beggar") <= 0.1, 15)
        share = used(agent, "beggar")
        print("     it used %.3f cores, held to %.3f; the other %.3f" % (share, quota(agent, "beggar"), used(agent, "payer")))
        assert share < 0.15, share
        assert quota(agent, "payer") is None
        assert not agent.events("LimitDrift"), agent.events("LimitDrift")
        assert agent.metric("mete_enforcement_actions_total", enforcer="cpu", action="suppress", outcome="done") >= 1
        # The next agent has no such rule.
        agent.kill()
        agent.start(*config(agent, "machine: {}"))
        wait_for("it to be free", lambda: quota(agent, "beggar") is None)
        assert not agent.events("LimitDrift"), agent.events("LimitDrift")


def test_nobody_is_held_while_it_is_not_used():
    with Agent() as agent:
        agent.start(*config(agent, "machine: {bestEffort: {cpu: 100%}}"))
        agent.apply((POD % ("beggar", "{}")).replace("while :; do :; done", "sleep 1000"))
        wait_for("it to run", lambda: agent.container("beggar")["state"] == "running")
        time.sleep(3)
        # Whatever else runs: it wants next to nothing, and is held to no less than that if the machine is full.
        held = quota(agent, "beggar")
        assert held is None or held >= 0.02, held


def test_a_share_that_is_none_is_refused():
    with Agent() as agent:
        for wrong in ("0%", "101%", "5"):
            done = agent.mete("agent", *config(agent, "machine: {bestEffort: {cpu: %s}}" % wrong), check=False)
            assert done.returncode != 0 and "bestEffort.cpu" in done.stderr, done


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
