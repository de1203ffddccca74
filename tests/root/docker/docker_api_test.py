# SPDX-License-Identifier: Apache-2.0
"""The Docker Engine API on the agent's socket: the form of each answer, and what becomes of containers."""
import os
import stat
import sys
import threading

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from docker_api import Connection, Docker, rest, streams  # noqa: E402
from mete_agent import Agent, run_tests, wait_for  # noqa: E402

MIB = 1 << 20


def write(path, word):
    with open(path, "w") as file:
        file.write(word)


def with_docker(test):
    def run():
        with Agent() as agent:
            agent.start()
            test(agent, Docker(agent))
    run.__name__ = test.__name__
    run.__doc__ = test.__doc__
    return run


@with_docker
def test_the_socket_is_roots_and_pings(agent, docker):
    assert stat.S_IMODE(os.stat(docker.socket).st_mode) == 0o600
    for method in ("HEAD", "GET"):
        answer = Docker(agent, "").ask(method, "/_ping")
        assert answer.status == 200 and answer.headers["Api-Version"] == "1.51" and answer.headers["Ostype"] == "linux", answer.headers
    assert docker.get("/version")["ApiVersion"] == "1.51" and docker.get("/info")["Swarm"]["LocalNodeState"] == "inactive"


@with_docker
def test_versions_and_paths_that_are_not_spoken(agent, docker):
    assert Docker(agent, "1.23").ask("GET", "/info").message.startswith("client version 1.23 is too old. Minimum supported API version is 1.24")
    new = Docker(agent, "1.52").ask("GET", "/info")
    assert new.status == 400 and new.message == "client version 1.52 is too new. Maximum supported API version is 1.51"
    for method, path in (("GET", "/nosuch"), ("POST", "/containers/json"), ("DELETE", "/version")):
        answer = docker.ask(method, path)
        assert (answer.status, answer.message) == (404, "page not found"), (path, answer.body)


@with_docker
def test_a_container_from_create_to_remove(agent, docker):
    made = docker.create("web", ["sh", "-c", "echo out; echo err >&2; exit 3"], Labels={"a": "b"}, Env=["A=1"])
    assert len(made) == 64 and docker.state("web")["Status"] == "created"
    assert docker.get("/containers/json") == []
    row = docker.get("/containers/json", all=1)[0]
    assert (row["Id"], row["Names"], row["State"], row["Status"], row["Labels"]) == (made, ["/web"], "created", "Created", {"a": "b"}), row
    assert row["Command"] == "sh -c 'echo out; echo err >&2; exit 3'"
    docker.post("/containers/web/start")
    assert docker.wait("web") == 3
    shown = docker.inspect(made[:12])
    assert (shown["State"]["Status"], shown["State"]["ExitCode"], shown["Name"]) == ("exited", 3, "/web"), shown["State"]
    assert shown["Config"]["Env"][-1] == "A=1" and shown["Path"] == "sh"
    logs = docker.ask("GET", "/containers/web/logs", stdout=1, stderr=1).body
    assert streams(logs) == ("out\n", "err\n"), logs
    assert docker.ask("GET", "/containers/web/logs").status == 400
    assert docker.remove("web").status == 204
    assert docker.ask("GET", "/containers/web/json").message == "No such container: web"
    left = [files + [each for each in folders if len(each) == 64] for _, folders, files in os.walk(agent.state + "/docker")]
    assert not any(left), "no record, and nothing that leads to its layer: %s" % left


@with_docker
def test_what_is_refused_and_how(agent, docker):
    made = docker.run("web")
    again = docker.ask("POST", "/containers/create", {"Image": "busybox"}, name="web")
    assert again.status == 409 and again.message == (
        'Conflict. The container name "/web" is already in use by container "%s". You have to remove (or rename) that container to be able '
        "to reuse that name." % made)
    missing = docker.ask("POST", "/containers/create", {"Image": "nosuch"})
    assert (missing.status, missing.message) == (404, "No such image: nosuch:latest")
    for body, text in (({"HostConfig": {"Memory": 1000}}, "Minimum memory limit allowed is 6MB"),
                       ({"HostConfig": {"CgroupParent": "/other"}}, "HostConfig.CgroupParent: found"),
                       ({"Labels": {"a": {"b": "c"}}}, "Labels: found"),
                       ({"ExposedPorts": {"x/tcp": {}}}, 'invalid port specification: "x'),
                       ({"HostConfig": {"Runtime": "nosuch"}}, "Unknown runtime specified nosuch"),
                       ({"HostConfig": {"Binds": ["/x:rel"]}}, "mount path must be absolute"),
                       ({"HostConfig": {"NanoCpus": 10**15}}, "Range of CPUs is from 0.01 to "),
                       ({"HostConfig": {"RestartPolicy": {"Name": "often"}}}, "invalid restart policy")):
        answer = docker.ask("POST", "/containers/create", {"Image": "busybox", **body})
        assert answer.status == 400 and text in answer.message, answer.body
    assert docker.ask("POST", "/containers/create", {}).message == "Config cannot be empty in order to create a container"
    plain = docker.ask("POST", "/containers/create", "{}", {"Content-Type": "text/plain"})
    assert plain.message == "Content-Type specified (text/plain) must be 'application/json'"
    assert docker.ask("POST", "/containers/web/start").status == 304
    assert docker.remove("web").status == 409
    assert docker.ask("POST", "/containers/web/kill", signal="BOGUS").message == "Invalid signal: BOGUS"
    assert docker.ask("POST", "/containers/web/unpause").status == 500
    assert docker.ask("GET", "/containers/json", filters='{"bogus":["x"]}').message == "Invalid filter 'bogus'"
    assert docker.remove("web", force=1).status == 204
    assert docker.ask("POST", "/containers/web/stop").status == 404


@with_docker
def test_start_that_fails(agent, docker):
    docker.create("none", ["nosuch"])
    failed = docker.ask("POST", "/containers/none/start")
    assert failed.status == 400 and "executable file not found" in failed.message, failed.body
    state = docker.state("none")
    assert (state["Status"], state["ExitCode"]) == ("created", 127) and state["Error"] == failed.message, state
    docker.create("user", User="nosuch")
    failed = docker.ask("POST", "/containers/user/start")
    assert failed.status == 500 and "nosuch" in failed.message, failed.body
    assert docker.state("user")["ExitCode"] == 128


@with_docker
def test_what_it_wrote_is_there_after_a_restart(agent, docker):
    docker.run("web", ["sh", "-c", "echo x >>/kept; sleep 1000"], StopTimeout=0)
    wait_for("the file", lambda: docker.execute("web", "cat", "/kept")[1] == "x\n")
    docker.post("/containers/web/restart")
    wait_for("a second line", lambda: docker.execute("web", "cat", "/kept")[1] == "x\nx\n")
    docker.post("/containers/web/stop")
    assert docker.state("web")["Status"] == "exited"
    docker.post("/containers/web/start")
    wait_for("a third line", lambda: docker.execute("web", "cat", "/kept")[1] == "x\n" * 3)


@with_docker
def test_attach_before_the_start_sees_every_byte(agent, docker):
    docker.create("many", ["seq", "1", "200000"])
    raw, head = docker.stream("/containers/many/attach", stream=1, stdout=1, stderr=1)
    assert head.startswith("HTTP/1.1 101 ") and "application/vnd.docker.raw-stream" in head, head
    docker.post("/containers/many/start")
    out, _ = streams(rest(raw))
    assert out == "".join("%d\n" % each for each in range(1, 200001)), len(out)


@with_docker
def test_attach_with_input(agent, docker):
    docker.create("cat", ["cat"], OpenStdin=True, StdinOnce=True, AttachStdin=True)
    raw, _ = docker.stream("/containers/cat/attach", stream=1, stdin=1, stdout=1)
    docker.post("/containers/cat/start")
    raw.sendall(b"typed\n")
    raw.shutdown(1)
    assert streams(rest(raw)) == ("typed\n", "")
    assert docker.wait("cat") == 0


@with_docker
def test_exec(agent, docker):
    docker.run("web", Env=["A=1"])
    assert docker.execute("web", "sh", "-c", "echo $A $B; echo e >&2; exit 5", Env=["B=2"]) == (5, "1 2\n", "e\n")
    assert docker.execute("web", "pwd", WorkingDir="/tmp") == (0, "/tmp\n", "")
    assert docker.execute("web", "id", "-u", User="1000") == (0, "1000\n", "")
    code, out, _ = docker.execute("web", "nosuch")
    assert code == 126 and "nosuch" in out
    made = docker.post("/containers/web/exec", {"Cmd": ["sh", "-c", "stty size; echo $TERM"], "Tty": True, "AttachStdout": True}).json()["Id"]
    raw, _ = docker.stream("/exec/%s/start" % made, {"Tty": True, "ConsoleSize": [31, 97]})
    assert rest(raw) == b"31 97\r\nxterm\r\n"
    made = docker.post("/containers/web/exec", {"Cmd": ["true"]}).json()["Id"]
    assert docker.post("/exec/%s/start" % made, {"Detach": True}).status == 200
    wait_for("its end", lambda: docker.get("/exec/%s/json" % made)["ExitCode"] == 0)
    assert docker.ask("POST", "/exec/nosuch/start", {}).message == "No such exec instance: nosuch"
    docker.post("/containers/web/pause")
    assert docker.state("web")["Status"] == "paused"
    assert docker.ask("POST", "/containers/web/exec", {"Cmd": ["true"]}).status == 409
    docker.post("/containers/web/unpause")
    assert docker.execute("web", "true")[0] == 0


@with_docker
def test_wait_answers_its_head_at_once(agent, docker):
    docker.create("web", ["sh", "-c", "exit 7"])
    for condition in ("next-exit", "removed"):
        connection = Connection(docker.socket)
        connection.request("POST", docker.target("/containers/web/wait", {"condition": condition}))
        answer = connection.getresponse()  # before the start
        docker.post("/containers/web/start")
        if condition == "removed":
            wait_for("its end", lambda: docker.state("web")["Status"] == "exited")
            docker.remove("web")
        assert b'"StatusCode":7' in answer.read(), condition
    assert docker.ask("POST", "/containers/web/wait").status == 404


@with_docker
def test_logs(agent, docker):
    docker.run("web", ["sh", "-c", "for i in 1 2 3; do echo $i; done; sleep 1000"])
    wait_for("three lines", lambda: streams(docker.ask("GET", "/containers/web/logs", stdout=1).body)[0] == "1\n2\n3\n")
    assert streams(docker.ask("GET", "/containers/web/logs", stdout=1, tail=2).body)[0] == "2\n3\n"
    assert streams(docker.ask("GET", "/containers/web/logs", stdout=1, tail=0).body)[0] == ""
    line = streams(docker.ask("GET", "/containers/web/logs", stdout=1, tail=1, timestamps=1).body)[0]
    assert line.endswith("Z 3\n") and len(line) == 33, line
    assert streams(docker.ask("GET", "/containers/web/logs", stdout=1, since=4000000000).body)[0] == ""
    connection = Connection(docker.socket)
    connection.request("GET", docker.target("/containers/web/logs", {"stdout": 1, "follow": 1}))
    answer = connection.getresponse()
    ends = threading.Timer(0.3, lambda: docker.post("/containers/web/kill"))
    ends.start()
    assert streams(answer.read())[0] == "1\n2\n3\n"  # ends with the container
    assert docker.state("web")["ExitCode"] == 137


@with_docker
def test_limits_reach_the_cgroup_and_can_be_changed(agent, docker):
    docker.run("web", host={"Memory": 64 * MIB, "NanoCpus": 500000000, "PidsLimit": 50, "CpuShares": 512})
    limits = agent.pod("docker/web")["containers"][0]["limits"]
    assert limits["memoryBytes"] == 64 * MIB and limits["cpuQuotaMicroseconds"] == 50000 and limits["pids"] == 50, limits
    assert limits["cpuShares"] == 512
    docker.post("/containers/web/update", {"Memory": 128 * MIB})
    # A client that loses the body has changed nothing, and is told so.
    for path in ("/containers/web/update", "/networks/bridge/connect", "/networks/create"):
        answer = docker.ask("POST", path)
        assert answer.status == 400 and answer.message == "got EOF while reading request body", (path, answer)
    wait_for("the new limit", lambda: agent.pod("docker/web")["containers"][0]["limits"]["memoryBytes"] == 128 * MIB)
    assert docker.inspect("web")["HostConfig"]["Memory"] == 128 * MIB
    stats = docker.get("/containers/web/stats", stream=0)
    assert stats["memory_stats"]["limit"] == 128 * MIB and stats["pids_stats"]["current"] == 1 and stats["name"] == "/web", stats
    top = docker.get("/containers/web/top")
    assert top["Titles"][-1] == "CMD" and [each[-1] for each in top["Processes"]] == ["sleep 1000"], top


@with_docker
def test_a_pause_is_seen_whoever_asked_for_it(agent, docker):
    own = docker.run("web")

    def state():
        [row] = docker.get("/containers/json")
        assert docker.state("web")["Status"] == row["State"], row
        return row["State"]
    for _ in range(3):
        assert state() == "running"
        docker.post("/containers/web/pause")
        assert state() == "paused" and docker.ask("POST", "/containers/web/exec", {"Cmd": ["true"]}).status == 409
        docker.post("/containers/web/unpause")
        assert state() == "running"
    # Another program, by a file of the cgroup; and an agent that was not there.
    freezers = [path + name for path in agent.pod_cgroups() if path.endswith("/docker_web/" + own) for name in ("/freezer.state", "/cgroup.freeze") if os.path.exists(path + name)]
    assert freezers
    for path in freezers:
        words = ("FROZEN", "THAWED") if path.endswith("state") else ("1", "0")
        write(path, words[0])
        wait_for("the pause by another program", lambda: state() == "paused")
        agent.kill()
        agent.start()
        assert state() == "paused"
        write(path, words[1])
        wait_for("the end of it", lambda: state() == "running")
    # In another cgroup after its next start.
    docker.post("/containers/web/pause")
    docker.post("/containers/web/stop", t=0)
    docker.post("/containers/web/start")
    assert state() == "running"


@with_docker
def test_a_list_follows_what_becomes_of_each(agent, docker):
    docker.run("one", Labels={"a": "b"})
    docker.create("two")

    def rows(**query):
        return {each["Names"][0][1:]: each for each in docker.get("/containers/json", **query)}
    first = rows(all=1)
    assert (first["one"]["State"], first["two"]["State"]) == ("running", "created") and list(first) == ["two", "one"], first
    docker.post("/containers/one/rename", name="uno")
    docker.post("/containers/two/start")
    second = rows()
    assert set(second) == {"uno", "two"} and second["uno"]["Labels"] == {"a": "b"} and second["uno"]["Id"] == first["one"]["Id"], second
    docker.post("/containers/uno/stop", t=0)
    assert set(rows()) == {"two"} and rows(all=1)["uno"]["Status"].startswith("Exited (137)")
    assert docker.get("/containers/json", all=1, size=1)[0]["SizeRw"] >= 0
    docker.remove("two", force=1)
    assert set(rows(all=1)) == {"uno"}


@with_docker
def test_restart_policies(agent, docker):
    docker.run("often", ["sh", "-c", "exit 1"], host={"RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 2}})
    wait_for("its end for good", lambda: docker.state("often")["Status"] == "exited")
    assert docker.inspect("often")["RestartCount"] == 2
    docker.run("always", host={"RestartPolicy": {"Name": "always"}})
    first = docker.state("always")["Pid"]
    os.kill(first, 9)
    wait_for("another process", lambda: docker.state("always")["Pid"] not in (0, first))
    docker.post("/containers/always/stop", t=0)
    assert docker.state("always")["Status"] == "exited"


@with_docker
def test_auto_remove(agent, docker):
    docker.run("gone", ["true"], host={"AutoRemove": True})
    wait_for("its end", lambda: docker.ask("GET", "/containers/gone/json").status == 404)
    wait_for("no cgroup", lambda: agent.pod_cgroups() == [])


@with_docker
def test_mounts(agent, docker):
    folder = agent.work + "/made"
    docker.run("web", ["sh", "-c", "touch /host/file /volume/file; sleep 1000"],
               host={"Binds": [folder + ":/host", "data:/volume"], "Tmpfs": {"/scratch": "size=1m"}, "ReadonlyRootfs": True})
    wait_for("the file", lambda: os.path.exists(folder + "/file"))
    assert docker.execute("web", "sh", "-c", "grep ' /scratch ' /proc/mounts")[1].find("size=1024k") > 0
    assert docker.execute("web", "touch", "/x")[0] == 1
    volume = docker.get("/volumes/data")
    assert os.listdir(volume["Mountpoint"]) == ["file"]
    assert docker.ask("DELETE", "/volumes/data").status == 409
    docker.remove("web", force=1)
    assert docker.ask("DELETE", "/volumes/data").status == 204
    assert docker.get("/volumes")["Volumes"] == []


@with_docker
def test_rename_prune_and_events(agent, docker):
    docker.run("a1", ["true"])
    docker.wait("a1")
    docker.post("/containers/a1/rename", name="b1")
    assert docker.inspect("b1")["Name"] == "/b1"
    pruned = docker.post("/containers/prune").json()
    assert len(pruned["ContainersDeleted"]) == 1
    answer = docker.ask("GET", "/events", since=1, until=2)
    assert answer.body == b""
    import json
    import time
    lines = docker.ask("GET", "/events", since=1, until=int(time.time())).body.splitlines()
    wait_for("the events", lambda: b"destroy" in docker.ask("GET", "/events", since=1, until=int(time.time())).body)
    lines = docker.ask("GET", "/events", since=1, until=int(time.time()), filters='{"type":["container"]}').body.splitlines()
    actions = [json.loads(each)["Action"] for each in lines]
    assert actions == ["create", "start", "die", "rename", "destroy", "prune"], actions


@with_docker
def test_images_networks_and_the_engine_in_no_swarm(agent, docker):
    image = docker.get("/images/json")[0]
    assert image["RepoTags"] == ["busybox:latest"]
    assert docker.get("/images/busybox/json")["Id"] == image["Id"]
    assert docker.post("/images/busybox/tag", repo="other/box", tag="1").status == 201
    assert docker.ask("DELETE", "/images/other/box:1").json() == [{"Untagged": "other/box:1"}]
    assert docker.ask("GET", "/images/nosuch/json").message == "no such image: nosuch: No such image: nosuch:latest"
    assert {each["Name"] for each in docker.get("/networks")} == {"bridge", "host", "none"}
    assert docker.ask("GET", "/networks/nosuch").message == "network nosuch not found"
    assert docker.ask("GET", "/swarm").status == 503
    assert docker.get("/system/df")["Images"][0]["RepoTags"] == ["busybox:latest"]


@with_docker
def test_an_agent_that_is_killed_loses_nothing(agent, docker):
    made = docker.run("web", ["sh", "-c", "echo x >/kept; sleep 1000"])
    docker.create("later")
    pid = docker.state("web")["Pid"]
    agent.kill()
    agent.start()
    assert docker.state("web")["Pid"] == pid and docker.state("later")["Status"] == "created"
    assert docker.execute("web", "cat", "/kept")[:2] == (0, "x\n")
    agent.kill()
    os.kill(pid, 9)
    agent.start()
    wait_for("its end to be seen", lambda: docker.state(made)["Status"] == "exited")
    assert docker.state("web")["ExitCode"] == 137
    docker.post("/containers/later/start")
    assert docker.state("later")["Running"]


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
