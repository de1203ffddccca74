# SPDX-License-Identifier: Apache-2.0
"""The events of docker's engine around a container's life: its volumes and networks, a stop that takes too long, files that are copied."""
import io
import json
import os
import sys
import tarfile
import threading
import time
import urllib.parse

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from docker_api import Docker  # noqa: E402
from leftovers import cgroup_mounts  # noqa: E402
from mete_agent import Agent, run_tests  # noqa: E402


def told(docker, since, **filters):
    """"TYPE ACTION" of each, and its attributes."""
    query = "?since=%d&until=%d&filters=%s" % (since, time.time() + 1, urllib.parse.quote(json.dumps({name: [value] for name, value in filters.items()})))
    answer = docker.ask("GET", "/events" + query)
    assert answer.status == 200, answer.body
    rows = [json.loads(line) for line in answer.body.decode().splitlines()]
    return [("%s %s" % (row["Type"], row["Action"]), row["Actor"]["Attributes"]) for row in rows]


def test_a_life_with_its_places_in_dockers_order():
    with Agent().start() as agent:
        docker = Docker(agent)
        began = int(time.time())
        docker.run("one", ("sleep", "1000"), {"Binds": ["data:/d:ro"]})
        docker.post("/containers/one/stop", t=1)
        own = docker.inspect("one")["Id"]
        docker.remove("one", v=1)
        seen = [each for each in told(docker, began) if not each[0].startswith("image")]
        assert [name for name, _ in seen] == [
            "volume create", "container create", "network connect", "volume mount", "container start", "container kill", "container kill", "container die",
            "network disconnect", "volume unmount", "container stop", "container destroy"], seen
        attributes = dict(seen)
        assert attributes["volume mount"] == {"container": own, "destination": "/d", "propagation": "", "read/write": "false", "driver": "local"}
        assert attributes["network connect"]["container"] == own and attributes["volume unmount"] == {"container": own, "driver": "local"}
        assert [each["signal"] for name, each in seen if name == "container kill"] == ["15", "9"], "sleep as process 1 leaves SIGTERM alone"


def test_a_stop_in_time_needs_one_signal():
    with Agent().start() as agent:
        docker = Docker(agent)
        began = int(time.time())
        docker.run("kind", ("sh", "-c", "trap 'exit 3' INT; while :; do sleep 0.1; done"), StopSignal="SIGINT")
        time.sleep(0.5)  # the trap
        docker.post("/containers/kind/stop")
        docker.post("/containers/kind/start")
        docker.post("/containers/kind/stop", t=0)
        seen = [(name, each.get("signal", each.get("exitCode"))) for name, each in told(docker, began, type="container", container="kind")]
        assert seen == [("container create", None), ("container start", None), ("container kill", "2"), ("container die", "3"), ("container stop", None),
                        ("container start", None), ("container kill", "9"), ("container die", "137"), ("container stop", None)], seen


def test_copies_are_told():
    with Agent().start() as agent:
        docker = Docker(agent)
        docker.run("one")
        began = int(time.time())
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            tar.addfile(tarfile.TarInfo("file"))
        assert docker.ask("PUT", "/containers/one/archive?path=/", archive.getvalue()).status == 200
        assert docker.ask("GET", "/containers/one/archive?path=/file").status == 200
        assert docker.ask("HEAD", "/containers/one/archive?path=/file").status == 200
        assert docker.ask("GET", "/containers/one/archive?path=/nosuch").status == 404
        seen = [name for name, _ in told(docker, began, container="one")]
        assert [name for name in seen if name not in ("container create", "container start")] == ["container extract-to-dir", "container archive-path"], seen


def test_who_asks_while_it_starts_hears_when_it_runs():
    """cAdvisor sees a new cgroup, asks what is in it, and takes no container that does not run."""
    with Agent().start() as agent:
        docker = Docker(agent)
        for number in range(20):
            own = docker.create("one-%d" % number)
            begun = threading.Thread(target=docker.post, args=("/containers/%s/start" % own,))
            begun.start()
            places = ["%s%s/docker_one-%d/%s" % (mount, agent.parent, number, own) for mount in cgroup_mounts()]
            while not any(map(os.path.isdir, places)):
                pass
            state = docker.state(own)
            assert state["Status"] == "running" and state["Pid"], state
            begun.join()



if __name__ == "__main__":
    run_tests(sys.modules[__name__])
