# SPDX-License-Identifier: Apache-2.0
"""Enforcement goes on while the agent can write no file, open no file, or start no process: what can be done is done, what cannot is told."""
import os
import resource
import signal
import socket
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from cgroups import Foreign  # noqa: E402
from hog import hog  # noqa: E402
from leftovers import clean_up, made_cgroup  # noqa: E402
from mete_agent import Agent, run_tests, skip, wait_for  # noqa: E402
from pods import launch, wait_exited  # noqa: E402
from small_disk import OnSmallDisk  # noqa: E402

# It waits for USR1, so that a test has all the time that it needs before.
GROW = "trap 'go=1' USR1; echo waits; until [ $go ]; do sleep 0.05; done; trap '' USR1; while :; do dd if=/dev/zero of=/dev/null bs=%dM count=1 2>/dev/null; sleep 0.05; done"

KEPT = "64m"  # so much that a test has time before the records of its kills have filled it


def launch_hog(agent, size, memory, limit="64Mi"):
    launch(agent, hog(GROW % size, "  memory: " + memory, memory=limit), "hog")
    wait_for("it to wait", lambda: "waits" in agent.logs("hog"))


def let_it_grow(agent):
    os.kill(agent.container("hog")["pid"], signal.SIGUSR1)


def test_disk_full():
    # Each kind of action that needs a record before it is done, or leaves one after.
    with OnSmallDisk(KEPT).start() as agent:
        # The limit is so large that the shell, whose program is mapped from a tmpfs here, is not worth a kill when dd is gone already.
        launch_hog(agent, 180, "{at: [{usage: 50%, do: signal, signal: SIGCONT}, {usage: 60%, do: kill-process}]}", limit="256Mi")
        agent.fill()
        let_it_grow(agent)
        agent.event("PolicyAction", action="signal", outcome="done")
        killed = agent.event("PolicyKill", action="kill-process", outcome="done")
        assert "could not be written" in killed["message"] and "record" not in killed["fields"], killed
        agent.empty()
        killed = wait_for("a kill with its record", lambda: [each for each in agent.events("PolicyKill") if "record" in each["fields"]])
        agent.mete("oom", "show", killed[0]["fields"]["record"])
    with OnSmallDisk(KEPT).start() as agent:
        launch_hog(agent, 200, "{onOOM: kill-container}")
        agent.fill()
        let_it_grow(agent)
        told = wait_for("the OOM kill", lambda: agent.events("OOMKilled"))
        assert "could not be written" in told[0]["message"], told
        wait_exited(agent, "hog")
        # The kernel may kill a second process before the rest of the container is ended.
        wait_for("the count", lambda: agent.metric("mete_oom_kills_total", pod="hog", by="kernel") >= 1)


def test_disk_full_a_freeze_that_nobody_would_undo_is_not_done():
    with OnSmallDisk(KEPT).start() as agent:
        launch_hog(agent, 45, "{at: [{usage: 60%, do: freeze, timeout: 60s, then: thaw}]}")
        agent.fill()
        let_it_grow(agent)
        refused = agent.event("Frozen", outcome="failed")
        assert "No space" in refused["message"], refused
        assert all("frozen 0" in open(each + "/cgroup.events").read() for each in agent.cgroups() if os.path.exists(each + "/cgroup.events"))


def test_disk_full_cgroups_of_others_are_not_changed_without_a_word_of_what_they_were():
    with Foreign() as foreign, OnSmallDisk(KEPT).start() as agent:
        agent.fill()
        # Its manifests are in a folder elsewhere, which has room.
        with open(agent.manifests + "/policy.yaml", "w") as out:
            out.write("apiVersion: mete/v1\nkind: Policy\nmetadata: {name: others}\nspec: {selector: {cgroups: ['%s']}, pids: {max: 5}}\n" % foreign.path)
        wait_for("the word", lambda: any("No space" in each["message"] for each in agent.events("LimitFailed")))
        assert foreign.settings()["pids.max"] == b"max\n"
        agent.empty()
        wait_for("the limit", lambda: foreign.settings()["pids.max"] == b"5\n", 120)
        agent.stop()
        assert foreign.settings()["pids.max"] == b"max\n"


def test_few_descriptors_and_many_who_hold_connections():
    """What the agent may open is bounded, and those who only want to be answered do not get all of it."""
    with Agent() as agent:
        agent.start(prepare=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (192, 192)))
        launch_hog(agent, 45, "{at: [{usage: 50%, do: signal, signal: SIGCONT}, {usage: 60%, do: kill-process}]}")
        let_it_grow(agent)
        host, port = agent.address.split(":")
        held = []
        try:
            for _ in range(400):
                held.append(socket.create_connection((host, int(port)), timeout=30))
            deaf = [socket.socket(socket.AF_UNIX) for _ in range(100)]
            for each in deaf:
                each.settimeout(30)
                try:
                    each.connect(agent.run + "/mete.sock")
                    each.sendall(b"GET /mete/v1/events?follow=1 HTTP/1.1\r\nHost: x\r\n\r\n")
                except OSError:
                    pass  # turned away, as it should be
            held += deaf
            time.sleep(3)
        finally:
            for each in held:
                each.close()
        assert agent.process.poll() is None, agent.log_text()[-2000:]
        agent.event("PolicyAction", action="signal", outcome="done")
        killed = agent.event("PolicyKill", action="kill-process", outcome="done")
        assert "record" in killed["fields"], killed


def pids_group(agent):
    """A cgroup of this test's for the agent alone, so that it alone can start nothing."""
    directory = "/sys/fs/cgroup/pids/mete-starved-%d" % os.getpid()
    if not os.path.isdir("/sys/fs/cgroup/pids"):
        skip("needs cgroup v1's pids controller")
    made_cgroup("/mete-starved-%d" % os.getpid())
    os.mkdir(directory)
    with open(directory + "/cgroup.procs", "w") as procs:
        procs.write(str(agent.process.pid))
    return directory


def test_no_processes():
    with Agent().start() as agent:
        launch_hog(agent, 45, "{at: [{usage: 40%, do: exec, command: ['true']}, {usage: 50%, do: signal, signal: SIGCONT}, {usage: 55%, do: reclaim}, {usage: 60%, do: kill-process}]}")
        directory = pids_group(agent)
        try:
            with open(directory + "/pids.max", "w") as most:
                most.write(open(directory + "/pids.current").read())
            let_it_grow(agent)
            failed = agent.event("PolicyAction", action="exec", outcome="failed")
            assert "unavailable" in failed["message"], failed
            agent.event("PolicyAction", action="signal", outcome="done")
            agent.event("PolicyKill", action="kill-process", outcome="done")
            with open(directory + "/pids.max", "w") as most:
                most.write("max")
            agent.event("PolicyAction", action="exec", outcome="done")
        finally:
            agent.kill()
            clean_up(cgroups=["/mete-starved-%d" % os.getpid()])
            agent.start()


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
