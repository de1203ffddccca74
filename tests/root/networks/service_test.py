# SPDX-License-Identifier: Apache-2.0
"""The agent as a service: what a service manager is told, who may use the socket, and how a package ends what there is."""
import fcntl
import grp
import os
import socket
import stat
import subprocess
import sys
import threading

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from cgroups import Cgroup  # noqa: E402
from mete_agent import Agent, run_tests, wait_for, write  # noqa: E402
from pods import launch, pod  # noqa: E402


def test_a_service_manager_is_told():
    with Agent() as agent, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(agent.work + "/notify")
        manager.settimeout(60)
        os.environ["NOTIFY_SOCKET"] = agent.work + "/notify"
        try:
            agent.start(wait=False)
        finally:
            del os.environ["NOTIFY_SOCKET"]
        assert manager.recv(100) == b"READY=1"
        assert agent.listens() and agent.ready(), "it is ready when it says so"
        agent.process.terminate()
        assert manager.recv(100) == b"STOPPING=1"
        agent.process.wait(60)


def test_a_manager_that_is_gone_does_not_matter():
    with Agent() as agent:
        os.environ["NOTIFY_SOCKET"] = "@mete-test-nobody-%d" % os.getpid()
        try:
            agent.start()
        finally:
            del os.environ["NOTIFY_SOCKET"]
        assert not agent.pods()


def test_the_socket_is_for_root_or_for_a_group():
    with Agent().start() as agent:
        assert stat.S_IMODE(os.stat(agent.run + "/mete.sock").st_mode) == 0o600
        agent.stop()
        group = grp.getgrnam("nogroup")
        agent.start("--socket-group", group.gr_name)
        status = os.stat(agent.run + "/mete.sock")
        assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) == (0o660, 0, group.gr_gid), status
        agent.stop()
        done = subprocess.run(agent.words("agent", "--listen", "127.0.0.1:0", "--cgroup-parent", agent.parent, "--manifests", agent.manifests,
                                          "--socket-group", "no-such-group"), capture_output=True, text=True, timeout=60)
        assert done.returncode == 1, done
        assert '--socket-group: found \\"no-such-group\\", expected a group of this machine' in done.stderr, done


def test_remove_all_for_0_launches_nothing_and_ends_what_there_is():
    with Agent().start() as agent:
        path = launch(agent, pod("old"), "old")["cgroup"]
        agent.kill()
        write(agent.manifests + "/new.yaml", pod("new"))
        log = len(agent.log_text())
        agent.start("--remove-all", "--for", "0", wait=False)
        assert agent.process.wait(60) == 0, agent.log_text()
        said = agent.log_text()[log:]
        assert "event=Created" not in said and "event=Started" not in said, said
        assert not Cgroup(path).has("cgroup.procs") and not agent.processes() and not agent.cgroups(), (agent.processes(), agent.cgroups())
        # What was applied is no state of a pod: the next agent runs it.
        agent.start()
        wait_for("both", lambda: sorted(each["name"] for each in agent.pods()) == ["new", "old"])


def test_an_agent_that_follows_at_once_waits_for_the_lock():
    """A child of a killed agent holds its locks until it executes its program."""
    with Agent() as agent, open(agent.state + "/lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        threading.Timer(0.4, fcntl.flock, (lock, fcntl.LOCK_UN)).start()
        agent.start()
        assert not agent.pods()


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
