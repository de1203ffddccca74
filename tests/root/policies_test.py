# SPDX-License-Identifier: Apache-2.0
"""The same memory hog under each policy: what happened is what the policy says, the record is complete, counters are exact."""
import json
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from cgroups import Cgroup  # noqa: E402
from hog import hog  # noqa: E402
from mete_agent import Agent, ms, need_disk, run_tests, skip_case, wait_for  # noqa: E402

MiB = 1 << 20

# Anonymous memory that grows by `step` MiB each `pause` seconds up to `most`, then stays: awk keeps what it appends.
GROW = r"""trap 'echo GOT-USR1' USR1; exec awk 'BEGIN { for (i = 0; i < %d; ++i) { s = "x"; while (length(s) < 1048576) s = s s; a[i] = s; system("sleep %s") } while (1) system("sleep 1") }'"""


def pod(policy, most=200, pause="0.01", restart="Never", command=None):
    return hog(command or GROW % (most, pause), policy, restart=restart, grace=1)


def records(agent):
    return json.loads(agent.mete("oom", "ls", "-o", "json").stdout)["records"]


def show(agent, record):
    return json.loads(agent.mete("oom", "show", record, "-o", "json").stdout)


def wait_event(agent, reason, seconds=15, **fields):
    def found():
        for event in agent.events(reason):
            if fields.items() <= event.get("fields", {}).items():
                return event
        return None
    return wait_for("event %s %s" % (reason, fields), found, seconds)


def check_record(agent, event):
    """What every record holds, whatever it is of."""
    record = show(agent, event["fields"]["record"])
    assert record["pod"] == "default/hog" and record["container"] == "hog", record
    assert record["limit"] in (64 * MiB, 80 * MiB, 96 * MiB), record["limit"]
    assert record["effectiveLimit"] <= record["limit"] and record["effectiveLimitOf"].endswith("/hog"), record
    assert record["memoryStat"]["cache"] >= 0 if "cache" in record["memoryStat"] else record["memoryStat"]["file"] >= 0
    assert record["history"] and record["history"][-1]["usage"] > 0, record.get("history")
    assert record["steps"] and all(step["ms"] >= 0 for step in record["steps"]), record
    return record


def group(agent):
    return Cgroup(agent.parent + "/default_hog/hog")


def anon(processes):
    return sum(each["anon"] for each in processes)


def test_kill_container_at_a_threshold():
    with Agent().start() as agent:
        agent.apply(pod("  memory: {at: [{usage: 80%, do: kill-container}]}"))
        event = wait_event(agent, "PolicyKill", action="kill-container", outcome="done")
        wait_for("the end", lambda: agent.container("hog")["state"] == "exited")
        assert agent.container("hog")["last"]["reason"] == "PolicyKilled", agent.container("hog")
        assert 0.8 * 64 * MiB <= int(event["fields"]["usage"]) <= 64 * MiB, event
        record = check_record(agent, event)
        assert record["rule"] == "memory.at[0]: usage 80%" and record["action"] == "kill-container", record
        assert anon(record["processes"]) > 0.7 * 64 * MiB, record["processes"]
        assert record["victim"]["pid"] == record["processes"][0]["pid"], record["victim"]
        assert agent.metric("mete_oom_kills_total", container="hog", by="policy") == 1
        assert agent.metric("mete_oom_kills_total", container="hog", by="kernel") == 0
        assert agent.metric("mete_enforcement_actions_total", enforcer="memory", action="kill-container", outcome="done") == 1
        assert not agent.events("OOMKilled"), agent.events("OOMKilled")


def test_signal_and_exec_at_thresholds():
    with Agent().start() as agent:
        command = "trap 'echo GOT-USR1' USR1; head -c 48m /dev/zero | tail -c 48m | sh -c 'sleep 1; cat > /dev/null' & while :; do sleep 0.1; done"
        agent.apply(pod("""  memory:
    at:
    - {usage: 50%%, do: signal, signal: SIGUSR1}
    - {usage: 60%%, do: exec, command: [sh, -c, "echo told > /tmp/told; exit 3"], timeout: %s}
""" % ms(5000), command=command))
        wait_event(agent, "PolicyAction", action="signal", outcome="done")
        event = wait_event(agent, "PolicyAction", action="exec", exit_code="3")
        assert event["fields"]["outcome"] == "failed", event  # the command's own code says so
        wait_for("the trap", lambda: "GOT-USR1" in agent.mete("logs", "hog").stdout)
        assert agent.mete("exec", "hog", "--", "cat", "/tmp/told").stdout == "told\n"


def test_an_exec_that_hangs_or_is_not_there_is_told():
    with Agent().start() as agent:
        agent.apply(pod("""  memory:
    at:
    - {usage: 30%%, do: exec, command: [sh, -c, "sleep 100 & sleep 100"], timeout: %s}
    - {usage: 40%%, do: exec, command: [/no/such/thing]}
""" % ms(300), most=40))
        late = wait_event(agent, "PolicyAction", action="exec", exit_code="124")
        assert "took too long" in late["message"], late
        wait_event(agent, "PolicyAction", action="exec", exit_code="127")
        assert agent.container("hog")["state"] == "running"
        inside = agent.mete("exec", "hog", "--", "ps").stdout
        assert "sleep 100" not in inside, inside


def test_reclaim_frees_page_cache_and_kills_nobody():
    with Agent().start() as agent:
        need_disk(agent.work)
        agent.apply(pod("  memory: {at: [{usage: 70%, do: reclaim}]}",
                        command="dd if=/dev/zero of=/tmp/big bs=1M count=56 2>/dev/null; sync; while :; do sleep 1; done"))
        event = wait_event(agent, "PolicyAction", action="reclaim", outcome="done")
        before, after = [int(word) for word in event["message"].replace(",", " ").replace(";", " ").split() if word.isdigit()][-2:]
        assert after < before, event
        # It goes on writing meanwhile, and reclaim is repeated each second.
        wait_for("usage below the threshold", lambda: agent.metric("container_memory_usage_bytes", container="hog") < 0.7 * 64 * MiB)
        assert agent.container("hog")["state"] == "running" and agent.container("hog")["restarts"] == 0


def test_freeze_then_thaw_or_kill():
    for then in ("thaw", "kill-container"):
        with Agent().start() as agent:
            agent.apply(pod("  memory: {at: [{usage: 60%%, do: freeze, timeout: %s, then: %s}]}" % (ms(700), then), most=45))
            event = wait_event(agent, "Frozen", outcome="done")
            check_record(agent, event)
            time.sleep(0.2)
            assert group(agent).frozen()
            if then == "thaw":
                wait_event(agent, "PolicyAction", action="thaw")
                usage = agent.metric("container_memory_usage_bytes", container="hog")
                wait_for("it to go on", lambda: agent.metric("container_memory_usage_bytes", container="hog") > usage)
            else:
                wait_event(agent, "PolicyKill", action="kill-container", outcome="done")
                wait_for("the end", lambda: agent.container("hog")["state"] == "exited")


def test_somebody_thaws_it_in_time():
    with Agent().start() as agent:
        agent.apply(pod("  memory: {at: [{usage: 60%, do: freeze, timeout: 60s, then: kill-container}]}", most=45))
        wait_event(agent, "Frozen", outcome="done")
        group(agent).thaw()
        wait_event(agent, "Released")
        assert agent.container("hog")["state"] == "running"


def test_a_freeze_that_takes_its_time_is_no_thaw():
    with Agent().start() as agent:
        need_disk(agent.work)
        # One of them waits for a slow disk when another comes past the threshold, and is frozen only when it has its answer, after seconds.
        agent.apply(pod("  memory: {at: [{usage: 60%%, do: freeze, timeout: 60s, then: kill-container}]}\n  io: {devices: [{path: %s, writeBps: 3Mi}]}" % agent.state,
                        command="dd if=/dev/zero of=/tmp/big bs=1M count=24 conv=fsync 2>/dev/null & sleep 1.5; " + GROW % (30, "0.001")))
        wait_event(agent, "Frozen", outcome="done")
        wait_for("the freeze", group(agent).frozen, 30)
        time.sleep(0.5)
        assert group(agent).frozen() and not agent.events("Released"), agent.events()


def test_restart_is_graceful():
    with Agent().start() as agent:
        agent.apply(pod("  memory: {at: [{usage: 60%, do: restart}]}\n  guard: {maxKills: 1, per: 60s}", most=45))
        check_record(agent, wait_event(agent, "PolicyRestart", outcome="done"))
        wait_for("the restart", lambda: agent.container("hog")["restarts"] == 1 and agent.container("hog")["state"] == "running")
        assert agent.container("hog")["last"]["reason"] == "PolicyRestarted", agent.container("hog")
        # The next one is one more than its guard allows.
        event = wait_event(agent, "KillGuarded", outcome="guarded")
        assert show(agent, event["fields"]["record"])["outcome"] == "guarded"
        assert agent.container("hog")["restarts"] == 1


def test_raise_at_a_threshold_up_to_its_maximum():
    with Agent().start() as agent:
        agent.apply(pod("  memory:\n    at: [{usage: 90%, do: raise}]\n    raise: {by: 25%, max: 96Mi}"))
        first = wait_event(agent, "LimitRaised", **{"from": str(64 * MiB), "to": str(80 * MiB)})
        check_record(agent, first)
        wait_event(agent, "LimitRaised", **{"from": str(80 * MiB), "to": str(96 * MiB)})
        refused = wait_event(agent, "LimitNotRaised", outcome="failed")
        assert "largest" in refused["message"], refused
        assert agent.metric("container_spec_memory_limit_bytes", container="hog") in (96 * MiB, None)
        assert not agent.events("LimitDrift"), agent.events("LimitDrift")
        wait_for("the kernel's kill at last", lambda: agent.events("OOMKilled"))


def test_on_oom_raise_lets_it_live():
    with Agent().start() as agent:
        agent.apply(pod("  memory: {onOOM: raise, raise: {by: 25%, max: 96Mi}}", most=70))
        wait_event(agent, "LimitRaised", **{"from": str(64 * MiB), "to": str(80 * MiB)})
        time.sleep(1)
        container = agent.container("hog")
        assert container["state"] == "running" and container["restarts"] == 0, container
        assert agent.metric("mete_oom_kills_total", container="hog", by="kernel") == 0


def test_on_oom_raise_that_is_not_enough_kills():
    with Agent().start() as agent:
        agent.apply(pod("  memory: {onOOM: raise, raise: {by: 25%, max: 96Mi}}"))
        wait_for("the end", lambda: agent.container("hog")["state"] == "exited")
        wait_event(agent, "LimitRaised", **{"to": str(96 * MiB)})
        wait_event(agent, "PolicyKill", action="kill-container", outcome="done")
        assert agent.metric("mete_oom_kills_total", container="hog", by="policy") == 1


def test_a_raise_that_the_machine_cannot_afford_is_refused():
    with Agent() as agent:
        with open(agent.work + "/agent.yaml", "w") as config:
            # All of its memory is kept for the system, and nobody is ended for that.
            total = next(int(line.split()[1]) for line in open("/proc/meminfo") if line.startswith("MemTotal"))
            config.write("machine: {reserve: {memory: %dKi}, outOfMemory: {do: report}}\n" % total)
        agent.start("--config", agent.work + "/agent.yaml")
        agent.apply(pod("  memory: {at: [{usage: 60%, do: raise}], raise: {by: 25%, max: 96Mi}}", most=45))
        refused = wait_event(agent, "LimitNotRaised", outcome="failed")
        assert "machine" in refused["message"], refused
        assert agent.container("hog")["state"] == "running"
        assert group(agent).memory_limit() == 64 * MiB
        assert agent.metric("mete_enforcement_actions_total", action="raise", outcome="failed") >= 1


def test_a_raised_limit_goes_back_with_its_policy():
    with Agent().start() as agent:
        raising = "  memory: {at: [{usage: 50%, do: raise}], raise: {by: 25%, max: 80Mi}}"
        agent.apply(pod(raising, most=40))
        wait_event(agent, "LimitRaised", to=str(80 * MiB))
        agent.apply(pod("  memory: {}", most=40))
        wait_for("the manifest's limit", lambda: group(agent).memory_limit() == 64 * MiB)
        assert agent.container("hog")["state"] == "running" and not agent.events("LimitDrift"), agent.events()


def test_a_raised_limit_that_is_in_use_goes_back_after_page_cache_was():
    with Agent().start() as agent:
        need_disk(agent.work)
        agent.apply(pod("  memory: {at: [{usage: 80%, do: raise}], raise: {by: 50%, max: 96Mi}}",
                        command="dd if=/dev/zero of=/tmp/big bs=1M count=90 2>/dev/null; sync; while :; do sleep 1; done"))
        wait_event(agent, "LimitRaised", to=str(96 * MiB))
        wait_for("more than the manifest's", lambda: agent.metric("container_memory_usage_bytes", container="hog") > 66 * MiB)
        agent.apply(pod("  memory: {}", command="dd if=/dev/zero of=/tmp/big bs=1M count=90 2>/dev/null; sync; while :; do sleep 1; done"))
        wait_for("the manifest's limit", lambda: group(agent).memory_limit() == 64 * MiB)
        assert agent.container("hog")["restarts"] == 0 and not agent.events("OOMKilled"), agent.events()


def test_on_oom_hold_then_kill():
    with Agent().start() as agent:
        agent.apply(pod("  memory: {onOOM: hold, hold: {timeout: %s, then: kill-container}}" % ms(800)))
        held = wait_event(agent, "OOMHeld", outcome="done")
        record = check_record(agent, held)
        assert anon(record["processes"]) > 0.7 * 64 * MiB, record["processes"]
        assert agent.container("hog")["state"] == "running"
        killed = wait_event(agent, "PolicyKill", action="kill-container", outcome="done")
        assert killed["sequence"] > held["sequence"]
        wait_for("the end", lambda: agent.container("hog")["state"] == "exited")
        assert agent.metric("mete_oom_kills_total", container="hog", by="policy") == 1
        assert agent.metric("mete_oom_kills_total", container="hog", by="kernel") == 0


def test_on_oom_hold_and_a_person_gives_it_more():
    with Agent().start() as agent:
        agent.apply(pod("  memory: {onOOM: hold, hold: {timeout: 60s, then: kill-container}}", most=70))
        wait_event(agent, "OOMHeld", outcome="done")
        agent.apply(pod("  memory: {onOOM: raise, raise: {by: 50%, max: 96Mi}}", most=70))
        time.sleep(0.5)
        assert agent.container("hog")["state"] == "running", agent.container("hog")
        assert not agent.events("PolicyKill"), agent.events("PolicyKill")


def test_dry_run_does_nothing_and_records_all():
    with Agent().start() as agent:
        agent.apply(pod("""  dryRun: true
  memory:
    at: [{usage: 50%, do: kill-container}, {usage: 60%, do: freeze, timeout: 5s, then: thaw}, {usage: 70%, do: restart}]
    onOOM: hold
    hold: {timeout: 5s, then: kill-container}
""", most=52))
        wait_event(agent, "PolicyKill", outcome="dry-run")
        wait_event(agent, "Frozen", outcome="dry-run")
        check_record(agent, wait_event(agent, "PolicyRestart", outcome="dry-run"))
        assert agent.container("hog")["state"] == "running" and agent.container("hog")["restarts"] == 0
        assert agent.metric("mete_oom_kills_total", container="hog", by="policy") is None
        agent.apply(pod("  dryRun: true\n  memory: {onOOM: hold, hold: {timeout: 5s, then: kill-container}}", most=200))
        event = wait_event(agent, "OOMKilled")
        assert event["fields"]["pid"].isdigit()


def test_guard_alerts_instead_of_killing():
    with Agent().start() as agent:
        agent.apply(pod("  memory: {at: [{usage: 60%, do: kill-container}]}\n  guard: {maxKills: 2, per: 10m}", most=45, restart="Always"))
        wait_for("two kills", lambda: len(agent.events("PolicyKill")) == 2, 40)
        wait_event(agent, "KillGuarded", outcome="guarded", seconds=30)
        assert len(agent.events("PolicyKill")) == 2
        assert agent.metric("mete_oom_kills_total", container="hog", by="policy") == 2
        assert agent.metric("mete_enforcement_actions_total", enforcer="memory", action="kill-container", outcome="guarded") >= 1


def read(path):
    return open(path).read()


def test_the_shim_thaws_when_the_agent_does_not_come_back():
    with Agent().start() as agent:
        agent.apply(pod("  memory: {at: [{usage: 60%%, do: freeze, timeout: %s, then: kill-container}]}" % ms(1000), most=45))
        wait_event(agent, "Frozen", outcome="done")
        agent.kill()
        assert group(agent).frozen()
        begin = time.monotonic()
        wait_for("the thaw", lambda: not group(agent).frozen(), 5)
        print("     thawed %.1f s after the agent's death" % (time.monotonic() - begin))
        agent.start()
        assert agent.container("hog")["state"] == "running" and agent.container("hog")["restarts"] == 0


def test_the_next_agent_thaws_what_the_last_one_froze():
    with Agent().start() as agent:
        agent.apply(pod("  memory: {at: [{usage: 60%, do: freeze, timeout: 60s, then: kill-container}]}", most=45))
        wait_event(agent, "Frozen", outcome="done")
        agent.kill()
        assert group(agent).frozen()
        agent.start()
        # Its threshold is crossed still, so it is frozen again, and by an agent that lives.
        wait_event(agent, "Frozen", outcome="done")
        agent.apply(pod("  memory: {}", most=45))
        wait_for("the thaw", lambda: not group(agent).frozen())
        assert agent.container("hog")["state"] == "running"


def test_the_shim_thaws_what_the_second_agent_froze_too():
    with Agent().start() as agent:
        agent.apply(pod("  memory: {at: [{usage: 60%%, do: freeze, timeout: %s, then: thaw}]}" % ms(2000), most=45))
        wait_event(agent, "Frozen", outcome="done")
        group = Cgroup(agent.container("hog")["cgroup"])
        for _ in range(2):
            agent.kill()
            agent.start()
            wait_event(agent, "Frozen", outcome="done")  # its usage is still above the threshold
        agent.kill()
        assert group.frozen()
        wait_for("the thaw", lambda: not group.frozen(), 8)


def test_the_shim_lets_the_kernel_kill_when_the_agent_does_not_come_back():
    with Agent().start() as agent:
        # On v2 the kernel need not be let: past memory.high it is slow, and is killed at memory.max.
        agent.apply(pod("  memory: {onOOM: hold, hold: {timeout: 1s, then: kill-container}}", pause="0.03"))
        wait_for("the hog to run", lambda: agent.container("hog")["state"] == "running")
        agent.kill()
        wait_for("somebody to run out of memory", group(agent).out_of_memory, 10)
        begin = time.monotonic()
        wait_for("the kernel's kill", lambda: group(agent).oom_kills() == 1, 6)
        print("     freed %.1f s after it ran out of memory" % (time.monotonic() - begin))
        agent.start()
        wait_for("the end", lambda: agent.container("hog")["state"] == "exited")
        assert agent.metric("mete_oom_kills_total", container="hog", by="kernel") == 1


def test_the_next_agent_goes_on_with_a_hold():
    with Agent().start() as agent:
        agent.apply(pod("  memory: {onOOM: hold, hold: {timeout: %s, then: kill-container}}" % ms(5000)))
        wait_event(agent, "OOMHeld", outcome="done")
        agent.kill()
        agent.start()
        wait_event(agent, "OOMHeld", outcome="done")
        wait_event(agent, "PolicyKill", action="kill-container", outcome="done")
        assert agent.metric("mete_oom_kills_total", container="hog", by="policy") == 1


def test_a_raised_limit_is_the_next_agents_too():
    with Agent().start() as agent:
        agent.apply(pod("  memory: {at: [{usage: 90%, do: raise}], raise: {by: 25%, max: 80Mi}}", most=60))
        wait_event(agent, "LimitRaised", to=str(80 * MiB))
        agent.kill()
        agent.start()
        time.sleep(0.5)
        assert group(agent).memory_limit() == 80 * MiB
        assert not agent.events("LimitDrift"), agent.events("LimitDrift")


def test_thrashing_is_recognised_without_swap():
    with Agent().start() as agent:
        need_disk(agent.work)
        # A file larger than the limit, read again and again.
        agent.apply(pod("  memory: {thrashing: {refaults: 100%, for: 1s, do: kill-container}}",
                        command="dd if=/dev/zero of=/tmp/big bs=1M count=120 2>/dev/null; while :; do cat /tmp/big > /dev/null; done"))
        event = wait_event(agent, "PolicyKill", action="kill-container", outcome="done", seconds=30)
        assert "read" in event["message"] and event["fields"]["rule"] == "memory.thrashing: refaults 100% for 1s", event
        assert agent.metric("mete_enforcement_actions_total", enforcer="thrashing", outcome="done") == 1


def test_pressure_is_a_share_of_time():
    with Agent().start() as agent:
        need_disk(agent.work)
        agent.apply(pod("  memory: {pressure: {some: 5%, for: 1s, do: restart}}",
                        command="dd if=/dev/zero of=/tmp/big bs=1M count=70 2>/dev/null; while :; do cat /tmp/big > /dev/null; done & while :; do cat /tmp/big > /dev/null; done"))
        if any("no pressure" in each["message"] for each in agent.events("NotEnforced")):
            skip_case("needs PSI of cgroups, which this kernel has not")
        event = wait_event(agent, "PolicyRestart", outcome="done", seconds=30)
        assert event["fields"]["rule"] == "memory.pressure: some 5% for 1s", event
        wait_for("the restart", lambda: agent.container("hog")["restarts"] >= 1)


def test_a_file_thrashing_neighbour_is_caught_and_a_well_behaved_one_is_not():
    with Agent().start() as agent:
        need_disk(agent.work)
        agent.apply(pod("  memory: {thrashing: {refaults: 100%, for: 1s, do: kill-container}}",
                        command="dd if=/dev/zero of=/tmp/small bs=1M count=20 2>/dev/null; while :; do cat /tmp/small > /dev/null; sleep 0.05; done"))
        time.sleep(4)
        assert not agent.events("PolicyKill"), agent.events("PolicyKill")
        assert agent.container("hog")["state"] == "running"


def test_a_short_dip_arms_a_rule_again():
    with Agent().start() as agent:
        agent.apply(pod("  memory: {at: [{usage: 60%, do: signal, signal: SIGCONT}]}",
                        command="while :; do dd if=/dev/zero of=/dev/null bs=50M count=1 2>/dev/null; sleep 0.01; done"))
        wait_for("ten signals", lambda: len(agent.events("PolicyAction")) >= 10, 10)


def test_containers_do_not_have_the_agents_priority():
    with Agent().start() as agent:
        nice = lambda pid: int(read("/proc/%s/stat" % pid).rsplit(")", 1)[1].split()[16])  # noqa: E731
        assert nice(agent.process.pid) == -20
        agent.apply(pod("  memory: {at: [{usage: 30%, do: exec, command: [sh, -c, 'cut -d \" \" -f 19 /proc/self/stat > /tmp/nice']}]}", most=30))
        wait_for("it to run", lambda: agent.container("hog")["state"] == "running")
        assert nice(agent.container("hog")["pid"]) == 0
        wait_event(agent, "PolicyAction", action="exec", outcome="done")
        assert agent.mete("exec", "hog", "--", "cat", "/tmp/nice").stdout.strip() == "0"


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
