# SPDX-License-Identifier: Apache-2.0
"""Enforcement goes on while the agent can write no file, open no file, or start no process: what can be done is done, what cannot is told."""
import os
import resource
import socket
import subprocess
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cgroups import Foreign  # noqa: E402
from hog import hog  # noqa: E402
from mete_agent import Agent, run_tests, skip, wait_for  # noqa: E402

GROW = "sleep 3; while :; do dd if=/dev/zero of=/dev/null bs=%dM count=1 2>/dev/null; sleep 0.05; done"


class OnSmallDisk(Agent):
    """Its state is on a file system of its own, which a test can fill."""

    def start(self, *more, **options):
        if self.process is None:
            image = self.state
            os.rename(image, image + ".made")
            os.mkdir(image)
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "mete-test", image], check=True)
            subprocess.run(["cp", "-a", image + ".made/.", image], check=True)
        return super().start(*more, **options)

    def fill(self):
        out = os.open(self.state + "/filler", os.O_CREAT | os.O_WRONLY, 0o600)
        for size in (65536, 4096, 1):
            try:
                while os.write(out, b"x" * size):
                    pass
            except OSError:
                pass
        os.close(out)
        try:
            with open(self.state + "/probe", "w") as probe:
                probe.write("x")
        except OSError:
            return
        raise AssertionError("the disk is not full")

    def close(self):
        if os.path.exists(self.state + "/filler"):
            os.unlink(self.state + "/filler")
        super().close()


def running(agent, size, memory):
    agent.apply(hog(GROW % size, "  memory: " + memory))
    wait_for("it to run", lambda: agent.container("hog")["state"] == "running")


def acted(agent, reason, **fields):
    return wait_for("event %s %s" % (reason, fields), lambda: next((each for each in agent.events(reason) if fields.items() <= each["fields"].items()), None))


def test_disk_full():
    # Each kind of action that needs a record before it is done, or leaves one after.
    with OnSmallDisk().start() as agent:
        running(agent, 45, "{at: [{usage: 50%, do: signal, signal: SIGCONT}, {usage: 60%, do: kill-process}]}")
        agent.fill()
        acted(agent, "PolicyAction", action="signal", outcome="done")
        killed = acted(agent, "PolicyKill", action="kill-process", outcome="done")
        assert "could not be written" in killed["message"] and "record" not in killed["fields"], killed
        os.unlink(agent.state + "/filler")
        killed = wait_for("a kill with its record", lambda: [each for each in agent.events("PolicyKill") if "record" in each["fields"]])
        agent.mete("oom", "show", killed[0]["fields"]["record"])
    with OnSmallDisk().start() as agent:
        running(agent, 200, "{onOOM: kill-container}")
        agent.fill()
        told = wait_for("the OOM kill", lambda: agent.events("OOMKilled"))
        assert "could not be written" in told[0]["message"], told
        wait_for("its end", lambda: agent.container("hog")["state"] == "exited")
        assert agent.metric("mete_oom_kills_total", container="hog", by="kernel") == 1


def test_disk_full_a_freeze_that_nobody_would_undo_is_not_done():
    with OnSmallDisk().start() as agent:
        running(agent, 45, "{at: [{usage: 60%, do: freeze, timeout: 60s, then: thaw}]}")
        agent.fill()
        refused = acted(agent, "Frozen", outcome="failed")
        assert "No space" in refused["message"], refused
        assert all("frozen 0" in open(each + "/cgroup.events").read() for each in agent.cgroups() if os.path.exists(each + "/cgroup.events"))


def test_disk_full_cgroups_of_others_are_not_changed_without_a_word_of_what_they_were():
    with Foreign() as foreign, OnSmallDisk().start() as agent:
        agent.fill()
        # Its manifests are in a folder elsewhere, which has room.
        with open(agent.manifests + "/policy.yaml", "w") as out:
            out.write("apiVersion: mete/v1\nkind: Policy\nmetadata: {name: others}\nspec: {selector: {cgroups: ['%s']}, pids: {max: 5}}\n" % foreign.path)
        wait_for("the word", lambda: any("No space" in each["message"] for each in agent.events("LimitFailed")))
        assert foreign.settings()["pids.max"] == b"max\n"
        os.unlink(agent.state + "/filler")
        wait_for("the limit", lambda: foreign.settings()["pids.max"] == b"5\n", 40)
        agent.stop()
        assert foreign.settings()["pids.max"] == b"max\n"


def test_few_descriptors_and_many_who_hold_connections():
    """What the agent may open is bounded, and those who only want to be answered do not get all of it."""
    with Agent() as agent:
        agent.start(prepare=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (192, 192)))
        running(agent, 45, "{at: [{usage: 50%, do: signal, signal: SIGCONT}, {usage: 60%, do: kill-process}]}")
        host, port = agent.address.split(":")
        held = []
        try:
            for _ in range(400):
                held.append(socket.create_connection((host, int(port)), timeout=5))
            deaf = [socket.socket(socket.AF_UNIX) for _ in range(100)]
            for each in deaf:
                each.settimeout(5)
                try:
                    each.connect(agent.run + "/mete.sock")
                    each.sendall(b"GET /mete/v1/events?follow=1 HTTP/1.1\r\nHost: x\r\n\r\n")
                except OSError:
                    pass  # turned away, as it should be
            held += deaf
            time.sleep(5)
        finally:
            for each in held:
                each.close()
        assert agent.process.poll() is None, agent.log_text()[-2000:]
        acted(agent, "PolicyAction", action="signal", outcome="done")
        killed = acted(agent, "PolicyKill", action="kill-process", outcome="done")
        assert "record" in killed["fields"], killed


def pids_group(agent):
    """A cgroup of this test's for the agent alone, so that it alone can start nothing."""
    directory = "/sys/fs/cgroup/pids/mete-starved-%d" % os.getpid()
    if not os.path.isdir("/sys/fs/cgroup/pids"):
        skip("needs cgroup v1's pids controller")
    os.mkdir(directory)
    with open(directory + "/cgroup.procs", "w") as procs:
        procs.write(str(agent.process.pid))
    return directory


def test_no_processes():
    with Agent().start() as agent:
        running(agent, 45, "{at: [{usage: 40%, do: exec, command: ['true']}, {usage: 50%, do: signal, signal: SIGCONT}, {usage: 55%, do: reclaim}, {usage: 60%, do: kill-process}]}")
        directory = pids_group(agent)
        try:
            with open(directory + "/pids.max", "w") as most:
                most.write(open(directory + "/pids.current").read())
            failed = acted(agent, "PolicyAction", action="exec", outcome="failed")
            assert "unavailable" in failed["message"], failed
            acted(agent, "PolicyAction", action="signal", outcome="done")
            acted(agent, "PolicyKill", action="kill-process", outcome="done")
            with open(directory + "/pids.max", "w") as most:
                most.write("max")
            acted(agent, "PolicyAction", action="exec", outcome="done")
        finally:
            agent.kill()
            wait_for("it to be gone", lambda: open(directory + "/cgroup.procs").read() == "")
            os.rmdir(directory)
            agent.start()


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
