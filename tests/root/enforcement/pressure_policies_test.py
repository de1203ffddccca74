# SPDX-License-Identifier: Apache-2.0
"""Thrashing and memory pressure as reasons for a policy to act."""
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from mete_agent import Agent, need_disk, run_tests, skip_case, stays, wait_for  # noqa: E402
from memory_policies import UNIT, held_hog, read_for_ever, state  # noqa: E402
from pods import launch  # noqa: E402


def test_thrashing_is_recognised_without_swap():
    with Agent().start() as agent:
        need_disk(agent.work)
        # A file larger than the limit, read again and again.
        agent.apply(held_hog("  memory: {thrashing: {refaults: 100%, for: 1s, do: kill-container}}",
                             command=read_for_ever(120)))
        event = agent.event("PolicyKill", action="kill-container", outcome="done")
        assert "read" in event["message"] and event["fields"]["rule"] == "memory.thrashing: refaults 100% for 1s", event
        assert agent.metric("mete_enforcement_actions_total", enforcer="thrashing", outcome="done") == 1


def test_pressure_is_a_share_of_time():
    with Agent().start() as agent:
        need_disk(agent.work)
        agent.apply(held_hog("  memory: {pressure: {some: 5%, for: 1s, do: restart}}",
                             command=read_for_ever(70, twice=True)))
        if any("no pressure" in each["message"] for each in agent.events("NotEnforced")):
            skip_case("needs PSI of cgroups, which this kernel has not")
        event = agent.event("PolicyRestart", outcome="done")
        assert event["fields"]["rule"] == "memory.pressure: some 5% for 1s", event
        wait_for("the restart", lambda: agent.container("hog")["restarts"] >= 1)


def test_a_file_thrashing_neighbour_is_caught_and_a_well_behaved_one_is_not():
    with Agent().start() as agent:
        need_disk(agent.work)
        launch(agent, held_hog("  memory: {thrashing: {refaults: 100%, for: 1s, do: kill-container}}",
                               command="dd if=/dev/zero of=/tmp/small bs=%d count=20 2>/dev/null; while :; do cat /tmp/small > /dev/null; sleep 0.05; done" % UNIT), "hog")
        stays("it runs", lambda: state(agent) == "running" and not agent.events("PolicyKill"), 4)


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
