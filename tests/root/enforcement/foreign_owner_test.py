# SPDX-License-Identifier: Apache-2.0
"""Policies for cgroups of others, and those whose they are: what the owner writes later, what the agent's death leaves, and kills where
no policy looks."""
import json
import os
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from cgroups import V1, Foreign, MiB, cgroup_mounts  # noqa: E402
from held_cgroups import GROW, hold, let_go  # noqa: E402
from leftovers import clean_up, made_cgroup  # noqa: E402
from memory_policies import show  # noqa: E402
from mete_agent import SLOW, Agent, ms, run_tests, skip_case, wait_for  # noqa: E402


def drifts(agent, name):
    return [each["fields"]["found"] for each in agent.events("LimitDrift") if each["fields"]["file"] == name]


def test_drift_is_put_back_and_what_the_owner_wrote_comes_with_the_policys_end():
    with Foreign() as foreign, Agent().start() as agent:
        hold(agent, foreign.path, "  pids: {max: 33}")
        wait_for("the limit", lambda: foreign.pids_max() == 33)
        foreign.write("50", "pids.max")
        wait_for("it to be put back", lambda: foreign.pids_max() == 33)
        assert drifts(agent, "pids.max") == ["50"], agent.events("LimitDrift")
        let_go(agent)
        wait_for("the owner's last word", lambda: foreign.pids_max() == 50)


def test_drift_that_is_only_told_is_left_at_the_policys_end():
    with Foreign() as foreign, Agent().start() as agent:
        hold(agent, foreign.path, "  drift: report\n  pids: {max: 33}")
        wait_for("the limit", lambda: foreign.pids_max() == 33)
        foreign.write("50", "pids.max")
        wait_for("the report", lambda: drifts(agent, "pids.max") == ["50"])
        let_go(agent)
        agent.event("NotRestored", file="pids.max")
        assert foreign.pids_max() == 50


def test_a_memory_limit_that_the_owner_raises_stays():
    with Foreign() as foreign, Agent().start() as agent:
        hold(agent, foreign.path, "  memory: {at: [{usage: 80%, do: raise}], raise: {by: 50%}}")
        grower = foreign.run(GROW % (60, "0.04"))
        agent.event("LimitRaised", to=str(96 * MiB))
        foreign.raise_memory_limit(160 * MiB)
        let_go(agent)
        wait_for("the owner's to be seen", lambda: agent.events("NotRestored"))
        assert foreign.memory_limit() == 160 * MiB and grower.poll() is None


def test_what_one_file_refuses_keeps_no_other_from_being_written():
    with Foreign() as foreign, Agent().start() as agent:
        foreign.set_cpu_quota(5000)
        # More burst than quota is refused by the kernel, and no quota at all has none.
        hold(agent, foreign.path, "  cpu: {burst: 50ms}\n  pids: {max: 33}\n  memory: {onOOM: hold, hold: {timeout: 1s, then: kill-process}}")
        wait_for("the limits", lambda: foreign.pids_max() == 33 and foreign.decided_before_the_kernel())
        assert not agent.events("LimitFailed"), agent.events("LimitFailed")


def test_somebody_elses_pause_is_not_ended():
    with Foreign() as foreign, Agent().start() as agent:
        foreign.run(GROW % (40, "0.001"))
        wait_for("its memory", lambda: foreign.memory_usage() > 40 * MiB)
        foreign.freeze()
        wait_for("the pause", foreign.frozen)
        hold(agent, foreign.path, "  memory: {at: [{usage: 50%%, do: freeze, timeout: %s, then: thaw}]}" % ms(200))
        told = agent.event("PolicyAction", action="freeze", outcome="failed")
        assert "another program has frozen it" in told["message"], told
        let_go(agent)
        agent.stop()
        assert foreign.frozen()


def test_a_pause_after_a_freeze_is_its_owners():
    with Foreign() as foreign, Agent().start() as agent:
        hold(agent, foreign.path, "  memory: {at: [{usage: 40%%, do: freeze, timeout: %s, then: thaw}]}" % ms(100))
        foreign.run(GROW % (40, "0.01"))
        agent.event("PolicyAction", action="thaw")
        wait_for("the thaw", lambda: not foreign.frozen())
        foreign.freeze()
        wait_for("the pause", foreign.frozen)
        agent.stop()
        assert foreign.frozen()


def test_what_is_frozen_is_thawed_without_an_agent():
    with Foreign() as foreign, Agent().start() as agent:
        hold(agent, foreign.path, "  memory: {at: [{usage: 40%%, do: freeze, timeout: %s, then: thaw}]}" % ms(3000))
        foreign.run(GROW % (60, "0.01"))
        agent.event("Frozen", outcome="done")
        wait_for("the freeze", foreign.frozen)
        agent.kill()
        wait_for("the thaw, without an agent", lambda: not foreign.frozen())
        wait_for("the watchdog's end", lambda: not watchdogs(agent))


def test_who_waits_for_memory_is_left_to_the_kernel_without_an_agent():
    if not V1:
        skip_case("a hold of cgroup v2 is a freeze")
    with Foreign() as foreign, Agent().start() as agent:
        hold(agent, foreign.path, "  memory: {onOOM: hold, hold: {timeout: 1s, then: kill-process}}")
        wait_for("the policy", foreign.decided_before_the_kernel)
        agent.kill()
        victim = foreign.run(GROW % (200, "0.001"))
        wait_for("the hold", foreign.out_of_memory)
        assert victim.wait(60 * SLOW) == -9
        assert watchdogs(agent)
        agent.start()
        let_go(agent)
        wait_for("the watchdog's end", lambda: not watchdogs(agent))


def watchdogs(agent):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % pid) as file:
                command = file.read()
        except OSError:
            continue
        if "\0watchdog\0" in command and agent.work in command:
            found.append(int(pid))
    return found


def test_a_cgroup_that_is_in_one_hierarchy_only_is_held():
    if not V1 or len(cgroup_mounts()) < 2:
        skip_case("needs hierarchies of cgroup v1")
    path = "/mete-lonely-%d" % os.getpid()
    directory = "/sys/fs/cgroup/memory" + path  # as people make them by hand
    made_cgroup(path)
    os.mkdir(directory)
    with open(directory + "/memory.limit_in_bytes", "w") as file:
        file.write(str(64 * MiB))
    disabled = lambda: "oom_kill_disable 1" in open(directory + "/memory.oom_control").read()  # noqa: E731
    try:
        with Agent().start() as agent:
            hold(agent, path, "  memory: {onOOM: hold, hold: {timeout: 1s, then: kill-process}}")
            wait_for("the hold", disabled)
            agent.kill()
            agent.mete("agent", "--cgroup-parent", agent.parent, "--rollback")
            assert not disabled()
    finally:
        clean_up(cgroups=[path])


def test_explain_says_what_was_there_and_who_holds_it():
    with Foreign() as foreign, Agent().start() as agent:
        assert "No policy selects it" in agent.mete("explain", foreign.path).stdout
        hold(agent, foreign.path, "  pids: {max: 33}")
        wait_for("the limit", lambda: foreign.pids_max() == 33)
        text = agent.mete("explain", foreign.path).stdout
        assert "Policy default/foreign" in text and "pids.max" in text and "the memory limit that is felt: 64" in text, text
        value = json.loads(agent.mete("explain", foreign.path, "-o", "json").stdout)
        assert [(each["found"], each["before"]) for each in value["settings"]] == [("33", "max")], value
        missing = agent.mete("explain", "/no/such/cgroup", check=False)
        assert missing.returncode == 4 and "There is no cgroup /no/such/cgroup" in missing.stderr, missing


def test_a_kill_where_no_policy_looks_is_told_and_recorded():
    with Foreign() as foreign, Agent().start() as agent:
        def killed():
            victim = foreign.run(GROW % (200, "0.001"))
            victim.wait(60)
            return victim
        # The kernel names the cgroups of ten kills in five seconds at most, and tests beside this one kill, too.
        for _ in range(20):
            victim = killed()
            try:
                told = agent.event("ForeignOOMKilled", pid=str(victim.pid), cgroup=foreign.path, seconds=6)
                break
            except AssertionError:
                continue
        else:
            raise AssertionError("none of 20 kills was told")
        assert "which no policy holds" in told["message"] and told["fields"]["scope"] == "container", told
        record = show(agent, told)
        assert record["cgroup"] == foreign.path and record["victim"]["pid"] == victim.pid and record["effectiveLimit"] == 64 * MiB, record
        assert not agent.events("OOMKilled")


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
