# SPDX-License-Identifier: Apache-2.0
"""What is drift and what is not: limits that others change, limits that were changed while no agent ran, and those that cannot be put
back at once."""
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from cgroups import Cgroup, MiB  # noqa: E402
from hog import eat  # noqa: E402
from idle_cpu import start_on_idle_machine  # noqa: E402
from mete_agent import Agent, run_tests, wait_for, write  # noqa: E402
from pods import documents, launch, policy, wait_running  # noqa: E402
from web_pod import busy, web  # noqa: E402

BOOST = "  cpu: {boost: {whenThrottled: 25%, for: 1s, factor: 1.5, max: 200%, coolDown: 1s}}\n"
REPORT = "  drift: report\n"


def started(agent, spec, manifest=None):
    return Cgroup(launch(agent, documents(manifest or web(), policy(spec)))["cgroup"])


def policy_while_no_agent_runs(agent, text):
    agent.kill()
    write(agent.state + "/applied/Policy.default.web.yaml", policy(text))
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
        agent.apply(policy(REPORT + "  pids: {max: 40}"))
        wait_for("the policy", lambda: agent.events("PolicyChanged"))
        agent.kill()
        group.write("70", "pids.max")
        agent.start()
        wait_for("the report", lambda: [each["fields"]["found"] for each in agent.events("LimitDrift")] == ["70"])
        assert group.pids_max() == 70


def test_a_boost_is_taken_back_whatever_the_policy_wants_of_drift():
    with Agent() as agent:
        machine = start_on_idle_machine(agent)
        group = started(agent, REPORT + BOOST, busy())
        wait_for("a boost", lambda: group.cpu_quota() > 2000)
        agent.kill()
        assert group.cpu_quota() > 2000
        agent.forget("Policy", "web")
        agent.start(prepare=machine.mount)
        wait_for("its own", lambda: group.cpu_quota() == 2000)


def test_an_agent_that_is_stopped_leaves_nothing_lent():
    with Agent() as agent:
        start_on_idle_machine(agent)
        group = started(agent, BOOST, busy())
        wait_for("a boost", lambda: group.cpu_quota() > 2000)
        agent.stop()
        assert group.cpu_quota() == 2000


def test_what_cannot_be_put_back_now_is_tried_again_and_keeps_nothing_else_from_it():
    with Agent().start() as agent:
        # The eater comes and goes when it is told: until then it must not be killed for the limit that the manifest gives.
        eater = "until [ -e /eat ]; do sleep 0.05; done; (%s) & until [ -e /stop ]; do sleep 0.05; done; kill -9 $!; exec sleep 1000" % eat(18)
        group = started(agent, "  pids: {max: 40}", web(memory="12Mi", command=eater))
        root = "/proc/%d/root" % agent.container("web")["pid"]
        agent.kill()
        group.raise_memory_limit(32 * MiB)
        open(root + "/eat", "w").close()
        wait_for("more than the limit to be in use", lambda: group.memory_usage() > 17 * MiB)
        agent.start()
        told = wait_for("the drift", lambda: [each for each in agent.events("LimitDrift") if "memory" in each["fields"]["file"]])
        assert "could not be put back yet" in told[0]["message"], told
        for number in (60, 70):
            group.write(str(number), "pids.max")
            wait_for("the other limit", lambda: group.pids_max() == 40 and agent.events("LimitDrift", file="pids.max", found=str(number)))  # noqa: B023
        told = [each["fields"]["found"] for each in agent.events("LimitDrift", file="pids.max")]
        assert told == ["60", "70"], agent.events("LimitDrift")
        assert agent.container("web")["state"] == "running" and group.oom_kills() == 0
        open(root + "/stop", "w").close()
        wait_for("the memory limit, once there is room", lambda: group.memory_limit() == 12 * MiB)
        wait_for("the last word", lambda: "is put back to" in agent.events("LimitDrift")[-1]["message"])
        assert wait_running(agent, "web")["restarts"] == 0
        assert len([each for each in agent.events("LimitDrift") if "could not" in each["message"] and each["fields"]["file"] in ("memory.limit_in_bytes", "memory.max")]) == 1


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
