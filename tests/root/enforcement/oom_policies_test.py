# SPDX-License-Identifier: Apache-2.0
"""Who is killed when memory runs out, and who is not: one process or all, at a threshold, by the kernel, after a hold; and what is no OOM."""
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from hog import hog  # noqa: E402
from mete_agent import SLOW, Agent, ms, need_disk, run_tests, stays, wait_for  # noqa: E402
from memory_policies import LIMIT, UNIT, check_record, eat, group, held_hog, kills, show, state, units  # noqa: E402
from pods import wait_exited, wait_restarted  # noqa: E402

# A shell whose child grows; the shell says how that ended, and goes on.
CHILD = "%s; echo ENDED-$?; while :; do sleep 1; done"
KILLED = "ENDED-137"


def child(spec, most=200):
    return held_hog(spec, command=CHILD % eat(most, awk="/bin/awk"))


def is_child(command):
    """By its command line, or by its short name, where there was no time to see that."""
    return command.split()[0] in ("/bin/awk", "awk")


def only_the_child_was_killed(agent):
    wait_for("the child's end", lambda: KILLED in agent.logs("hog"))
    own = agent.container("hog")
    assert own["state"] == "running" and own["restarts"] == 0, own


def counted_as_the_kernel_does(agent):
    """Once, or more often where another one is killed before the first has let go of its memory."""
    wait_for("the count", lambda: kills(agent, "kernel") == group(agent).oom_kills() >= 1)


def test_kill_process_at_a_threshold_is_of_one():
    with Agent().start() as agent:
        agent.apply(child("  memory: {at: [{usage: 70%, do: kill-process}]}"))
        event = agent.event("PolicyKill", action="kill-process", outcome="done")
        only_the_child_was_killed(agent)
        record = check_record(agent, event)
        assert is_child(record["victim"]["command"]), record["victim"]
        assert kills(agent, "policy") == 1 and kills(agent, "kernel") == 0


def test_a_quota_does_not_hold_up_a_kill():
    """A task that its quota has stopped dies when its next period begins: the quota is lifted, and is there again for the next attempt."""
    with Agent().start() as agent:
        agent.apply(hog("exec " + eat(200, "0.01"), "  memory: {at: [{usage: 50%, do: kill-container}]}", memory=units(64) + ", cpu: 100m", cpu="100m", restart="Always"))
        wait_for("the quota", lambda: group(agent).cpu_quota() == 10000)
        # The cgroup stays until the next attempt, which has its quota again: a kill for each attempt.
        wait_for("the quota to be lifted", lambda: group(agent).cpu_quota() is None, every=0.001)
        agent.event("PolicyKill", action="kill-container", outcome="done")
        wait_restarted(agent, "hog")
        wait_for("the quota of the next attempt", lambda: group(agent).cpu_quota() == 10000)
        assert not agent.events("LimitDrift"), agent.events("LimitDrift")


def test_on_oom_kill_process_is_of_one():
    with Agent().start() as agent:
        agent.apply(child("  memory: {onOOM: kill-process}"))
        event = agent.event("OOMKilled")
        only_the_child_was_killed(agent)
        assert is_child(event["fields"]["command"]), event
        counted_as_the_kernel_does(agent)


def test_a_victim_with_the_command_line_of_a_shell_is_named_by_its_task():
    """busybox's shell runs dd within itself: its child keeps the command line of the shell."""
    with Agent().start() as agent:
        agent.apply(held_hog("  memory: {onOOM: kill-process}", command="sleep 1; dd if=/dev/zero of=/dev/null bs=%d count=1; echo ENDED-$?; sleep 60" % (200 * UNIT)))
        event = agent.event("OOMKilled")
        fields = event["fields"]
        # Where there was no time to see the command line, the task stands for it.
        seen = "sleep 1; dd if" in fields["command"]
        assert fields["task"] == "dd" and (seen or fields["command"] == "dd"), fields
        assert ("(dd: " if seen else "(dd)") in event["message"], event
        victim = show(agent, event)["victim"]
        assert victim == {"pid": int(fields["pid"]), "task": "dd", "command": fields["command"]}, victim
        assert ("dd: " if seen else "dd") in agent.mete("oom", "show", fields["record"]).stdout


def test_on_oom_kill_container_is_of_all():
    with Agent().start() as agent:
        agent.apply(child("  memory: {onOOM: kill-container}"))
        agent.event("OOMKilled")
        wait_exited(agent, "hog")
        own = agent.container("hog")
        assert own["last"]["exitCode"] == 137 and own["last"]["reason"] == "OOMKilled", own
        assert KILLED not in agent.logs("hog")
        assert kills(agent, "kernel") >= 1


def test_hold_then_kill_process():
    with Agent().start() as agent:
        agent.apply(child("  memory: {onOOM: hold, hold: {timeout: %s, then: kill-process}}" % ms(800)))
        held = agent.event("OOMHeld", outcome="done")
        killed = agent.event("PolicyKill", action="kill-process", outcome="done")
        assert killed["sequence"] > held["sequence"] and is_child(killed["fields"]["command"]), killed
        only_the_child_was_killed(agent)
        assert kills(agent, "policy") == 1 and kills(agent, "kernel") == 0


def test_hold_then_raise():
    with Agent().start() as agent:
        agent.apply(child("  memory: {onOOM: hold, hold: {timeout: %s, then: raise}, raise: {by: 50%%, max: %s}}" % (ms(800), units(96)), most=75))
        held = agent.event("OOMHeld", outcome="done")
        raised = agent.event("LimitRaised", outcome="done", to=str(96 * UNIT))
        assert raised["sequence"] > held["sequence"], raised
        wait_for("it to take what it was given", lambda: group(agent).memory_usage() > 70 * UNIT)
        stays("it lives", lambda: state(agent) == "running" and "ENDED" not in agent.logs("hog"), 1)
        assert kills(agent, "kernel") == 0 and not agent.events("PolicyKill"), agent.events("PolicyKill")


def test_hold_then_raise_that_is_not_enough_kills():
    with Agent().start() as agent:
        # By doubling, with a share of the CPU: the next OOM follows the raise at once, long before the shim ends a hold in the agent's place.
        agent.apply(held_hog("  memory: {onOOM: hold, hold: {timeout: %s, then: raise}, raise: {by: 50%%, max: %s}}" % (ms(100), units(96)), cpu="1",
                             command="""exec awk 'BEGIN { s = "x"; while (1) s = s s }'"""))
        agent.event("LimitRaised", outcome="done", to=str(96 * UNIT))
        agent.event("PolicyKill", action="kill-container", outcome="done")
        wait_exited(agent, "hog")
        assert len(agent.events("OOMHeld")) == 2, agent.events("OOMHeld")
        assert kills(agent, "kernel") == 0


def test_the_shim_ends_the_hold_of_an_agent_that_is_gone():
    with Agent().start() as agent:
        agent.apply(child("  memory: {onOOM: hold, hold: {timeout: %s, then: kill-process}}" % ms(1000)))
        agent.event("OOMHeld", outcome="done")
        agent.kill()
        wait_for("the kernel's kill", group(agent).oom_kills)
        agent.start()
        only_the_child_was_killed(agent)
        counted_as_the_kernel_does(agent)
        assert kills(agent, "policy") in (0, None)


def test_a_threshold_comes_before_the_hold_however_fast_it_grows():
    with Agent().start() as agent:
        # Quiet until nobody who looks by need (v2) does so often; then all of it. Not in one call: v2's memory.high holds nobody within one.
        burst = "sleep %g; exec %s" % (3 * SLOW, eat(75))
        agent.apply(held_hog("  memory: {at: [{usage: 80%, do: raise}], raise: {by: 50%}, onOOM: hold, hold: {timeout: 60s, then: kill-container}}", command=burst))
        agent.event("LimitRaised", outcome="done", to=str(96 * UNIT))
        wait_for("it to take what it was given", lambda: group(agent).memory_usage() > 70 * UNIT)
        stays("it lives", lambda: state(agent) == "running" and not group(agent).frozen() and not agent.events("PolicyKill"), 1)


def test_freeze_then_kill_process():
    with Agent().start() as agent:
        agent.apply(child("  memory: {at: [{usage: 60%%, do: freeze, timeout: %s, then: kill-process}]}" % ms(3000), most=50))
        agent.event("Frozen", outcome="done")
        wait_for("the freeze", group(agent).frozen)
        agent.event("PolicyKill", action="kill-process", outcome="done")
        only_the_child_was_killed(agent)
        wait_for("the thaw", lambda: not group(agent).frozen())


def test_a_hold_whose_kill_its_guard_forbids_ends_with_the_kernel():
    """Nobody waits for ever, and it is told once: not held, let go and held again."""
    with Agent().start() as agent:
        agent.apply(child("  memory: {onOOM: hold, hold: {timeout: %s, then: kill-container}}\n  guard: {maxKills: 0, per: 10m}" % ms(500)))
        agent.event("OOMHeld", outcome="done")
        agent.event("KillGuarded", outcome="guarded")
        agent.event("OOMKilled")
        assert len(agent.events("OOMHeld")) == 1, agent.events("OOMHeld")
        assert kills(agent, "policy") in (0, None)


def test_a_restart_that_takes_its_time_is_told_once():
    with Agent().start() as agent:
        slow = "trap '' TERM\n" + CHILD % eat(45)
        agent.apply(held_hog("  memory: {at: [{usage: 60%, do: restart}]}", command=slow).replace("terminationGracePeriodSeconds: 1", "terminationGracePeriodSeconds: %d" % (4 * SLOW)))
        agent.event("PolicyRestart", outcome="done")
        # As often as one looks before the grace period is over: the restart is told of once.
        while True:
            told, restarts = agent.events("PolicyRestart"), agent.container("hog")["restarts"]
            if restarts:
                break
            assert len(told) == 1, told
            time.sleep(0.05)
        wait_restarted(agent, "hog")


def test_page_cache_at_the_limit_is_no_oom():
    for answer in ("onOOM: hold, hold: {timeout: 60s, then: kill-container}", "onOOM: raise, raise: {by: 50%%, max: %s}" % units(96)):
        with Agent().start() as agent:
            need_disk(agent.work)
            agent.apply(held_hog("  memory: {%s}" % answer,
                            command="dd if=/dev/zero of=/tmp/big bs=%d count=120 2>/dev/null; sync; for i in 1 2 3; do cat /tmp/big > /dev/null; done; echo READ; while :; do sleep 1; done" % UNIT))
            wrong = lambda: [each for each in agent.events() if each["reason"] in ("OOMHeld", "LimitRaised", "LimitNotRaised", "PolicyKill", "OOMKilled")]  # noqa: E731
            wait_for("it to have read its file", lambda: wrong() or "READ" in agent.logs("hog"))
            assert not wrong(), wrong()
            assert state(agent) == "running" and group(agent).memory_limit() == LIMIT


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
