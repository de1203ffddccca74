# SPDX-License-Identifier: Apache-2.0
"""Actions at a threshold of memory usage: what happened is what the policy says, the record is complete, counters are exact."""
import os
import re
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from cgroups import MiB  # noqa: E402
from mete_agent import Agent, ms, need_disk, run_tests, stays, wait_for  # noqa: E402
from memory_policies import LIMIT, UNIT, anon, check_record, eat, exemplars, group, held_hog, kills, show, state  # noqa: E402
from pods import wait_exited, wait_restarted, wait_running  # noqa: E402


def test_kill_container_at_a_threshold():
    with Agent().start() as agent:
        agent.apply(held_hog("  memory: {at: [{usage: 80%, do: kill-container}]}"))
        event = agent.event("PolicyKill", action="kill-container", outcome="done")
        wait_exited(agent, "hog")
        assert agent.container("hog")["last"]["reason"] == "PolicyKilled", agent.container("hog")
        # One fact has one set of numbers: text, fields and record have the usage that the rule was decided by.
        decided, limit = map(int, re.search(r"memory usage (\d+) is at least 80% of the limit (\d+)", event["message"]).groups())
        assert 0.8 * LIMIT <= decided <= LIMIT == limit, event
        assert event["fields"]["usage"] == str(decided) and event["fields"]["limit"] == str(limit), event
        record = check_record(agent, event)
        assert record["usage"] == decided, record
        assert record["rule"] == "memory.at[0]: usage 80%" and record["action"] == "kill-container", record
        assert anon(record["processes"]) > 0.7 * LIMIT, record["processes"]
        assert record["victim"]["pid"] == record["processes"][0]["pid"], record["victim"]
        assert kills(agent, "policy") == 1
        assert kills(agent, "kernel") == 0
        assert exemplars(agent) == {("container", "policy"): event["fields"]["record"]}
        assert agent.metric("mete_enforcement_actions_total", enforcer="memory", action="kill-container", outcome="done") == 1
        assert not agent.events("OOMKilled"), agent.events("OOMKilled")


def test_signal_and_exec_at_thresholds():
    with Agent().start() as agent:
        command = "trap 'echo GOT-USR1' USR1; head -c %d /dev/zero | tail -c %d | sh -c 'sleep 5; cat > /dev/null' & while :; do sleep 0.1; done" % (48 * UNIT, 48 * UNIT)
        agent.apply(held_hog("""  memory:
    at:
    - {usage: 50%%, do: signal, signal: SIGUSR1}
    - {usage: 60%%, do: exec, command: [sh, -c, "echo told > /tmp/told; exit 3"], timeout: %s}
""" % ms(60000), command=command))
        agent.event("PolicyAction", action="signal", outcome="done")
        event = agent.event("PolicyAction", action="exec", exit_code="3")
        assert event["fields"]["outcome"] == "failed", event  # the command's own code says so
        wait_for("the trap", lambda: "GOT-USR1" in agent.logs("hog"))
        assert agent.mete("exec", "hog", "--", "cat", "/tmp/told").stdout == "told\n"


def test_an_exec_that_hangs_or_is_not_there_is_told():
    with Agent().start() as agent:
        agent.apply(held_hog("""  memory:
    at:
    - {usage: 30%%, do: exec, command: [sh, -c, "sleep 100 & sleep 100"], timeout: %s}
    - {usage: 40%%, do: exec, command: [/no/such/thing]}
""" % ms(300), most=40))
        late = agent.event("PolicyAction", action="exec", exit_code="124")
        assert "took too long" in late["message"], late
        agent.event("PolicyAction", action="exec", exit_code="127")
        assert state(agent) == "running"
        wait_for("the hanging ones to be gone", lambda: "sleep 100" not in agent.mete("exec", "hog", "--", "ps").stdout)


def test_a_reclaim_that_can_free_nothing_is_told_once():
    with Agent().start() as agent:
        # So large that the pages of its program's file are nothing beside it.
        agent.apply(held_hog("  memory: {at: [{usage: 60%, do: reclaim}]}", most=44, unit=MiB))
        event = agent.event("PolicyAction", action="reclaim", outcome="failed")
        assert "not told again" in event["message"], event

        def told_once():  # one before it may have freed something: the program still grew
            outcomes = [each["fields"]["outcome"] for each in agent.events("PolicyAction")]
            return outcomes.count("failed") == 1 and outcomes[-1] == "failed" and state(agent) == "running"
        stays("told once", told_once, 6)
        tried = agent.metric("mete_enforcement_actions_total", enforcer="memory", action="reclaim", outcome="failed")
        assert 2 <= tried <= 4, "after 2 s and 4 s, not each second: %s" % tried


def test_reclaim_frees_page_cache_and_kills_nobody():
    with Agent().start() as agent:
        need_disk(agent.work)
        agent.apply(held_hog("  memory: {at: [{usage: 70%, do: reclaim}]}",
                             command="dd if=/dev/zero of=/tmp/big bs=%d count=56 2>/dev/null; sync; while :; do sleep 1; done" % UNIT))
        event = agent.event("PolicyAction", action="reclaim", outcome="done")
        before, after = [int(word) for word in event["message"].replace(",", " ").replace(";", " ").split() if word.isdigit()][-2:]
        assert after < before, event
        # It goes on writing meanwhile, and reclaim is repeated each second.
        wait_for("usage below the threshold", lambda: agent.metric("container_memory_usage_bytes", container="hog") < 0.7 * LIMIT)
        assert state(agent) == "running" and agent.container("hog")["restarts"] == 0


def test_freeze_then_thaw_or_kill():
    for then in ("thaw", "kill-container"):
        with Agent().start() as agent:
            agent.apply(held_hog("  memory: {at: [{usage: 60%%, do: freeze, timeout: %s, then: %s}]}" % (ms(3000), then), most=45))
            event = agent.event("Frozen", outcome="done")
            wait_for("the freeze", group(agent).frozen)
            check_record(agent, event)
            if then == "thaw":
                agent.event("PolicyAction", action="thaw")
                usage = agent.metric("container_memory_usage_bytes", container="hog")
                wait_for("it to go on", lambda: agent.metric("container_memory_usage_bytes", container="hog") > usage)
            else:
                agent.event("PolicyKill", action="kill-container", outcome="done")
                wait_exited(agent, "hog")


def test_somebody_thaws_it_in_time():
    with Agent().start() as agent:
        agent.apply(held_hog("  memory: {at: [{usage: 60%, do: freeze, timeout: 60s, then: kill-container}]}", most=45))
        agent.event("Frozen", outcome="done")
        group(agent).thaw()
        agent.event("Released")
        assert state(agent) == "running"


def test_a_freeze_that_takes_its_time_is_no_thaw():
    with Agent().start() as agent:
        need_disk(agent.work)
        # One of them waits for a slow disk when another comes past the threshold, and is frozen only when it has its answer, after seconds.
        agent.apply(held_hog("  memory: {at: [{usage: 60%%, do: freeze, timeout: 60s, then: kill-container}]}\n  io: {devices: [{path: %s, writeBps: %d}]}" % (agent.state, 3 * UNIT),
                             command="dd if=/dev/zero of=/tmp/big bs=%d count=24 conv=fsync 2>/dev/null & sleep 1.5; " % UNIT + eat(30)))
        agent.event("Frozen", outcome="done")
        wait_for("the freeze", group(agent).frozen)
        stays("frozen, and not told to be released", lambda: group(agent).frozen() and not agent.events("Released"), 0.5)


def test_restart_is_graceful():
    with Agent().start() as agent:
        agent.apply(held_hog("  memory: {at: [{usage: 60%, do: restart}]}\n  guard: {maxKills: 1, per: 10m}", most=45))
        check_record(agent, agent.event("PolicyRestart", outcome="done"))
        assert wait_restarted(agent, "hog")["last"]["reason"] == "PolicyRestarted", agent.container("hog")
        # The next one is one more than its guard allows.
        event = agent.event("KillGuarded", outcome="guarded")
        assert show(agent, event)["outcome"] == "guarded"
        assert agent.container("hog")["restarts"] == 1


def test_dry_run_does_nothing_and_records_all():
    with Agent().start() as agent:
        agent.apply(held_hog("""  dryRun: true
  memory:
    at: [{usage: 50%, do: kill-container}, {usage: 60%, do: freeze, timeout: 5s, then: thaw}, {usage: 70%, do: restart}]
    onOOM: hold
    hold: {timeout: 5s, then: kill-container}
""", most=52))
        agent.event("PolicyKill", outcome="dry-run")
        agent.event("Frozen", outcome="dry-run")
        check_record(agent, agent.event("PolicyRestart", outcome="dry-run"))
        assert state(agent) == "running" and agent.container("hog")["restarts"] == 0
        assert kills(agent, "policy") is None
        agent.apply(held_hog("  dryRun: true\n  memory: {onOOM: hold, hold: {timeout: 5s, then: kill-container}}", most=200))
        event = agent.event("OOMKilled")
        assert event["fields"]["pid"].isdigit()


def test_guard_alerts_instead_of_killing():
    with Agent().start() as agent:
        agent.apply(held_hog("  memory: {at: [{usage: 60%, do: kill-container}]}\n  guard: {maxKills: 2, per: 10m}", most=45, restart="Always"))
        wait_for("two kills", lambda: len(agent.events("PolicyKill")) == 2)
        agent.event("KillGuarded", outcome="guarded")
        assert len(agent.events("PolicyKill")) == 2
        assert kills(agent, "policy") == 2
        assert agent.metric("mete_enforcement_actions_total", enforcer="memory", action="kill-container", outcome="guarded") >= 1


def test_a_short_dip_arms_a_rule_again():
    with Agent().start() as agent:
        agent.apply(held_hog("  memory: {at: [{usage: 60%, do: signal, signal: SIGCONT}]}",
                             command="while :; do dd if=/dev/zero of=/dev/null bs=%d count=1 2>/dev/null; sleep 0.01; done" % (50 * UNIT)))
        wait_for("ten signals", lambda: len(agent.events("PolicyAction")) >= 10)


def test_containers_do_not_have_the_agents_priority():
    with Agent().start() as agent:
        nice = lambda pid: os.getpriority(os.PRIO_PROCESS, pid)  # noqa: E731
        assert nice(agent.process.pid) == -20
        agent.apply(held_hog("  memory: {at: [{usage: 30%, do: exec, command: [sh, -c, 'cut -d \" \" -f 19 /proc/self/stat > /tmp/nice']}]}", most=30))
        assert nice(wait_running(agent, "hog")["pid"]) == 0
        agent.event("PolicyAction", action="exec", outcome="done")
        assert agent.mete("exec", "hog", "--", "cat", "/tmp/nice").stdout.strip() == "0"


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
