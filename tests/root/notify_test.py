# SPDX-License-Identifier: Apache-2.0
"""memory.notify: a container that listens as systemd's services do (MEMORY_PRESSURE_WATCH) is told of memory pressure, and can do something."""
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from hog import hog  # noqa: E402
from mete_agent import Agent, run_tests, stays, wait_for  # noqa: E402
from pods import wait_running  # noqa: E402

# Reads a file that is larger than its limit again and again, until it is told that this is too much.
THRASH = """mkdir -p /tmp/w; dd if=/dev/zero of=/tmp/w/big bs=1M count=120 2>/dev/null
(while [ -e /tmp/w/big ]; do cat /tmp/w/big > /dev/null 2>&1; done) &
(while [ -e /tmp/w/big ]; do cat /tmp/w/big > /dev/null 2>&1; done) &
"""
LISTEN = THRASH + """echo "watching $MEMORY_PRESSURE_WATCH"; exec 3< "$MEMORY_PRESSURE_WATCH"; head -c 1 <&3 > /dev/null; rm /tmp/w/big; echo TOLD
head -c 1 <&3 > /dev/null; echo TOLD-AGAIN; sleep 1000"""


def manifest(policy, command, security=""):
    return hog(command, policy, name="listener", restart="Always", more=security)


def logs(agent):
    return agent.logs("listener")


def test_who_listens_is_told_and_mends_it():
    for security in ("", "securityContext: {runAsUser: 1234}"):
        with Agent().start() as agent:
            begin = time.monotonic()
            agent.apply(manifest("  memory: {notify: true}", LISTEN, security))
            wait_for("the word", lambda: "TOLD" in logs(agent))
            print("     told %.1f s after its start" % (time.monotonic() - begin))
            assert "watching /run/mete/memory.pressure" in logs(agent), logs(agent)
            told = wait_for("the event", lambda: agent.events("PressureNotified"))
            assert told[0]["fields"]["outcome"] == "done", told
            assert agent.metric("mete_enforcement_actions_total", enforcer="pressure", action="notify", outcome="done") >= 1
            # The pressure has ended with its cause: a second word that was on its way may follow, more do not.
            time.sleep(3)
            counted = agent.metric("mete_enforcement_actions_total", action="notify")
            stays("no more than one word", lambda: agent.metric("mete_enforcement_actions_total", action="notify") <= counted + 1, 3)  # noqa: B023
            assert agent.container("listener")["restarts"] == 0


def test_nobody_listens_and_nothing_happens():
    with Agent().start() as agent:
        agent.apply(manifest("  memory: {notify: true}", THRASH + "sleep 1000"))
        wait_for("three notices", lambda: (agent.metric("mete_enforcement_actions_total", action="notify", outcome="done") or 0) >= 3)
        assert agent.container("listener")["state"] == "running"
        assert len(agent.events("PressureNotified")) == 1, "one event for a series: %s" % agent.events("PressureNotified")


def test_without_it_there_is_no_such_variable():
    with Agent().start() as agent:
        agent.apply(manifest("  pids: {max: 50}", "echo \"watch=[$MEMORY_PRESSURE_WATCH]\"; sleep 1000"))
        wait_for("its word", lambda: "watch=[]" in logs(agent))


def test_the_manifests_own_value_stays():
    with Agent().start() as agent:
        own = manifest("  memory: {notify: true}", "echo \"watch=[$MEMORY_PRESSURE_WATCH]\"; sleep 1000")
        agent.apply(own.replace("    image: busybox", "    image: busybox\n    env: [{name: MEMORY_PRESSURE_WATCH, value: /dev/null}]"))
        wait_for("its word", lambda: "watch=[/dev/null]" in logs(agent))


def test_a_dry_run_and_a_policy_that_came_late_are_told():
    with Agent().start() as agent:
        agent.apply(manifest("  dryRun: true\n  memory: {notify: true}", LISTEN))
        told = wait_for("the event", lambda: agent.events("PressureNotified"))
        assert told[0]["fields"]["outcome"] == "dry-run", told
        assert "TOLD" not in logs(agent)
    with Agent().start() as agent:
        agent.apply(manifest("  pids: {max: 50}", THRASH + "sleep 1000"))
        wait_running(agent, "listener")
        agent.apply(manifest("  memory: {notify: true}", THRASH + "sleep 1000"))
        late = wait_for("the event", lambda: agent.events("PressureNotified"))
        assert late[0]["fields"]["outcome"] == "failed" and "next start" in late[0]["message"], late


def test_a_reader_sees_no_end_while_the_agent_is_away():
    with Agent().start() as agent:
        agent.apply(manifest("  memory: {notify: true}", 'exec 3< "$MEMORY_PRESSURE_WATCH"; echo open; head -c 1 <&3 > /tmp/got; echo "END $(wc -c < /tmp/got)"; sleep 1000'))
        wait_for("it to listen", lambda: "open" in logs(agent))
        agent.kill()
        stays("no end", lambda: "END" not in logs(agent), 0.5)
        agent.start()
        stays("no end", lambda: "END" not in logs(agent), 0.3)
        assert agent.container("listener")["state"] == "running" and agent.container("listener")["restarts"] == 0


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
