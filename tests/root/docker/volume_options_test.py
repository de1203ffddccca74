# SPDX-License-Identifier: Apache-2.0
"""Volumes with the options of docker's local driver: what is mounted while containers have them, and nothing else is touched."""
import os
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from docker_api import Docker  # noqa: E402
from leftovers import mounts_below  # noqa: E402
from mete_agent import Agent, run_tests, wait_for, write  # noqa: E402
from reboots import boot_as, power_off  # noqa: E402

TMPFS = {"type": "tmpfs", "device": "tmpfs", "o": "size=1m,uid=1000,nodev"}


def volumes(agent):
    return agent.state + "/docker/volumes"


def make(docker, name, options):
    return docker.post("/volumes/create", {"Name": name, "DriverOpts": options}).json()


def run(docker, name, volume, command=("sleep", "1000"), mode=""):
    return docker.run(name, command, {"Binds": ["%s:/d%s" % (volume, mode)]})


def said(docker, name, *command):
    code, out, errors = docker.execute(name, *command)
    assert code == 0, errors
    return out


def test_a_tmpfs_is_there_from_the_first_start_to_the_last_end():
    with Agent().start() as agent:
        docker = Docker(agent)
        assert make(docker, "fast", TMPFS)["Options"] == TMPFS and docker.get("/volumes/fast")["Options"] == TMPFS
        run(docker, "one", "fast")
        mounts = [line for line in said(docker, "one", "cat", "/proc/mounts").splitlines() if " /d " in line]
        assert len(mounts) == 1 and mounts[0].startswith("tmpfs /d tmpfs rw,nodev") and "size=1024k" in mounts[0], mounts
        assert said(docker, "one", "stat", "-c", "%u", "/d") == "1000\n"
        said(docker, "one", "sh", "-c", "echo mine > /d/f")
        run(docker, "two", "fast", mode=":ro")
        assert said(docker, "two", "cat", "/d/f") == "mine\n" and docker.execute("two", "touch", "/d/g")[0] != 0
        assert docker.ask("DELETE", "/volumes/fast").status == 409
        docker.post("/containers/one/stop", t=0)
        assert said(docker, "two", "cat", "/d/f") == "mine\n"
        docker.post("/containers/two/stop", t=0)
        assert mounts_below(volumes(agent)) == []
        docker.post("/containers/one/start")
        assert said(docker, "one", "ls", "/d") == "", "the file system is another one"
        for each in ("one", "two"):
            docker.remove(each, force=1)
        assert docker.ask("DELETE", "/volumes/fast").status == 204 and mounts_below(volumes(agent)) == []


def test_a_folder_that_is_bound_stays_when_the_volume_goes():
    with Agent().start() as agent:
        docker = Docker(agent)
        folder = agent.work + "/kept"
        os.makedirs(folder + "/sub")
        write(folder + "/sub/file", "here")
        make(docker, "bound", {"type": "none", "device": folder, "o": "bind"})
        run(docker, "one", "bound")
        assert said(docker, "one", "cat", "/d/sub/file") == "here"
        docker.remove("one", force=1, v=1)
        # As an agent that was killed between two calls leaves it: the volume is mounted, and nobody has it.
        run(docker, "two", "bound")
        agent.kill()
        os.kill(docker_pid(agent, "two"), 9)
        agent.start()
        wait_for("it to have ended", lambda: docker.state("two")["Status"] == "exited")
        wait_for("it to be unmounted", lambda: mounts_below(volumes(agent)) == [])
        docker.remove("two")
        assert docker.ask("DELETE", "/volumes/bound").status == 204
        assert open(folder + "/sub/file").read() == "here"


def docker_pid(agent, name):
    """While there is no agent: the container's process, by its cgroup."""
    return [pid for pid, command in agent.processes() if command.startswith("sleep")][0]


def test_a_mount_of_somebody_below_it_is_never_emptied():
    with Agent().start() as agent:
        docker = Docker(agent)
        folder = agent.work + "/kept"
        os.makedirs(folder)
        write(folder + "/file", "here")
        make(docker, "bound", {"type": "none", "device": folder, "o": "bind,ro"})
        run(docker, "one", "bound")
        assert docker.execute("one", "touch", "/d/new")[0] != 0, "the bind is read-only"
        docker.remove("one", force=1)
        answer = docker.post("/volumes/prune", filters='{"all":["true"]}').json()
        assert answer["VolumesDeleted"] == ["bound"] and open(folder + "/file").read() == "here"


def test_what_cannot_be_mounted_is_an_error_of_the_start():
    with Agent().start() as agent:
        docker = Docker(agent)
        for name, options, why in (
                ("gone", {"type": "none", "device": "/nosuch", "o": "bind"}, "mount /nosuch:%s, flags: 0x1000: no such file or directory"),
                ("odd", {"type": "nosuchfs", "device": "x"}, "mount x:%s: no such device"),
                ("bad", {"type": "tmpfs", "device": "tmpfs", "o": "nosuch=1"}, "mount tmpfs:%s, data: nosuch=1: invalid argument")):
            make(docker, name, options)
            place = "%s/%s/_data" % (volumes(agent), name)
            docker.create(name, host={"Binds": [name + ":/d"]})
            answer = docker.ask("POST", "/containers/%s/start" % name)
            assert (answer.status, answer.message) == (500, "error while mounting volume '%s': failed to mount local volume: %s" % (place, why % place)), answer.body
            assert docker.state(name)["Error"] == answer.message and docker.state(name)["Status"] == "created"
            assert not os.path.exists(place)
        docker.create("away", host={"Binds": ["odd:/d"], "AutoRemove": True})
        assert docker.ask("POST", "/containers/away/start").status == 500
        wait_for("it to be gone", lambda: docker.ask("GET", "/containers/away/json").status == 404)


def test_options_are_checked():
    with Agent().start() as agent:
        docker = Docker(agent)
        for options, why in (({"type": "tmpfs"}, 'missing required option: "device"'), ({"device": "/tmp"}, 'missing required option: "type"'),
                             ({"o": "bind"}, 'missing required option: "device"'), ({"nosuch": "1"}, 'invalid option: "nosuch"'),
                             ({"size": "1m"}, "quota size requested but no quota support")):
            answer = docker.ask("POST", "/volumes/create", {"Name": "wrong", "DriverOpts": options})
            assert (answer.status, answer.message) == (400, "create wrong: " + why), answer.body
        assert docker.get("/volumes")["Volumes"] == []
        # One that is there stays what it is.
        make(docker, "fast", TMPFS)
        assert make(docker, "fast", {"type": "tmpfs", "device": "tmpfs", "o": "size=9m"})["Options"] == TMPFS
        host = {"Mounts": [{"Type": "volume", "Source": "made", "Target": "/d", "VolumeOptions": {"DriverConfig": {"Name": "local", "Options": TMPFS}}}]}
        docker.run("one", host=host)
        assert docker.get("/volumes/made")["Options"] == TMPFS and said(docker, "one", "stat", "-c", "%u", "/d") == "1000\n"


def test_it_is_mounted_again_after_a_start_of_the_machine():
    agent = Agent()
    with agent:
        boot_as(agent, 1)
        docker = Docker(agent)
        make(docker, "fast", TMPFS)
        docker.run("one", host={"Binds": ["fast:/d"], "RestartPolicy": {"Name": "always"}, "IpcMode": "shareable"})
        power_off(agent)
        boot_as(agent, 2)
        wait_for("it to run", lambda: docker.state("one")["Running"])
        assert said(docker, "one", "stat", "-c", "%u", "/d") == "1000\n", "the tmpfs, and not the folder below it"


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
