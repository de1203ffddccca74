# SPDX-License-Identifier: Apache-2.0
"""What a policy has frozen, held or raised when its agent dies: the shim ends it in time, and the next agent goes on with it."""
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from event_time import time_of  # noqa: E402
from mete_agent import SLOW, Agent, ms, run_tests, wait_for  # noqa: E402
from memory_policies import group, held_hog, kills, state  # noqa: E402
from pods import launch, wait_exited  # noqa: E402


def test_the_shim_thaws_when_the_agent_does_not_come_back():
    with Agent().start() as agent:
        agent.apply(held_hog("  memory: {at: [{usage: 60%%, do: freeze, timeout: %s, then: kill-container}]}" % ms(3000), most=45))
        at = time_of(agent.event("Frozen", outcome="done")["time"])
        agent.kill()
        # The last of its processes may freeze later; on a machine that stood still meanwhile the time is over.
        wait_for("it to be frozen", lambda: group(agent).frozen() or time.time() - at > 3 * SLOW)
        begin = time.monotonic()
        wait_for("the thaw", lambda: not group(agent).frozen())
        print("     thawed %.1f s after the agent's death" % (time.monotonic() - begin))
        agent.start()
        assert state(agent) == "running" and agent.container("hog")["restarts"] == 0


def test_the_next_agent_thaws_what_the_last_one_froze():
    with Agent().start() as agent:
        agent.apply(held_hog("  memory: {at: [{usage: 60%, do: freeze, timeout: 60s, then: kill-container}]}", most=45))
        agent.event("Frozen", outcome="done")
        agent.kill()
        wait_for("all of it to be frozen", group(agent).frozen)
        agent.start()
        # Its threshold is crossed still, so it is frozen again, and by an agent that lives.
        agent.event("Frozen", outcome="done")
        agent.apply(held_hog("  memory: {}", most=45))
        wait_for("the thaw", lambda: not group(agent).frozen())
        assert state(agent) == "running"


def test_the_shim_thaws_what_the_second_agent_froze_too():
    with Agent().start() as agent:
        agent.apply(held_hog("  memory: {at: [{usage: 60%%, do: freeze, timeout: %s, then: thaw}]}" % ms(4000), most=45))
        agent.event("Frozen", outcome="done")
        own = group(agent)
        for _ in range(2):
            agent.kill()
            agent.start()
            agent.event("Frozen", outcome="done")  # its usage is still above the threshold
        agent.kill()
        wait_for("all of it to be frozen", own.frozen)
        wait_for("the thaw", lambda: not own.frozen())


def test_the_shim_lets_the_kernel_kill_when_the_agent_does_not_come_back():
    with Agent().start() as agent:
        # On v2 the kernel need not be let: past memory.high it is slow, and is killed at memory.max.
        launch(agent, held_hog("  memory: {onOOM: hold, hold: {timeout: 1s, then: kill-container}}", pause="0.03"), "hog")
        agent.kill()
        wait_for("somebody to run out of memory", group(agent).out_of_memory)
        begin = time.monotonic()
        killed = wait_for("the kernel's kill", group(agent).oom_kills)  # of one, and perhaps of a second before the first has let go of its memory
        print("     freed %.1f s after it ran out of memory" % (time.monotonic() - begin))
        agent.start()
        wait_exited(agent, "hog")
        assert kills(agent, "kernel") >= killed


def test_the_next_agent_goes_on_with_a_hold():
    with Agent().start() as agent:
        agent.apply(held_hog("  memory: {onOOM: hold, hold: {timeout: %s, then: kill-container}}" % ms(3000)))
        agent.event("OOMHeld", outcome="done")
        agent.kill()
        agent.start()
        agent.event("OOMHeld", outcome="done")
        agent.event("PolicyKill", action="kill-container", outcome="done")
        assert kills(agent, "policy") == 1


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
