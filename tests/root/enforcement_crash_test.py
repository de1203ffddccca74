# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the agent in the middle of each kind of action: after the next start nothing is frozen, held or mis-limited, and what
was to come of the action comes. METE_KILLS says how often for each kind; METE_SEED repeats a run.

The test listens for the same event of the kernel as the agent, and kills it a random time after: before it has decided, between two of
its writes, and after it was done."""
import contextlib
import os
import random
import select
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from hog import hog  # noqa: E402
from mete_agent import Agent, run_tests, skip, wait_for  # noqa: E402

MiB = 1 << 20
LIMIT = 64 * MiB
V1 = "/sys/fs/cgroup/memory"
KILLS = int(os.environ.get("METE_KILLS", "8"))
SEED = int(os.environ.get("METE_SEED", str(time.time_ns() % 1000000)))

# Anonymous memory up to `most` MiB, page cache of `cache` MiB before; it says "again" each time it is started.
HOG = r"""echo again; trap 'exit 0' TERM; sleep 0.3; dd if=/dev/zero of=/tmp/cache bs=1M count=%d 2>/dev/null; sleep 0.3
awk 'BEGIN { for (i = 0; i < %d; ++i) { s = "x"; while (length(s) < 1048576) s = s s; a[i] = s } while (1) system("sleep 1") }' & wait"""


def file(agent, name):
    return next(each + "/" + name for each in agent.cgroups() if each.endswith("/hog") and os.path.exists(each + "/" + name))


def text(path):
    with contextlib.suppress(OSError):
        return open(path).read()
    return ""


def usage_event(agent, share):
    """An eventfd for this share of the limit; None: for running out of memory."""
    directory = V1 + agent.parent + "/default_hog/hog"
    event = os.eventfd(0, os.EFD_NONBLOCK)
    watched = os.open(directory + ("/memory.oom_control" if share is None else "/memory.usage_in_bytes"), os.O_RDONLY)
    with open(directory + "/cgroup.event_control", "w") as control:
        control.write("%d %d%s" % (event, watched, "" if share is None else " %d" % int(share * LIMIT)))
    os.close(watched)
    return event


def crash_in(memory, share, check, most=50, cache=0, restart="Never", latest=0.012):
    """Kills the agent up to `latest` seconds after usage has crossed `share`, KILLS times; check(agent, killed after) follows the next
    agent's start, without the policy."""
    if not os.path.isdir(V1):
        skip("needs cgroup v1's memory controller, whose events two can listen for")
    chance = random.Random(SEED)
    print("     METE_SEED=%d" % SEED)
    for _ in range(KILLS):
        with Agent().start() as agent:
            agent.apply(hog(HOG % (cache, most), "  memory: " + memory, restart=restart, grace=1))
            wait_for("it to run", lambda: agent.container("hog")["state"] == "running", every=0.002)
            event = usage_event(agent, share)
            delay = chance.random() * latest
            assert select.select([event], [], [], 15)[0], "the kernel said nothing"
            time.sleep(delay)
            agent.kill()
            os.close(event)
            os.remove(agent.state + "/applied/Policy.default.hog.yaml")
            agent.start()
            try:
                check(agent)
            except AssertionError as error:
                raise AssertionError("killed %.1f ms after the event: %s" % (delay * 1000, error))


def is_free(agent):
    """Not frozen, not held, and under the limit of its manifest."""
    wait_for("the thaw", lambda: "frozen 0" in text(file(agent, "cgroup.events")), 3)
    control = text(file(agent, "memory.oom_control"))
    assert "oom_kill_disable 0" in control, control
    limit = text(file(agent, "memory.limit_in_bytes")).strip()
    assert limit == str(LIMIT), "its limit is %s" % limit


def runs_on(agent):
    is_free(agent)
    own = agent.container("hog")
    assert own["state"] == "running" and own["restarts"] == 0, own


def test_freeze():
    crash_in("{at: [{usage: 60%, do: freeze, timeout: 60s, then: kill-container}]}", 0.6, runs_on)


def test_signal():
    crash_in("{at: [{usage: 60%, do: signal, signal: SIGCONT}]}", 0.6, runs_on)


def test_reclaim():
    crash_in("{at: [{usage: 60%, do: reclaim}]}", 0.6, runs_on, most=10, cache=48, latest=0.03)


def test_exec():
    def check(agent):
        runs_on(agent)
        # The command is bounded by its own parent, which needs no agent.
        wait_for("the end of the command", lambda: not any("sleep 77" in command for _, command in agent.processes()), 5)
    crash_in("{at: [{usage: 60%, do: exec, command: [sleep, '77'], timeout: 1s}]}", 0.6, check, latest=0.03)


def test_raise():
    crash_in("{at: [{usage: 60%, do: raise}], raise: {by: 50%}}", 0.6, runs_on)


def test_raise_at_oom():
    # It needs more than its manifest allows: whoever is past the old limit when the policy goes keeps what it has until it can be had back.
    def check(agent):
        wait_for("the thaw", lambda: "frozen 0" in text(file(agent, "cgroup.events")), 3)
        assert "oom_kill_disable 0" in text(file(agent, "memory.oom_control"))
        limit = int(text(file(agent, "memory.limit_in_bytes")))
        assert limit == LIMIT or int(text(file(agent, "memory.usage_in_bytes"))) > LIMIT, limit
        # Under the old limit the kernel decides, now that it may.
        wait_for("its end, for it waits for memory and nobody gives it any", lambda: limit > LIMIT or agent.container("hog")["state"] != "running", 3)
    crash_in("{onOOM: raise, raise: {by: 50%}}", None, check, most=80)


def test_hold():
    def check(agent):
        # The policy is gone: the kernel decides, as without one.
        wait_for("the kernel to decide", lambda: agent.container("hog")["state"] == "exited", 5)
        assert agent.container("hog")["oomKills"] == 1, agent.container("hog")
    crash_in("{onOOM: hold, hold: {timeout: 60s, then: kill-container}}", None, check, most=200)


def test_hold_that_the_shim_ends():
    """No agent comes back: the watchdog in the shim lets the kernel decide when the hold's time is over."""
    if not os.path.isdir(V1):
        skip("needs cgroup v1's memory controller")
    chance = random.Random(SEED)
    for _ in range(max(1, KILLS // 2)):
        with Agent().start() as agent:
            agent.apply(hog(HOG % (0, 200), "  memory: {onOOM: hold, hold: {timeout: 700ms, then: kill-container}}", grace=1))
            wait_for("it to run", lambda: agent.container("hog")["state"] == "running", every=0.002)
            event = usage_event(agent, None)
            assert select.select([event], [], [], 15)[0], "the kernel said nothing"
            begin = time.monotonic()
            time.sleep(chance.random() * 0.012)
            agent.kill()
            os.close(event)
            wait_for("the kernel's kill", lambda: "oom_kill 1" in text(file(agent, "memory.oom_control")), 3)
            took = time.monotonic() - begin
            assert took >= 0.6, "not held: killed after %.2f s" % took
            print("     freed %.2f s after it ran out of memory" % took)


def test_restart():
    def check(agent):
        wait_for("it to be started again", lambda: agent.container("hog")["restarts"] == 1 and agent.container("hog")["state"] == "running", 10)
        is_free(agent)

    def either(agent):
        # Killed before the agent had decided: it runs on, as the policy is gone. Once it was told to end, it is started again.
        time.sleep(1.5)
        own = agent.container("hog")
        if own["restarts"] == 0 and own["state"] == "running":
            return is_free(agent)
        return check(agent)
    crash_in("{at: [{usage: 60%, do: restart}]}", 0.6, either)


def test_kill_container():
    def check(agent):
        own = agent.container("hog")
        if own["state"] == "running":  # before it was decided, and without the policy
            return is_free(agent)
        wait_for("its end", lambda: agent.container("hog")["state"] == "exited")
        # The record of the kill was written before the kill.
        own = agent.container("hog")
        assert own["last"]["exitCode"] == 137 and own["last"]["reason"] == "PolicyKilled", own
    crash_in("{at: [{usage: 60%, do: kill-container}]}", 0.6, check)


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
