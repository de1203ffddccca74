# SPDX-License-Identifier: Apache-2.0
"""--pid container:X and --ipc container:X: a container in the PID or the IPC namespace of another one, by docker's rules."""
import os
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from docker_api import Docker  # noqa: E402
from leftovers import mounts_below  # noqa: E402
from mete_agent import Agent, run_tests, wait_for  # noqa: E402


def pid_of(docker, name):
    return docker.state(name)["Pid"]


def space(docker, name, kind):
    return os.readlink("/proc/%d/ns/%s" % (pid_of(docker, name), kind))


def refusal(docker, name):
    answer = docker.ask("POST", "/containers/%s/start" % name)
    assert answer.status >= 400, answer.body
    return answer.message


def said(docker, name, *command):
    code, out, errors = docker.execute(name, *command)
    assert code == 0, errors
    return out


def test_a_container_is_in_the_pid_namespace_of_another_and_ends_with_it():
    with Agent().start() as agent:
        docker = Docker(agent)
        first = docker.run("first", ("sleep", "1001"))
        docker.run("second", ("sleep", "1002"), {"PidMode": "container:first"})
        assert docker.inspect("second")["HostConfig"]["PidMode"] == "container:" + first
        assert space(docker, "first", "pid") == space(docker, "second", "pid") and space(docker, "first", "mnt") != space(docker, "second", "mnt")
        seen = said(docker, "second", "ps", "-o", "pid,args")
        assert "1 sleep 1001" in seen and "sleep 1002" in seen, seen
        # A command in the first one's namespace is no process of the second.
        docker.run("third", ("sleep", "1003"), {"PidMode": "container:second"})
        assert "sleep 1001" in said(docker, "third", "ps", "-o", "args")
        docker.post("/containers/third/stop", t=0)
        assert docker.state("second")["Running"]
        # The kernel kills all that is in the namespace with its first process.
        docker.post("/containers/first/kill")
        assert docker.wait("second") == 137 and not docker.state("second")["OOMKilled"]
        assert refusal(docker, "second") == "container %s is not running" % first
        assert docker.state("second")["Status"] == "exited"
        docker.post("/containers/first/start")
        docker.post("/containers/second/start")
        assert space(docker, "first", "pid") == space(docker, "second", "pid")


def test_a_restart_policy_finds_the_new_namespace():
    with Agent().start() as agent:
        docker = Docker(agent)
        docker.run("first")
        docker.run("second", host={"PidMode": "container:first", "RestartPolicy": {"Name": "always"}})
        before = pid_of(docker, "second")
        docker.post("/containers/first/restart", t=0)
        wait_for("a new life", lambda: pid_of(docker, "second") not in (0, before))
        assert space(docker, "first", "pid") == space(docker, "second", "pid")


def test_an_agent_that_was_killed_finds_both_again():
    with Agent().start() as agent:
        docker = Docker(agent)
        docker.run("first", host={"IpcMode": "shareable"})
        docker.run("second", host={"PidMode": "container:first", "IpcMode": "container:first"})
        pids = [pid_of(docker, each) for each in ("first", "second")]
        agent.kill()
        agent.start()
        assert [pid_of(docker, each) for each in ("first", "second")] == pids
        docker.post("/containers/second/restart", t=0)
        assert space(docker, "first", "ipc") == space(docker, "second", "ipc")


def test_the_other_must_be_there_and_run():
    with Agent().start() as agent:
        docker = Docker(agent)
        for field in ("PidMode", "IpcMode"):
            answer = docker.ask("POST", "/containers/create", {"Image": "busybox", "Cmd": ["true"], "HostConfig": {field: "container:nosuch"}})
            # 404 would make a client pull the image.
            assert (answer.status, answer.message) == (400, "No such container: nosuch"), answer.body
        idle = docker.create("idle", host={"IpcMode": "shareable"})
        docker.create("in-pid", host={"PidMode": "container:idle"})
        docker.create("in-ipc", host={"IpcMode": "container:idle"})
        assert refusal(docker, "in-pid") == "container %s is not running" % idle
        assert refusal(docker, "in-ipc") == "can't join IPC of container %s: container %s is not running" % (idle, idle)
        assert docker.state("in-ipc")["Status"] == "created" and docker.state("in-ipc")["Error"] == "can't join IPC of container %s: container %s is not running" % (idle, idle)
        # One that has its name now is another one.
        docker.remove("idle")
        docker.run("idle", host={"IpcMode": "shareable"})
        assert refusal(docker, "in-pid") == "No such container: " + idle
        assert refusal(docker, "in-ipc") == "can't join IPC of container %s: No such container: %s" % (idle, idle)
        answer = docker.ask("POST", "/containers/create", {"Image": "busybox", "Cmd": ["true"], "HostConfig": {"IpcMode": "bogus"}})
        assert (answer.status, answer.message) == (400, "Invalid IPC mode: bogus")


def test_an_ipc_namespace_is_shared_with_its_memory():
    with Agent().start() as agent:
        docker = Docker(agent)
        private = docker.run("private")
        docker.create("refused", host={"IpcMode": "container:private"})
        assert refusal(docker, "refused") == ("can't join IPC of container %s: non-shareable IPC (hint: use IpcMode:shareable for the donor container)" % private)
        shared = docker.run("shared", host={"IpcMode": "shareable", "ShmSize": 1 << 20})
        docker.run("one", host={"IpcMode": "container:shared"})
        docker.run("two", host={"IpcMode": "container:one"})
        assert docker.inspect("one")["HostConfig"]["IpcMode"] == "container:" + shared
        said(docker, "shared", "sh", "-c", "echo hello > /dev/shm/x")
        for each in ("one", "two"):
            assert space(docker, "shared", "ipc") == space(docker, each, "ipc")
            assert said(docker, each, "cat", "/dev/shm/x") == "hello\n"
        mounts = [line for line in said(docker, "two", "cat", "/proc/mounts").splitlines() if " /dev/shm " in line]
        assert len(mounts) == 1 and "size=1024k" in mounts[0] and "noexec" in mounts[0], mounts
        # What the others have bound is theirs; the next life has another one.
        docker.post("/containers/shared/stop", t=0)
        assert said(docker, "two", "cat", "/dev/shm/x") == "hello\n"
        assert refusal(docker, "refused")
        docker.post("/containers/shared/start")
        assert said(docker, "shared", "ls", "/dev/shm") == ""
        docker.post("/containers/one/restart", t=0)
        assert said(docker, "one", "ls", "/dev/shm") == ""
        for each in ("shared", "one", "two", "private", "refused"):
            assert docker.remove(each, force=1).status == 204
        assert mounts_below(agent.run + "/docker-shm") == []
        assert os.listdir(agent.run + "/docker-shm") == [], (os.listdir(agent.run + "/docker-shm"), shared, private)


def test_what_a_killed_agent_left_mounted_is_unmounted():
    with Agent().start() as agent:
        docker = Docker(agent)
        docker.run("shared", host={"IpcMode": "shareable"})
        pid = pid_of(docker, "shared")
        assert len(mounts_below(agent.run + "/docker-shm")) == 1
        agent.kill()
        os.kill(pid, 9)
        agent.start()
        wait_for("it to have ended", lambda: docker.state("shared")["Status"] == "exited")
        wait_for("its memory to be unmounted", lambda: mounts_below(agent.run + "/docker-shm") == [])


def test_without_ipc_there_is_no_shared_memory():
    with Agent().start() as agent:
        docker = Docker(agent)
        docker.run("none", host={"IpcMode": "none"})
        assert " /dev/shm " not in said(docker, "none", "cat", "/proc/mounts")
        docker.run("usual")
        assert said(docker, "usual", "cat", "/proc/mounts").count(" /dev/shm ") == 1
        assert space(docker, "none", "ipc") != space(docker, "usual", "ipc")


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
