# SPDX-License-Identifier: Apache-2.0
"""Policies for cgroups that others made: held while the policy is there, and put back to the bytes they had."""
import json
import os
import signal
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from cgroups import Foreign, MiB, memory_cgroup_of  # noqa: E402
from held_cgroups import GROW, cgroup_policy, hold, let_go  # noqa: E402
from idle_cpu import start_on_idle_machine  # noqa: E402
from leftovers import clean_up, made_folder  # noqa: E402
from memory_policies import show  # noqa: E402
from mete_agent import SLOW, Agent, ms, need_disk, run_tests, wait_for  # noqa: E402
from pods import documents  # noqa: E402


def test_held_and_put_back_to_the_exact_bytes():
    with Foreign() as foreign, Agent().start() as agent:
        before = foreign.settings()
        hold(agent, foreign.path, "  pids: {max: 33}\n  memory: {at: [{usage: 80%, do: raise}], raise: {by: 50%}, onOOM: hold, hold: {timeout: 5s, then: kill-process}}")
        wait_for("the limits", lambda: foreign.pids_max() == 33 and foreign.decided_before_the_kernel())
        grower = foreign.run(GROW % (62, "0.04"))  # so slow that whoever looks by need (v2) sees it come
        agent.event("LimitRaised", to=str(96 * MiB))
        wait_for("more than the old limit", lambda: foreign.memory_usage() > 66 * MiB)
        let_go(agent)
        # The old limit waits while more is in use (v1's kernel refuses it, v2's would kill for it); all else is put back at once.
        agent.event("RestoreFailed")
        wait_for("all else", lambda: foreign.settings() == foreign.with_memory_limit(before, 96 * MiB))
        assert grower.poll() is None and foreign.oom_kills() == 0, "it was killed for a limit that is put back"
        grower.kill()
        wait_for("what was there", lambda: foreign.settings() == before)
        assert len(agent.events("Restored")) >= 3, agent.events("Restored")


def test_put_back_when_the_agent_stops_and_after_it_was_killed():
    with Foreign() as foreign, Agent().start() as agent:
        before = foreign.settings()
        hold(agent, foreign.path, "  pids: {max: 33}\n  memory: {onOOM: hold, hold: {timeout: 5s, then: kill-process}}")
        wait_for("the limits", lambda: foreign.settings() != before)
        agent.stop()
        assert foreign.settings() == before
        agent.start()
        wait_for("the limits again", lambda: foreign.pids_max() == 33)
        agent.kill()
        assert foreign.settings() != before
        agent.forget("Policy", "foreign")
        agent.start()
        wait_for("what was there", lambda: foreign.settings() == before)


def test_rollback_needs_no_running_agent():
    with Foreign() as foreign, Agent().start() as agent:
        before = foreign.settings()
        hold(agent, foreign.path, "  pids: {max: 33}")
        wait_for("the limits", lambda: foreign.settings() != before)
        refused = agent.mete("agent", "--cgroup-parent", agent.parent, "--rollback", check=False)
        assert refused.returncode == 1 and "another agent" in refused.stderr, refused
        agent.kill()
        done = agent.mete("agent", "--cgroup-parent", agent.parent, "--rollback")
        assert foreign.settings() == before, done
        assert "pids.max of cgroup " + foreign.path in done.stdout, done
        assert "nothing" in agent.mete("agent", "--cgroup-parent", agent.parent, "--rollback").stdout


def test_a_frozen_one_is_thawed_after_the_agents_death():
    with Foreign() as foreign, Agent().start() as agent:
        hold(agent, foreign.path, "  memory: {at: [{usage: 40%, do: freeze, timeout: 60s, then: thaw}]}")
        foreign.run(GROW % (60, "0.01"))
        agent.event("Frozen", outcome="done")
        wait_for("the freeze", foreign.frozen)
        agent.kill()
        assert foreign.frozen()
        agent.forget("Policy", "foreign")
        agent.start()
        wait_for("the thaw", lambda: not foreign.frozen())


def test_threshold_hold_and_kill_in_a_cgroup_of_others():
    with Foreign() as foreign, Agent().start() as agent:
        hold(agent, "/mete-foreign-%d-*" % os.getpid(), "  memory: {at: [{usage: 50%%, do: signal, signal: SIGCONT}], onOOM: hold, hold: {timeout: %s, then: kill-process}}" % ms(500))
        victim = foreign.run(GROW % (200, "0.002"))
        agent.event("PolicyAction", action="signal", outcome="done")
        agent.event("OOMHeld", outcome="done")
        killed = agent.event("PolicyKill", action="kill-process", outcome="done")
        assert killed["fields"]["pid"] == str(victim.pid), killed
        assert victim.wait(60 * SLOW) == -signal.SIGKILL
        record = show(agent, killed)
        assert record["cgroup"] == foreign.path and record["victim"]["pid"] == victim.pid, record


def test_kernel_kills_in_a_cgroup_of_others_are_recorded():
    with Foreign() as foreign, Agent().start() as agent:
        hold(agent, foreign.path, "  memory: {onOOM: kill-process}")
        foreign.run("import time; time.sleep(1000)")  # is there, however late the agent looks
        victim = foreign.run(GROW % (200, "0.001"))
        told = agent.event("OOMKilled", pid=str(victim.pid))
        record = show(agent, told)
        assert record["processes"] and record["limit"] == 64 * MiB, record
        assert len(agent.events("OOMKilled")) == 1, agent.events("OOMKilled")


def test_on_oom_kill_container_is_of_all_in_a_cgroup_of_others():
    with Foreign() as foreign, Agent().start() as agent:
        before = foreign.settings()
        hold(agent, foreign.path, "  memory: {onOOM: kill-container}")
        wait_for("the policy to be in force", lambda: agent.metric("mete_enforcement_actions_total", enforcer="limits", outcome="done"))
        others = [foreign.run("import time; time.sleep(1000)") for _ in range(2)]
        victim = foreign.run(GROW % (200, "0.001"))
        agent.event("OOMKilled", pid=str(victim.pid))
        for process in [victim, *others]:
            assert process.wait(60 * SLOW) == -signal.SIGKILL
        let_go(agent)
        wait_for("what was there", lambda: foreign.settings() == before)


def test_new_cgroups_are_held_at_once_and_gone_ones_forgotten():
    with Agent().start() as agent:
        hold(agent, "/mete-foreign-%d-*" % os.getpid(), "  pids: {max: 44}")
        wait_for("the warning", lambda: agent.events("PolicyMatchesNothing"))
        with Foreign() as foreign:
            begin = time.monotonic()
            wait_for("the limit", lambda: foreign.pids_max() == 44, every=0.002)
            print("     held %.1f ms after it was made" % ((time.monotonic() - begin) * 1000))
        wait_for("an empty ledger at the end", lambda: not agent.stop() and json.load(open(agent.state + "/foreign.json"))["knobs"] == [])


def test_the_agent_itself_is_refused_and_contradictions_name_both():
    with Foreign() as foreign, Agent().start() as agent:
        own = memory_cgroup_of(agent.process.pid)
        hold(agent, own, "  pids: {max: 5}")
        refused = wait_for("the refusal", lambda: agent.events("PolicyRefused"))
        assert own in refused[0]["message"] and "default/foreign" in refused[0]["message"], refused
        agent.apply(documents(cgroup_policy(foreign.path, "  pids: {max: 5}"), cgroup_policy(foreign.path, "  pids: {max: 6}", "twin")))
        conflict = wait_for("the conflict", lambda: agent.events("PolicyConflict"))
        assert "default/foreign" in conflict[0]["message"] and "default/twin" in conflict[0]["message"], conflict
        assert foreign.pids_max() is None


def test_dry_run_changes_nothing():
    with Foreign() as foreign, Agent().start() as agent:
        before = foreign.settings()
        hold(agent, foreign.path, "  dryRun: true\n  pids: {max: 5}\n  memory: {at: [{usage: 50%, do: kill-container}], onOOM: hold, hold: {timeout: 1s, then: kill-process}}")
        process = foreign.run(GROW % (50, "0.002"))
        agent.event("PolicyKill", outcome="dry-run")
        assert process.poll() is None and foreign.settings() == before


def test_io_of_a_cgroup_of_others_is_limited_and_put_back():
    with Foreign() as foreign, Agent().start() as agent:
        need_disk(agent.work)
        spec = "  io: {devices: [{path: %s, writeBps: 20Mi, readIops: 500}]}" % agent.state
        limited = {"wbps": 20 * MiB, "riops": 500}
        hold(agent, foreign.path, spec)
        wait_for("the limit", lambda: list(foreign.io_limits().values()) == [limited])
        disk = list(foreign.io_limits())[0]
        let_go(agent)
        wait_for("no limit", lambda: foreign.io_limits() == {})
        # And one that was there comes back, after a death too.
        foreign.limit_writes(disk, MiB)
        before = foreign.settings()
        hold(agent, foreign.path, spec)
        wait_for("the limit", lambda: foreign.io_limits() == {disk: limited})
        agent.kill()
        agent.mete("agent", "--cgroup-parent", agent.parent, "--rollback")
        assert foreign.io_limits() == {disk: {"wbps": MiB}} and foreign.settings() == before, foreign.settings()


BOOST = "  cpu: {boost: {whenThrottled: 10%, for: 1s, factor: 2, max: 300%, coolDown: 2s}}"


def test_a_throttled_cgroup_of_others_is_lent_cpu_and_gives_it_back():
    with Foreign() as foreign, Agent() as agent:
        start_on_idle_machine(agent)
        foreign.set_cpu_quota(5000)
        before = foreign.settings()
        hold(agent, foreign.path, BOOST)
        foreign.run("while True: pass")
        lent = agent.event("CpuBoosted", outcome="done", quota="10000", own="5000")
        assert "cgroup " + foreign.path in lent["message"], lent
        wait_for("the quota", lambda: foreign.cpu_quota() in (10000, 15000))
        # Whoever made it changes its mind: that is its own from now on.
        let_go(agent)
        wait_for("its own quota", lambda: foreign.settings() == before)
        hold(agent, foreign.path, BOOST)
        wait_for("it to be lent again", lambda: foreign.settings() != before)
        agent.kill()
        assert foreign.settings() != before
        agent.mete("agent", "--cgroup-parent", agent.parent, "--rollback")
        assert foreign.settings() == before, foreign.settings()


def test_a_quota_that_its_owner_changes_meanwhile_stays():
    with Foreign() as foreign, Agent() as agent:
        start_on_idle_machine(agent)
        foreign.set_cpu_quota(5000)
        hold(agent, foreign.path, BOOST)
        foreign.run("while True: pass")
        agent.event("CpuBoosted", outcome="done")
        foreign.set_cpu_quota(7000)
        agent.event("CpuBoosted", outcome="done", own="7000")
        let_go(agent)
        wait_for("what its owner said last", lambda: foreign.cpu_quota() == 7000)


def test_a_signal_for_nobody_is_told():
    with Foreign() as foreign, Agent().start() as agent:
        # What a process has written stays charged to the cgroup that it was in.
        path = "/dev/shm/mete-foreign-%d" % os.getpid()
        made_folder(path)
        assert foreign.run("out = open(%r, 'wb')\nfor i in range(50): out.write(b'x' * (1 << 20))" % path).wait() == 0
        try:
            hold(agent, foreign.path, "  memory: {at: [{usage: 50%, do: signal, signal: SIGUSR1}, {usage: 60%, do: kill-process}]}")
            failed = agent.event("PolicyAction", action="signal", outcome="failed")
            assert "has no process" in failed["message"], failed
            failed = agent.event("PolicyKill", action="kill-process", outcome="failed")
            assert "no process that may be killed" in failed["message"], failed
        finally:
            clean_up([path])


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
