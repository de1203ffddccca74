# SPDX-License-Identifier: Apache-2.0
"""A state folder on a full disk: what runs goes on, what is new is refused, what ends is known, and nothing is half done."""
import contextlib
import glob
import os
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from bystander import Bystander  # noqa: E402
from mete_agent import run_tests, stays, wait_for, write  # noqa: E402
from pods import job, launch, pod, wait_exited, wait_gone, wait_running  # noqa: E402
from small_disk import OnSmallDisk  # noqa: E402


COUNTER = "i=0; while :; do i=$((i+1)); echo line $i; echo $i > /m/n; usleep 2000; done"
EXIT_7 = "while [ ! -e /m/end ]; do usleep 10000; done; exit 7"
MOUNT = "volumeMounts: [{name: m, mountPath: /m}]"
MEMORY = "volumes: [{name: m, emptyDir: {medium: Memory}}]"


@contextlib.contextmanager
def agent_on_a_small_disk():
    """One pod that writes its log all the time, one that ends and is restarted; the disk has room again at the end."""
    with OnSmallDisk().start() as agent:
        bystander = Bystander(agent)
        write(agent.manifests + "/writer.yaml", pod("writer", COUNTER, MOUNT, MEMORY))
        write(agent.manifests + "/again.yaml", pod("again", ["sleep", "0.5"]))
        wait_running(agent, "writer")
        wait_for("the short one", lambda: agent.container("again").get("last") or agent.container("again")["state"] == "running")
        yield agent, bystander


def test_a_full_disk_harms_nothing_that_runs():
    with agent_on_a_small_disk() as (agent, bystander):
        progress = lambda: int(open("/proc/%d/root/m/n" % agent.container("writer")["pid"]).read() or 0)  # noqa: E731
        wait_for("the writer to write", lambda: progress() > 20)
        agent.fill()
        time.sleep(0.5)  # for whoever frees something that cannot be written again
        agent.fill()
        # What runs goes on, though its log and the records cannot be written.
        pid, first = agent.container("writer")["pid"], progress()
        wait_for("the writer to go on", lambda: progress() > first + 200)
        assert agent.container("writer")["pid"] == pid
        # What is new is refused with a reason.
        done = agent.mete("apply", "-f", "-", text=pod("late"), check=False)
        assert done.returncode == 1 and "No space left" in done.stderr, done
        assert agent.get("/healthz") == "ok\n" and agent.metric("mete_container_state", pod="writer", state="running") == 1
        bystander.check(["writer", "again"])
        # The agent's death and birth on a full disk.
        agent.kill()
        agent.start()
        assert agent.container("writer")["pid"] == pid
        agent.empty()
        wait_for("the short one to run again", lambda: agent.container("again")["restarts"] >= 1)
        bystander.check(["writer", "again"])
        agent.apply(pod("late"))
        wait_running(agent, "late")
        last = agent.logs("writer", "--tail", "1")
        wait_for("lines to be logged again", lambda: agent.logs("writer", "--tail", "1") != last)


def test_a_full_disk_is_said_once():
    with agent_on_a_small_disk() as (agent, _):
        before = len(agent.events())
        agent.fill()
        full = lambda: [each for each in agent.events()[before:] if "No space left" in each["message"]]  # noqa: E731
        wait_for("an event about it, when a container has ended and cannot say so", full)
        stays("said once, or twice where two had to be said of: %s" % full(), lambda: len(full()) <= 2, 3)


def test_half_an_apply_on_a_full_disk_is_none():
    with agent_on_a_small_disk() as (agent, bystander):
        def text(size):
            return "".join("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\ndata: {k: %s}\n---\n" % (name, "x" * count) for name, count in (("a", 10), ("b", size))) + pod("z")
        os.unlink(agent.manifests + "/again.yaml")
        wait_gone(agent, "again")
        pid, folder = launch(agent, text(10), "z")["pid"], agent.state + "/applied"
        before = {name: open(folder + "/" + name).read() for name in os.listdir(folder)}
        agent.fill()
        os.truncate(agent.filler, os.path.getsize(agent.filler) - (64 << 10))
        done = agent.mete("apply", "-f", "-", text=text(200_000).replace('"1000"', '"999"'), check=False)
        assert done.returncode == 1 and "No space left" in done.stderr, done
        assert {name: open(folder + "/" + name).read() for name in os.listdir(folder)} == before
        assert agent.container("z")["pid"] == pid
        bystander.check(["writer", "z"])


def test_an_exit_on_a_full_disk_is_known():
    with OnSmallDisk().start() as agent:
        launch(agent, job("p", EXIT_7, MOUNT, MEMORY), "p")
        agent.fill()
        open("/proc/%d/root/m/end" % agent.container("p")["pid"], "w").close()
        ended = wait_exited(agent, "p")
        assert ended["last"]["exitCode"] == 7 and ended["last"]["reason"] == "Error", ended
        # The record could not be written; the shim's word is there all the same.
        agent.kill()
        agent.start()
        ended = agent.container("p")
        assert ended["state"] == "exited" and ended["last"]["exitCode"] == 7 and ended["last"]["reason"] == "Error", ended
        agent.empty()


def test_a_shim_that_cannot_write_is_told_of():
    with OnSmallDisk().start() as agent:
        launch(agent, job("p", EXIT_7, MOUNT, MEMORY), "p")
        # As on a file system that writes every block anew: no room even in the lock.
        for lock in glob.glob(agent.state + "/pods/*/containers/*/*/lock"):
            os.truncate(lock, 0)
        agent.fill()
        open("/proc/%d/root/m/end" % agent.container("p")["pid"], "w").close()
        told = agent.event("ExitNotSaved")
        assert "No space left" in told["message"] and told["pod"] == "default/p", told
        stays("told once", lambda: len(agent.events("ExitNotSaved")) == 1, 3)
        assert "ExitNotSaved" in agent.log_text()
        agent.empty()
        ended = wait_exited(agent, "p")
        assert ended["last"]["exitCode"] == 7, ended


def test_pods_are_deleted_from_a_full_disk():
    # That is how room is made.
    with agent_on_a_small_disk() as (agent, bystander):
        agent.apply(pod("greedy", "dd if=/dev/zero of=/big bs=64k; echo full; sleep 1000"))
        # A few blocks are free again when the short one's last attempt has gone.
        wait_for("it to fill the disk", lambda: agent.container("greedy")["state"] == "running" and os.statvfs(agent.state).f_bavail < 64)
        done = agent.mete("delete", "greedy")
        assert done.stdout == "Pod default/greedy deleted\n", done
        wait_gone(agent, "greedy")
        assert os.statvfs(agent.state).f_bavail > 64
        os.unlink(agent.manifests + "/writer.yaml")
        wait_gone(agent, "writer")
        bystander.check(["again"])


def test_the_last_pod_is_deleted_from_a_disk_that_others_filled():
    with agent_on_a_small_disk() as (agent, bystander):
        agent.fill()
        os.unlink(agent.manifests + "/writer.yaml")
        wait_gone(agent, "writer")
        bystander.check(["again"])


def test_a_pod_that_found_no_room_starts_when_there_is_some():
    with OnSmallDisk().start() as agent:
        bystander = Bystander(agent)
        agent.fill()
        write(agent.manifests + "/new.yaml", pod("new"))
        told = lambda: [each for each in agent.events() if each.get("pod") == "default/new" and "No space left" in each["message"]]  # noqa: E731
        wait_for("an event about it", told)
        stays("told once", lambda: len(told()) == 1, 3)
        left = os.listdir(agent.state + "/pods")
        agent.empty()
        assert len(left) == 1, "something is left of what was not made"
        wait_running(agent, "new")
        bystander.check(["new"])


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
