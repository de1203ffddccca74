# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the agent in the middle of each kind of action: after the next start nothing is frozen, held or mis-limited, and what
was to come of the action comes. METE_KILLS says how often for each kind, METE_SPREAD over how
long; METE_SEED repeats a run.

The test waits for the same thing as the agent (v1: an event of the kernel; v2 has none of usage, so it looks all the time), and kills the
agent a random time after: before it has decided, between two of its writes, and after it was done."""
import contextlib
import os
import random
import select
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from cgroups import V1, Cgroup  # noqa: E402
from hog import hog  # noqa: E402
from mete_agent import SLOW, Agent, ms, run_tests, wait_for  # noqa: E402

MiB = 1 << 20
LIMIT = 64 * MiB
KILLS = int(os.environ.get("METE_KILLS", "8"))
SPREAD = float(os.environ.get("METE_SPREAD", "1"))  # how much longer an action takes than on a machine of today
SEED = int(os.environ.get("METE_SEED", str(time.time_ns() % 1000000)))

# Anonymous memory up to `most` MiB, page cache of `cache` MiB before; it says "again" each time it is started.
HOG = r"""echo again; trap 'exit 0' TERM; sleep %g; dd if=/dev/zero of=/tmp/cache bs=1M count=%d 2>/dev/null; sleep 0.3
awk 'BEGIN { for (i = 0; i < %d; ++i) { s = "x"; while (length(s) < 1048576) s = s s; a[i] = s } while (1) system("sleep 1") }' & wait"""


def manifest(memory, most, cache=0, restart="Never"):
    return hog(HOG % (0.3 * SLOW, cache, most), "  memory: " + memory, restart=restart, grace=1)


def group(agent):
    return Cgroup(agent.parent + "/default_hog/hog")


@contextlib.contextmanager
def waiting_for(own, share):
    """Gives what waits until usage is past this share of the limit; None: until it is out of memory. It is so at once when it was before."""
    if not V1:
        yield lambda: wait_for("it to need so much", lambda: own.out_of_memory() if share is None else own.memory_usage() >= share * LIMIT, every=0.001)
        return
    event = os.eventfd(0, os.EFD_NONBLOCK)
    watched = os.open(own.file("memory.oom_control" if share is None else "memory.usage_in_bytes"), os.O_RDONLY)
    own.write("%d %d%s" % (event, watched, "" if share is None else " %d" % int(share * LIMIT)), "cgroup.event_control")
    os.close(watched)

    def wait():
        assert select.select([event], [], [], 15 * SLOW)[0], "the kernel said nothing"
    try:
        yield wait
    finally:
        os.close(event)


def crash_in(memory, share, check, most=50, cache=0, restart="Never", latest=0.012):
    """Kills the agent up to `latest` seconds after usage has crossed `share`, KILLS times; check(agent, killed after) follows the next
    agent's start, without the policy."""
    chance = random.Random(SEED)
    print("     METE_SEED=%d" % SEED)
    for _ in range(KILLS):
        with Agent().start() as agent:
            agent.apply(manifest(memory, most, cache, restart))
            wait_for("it to run", lambda: agent.container("hog")["state"] == "running", every=0.002)
            delay = chance.random() * latest * SPREAD
            with waiting_for(group(agent), share) as wait:
                wait()
                time.sleep(delay)
                agent.kill()
            os.remove(agent.state + "/applied/Policy.default.hog.yaml")
            agent.start()
            try:
                check(agent)
            except AssertionError as error:
                raise AssertionError("killed %.1f ms after the event: %s" % (delay * 1000, error))


def is_free(agent):
    """Not frozen, not held, and under the limit of its manifest."""
    own = group(agent)
    wait_for("the thaw", lambda: not own.frozen(), 3)
    assert not own.decided_before_the_kernel()
    assert own.memory_limit() == LIMIT, "its limit is %s" % own.memory_limit()


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
    crash_in("{at: [{usage: 60%%, do: exec, command: [sleep, '77'], timeout: %s}]}" % ms(1000), 0.6, check, latest=0.03)


def test_raise():
    crash_in("{at: [{usage: 60%, do: raise}], raise: {by: 50%}}", 0.6, runs_on)


def test_raise_at_oom():
    # It needs more than its manifest allows: whoever is past the old limit when the policy goes keeps what it has until it can be had back.
    def check(agent):
        own = group(agent)
        wait_for("the thaw", lambda: not own.frozen(), 3)
        assert not own.decided_before_the_kernel()
        limit = own.memory_limit()
        assert limit == LIMIT or own.memory_usage() > LIMIT, limit
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
    chance = random.Random(SEED)
    for _ in range(max(1, KILLS // 2)):
        with Agent().start() as agent:
            agent.apply(manifest("{onOOM: hold, hold: {timeout: %s, then: kill-container}}" % ms(700), 200))
            wait_for("it to run", lambda: agent.container("hog")["state"] == "running", every=0.002)
            own = group(agent)
            with waiting_for(own, None) as wait:
                wait()
                begin = time.monotonic()
                time.sleep(chance.random() * 0.012 * SPREAD)
                agent.kill()
            # On v2 it is the agent that holds, by freezing it: one that was killed before leaves it to the kernel.
            held = V1 or own.frozen()
            wait_for("the kernel's kill", lambda: own.oom_kills() == 1, 3)
            took = time.monotonic() - begin
            assert took >= 0.6 * SLOW or not held, "not held: killed after %.2f s" % took
            print("     freed %.2f s after it ran out of memory" % took)


def test_restart():
    def check(agent):
        wait_for("it to be started again", lambda: agent.container("hog")["restarts"] >= 1 and agent.container("hog")["state"] == "running", 10)
        is_free(agent)

    def either(agent):
        # Killed before the agent had decided: it runs on, as the policy is gone. Once it was told to end, it is started again.
        time.sleep(1.5 * SLOW)
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
