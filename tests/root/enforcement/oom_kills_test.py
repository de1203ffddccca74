# SPDX-License-Identifier: Apache-2.0
"""Each OOM kill is told once, and by whose limit: the container's own, of a group inside, of an ancestor; one process or a whole group."""
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from cgroups import V1, Cgroup, Foreign, MiB, numbers  # noqa: E402
from held_cgroups import GROW, UNKILLABLE, hold, may_be_unkillable  # noqa: E402
from hog import hog  # noqa: E402
from memory_policies import UNIT, eat, exemplars, group, show, units  # noqa: E402
from mete_agent import SLOW, Agent, run_tests, stays, wait_for  # noqa: E402
from nested_cgroups import Nested  # noqa: E402
from pods import wait_exited, wait_running  # noqa: E402

INNER = 48 * MiB
WAITS = "while :; do sleep 1; done"
# Three processes, and one that grows when it is told to.
FOUR = "sleep 1000 & sleep 1000 & while [ ! -e /go ]; do sleep 0.1; done; exec " + eat(200)


def kills(agent, **labels):
    return agent.metric("mete_oom_kills_total", container="hog", by="kernel", **labels) or 0


def told_once(agent, scope, **fields):
    """The event of the only kill; everybody counts the same."""
    event = agent.event("OOMKilled", scope=scope, **fields)
    wait_for("the counts", lambda: kills(agent) == kills(agent, scope=scope) == 1)
    assert {value for (name, labels), value in agent.metrics().items() if name == "container_oom_events_total" and "default_hog/hog" in dict(labels)["id"]} == {1}
    stays("told once", lambda: len(agent.events("OOMKilled")) == kills(agent) == 1, 1.5)
    record = show(agent, event)
    assert record["scope"] == scope, record
    return event


class Victim:
    """Who it was, on v1 only the kernel's log says for certain, in full of ten kills in five seconds, whoever was killed."""

    def __init__(self):
        self.before = self.kills()

    @staticmethod
    def kills():
        with open("/proc/vmstat") as file:
            return numbers(file.read())["oom_kill"]

    def is_told(self, event, pid):
        silent = V1 and self.kills() - self.before > 5
        assert silent or event["fields"]["pid"] == str(pid), (event, pid)


def run_hog(agent, command, spec, memory="128Mi"):
    agent.apply(hog(command, spec, memory=memory))
    wait_running(agent, "hog")
    return group(agent)


def test_own_limit_takes_all_of_it_at_once():
    with Agent().start() as agent:
        run_hog(agent, FOUR, "  memory: {onOOM: kill-container}", memory=units(64))
        agent.mete("exec", "hog", "--", "touch", "/go")
        event = told_once(agent, "container", action="kill-container")
        assert event["fields"]["limit"] == str(64 * UNIT) and "limit_of" not in event["fields"], event
        wait_exited(agent, "hog")
        assert agent.container("hog")["last"]["reason"] == "OOMKilled"


def nested_kill(policy, as_group=False):
    with Agent().start() as agent:
        own = run_hog(agent, WAITS, policy)
        with Nested(own, INNER, as_group) as inner:
            others = [inner.run("import time; time.sleep(1000)") for _ in range(2)]
            name = Victim()
            victim = inner.run(GROW % (100, "0.002"))
            event = told_once(agent, "nested", limit_of=inner.path)
            name.is_told(event, victim.pid)
            assert event["fields"]["limit"] == str(INNER) and inner.path in event["message"], event
            for process in [victim, *others] if as_group else [victim]:
                assert process.wait(60 * SLOW) == -signal.SIGKILL
            # Whoever made the group inside says what becomes of the rest of it, and the container has not reached its limit.
            assert as_group or all(each.poll() is None for each in others)
            found = agent.container("hog")
            assert found["state"] == "running" and found["restarts"] == 0, found
            # The next agent knows what is told.
            agent.kill()
            agent.start()
            wait_for("the count", lambda: kills(agent, scope="nested") == 1)
            stays("not told again", lambda: agent.events("OOMKilled") == [] and kills(agent) == 1, 1.5)
        agent.mete("stop", "hog")
        wait_exited(agent, "hog")
        assert agent.container("hog")["last"]["reason"] != "OOMKilled", agent.container("hog")


def test_limit_of_a_group_inside():
    nested_kill("  memory: {onOOM: kill-container}")


def test_limit_of_a_group_inside_where_one_process_is_killed():
    nested_kill("  memory: {onOOM: kill-process}")


def test_limit_of_a_group_inside_where_each_group_counts_for_itself():
    """cgroup v2 mounted with memory_localevents: nobody above the group is woken, nor counts."""
    if V1 or "METE_OWN_MACHINE" not in os.environ:
        return print("     needs a machine of its own with cgroup v2: mounts it again")
    with open("/proc/mounts") as mounts:
        where, options = next((words[1], words[3]) for words in map(str.split, mounts) if words[2] == "cgroup2")
    subprocess.run(["mount", "-o", "remount,%s,memory_localevents" % options, where], check=True)
    try:
        nested_kill("  memory: {onOOM: kill-container}")
        nested_kill("  memory: {onOOM: kill-container}", as_group=True)
    finally:
        subprocess.run(["mount", "-o", "remount,%s" % options, where], check=True)


# Reaches its limit several times a second.
FLOOD = """
import subprocess, time
while True:
    time.sleep(0.02)
    subprocess.run(["/bin/busybox", "dd", "if=/dev/zero", "of=/dev/null", "bs=64M", "count=1"], stderr=subprocess.DEVNULL,
                   preexec_fn=lambda: open("/proc/self/oom_score_adj", "w").write("1000"))
"""


class SilentLog:
    """The kernel names the limit of at most ten kills in five seconds: others have had theirs."""

    def __enter__(self):
        self.others = Foreign(24 * MiB)
        self.others.__enter__()
        self.others.run(FLOOD)

        def counted():
            return numbers(self.others.read("memory.oom_control"))["oom_kill"]
        wait_for("many kills", lambda: counted() > 15)
        return self

    def __exit__(self, *unused):
        self.others.__exit__(*unused)
        # The kernel's five seconds (DEFAULT_RATELIMIT_INTERVAL) are over for the case that follows.
        time.sleep(5.1)


def lowered(cgroup, limit):
    """v1 takes no limit below what is used."""
    try:
        cgroup.write(str(limit), "memory.limit_in_bytes")
    except OSError:
        return False
    return True


def test_limits_that_the_kernels_log_does_not_name():
    """By the charges that were refused (v1)."""
    if not V1:
        return print("     on v2 the counters tell")
    with SilentLog(), Agent().start() as agent:
        own = run_hog(agent, "while :; do [ -e /go ] && (exec %s); sleep 0.1; done" % eat(200), "  memory: {onOOM: kill-process}", memory=units(128))
        parent = Cgroup(agent.parent)
        with Nested(own, INNER) as inner:
            # The first kill may be named by the log still.
            for number in (1, 2):
                inner.run(GROW % (100, "0"))
                wait_for("the nested kill", lambda: kills(agent, scope="nested") == number)
            told = agent.events("OOMKilled")
            assert [each["fields"].get("limit_of") for each in told] == [inner.path] * 2, told
        agent.mete("exec", "hog", "--", "touch", "/go")
        wait_for("kills by its own limit", lambda: kills(agent, scope="container") >= 2)
        assert kills(agent) == kills(agent, scope="container") + 2, agent.events("OOMKilled")
        wait_for("room below the lower limit", lambda: lowered(parent, 64 * UNIT))
        before = kills(agent, scope="container")
        wait_for("kills by the limit above", lambda: kills(agent) >= before + 2 + 6)
        print("     told: %s" % {scope: kills(agent, scope=scope) for scope in ("container", "nested", "ancestor")})
        named = {each["fields"].get("limit_of") for each in agent.events("OOMKilled") if each["fields"]["scope"] == "ancestor"}
        assert named == {agent.parent}, named
        assert kills(agent, scope="container") <= before + 1 and kills(agent, scope="nested") == 2, agent.events("OOMKilled")


def test_group_inside_is_killed_as_a_whole():
    if V1:
        return print("     v1 kills no group as a whole")
    nested_kill("  memory: {onOOM: kill-container}", as_group=True)


def test_own_limit_reached_by_a_group_inside():
    with Agent().start() as agent:
        own = run_hog(agent, WAITS, "  memory: {onOOM: kill-container}", memory="64Mi")
        with Nested(own, None) as inner:
            name = Victim()
            victim = inner.run(GROW % (200, "0"))
            name.is_told(told_once(agent, "container"), victim.pid)
            wait_exited(agent, "hog")


def limit_above(policy, as_group, goes_on):
    with Agent().start() as agent:
        run_hog(agent, FOUR if not goes_on else "(%s) & %s" % (FOUR, WAITS), policy, memory=units(256))
        parent = Cgroup(agent.parent)
        parent.write(str(64 * UNIT), "memory.limit_in_bytes", "memory.max")
        if as_group:
            parent.write("1", "memory.oom.group")
        agent.mete("exec", "hog", "--", "touch", "/go")
        event = told_once(agent, "ancestor", limit_of=agent.parent)
        assert event["fields"]["limit"] == str(64 * UNIT), event
        # The counter of its scope leads to its record, and no other does.
        assert exemplars(agent) == {("ancestor", "kernel"): event["fields"]["record"]}
        if goes_on:
            assert agent.container("hog")["state"] == "running"
        else:
            wait_exited(agent, "hog")
        if not V1:
            print("     %s" % {each: value for each, value in numbers(parent.read("memory.events")).items() if value})


def test_limit_of_an_ancestor():
    limit_above("  memory: {onOOM: kill-container}", False, False)


def test_limit_of_an_ancestor_where_one_process_is_killed():
    limit_above("  memory: {onOOM: kill-process}", False, True)


def test_group_of_an_ancestor():
    if V1:
        return print("     v1 kills no group as a whole")
    limit_above("  memory: {onOOM: kill-container}", True, False)


def test_group_of_an_ancestor_where_one_process_would_be_killed():
    if V1:
        return print("     v1 kills no group as a whole")
    limit_above("  memory: {onOOM: kill-process}", True, False)


def test_group_inside_a_cgroup_of_others_that_a_policy_holds():
    with Foreign() as foreign, Agent().start() as agent:
        first = foreign.run("import time; time.sleep(1000)")
        hold(agent, foreign.path, "  memory: {onOOM: kill-container}")
        with Nested(foreign, 16 * MiB) as inner:
            name = Victim()
            victim = inner.run(GROW % (100, "0"))
            event = agent.event("OOMKilled", scope="nested", limit_of=inner.path)
            name.is_told(event, victim.pid)
            assert event["fields"]["cgroup"] == foreign.path, event
            assert victim.wait(60 * SLOW) == -signal.SIGKILL
            stays("told once, and the rest lives", lambda: len(agent.events("OOMKilled")) == 1 and first.poll() is None and not agent.events("ForeignOOMKilled"), 1.5)


def test_out_of_memory_with_nobody_to_be_killed_is_told_once_and_costs_nothing():
    if not may_be_unkillable():
        return print("     needs CAP_SYS_RESOURCE")
    with Foreign() as foreign, Agent().start() as agent:
        hold(agent, foreign.path, "  memory: {onOOM: kill-process}")
        foreign.run(UNKILLABLE)
        told = agent.event("OOMWithoutVictim", scope="container", limit=str(64 * MiB))
        assert int(told["fields"]["times"]) >= 20, told
        assert show(agent, told)["rule"] == "kernel OOM without a victim"
        assert agent.metric("mete_enforcement_actions_total", enforcer="oom", action="no-victim") == 1
        began, cpu = time.monotonic(), cpu_seconds(agent.process.pid)
        time.sleep(5)  # nobody asks it anything
        share = (cpu_seconds(agent.process.pid) - cpu) / (time.monotonic() - began)
        print("     the agent takes %.1f %% of a CPU meanwhile" % (100 * share))
        # Without the back-off a third of a CPU, and all of one on a machine on which each system call is slow. That machine counts the
        # time in which others have its CPU, too.
        most = 0.5 if "METE_SLOW" in os.environ else 0.1
        assert share < most, share
        assert len(agent.events("OOMWithoutVictim")) == 1 and not agent.events("OOMKilled"), agent.events()
        foreign.raise_memory_limit(256 * MiB)
        wait_for("it to go on", lambda: foreign.memory_usage() > 90 * MiB)


def cpu_seconds(pid):
    with open("/proc/%d/stat" % pid) as stat:
        words = stat.read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
