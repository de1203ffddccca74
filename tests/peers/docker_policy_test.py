# SPDX-License-Identifier: Apache-2.0
"""Containers that docker launched, held by a policy that selects their cgroups, and put back to the exact bytes they had."""
import json
import os
import stat
import subprocess
import sys

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from cgroups import MiB  # noqa: E402
from held_cgroups import cgroup_policy  # noqa: E402
from leftovers import cgroup_mounts, clean_up, made_cgroup  # noqa: E402
from mete_agent import Agent, run_tests, skip, stays, wait_for, work_folder  # noqa: E402
from runtimes import Docker  # noqa: E402

HELD = """  cpu: {burst: 20ms}
  pids: {max: 77}
  memory: {at: [{usage: 80%, do: raise}], raise: {by: 25%, max: 80Mi}, onOOM: hold, hold: {timeout: 1s, then: kill-process}}"""

GROW = """BEGIN { for (i = 0; i < %d; ++i) { s = "x"; while (length(s) < 1048576) s = s s; a[i] = s; system("/bin/busybox sleep 0.01") } while (1) system("/bin/busybox sleep 1") }"""

# Counters, which go on by themselves, and files that show who is in the cgroup or what was last asked of it.
COUNTERS = {"memory.%s%s" % (kind, name) for kind in ("", "memsw.", "kmem.", "kmem.tcp.") for name in ("max_usage_in_bytes", "failcnt")} | {
    "memory.pressure_level", "cpuacct.usage", "cgroup.procs", "cgroup.threads", "tasks", "cpu.pressure", "io.pressure", "memory.pressure", "irq.pressure",
    "memory.peak", "memory.swap.peak"}


class Held:
    """An agent and a docker daemon with one container below a cgroup parent of the test's own."""

    def __init__(self, *options, command=()):
        if not os.path.isdir("/sys/fs/cgroup/memory"):
            skip("needs cgroup v1's memory controller")
        self.parent = "mete-docker-%d" % os.getpid()
        made_cgroup("/" + self.parent)
        self.options, self.command = options, command

    def __enter__(self):
        self.agent = Agent()
        try:
            self.work = work_folder("mete-docker-")  # the agent's own folder goes before docker does
            self.docker = Docker(self.work).__enter__()
            self.identity = self.docker.run("held", "--cgroup-parent", "/" + self.parent, "--memory", "64m", "--memory-reservation", "32m", "--cpus", "0.5",
                                            "--pids-limit", "100", *self.options, command=self.command)
            self.path = "/%s/%s" % (self.parent, self.identity)
            self.before = self.settings()
            assert len(self.before) > 20, self.before
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, kind, error, trace):
        self.agent.__exit__(kind, error, trace)  # first: it puts back what it holds
        if hasattr(self, "docker"):
            self.docker.__exit__()
            clean_up([self.work])
        clean_up(cgroups=["/" + self.parent])

    def settings(self):
        """The bytes of every file of the container's cgroups that can be written and read, counters left out."""
        found = {}
        for mount in cgroup_mounts():
            directory = mount + self.path
            for name in os.listdir(directory) if os.path.isdir(directory) else []:
                mode = os.stat(directory + "/" + name).st_mode
                if not stat.S_ISREG(mode) or not mode & stat.S_IWUSR or not mode & stat.S_IRUSR or name in COUNTERS:
                    continue
                try:
                    text = open(directory + "/" + name, "rb").read()
                except OSError:
                    continue  # of a kernel that has the file, and nothing to say
                # memory.oom_control shows counters behind its first line, which alone can be written.
                found[name] = text.split(b"\n")[0] if name == "memory.oom_control" else text
        return found

    def changed(self):
        return {name: (before, now) for (name, before), now in zip(sorted(self.before.items()), dict(sorted(self.settings().items())).values()) if before != now}

    def hold(self, spec=HELD):
        self.agent.apply(cgroup_policy("/" + self.parent + "/*", spec))
        wait_for("the limits", lambda: {"pids.max", "cpu.cfs_burst_us", "memory.oom_control"} <= set(self.changed()))
        assert self.settings()["pids.max"] == b"77\n" and self.settings()["memory.oom_control"] == b"oom_kill_disable 1", self.changed()

    def forget_policy(self):
        self.agent.forget("Policy", "foreign")

    def assert_put_back(self):
        wait_for("the bytes that docker wrote", lambda: self.settings() == self.before)
        state = json.loads(subprocess.run(self.docker.client + ["inspect", "held"], check=True, capture_output=True, text=True).stdout)[0]["State"]
        assert state["Running"] and not state["OOMKilled"], state


def test_put_back_when_the_policy_goes():
    with Held() as held:
        held.agent.start()
        held.hold()
        held.agent.mete("delete", "-f", "-", text=cgroup_policy("/" + held.parent + "/*", HELD))
        held.assert_put_back()
        assert {each["fields"]["file"] for each in held.agent.events("Restored")} == {"pids.max", "cpu.cfs_burst_us", "memory.oom_control"}, held.agent.events("Restored")


def test_put_back_when_the_agent_stops():
    with Held() as held:
        held.agent.start()
        held.hold()
        held.agent.stop()
        assert held.settings() == held.before, held.changed()
        held.assert_put_back()


def test_put_back_after_kill_9_and_a_start():
    with Held() as held:
        held.agent.start()
        held.hold()
        held.agent.kill()
        assert held.settings() != held.before
        # The next agent goes on holding it, and remembers what was there before the one that died.
        held.agent.start()
        stays("the limit", lambda: held.settings()["pids.max"] == b"77\n", 0.3)
        held.agent.kill()
        held.forget_policy()
        held.agent.start()
        held.assert_put_back()


def test_put_back_by_rollback():
    with Held() as held:
        held.agent.start()
        held.hold()
        held.agent.kill()
        done = held.agent.mete("agent", "--cgroup-parent", held.agent.parent, "--rollback")
        assert held.settings() == held.before, held.changed()
        assert "pids.max of cgroup " + held.path in done.stdout, done.stdout


def test_a_hog_is_raised_held_and_ended_and_all_put_back():
    with Held(command=("/bin/busybox", "awk", GROW % 200)) as held:
        held.agent.start()
        held.agent.apply(cgroup_policy("/" + held.parent + "/*", HELD))
        raised = wait_for("the raise", lambda: held.agent.events("LimitRaised"))[0]
        assert raised["fields"]["to"] == str(80 * MiB), raised
        told = wait_for("the hold", lambda: held.agent.events("OOMHeld"))[0]
        record = json.loads(held.agent.mete("oom", "show", told["fields"]["record"], "-o", "json").stdout)
        assert record["cgroup"] == held.path and record["processes"][0]["anon"] > 60 * MiB, record
        killed = wait_for("the kill", lambda: held.agent.events("PolicyKill"))[0]
        assert killed["fields"]["outcome"] == "done", killed
        # docker takes the cgroup away with its container: there is nothing left to be put back, and that is forgotten.
        wait_for("docker to notice", lambda: not os.path.isdir("/sys/fs/cgroup/memory" + held.path))
        held.agent.stop()
        assert json.load(open(held.agent.state + "/foreign.json"))["knobs"] == []


def test_put_back_while_it_is_frozen():
    with Held(command=("/bin/busybox", "awk", GROW % 45)) as held:
        held.agent.start()
        held.agent.apply(cgroup_policy("/" + held.parent + "/*", "  memory: {at: [{usage: 50%, do: freeze, timeout: 60s, then: kill-container}]}"))
        wait_for("the freeze", lambda: held.agent.events("Frozen"))
        wait_for("the kernel to say so", lambda: held.settings().get("cgroup.freeze") == b"1\n")
        held.agent.kill()
        held.forget_policy()
        held.agent.start()
        held.assert_put_back()


def test_a_container_that_docker_removes_is_forgotten():
    with Held() as held:
        held.agent.start()
        held.hold()
        held.docker.remove(held.identity)
        wait_for("an empty ledger", lambda: json.load(open(held.agent.state + "/foreign.json"))["knobs"] == [])
        assert not held.agent.events("RestoreFailed"), held.agent.events("RestoreFailed")
        assert held.agent.process.poll() is None


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
