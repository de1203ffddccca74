# SPDX-License-Identifier: Apache-2.0
"""--volumes-from of `mete run`: the mounts of another container, read-only where asked, and an anonymous volume lives as long as one has it."""
import json
import os
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from mete_agent import Agent, run_tests, write  # noqa: E402


def mounts(agent, name):
    [shown] = json.loads(agent.mete("inspect", name).stdout)
    return {each["Destination"]: each for each in shown["Mounts"]}


def test_all_mounts_of_another_container_and_its_own_win():
    with Agent().start() as agent:
        shared = agent.work + "/shared"
        os.mkdir(shared)
        write(shared + "/word", "hello\n")
        agent.mete("create", "--name", "store", "-v", "data:/data", "-v", shared + ":/in:ro", "-v", "/own", "--tmpfs", "/scratch", "busybox", "true")
        out = agent.mete("run", "--name", "web", "--volumes-from", "store", "busybox", "sh", "-c",
                         "cat /in/word; touch /in/new 2>&1; echo a > /data/a; echo b > /own/b; grep -c ' /scratch ' /proc/mounts", check=False).stdout
        assert out.splitlines() == ["hello", "touch: /in/new: Read-only file system", "0"], out
        assert agent.mete("run", "--rm", "--volumes-from", "web:ro", "busybox", "sh", "-c", "cat /data/a /own/b; touch /data/c 2>&1 || true").stdout.splitlines() == [
            "a", "b", "touch: /data/c: Read-only file system"]
        assert {place: (each["Type"], each["RW"]) for place, each in mounts(agent, "web").items()} == {
            "/data": ("volume", True), "/in": ("bind", False), "/own": ("volume", True)}
        # One that it names itself counts before the other's.
        assert agent.mete("run", "--rm", "--volumes-from", "store", "-v", "mine:/data", "busybox", "ls", "/data").stdout == ""
        [shown] = json.loads(agent.mete("inspect", "web").stdout)
        assert shown["HostConfig"]["VolumesFrom"] == ["store"]


def test_an_anonymous_volume_goes_with_the_last_one():
    with Agent().start() as agent:
        agent.mete("create", "--name", "store", "-v", "/own", "busybox", "true")
        agent.mete("create", "--name", "web", "--volumes-from", "store", "busybox", "sh", "-c", "echo a >> /own/a; cat /own/a")
        volume = mounts(agent, "store")["/own"]["Name"]
        assert mounts(agent, "web")["/own"]["Name"] == volume
        agent.mete("rm", "-v", "store")
        assert volume in agent.mete("volume", "ls", "-q").stdout
        assert agent.mete("start", "-a", "web").stdout == "a\n"
        agent.kill()
        agent.start()
        assert agent.mete("start", "-a", "web").stdout == "a\na\n"
        agent.mete("rm", "-v", "web")
        assert volume not in agent.mete("volume", "ls", "-q").stdout


def test_nobodys_volumes_are_refused():
    with Agent().start() as agent:
        for word, why in (("nosuch", "No such container: nosuch"), ("nosuch:x", "invalid mode: x")):
            done = agent.mete("run", "--volumes-from", word, "busybox", "true", check=False)
            assert done.returncode == 125 and why in done.stderr, done
        assert agent.mete("ps", "-aq").stdout == ""


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
