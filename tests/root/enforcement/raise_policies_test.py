# SPDX-License-Identifier: Apache-2.0
"""Memory limits that a policy raises, and how they go back."""
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from mete_agent import Agent, ms, need_disk, run_tests, stays, wait_for, with_config  # noqa: E402
from memory_policies import LIMIT, UNIT, anon, check_record, group, held_hog, kills, state, units  # noqa: E402
from pods import wait_exited  # noqa: E402


def test_raise_at_a_threshold_up_to_its_maximum():
    with Agent().start() as agent:
        agent.apply(held_hog("  memory:\n    at: [{usage: 90%%, do: raise}]\n    raise: {by: 25%%, max: %s}" % units(96), pause="0.03"))
        first = agent.event("LimitRaised", **{"from": str(LIMIT), "to": str(80 * UNIT)})
        check_record(agent, first)
        agent.event("LimitRaised", **{"from": str(80 * UNIT), "to": str(96 * UNIT)})
        refused = agent.event("LimitNotRaised", outcome="failed")
        assert "largest" in refused["message"], refused
        wait_for("the metric", lambda: agent.metric("container_spec_memory_limit_bytes", container="hog") in (96 * UNIT, None))  # None: it has ended
        assert not agent.events("LimitDrift"), agent.events("LimitDrift")
        wait_for("the kernel's kill at last", lambda: agent.events("OOMKilled"))


def test_on_oom_raise_lets_it_live():
    with Agent().start() as agent:
        agent.apply(held_hog("  memory: {onOOM: raise, raise: {by: 25%%, max: %s}}" % units(96), most=70))
        agent.event("LimitRaised", **{"from": str(LIMIT), "to": str(80 * UNIT)})
        stays("it lives", lambda: state(agent) == "running" and agent.container("hog")["restarts"] == 0, 1)
        assert kills(agent, "kernel") == 0


def test_on_oom_raise_that_is_not_enough_kills():
    with Agent().start() as agent:
        agent.apply(held_hog("  memory: {onOOM: raise, raise: {by: 25%%, max: %s}}" % units(96)))
        wait_exited(agent, "hog")
        agent.event("LimitRaised", **{"to": str(96 * UNIT)})
        agent.event("PolicyKill", action="kill-container", outcome="done")
        assert kills(agent, "policy") == 1


def test_a_raise_that_the_machine_cannot_afford_is_refused():
    with Agent() as agent:
        # All of the machine's memory is kept for the system, and nobody is ended for that.
        total = next(int(line.split()[1]) for line in open("/proc/meminfo") if line.startswith("MemTotal"))
        agent.start(*with_config(agent, "machine: {reserve: {memory: %dKi}, outOfMemory: {do: report}}\n" % total))
        agent.apply(held_hog("  memory: {at: [{usage: 60%%, do: raise}], raise: {by: 25%%, max: %s}}" % units(96), most=45))
        refused = agent.event("LimitNotRaised", outcome="failed")
        assert "machine" in refused["message"], refused
        assert state(agent) == "running"
        assert group(agent).memory_limit() == LIMIT
        assert agent.metric("mete_enforcement_actions_total", action="raise", outcome="failed") >= 1


def test_a_raised_limit_goes_back_with_its_policy():
    with Agent().start() as agent:
        raising = "  memory: {at: [{usage: 50%%, do: raise}], raise: {by: 25%%, max: %s}}" % units(80)
        agent.apply(held_hog(raising, most=40))
        agent.event("LimitRaised", to=str(80 * UNIT))
        agent.apply(held_hog("  memory: {}", most=40))
        wait_for("the manifest's limit", lambda: group(agent).memory_limit() == LIMIT)
        assert state(agent) == "running" and not agent.events("LimitDrift"), agent.events()


def test_a_raised_limit_that_is_in_use_goes_back_after_page_cache_was():
    with Agent().start() as agent:
        need_disk(agent.work)
        # The file may be written before the limit is raised, and then only a part of it is in memory: it is read again.
        fills = "dd if=/dev/zero of=/tmp/big bs=%d count=90 2>/dev/null; sync; while :; do cat /tmp/big > /dev/null; sleep 1; done" % UNIT
        agent.apply(held_hog("  memory: {at: [{usage: 80%%, do: raise}], raise: {by: 50%%, max: %s}}" % units(96),
                             command=fills))
        agent.event("LimitRaised", to=str(96 * UNIT))
        wait_for("more than the manifest's", lambda: agent.metric("container_memory_usage_bytes", container="hog") > 66 * UNIT)
        agent.apply(held_hog("  memory: {}", command=fills))
        wait_for("the manifest's limit", lambda: group(agent).memory_limit() == LIMIT)
        assert agent.container("hog")["restarts"] == 0 and not agent.events("OOMKilled"), agent.events()


def test_on_oom_hold_then_kill():
    with Agent().start() as agent:
        agent.apply(held_hog("  memory: {onOOM: hold, hold: {timeout: %s, then: kill-container}}" % ms(3000)))
        held = agent.event("OOMHeld", outcome="done")
        assert state(agent) == "running" or agent.events("PolicyKill"), agent.events()
        record = check_record(agent, held)
        assert anon(record["processes"]) > 0.7 * LIMIT, record["processes"]
        killed = agent.event("PolicyKill", action="kill-container", outcome="done")
        assert killed["sequence"] > held["sequence"]
        wait_exited(agent, "hog")
        assert kills(agent, "policy") == 1
        assert kills(agent, "kernel") == 0


def test_on_oom_hold_and_a_person_gives_it_more():
    with Agent().start() as agent:
        agent.apply(held_hog("  memory: {onOOM: hold, hold: {timeout: 60s, then: kill-container}}", most=70))
        agent.event("OOMHeld", outcome="done")
        agent.apply(held_hog("  memory: {onOOM: raise, raise: {by: 50%%, max: %s}}" % units(96), most=70))
        stays("it lives", lambda: state(agent) == "running" and not agent.events("PolicyKill"), 0.5)


def test_a_raised_limit_is_the_next_agents_too():
    with Agent().start() as agent:
        agent.apply(held_hog("  memory: {at: [{usage: 90%%, do: raise}], raise: {by: 25%%, max: %s}}" % units(80), most=60))
        agent.event("LimitRaised", to=str(80 * UNIT))
        agent.kill()
        agent.start()
        stays("the raised limit", lambda: group(agent).memory_limit() == 80 * UNIT, 0.5)
        assert not agent.events("LimitDrift"), agent.events("LimitDrift")


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
