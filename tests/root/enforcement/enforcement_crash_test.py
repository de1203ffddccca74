# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the agent in the middle of each kind of action: after the next start nothing is frozen, held or mis-limited, and what
was to come of the action comes. METE_KILLS says how often for each kind, METE_SPREAD over how
long; METE_SEED repeats a run.

The test waits for the same thing as the agent (v1: an event of the kernel; v2 has none of usage, so it looks all the time), and kills the
agent a random time after: before it has decided, between two of its writes, and after it was done."""
import contextlib
import os
import select
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from amounts import amount, chance  # noqa: E402
from cgroups import V1, Cgroup, MiB  # noqa: E402
from hog import eat, hog  # noqa: E402
from mete_agent import SLOW, Agent, ms, run_tests, wait_for  # noqa: E402
from pods import wait_exited, wait_restarted, wait_running  # noqa: E402

LIMIT = 64 * MiB
KILLS = amount("KILLS", short=3, long=20)
SPREAD = float(os.environ.get("METE_SPREAD", "1"))  # how much longer an action takes than on a machine of today
MOMENTS = chance()

# Page cache of so many MiB before it takes anonymous memory; it says "again" each time it is started.
HOG = "echo again; trap 'exit 0' TERM; sleep %g; dd if=/dev/zero of=/tmp/cache bs=1M count=%d 2>/dev/null; sleep 0.3; %s & wait"


def manifest(memory, most, cache=0, restart="Never"):
    return hog(HOG % (0.3 * SLOW, cache, eat(most)), "  memory: " + memory, restart=restart, grace=1)


def group(agent):
    return Cgroup(agent.parent + "/default_hog/hog")


@contextlib.contextmanager
def waiting_for(own, share):
    """Gives what waits until usage is past this share of the limit; None: until it is out of memory. It is so at once when it was before."""
    if not V1:
        # By the peak: what the agent kills in milliseconds is small again at the next look.
        yield lambda: wait_for("it to need so much", lambda: own.out_of_memory() if share is None else own.memory_peak() >= share * LIMIT, every=0.001)
        return
    event = os.eventfd(0, os.EFD_NONBLOCK)
    watched = os.open(own.file("memory.oom_control" if share is None else "memory.usage_in_bytes"), os.O_RDONLY)
    own.write("%d %d%s" % (event, watched, "" if share is None else " %d" % int(share * LIMIT)), "cgroup.event_control")
    os.close(watched)

    def wait():
        assert select.select([event], [], [], 60 * SLOW)[0], "the kernel said nothing"
    try:
        yield wait
    finally:
        os.close(event)


def crash_in(memory, share, check, most=50, cache=0, restart="Never", latest=0.012):
    """Kills the agent up to `latest` seconds after usage has crossed `share`, KILLS times; check(agent, killed after) follows the next
    agent's start, without the policy."""
    for _ in range(KILLS):
        with Agent().start() as agent:
            agent.apply(manifest(memory, most, cache, restart))
            wait_running(agent, "hog")
            delay = MOMENTS.random() * latest * SPREAD
            with waiting_for(group(agent), share) as wait:
                wait()
                time.sleep(delay)
                agent.kill()
            agent.forget("Policy", "hog")
            agent.start()
            try:
                check(agent)
            except AssertionError as error:
                raise AssertionError("killed %.1f ms after the event: %s" % (delay * 1000, error))


def free_now(agent):
    """Not frozen, not held, and under the limit of its manifest."""
    own = group(agent)
    return not own.frozen() and not own.decided_before_the_kernel() and own.memory_limit() == LIMIT


def is_free(agent):
    wait_for("it to be free", lambda: free_now(agent))


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
        wait_for("the end of the command", lambda: not any("sleep 77" in command for _, command in agent.processes()))
    crash_in("{at: [{usage: 60%%, do: exec, command: [sleep, '77'], timeout: %s}]}" % ms(1000), 0.6, check, latest=0.03)


def test_raise():
    crash_in("{at: [{usage: 60%, do: raise}], raise: {by: 50%}}", 0.6, runs_on)


def test_raise_at_oom():
    # It needs more than its manifest allows: whoever is past the old limit when the policy goes keeps what it has until it can be had back.
    def check(agent):
        own = group(agent)
        # The cgroup of what has ended is gone, and nothing can be read in it.
        wait_for("it to be neither frozen nor held", lambda: agent.container("hog")["state"] == "exited" or not own.frozen() and not own.decided_before_the_kernel())
        if agent.container("hog")["state"] == "exited":
            return  # under the old limit the kernel has decided already
        limit = own.memory_limit()
        assert limit == LIMIT or own.memory_usage() > LIMIT, limit
        # Under the old limit the kernel decides, now that it may.
        wait_for("its end, for it waits for memory and nobody gives it any", lambda: limit > LIMIT or agent.container("hog")["state"] != "running")
    crash_in("{onOOM: raise, raise: {by: 50%}}", None, check, most=80)


def test_hold():
    def check(agent):
        # The policy is gone: the kernel decides, as without one.
        assert wait_exited(agent, "hog")["oomKills"] >= 1, agent.container("hog")
    crash_in("{onOOM: hold, hold: {timeout: 60s, then: kill-container}}", None, check, most=200)


def test_hold_that_the_shim_ends():
    """No agent comes back: the watchdog in the shim lets the kernel decide when the hold's time is over."""
    for _ in range(max(1, KILLS // 2)):
        with Agent().start() as agent:
            agent.apply(manifest("{onOOM: hold, hold: {timeout: %s, then: kill-container}}" % ms(700), 200))
            wait_running(agent, "hog")
            own = group(agent)
            with waiting_for(own, None) as wait:
                wait()
                begin = time.monotonic()
                time.sleep(MOMENTS.random() * 0.012 * SPREAD)
                agent.kill()
            # On v2 it is the agent that holds, by freezing it: one that was killed before leaves it to the kernel.
            held = V1 or own.frozen()
            wait_for("the kernel's kill", own.oom_kills)
            took = time.monotonic() - begin
            assert took >= 0.6 * SLOW or not held, "not held: killed after %.2f s" % took
            print("     freed %.2f s after it ran out of memory" % took)


def test_restart():
    def check(agent):
        wait_restarted(agent, "hog")
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
        # Killed before the agent had decided: it runs on, and is free, as the policy is gone. A kill that was decided was written down before.
        wait_for("its end, or its freedom", lambda: agent.container("hog")["state"] == "exited" or free_now(agent))
        own = agent.container("hog")
        if own["state"] == "running":
            return
        assert own["last"]["exitCode"] == 137 and own["last"]["reason"] == "PolicyKilled", own
    crash_in("{at: [{usage: 60%, do: kill-container}]}", 0.6, check)


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
