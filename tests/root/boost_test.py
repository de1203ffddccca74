# SPDX-License-Identifier: Apache-2.0
"""cpu.boost: a throttled container is lent what of the machine is idle, and gives it back when others need it."""
import os
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from mete_agent import Agent, run_tests, wait_for  # noqa: E402
from resize_test import POLICY, SECOND, files, group_files, pod, running  # noqa: E402

BUSY = "while :; do :; done"
BOOST = "  cpu: {boost: {whenThrottled: 25%%, for: 1s, factor: 1.5, max: 200%%, coolDown: %s}}"

OTHERS = """
apiVersion: v1
kind: Pod
metadata: {name: others}
spec:
  terminationGracePeriodSeconds: 0
  containers:
""" + "".join("""  - name: c%d
    image: busybox
    command: [sh, -c, "%s"]
    resources: {requests: {cpu: 900m}, limits: {cpu: 1, memory: 16Mi}}
""" % (i, BUSY) for i in range(os.cpu_count()))


def test_it_is_lent_what_is_idle_and_gives_it_back():
    with Agent().start() as agent:
        agent.apply(pod("100m", command=BUSY, more=SECOND % "32Mi") + POLICY % (BOOST % "60s"))
        running(agent)
        running(agent, "side")
        wait_for("twice its own", lambda: files(agent)[1] == 20000, 20)
        parent = agent.pod("web")["cgroup"]
        assert group_files(parent)[1] == 30000, "the pod's quota is the sum of its containers'"
        lent = agent.events("CpuBoosted")
        # Half again at a time; in smaller steps while others leave little idle.
        steps = [10000] + [int(each["fields"]["quota"]) for each in lent]
        assert steps[-1] == 20000 and all(before < step <= 1.5 * before for before, step in zip(steps, steps[1:])), lent
        assert "of its periods, and" in lent[0]["message"], lent
        time.sleep(1.2)
        assert files(agent)[1] == 20000 and len(agent.events("CpuBoosted")) == len(lent), "not above its maximum"
        begin = time.monotonic()
        agent.apply(OTHERS)
        ended = wait_for("it to be given back", lambda: agent.events("CpuBoostEnded"), 15)
        print("     given back %.1f s after others came" % (time.monotonic() - begin))
        assert "others need it" in ended[0]["message"] and files(agent)[1] == 10000 and group_files(parent)[1] == 20000, ended
        agent.mete("delete", "others", "--grace", "0")
        time.sleep(3)
        assert files(agent)[1] == 10000, "it cools down"
        assert agent.metric("mete_enforcement_actions_total", enforcer="cpu", action="boost", outcome="done") == len(lent)
        assert not agent.events("LimitDrift"), agent.events("LimitDrift")


def test_without_the_policy_it_is_its_own_again_and_dry_run_only_tells():
    with Agent().start() as agent:
        agent.apply(pod("100m", command=BUSY) + POLICY % (BOOST % "1s"))
        running(agent)
        wait_for("a boost", lambda: files(agent)[1] > 10000, 20)
        agent.apply((POLICY % ("  dryRun: true\n" + BOOST % "1s")).lstrip("-\n"))
        wait_for("its own", lambda: files(agent)[1] == 10000)
        wait_for("what would be done", lambda: any(each["fields"]["outcome"] == "dry-run" for each in agent.events("CpuBoosted")), 20)
        assert files(agent)[1] == 10000
        agent.apply((POLICY % (BOOST % "1s")).lstrip("-\n"))
        wait_for("a boost again", lambda: files(agent)[1] > 10000, 20)
        agent.kill()
        assert files_without_agent(agent) > 10000
        os.remove(agent.state + "/applied/Policy.default.web.yaml")
        agent.start()
        wait_for("its own after the agent's death", lambda: files(agent)[1] == 10000)


def files_without_agent(agent):
    return group_files(agent.parent + "/default_web/main")[1]


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
