# SPDX-License-Identifier: Apache-2.0
"""What is drift and what is not: limits that others change, limits that were changed while no agent ran, and those that cannot be put
back at once."""
import os
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cgroups import Cgroup  # noqa: E402
from mete_agent import SLOW, Agent, run_tests, wait_for  # noqa: E402
from resize_test import EAT, POLICY, pod, running  # noqa: E402

MiB = 1 << 20
BUSY = "while :; do :; done"
BOOST = "  cpu: {boost: {whenThrottled: 25%, for: 1s, factor: 1.5, max: 200%, coolDown: 1s}}\n"
REPORT = "  drift: report\n"


def started(agent, policy, **more):
    agent.apply(pod(**more) + POLICY % policy)
    running(agent)
    return Cgroup(agent.container("web")["cgroup"])


def policy_while_no_agent_runs(agent, text):
    agent.kill()
    with open(agent.state + "/applied/Policy.default.web.yaml", "w") as file:
        file.write((POLICY % text).lstrip("-\n"))
    agent.start()


def test_a_policy_that_was_changed_while_no_agent_ran_is_no_drift():
    for mode in ("", REPORT):
        with Agent().start() as agent:
            group = started(agent, mode + "  pids: {max: 40}")
            policy_while_no_agent_runs(agent, mode + "  pids: {max: 50}\n  memory: {onOOM: hold, hold: {timeout: 1s, then: kill-process}}")
            wait_for("the new policy", lambda: group.pids_max() == 50 and group.decided_before_the_kernel())
            assert not agent.events("LimitDrift"), agent.events("LimitDrift")
            policy_while_no_agent_runs(agent, mode + "  pids: {max: 50}")
            wait_for("the hold's end", lambda: not group.decided_before_the_kernel())
            assert not agent.events("LimitDrift"), agent.events("LimitDrift")


def test_what_others_changed_while_no_agent_ran_is_drift():
    with Agent().start() as agent:
        group = started(agent, "  pids: {max: 40}")
        agent.kill()
        group.write("60", "pids.max")
        agent.start()
        wait_for("it to be put back", lambda: group.pids_max() == 40)
        assert [each["fields"]["found"] for each in agent.events("LimitDrift")] == ["60"], agent.events("LimitDrift")
        agent.apply((POLICY % (REPORT + "  pids: {max: 40}")).lstrip("-\n"))
        wait_for("the policy", lambda: agent.events("PolicyChanged"))
        agent.kill()
        group.write("70", "pids.max")
        agent.start()
        wait_for("the report", lambda: [each["fields"]["found"] for each in agent.events("LimitDrift")] == ["70"])
        assert group.pids_max() == 70


def test_a_boost_is_taken_back_whatever_the_policy_wants_of_drift():
    with Agent().start() as agent:
        group = started(agent, REPORT + BOOST, cpu="100m", command=BUSY)
        wait_for("a boost", lambda: group.cpu_quota() > 10000, 30)
        agent.kill()
        assert group.cpu_quota() > 10000
        os.remove(agent.state + "/applied/Policy.default.web.yaml")
        agent.start()
        wait_for("its own", lambda: group.cpu_quota() == 10000)


def test_an_agent_that_is_stopped_leaves_nothing_lent():
    with Agent().start() as agent:
        group = started(agent, BOOST, cpu="100m", command=BUSY)
        wait_for("a boost", lambda: group.cpu_quota() > 10000, 30)
        agent.stop()
        assert group.cpu_quota() == 10000


def test_what_cannot_be_put_back_now_is_tried_again_and_keeps_nothing_else_from_it():
    with Agent().start() as agent:
        group = started(agent, "  pids: {max: 40}", memory="48Mi", command="sleep %g; (%s) & sleep %g; kill -9 $!; sleep 1000" % (3 * SLOW, EAT % 70, 8 * SLOW))
        agent.kill()
        group.raise_memory_limit(128 * MiB)
        wait_for("more than the limit to be in use", lambda: group.memory_usage() > 65 * MiB, 30)
        agent.start()
        told = wait_for("the drift", lambda: [each for each in agent.events("LimitDrift") if "memory" in each["fields"]["file"]])
        assert "could not be put back yet" in told[0]["message"], told
        for number in (60, 70):
            group.write(str(number), "pids.max")
            wait_for("the other limit", lambda: group.pids_max() == 40, 2)
            time.sleep(0.2)
        told = [each["fields"]["found"] for each in agent.events("LimitDrift") if each["fields"]["file"] == "pids.max"]
        assert told == ["60", "70"], agent.events("LimitDrift")
        assert agent.container("web")["state"] == "running" and group.oom_kills() == 0
        wait_for("the memory limit, once there is room", lambda: group.memory_limit() == 48 * MiB, 30)
        assert agent.container("web")["restarts"] == 0 and "is put back to" in agent.events("LimitDrift")[-1]["message"], agent.events("LimitDrift")
        assert len([each for each in agent.events("LimitDrift") if "could not" in each["message"] and each["fields"]["file"] in ("memory.limit_in_bytes", "memory.max")]) == 1


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
