# SPDX-License-Identifier: Apache-2.0
"""mete's own verbs for containers: docker's flags, output and exit codes; where a verb is for pods, too, it serves both."""
import io
import json
import os
import re
import signal
import subprocess
import sys
import tarfile
import time

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from docker_api import Docker  # noqa: E402
from mete_agent import Agent, run_tests, wait_for, write  # noqa: E402
from pods import launch, pod  # noqa: E402
from terminal import Terminal  # noqa: E402


def with_agent(test):
    def run():
        with Agent().start() as agent:
            test(agent, lambda *words, **more: said(agent, *words, **more))
    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


def said(agent, *words, code=0, text=None):
    """What a command prints, with the exit code that is expected; of a failure its complaint."""
    done = agent.mete(*words, check=False, text=text)
    assert done.returncode == code, "mete %s: exit %d, expected %d\n%s%s" % (" ".join(words), done.returncode, code, done.stdout, done.stderr)
    return (done.stdout if code == 0 else done.stderr).strip()


@with_agent
def test_a_life_from_create_to_rm(agent, mete):
    made = mete("create", "--name", "web", "-e", "A=1", "busybox", "sh", "-c", "echo begun; trap 'exit 7' TERM; while :; do sleep 0.1; done")
    assert re.fullmatch("[0-9a-f]{64}", made)
    status = lambda: mete("inspect", "-f", "{{.State.Status}}", "web")  # noqa: E731
    assert status() == "created"
    assert mete("start", "web") == "web" and status() == "running"
    wait_for("its first words", lambda: "begun" in mete("logs", "web"))
    assert "not a TTY" in mete("exec", "-it", "web", "sh", code=1)
    # The end has come when the command returns.
    assert mete("stop", "-t", "20", "web") == "web" and status() == "exited"
    assert mete("inspect", "-f", "{{.State.ExitCode}}", "web") == "7" and mete("wait", "web") == "7"
    assert mete("restart", "-t", "0", made[:12]) == made[:12] and status() == "running"
    assert mete("pause", "web") == "web" and status() == "paused"
    assert mete("unpause", "web") == "web" and status() == "running"
    assert "not paused" in mete("unpause", "web", code=1)
    mete("rename", "web", "site")
    assert "running" in mete("rm", "site", code=1)
    waiting = agent.begin("wait", "site", stdout=-1)
    assert mete("kill", "-s", "KILL", "site") == "site"
    assert waiting.communicate(timeout=60)[0] == "137\n"
    assert "not running" in mete("kill", "site", code=1)
    assert mete("rm", "site") == "site" and mete("ps", "-aq") == ""
    assert "nobody" in mete("rm", "nobody", code=4) and mete("rm", "-f", "nobody") == ""


@with_agent
def test_commit_keeps_what_the_container_was_made_with(agent, mete):
    made = mete("run", "-d", "--name", "cm", "-e", "Z=1", "-w", "/tmp", "-l", "k=v l", "-u", "7:8", "--expose", "81/udp", "--stop-signal", "INT", "--entrypoint", "sh", "busybox",
                "-c", "exec sleep 1000")
    mete("commit", "-m", "why", "-a", "me", "-c", "ENV Y=2", "-c", "CMD [\"-c\", \"echo $Z$Y\"]", "cm", "by-mete:1")
    change = "ENV Y=2\nCMD [\"-c\", \"echo $Z$Y\"]"
    Docker(agent).post("/commit", container=made, repo="by-docker", tag="1", comment="why", author="me", changes=change)
    image = lambda name: json.loads(mete("image", "inspect", name))[0]  # noqa: E731
    one, other = image("by-mete:1"), image("by-docker:1")
    assert (one["Config"], one["Comment"], one["Author"]) == (other["Config"], other["Comment"], other["Author"]), (one, other)
    config = one["Config"]
    assert {"Z=1", "Y=2"} <= set(config["Env"]) and config["Entrypoint"] == ["sh"] and config["Cmd"] == ["-c", "echo $Z$Y"], config
    assert (config["WorkingDir"], config["Labels"], config["User"], config["StopSignal"]) == ("/tmp", {"k": "v l"}, "7:8", "INT") and "81/udp" in config["ExposedPorts"], config
    assert mete("run", "--rm", "by-mete:1") == "12"
    assert "not a valid change" in mete("commit", "-c", "RUN x", "cm", "bad:1", code=1)
    assert "EXPOSE" in mete("commit", "-c", "EXPOSE abc", "cm", "bad:1", code=1)
    assert "expected none" in mete("commit", "--container", "other", "cm", "bad:1", code=4)
    assert mete("commit", made[:12]).startswith("sha256:") and "nobody" in mete("commit", "nobody", code=4)


@with_agent
def test_exit_codes_of_run(agent, mete):
    for words, code in ((("nosuch",), 127), (("/etc",), 126), (("sh", "-c", "exit 3"), 3)):
        mete("run", "--rm", "busybox", *words, code=code)
    mete("run", "--rm", "--init", "busybox", "sh", "-c", "kill -9 $$", code=137)
    for flags in (("--cgroup-parent", "/other"), ("--memory-swappiness", "5"), ("-p", "80-81:80"), ("--health-interval", "soon"), ("-m", "1k")):
        assert mete("run", "--rm", *flags, "busybox", "true", code=125)
    assert mete("create", "--pull", "never", "nosuch:1", code=1)
    assert mete("ps", "-aq") == ""


@with_agent
def test_start_attached(agent, mete):
    mete("create", "-i", "--name", "echoes", "busybox", "sh", "-c", "read x; echo got $x; exit 4")
    done = agent.mete("start", "-a", "-i", "echoes", text="typed\n", check=False)
    assert (done.returncode, done.stdout) == (4, "got typed\n"), done


@with_agent
def test_the_list_has_docker_columns_and_both_kinds(agent, mete):
    launch(agent, pod("p"), "p")
    made = mete("run", "-d", "--name", "web", "-l", "app=shop", "busybox", "sleep", "1000")
    mete("run", "--name", "done", "busybox", "true")
    assert mete("ps").splitlines()[0].split()[:3] == ["NAMESPACE", "NAME", "READY"]
    table = mete("ps", "-a").splitlines()
    assert re.split(" {2,}", table[0]) == ["CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES"]
    assert len(table) == 4 and any(each.startswith("default/p ") and "Up " in each for each in table), table
    assert mete("ps", "-q", "--no-trunc").splitlines() == [made, "default/p"]
    assert mete("ps", "-q", "--filter", "label=app=shop") == made[:12]
    assert mete("ps", "-a", "--filter", "status=exited", "--format", "{{.Names}}") == "done"
    assert mete("ps", "--filter", "name=web", "--format", "{{.Names}} {{.Image}} {{.Label \"app\"}} {{.State}}") == "web busybox shop running"
    assert mete("ps", "--format", "table {{.ID}}\t{{.Names}}", "--filter", "name=web").splitlines()[0].split("   ")[0] == "CONTAINER ID"
    assert json.loads(mete("ps", "-l", "--format", "json"))["Names"] == "done"
    assert "bogus" in mete("ps", "--filter", "bogus=1", code=1)
    # What the list names can be named.
    assert mete("stop", "-t", "0", *mete("ps", "-q").split()).splitlines() == [made[:12], "default/p"]
    assert mete("ps", "-q") == ""


@with_agent
def test_verbs_of_containers_serve_pods_or_say_why_not(agent, mete):
    launch(agent, pod("p", ["sh", "-c", "trap 'exit 6' TERM; echo trapped; while :; do sleep 0.1; done"]), "p")
    wait_for("its trap", lambda: mete("logs", "p") == "trapped")
    assert mete("stop", "p", "--grace", "20") == "p" and agent.container("p")["state"] == "exited"
    assert mete("wait", "p") == "6"
    assert mete("start", "p") == "p"
    wait_for("it to run", lambda: agent.container("p")["state"] == "running")
    assert mete("restart", "-t", "0", "p") == "p"
    wait_for("it to run again", lambda: agent.container("p")["state"] == "running")
    assert mete("kill", "-s", "KILL", "p", "-c", "main") == "p"
    for words in (("pause", "p"), ("rename", "p", "q"), ("rm", "-f", "p"), ("start", "-a", "p"), ("update", "--cpu-shares", "5", "p")):
        assert "pod default/p" in mete(*words, code=1), words


@with_agent
def test_inspect_finds_what_docker_finds(agent, mete):
    made = mete("run", "-d", "--name", "web", "busybox", "sleep", "1000")
    [value] = json.loads(mete("inspect", "web"))
    assert value["Id"] == made and value["State"]["Running"]
    assert mete("inspect", "--format", "{{ .State.Pid }}", made) == str(value["State"]["Pid"])
    assert mete("inspect", "-f", "{{range $k, $v := .NetworkSettings.Ports}}{{$k}}{{end}}{{join .Args \",\"}}", "web") == "1000"
    assert mete("inspect", "-f", "{{.Os}}", "busybox") == "linux"
    assert mete("volume", "create", "data") == "data"
    assert mete("inspect", "--type", "volume", "-f", "{{.Driver}}", "data") == "local"
    assert "Nosuch" in mete("inspect", "-f", "{{.Nosuch}}", "web", code=1)
    assert "nothing" in mete("inspect", "nothing", code=4)
    assert "phase: Running" in mete("inspect", "web", "-o", "yaml")


@with_agent
def test_processes_and_use(agent, mete):
    mete("run", "-d", "--name", "web", "-m", "64m", "busybox", "sleep", "1000")
    table = mete("top", "web").splitlines()
    assert table[0].split() == ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"] and table[1].endswith("sleep 1000"), table
    name, memory, pids = mete("stats", "--no-stream", "--format", "{{.Name}};{{.MemUsage}};{{.PIDs}}", "docker/web").split(";")
    assert name == "docker/web/web" and memory.endswith("64.0MiB") and pids == "1", (name, memory, pids)
    assert mete("update", "-m", "128m", "--cpus", "0.5", "--restart", "on-failure:3", "web") == "web"
    assert mete("inspect", "-f", "{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.RestartPolicy.Name}}", "web") == "134217728 500000000 on-failure"
    assert "nothing to change" in mete("update", "web", code=2)


@with_agent
def test_stats_go_on_where_they_are_asked_to(agent, mete):
    mete("run", "-d", "--name", "web", "busybox", "sleep", "1000")
    with agent.begin("stats", "--stream", "--format", "{{.Name}} {{.PIDs}}", "docker/web", stdout=subprocess.PIPE) as streaming:
        assert [streaming.stdout.readline() for _ in range(3)] == ["docker/web/web 1\n"] * 3
        streaming.stdout.close()  # its reader has gone
        assert streaming.wait(60) in (0, -signal.SIGPIPE)
    with Terminal(agent.words("stats", "docker/web")) as terminal:
        for _ in range(2):
            terminal.expect("docker/web/web")
    with Terminal(agent.words("stats", "--no-stream", "docker/web")) as terminal:
        terminal.expect("docker/web/web")
        assert terminal.process.wait(60) == 0
    mete("stats", "--stream", "--no-stream", code=2)


@with_agent
def test_exec_takes_the_rest_of_the_line(agent, mete):
    mete("run", "-d", "--name", "web", "busybox", "sleep", "1000")
    assert mete("exec", "web", "ls", "-d", "/etc") == "/etc"
    assert mete("exec", "-e", "A=1", "-w", "/tmp", "web", "sh", "-c", "echo $A $PWD") == "1 /tmp"
    assert mete("exec", "-u", "1:2", "web", "sh", "-c", "echo $(id -u) $(id -g); exit 5", code=5) == ""
    assert mete("exec", "-u", "1:2", "web", "id", "-u") == "1"
    assert mete("exec", "-d", "web", "touch", "/made") == ""
    wait_for("the file", lambda: agent.mete("exec", "web", "test", "-e", "/made", check=False).returncode == 0)


@with_agent
def test_volumes_and_the_machine(agent, mete):
    assert mete("volume", "create", "--label", "a=b", "data") == "data"
    assert re.fullmatch("[0-9a-f]{64}", mete("volume", "create"))
    assert mete("volume", "ls", "-q", "--filter", "label=a=b") == "data"
    assert mete("volume", "ls").splitlines()[0].split() == ["DRIVER", "VOLUME", "NAME"]
    assert json.loads(mete("volume", "inspect", "data"))[0]["Labels"] == {"a": "b"}
    mete("run", "--name", "user", "-v", "data:/data", "busybox", "touch", "/data/file")
    assert "in use" in mete("volume", "rm", "data", code=1)
    mete("rm", "user")
    assert "Are you sure" in mete("volume", "prune", text="n\n") and len(mete("volume", "ls", "-q").split()) == 2
    assert "Total reclaimed space" in mete("volume", "prune", "-f") and mete("volume", "ls", "-q") == "data"
    assert mete("volume", "rm", "data") == "data" and "no such volume" in mete("volume", "rm", "data", code=4)
    assert mete("info", "--format", "{{.DefaultRuntime}}") == "mete" and "CPUs: " in mete("info")
    assert [each.split()[0] for each in mete("system", "df").splitlines()] == ["TYPE", "Images", "Containers", "Local", "Build"]
    mete("run", "--name", "old", "busybox", "true")
    assert "Deleted Containers" in mete("system", "prune", "-f") and mete("ps", "-aq") == ""


@with_agent
def test_events_are_chosen_and_formed(agent, mete):
    mete("run", "--name", "one", "busybox", "true")
    mete("run", "--name", "two", "busybox", "true")
    lines = mete("events", "--filter", "container=one", "--filter", "reason=Started", "--format", "{{.reason}} {{.pod}}").splitlines()
    assert lines == ["Started docker/one"], lines
    assert mete("events", "--since", "1h", "--filter", "container=two") and not mete("events", "--until", "1h", "--filter", "container=two")
    assert "expected container=" in mete("events", "--filter", "colour=red", code=2)


@with_agent
def test_files_of_a_container_that_does_not_run(agent, mete):
    write(agent.work + "/file", "put in\n")
    mete("create", "--name", "web", "-v", "data:/data", "busybox", "sh", "-c", "cat /etc/file; echo made >/made")
    mete("cp", agent.work + "/file", "web:/etc/file")
    assert mete("start", "-a", "web") == "put in"
    mete("cp", "web:/made", agent.work + "/made")
    assert open(agent.work + "/made").read() == "made\n"
    # Over docker's API, too, and what is written is there at the next start.
    docker = Docker(agent)
    answer = docker.ask("GET", "/containers/web/archive?path=/made")
    assert answer.status == 200 and b"made\n" in answer.body
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as out:
        entry = tarfile.TarInfo("file")
        entry.size = 6
        out.addfile(entry, io.BytesIO(b"again\n"))
    assert docker.ask("PUT", "/containers/web/archive?path=/etc", tar.getvalue()).status == 200
    assert mete("start", "-a", "web") == "again"
    # A volume is there while its container runs.
    assert "the mount /data" in mete("cp", agent.work + "/file", "web:/data/file", code=1)
    assert docker.ask("GET", "/containers/web/archive?path=/data").status == 409
    assert "web:/nosuch" in mete("cp", "web:/nosuch", agent.work, code=4)
    mete("rm", "web")
    assert agent.mounts() == []


@with_agent
def test_a_healthcheck_and_logs_of_a_span(agent, mete):
    mete("run", "-d", "--name", "web", "--health-cmd", "test -e /tmp/well", "--health-interval", "200ms", "--health-retries", "1", "busybox",
         "sh", "-c", "echo one; echo two; sleep 1000")
    health = lambda: mete("inspect", "-f", "{{.State.Health.Status}}", "web")  # noqa: E731
    wait_for("it to be unwell", lambda: health() == "unhealthy")
    mete("exec", "web", "touch", "/tmp/well")
    wait_for("it to be well", lambda: health() == "healthy")
    assert "(healthy)" in mete("ps", "-a")
    mete("run", "--no-healthcheck", "--name", "bare", "busybox", "true")
    assert mete("inspect", "-f", "{{json .Config.Healthcheck.Test}}", "bare") == '["NONE"]'
    assert mete("logs", "-n", "1", "web") == "two" and mete("logs", "--until", "1h", "web") == "" and mete("logs", "--until", "0s", "web") == "one\ntwo"
    assert "--until" in mete("logs", "-f", "--until", "1h", "web", code=2)


@with_agent
def test_what_is_mistyped_is_told(agent, mete):
    for words, nearest in ((("stpo", "web"), "mete stop"), (("volume", "lst"), "mete volume ls"), (("nosuchcmd",), "--help")):
        text = mete(*words, code=2)
        assert words[0] in text and nearest in text and len(text.splitlines()) == 1, text
    assert "mete cp: to is required" in mete("cp", "web:/nosuch", code=2)
    assert "a=(b" in mete("get", "pods", "-l", "a=(b", code=2)


@with_agent
def test_the_third_interrupt_ends_the_command(agent, mete):
    running = agent.begin("run", "--rm", "--name", "deaf", "busybox", "sh", "-c", "trap '' INT; echo ready; while :; do sleep 1; done", stdout=-1, stderr=-1)
    assert running.stdout.readline() == "ready\n"
    for _ in range(3):
        running.send_signal(signal.SIGINT)
        time.sleep(0.3)  # signals of one kind that come together are one
    assert running.wait(60) == 1 and "3 signals" in running.stderr.read()
    assert mete("inspect", "-f", "{{.State.Status}}", "deaf") == "running"
    mete("rm", "-f", "deaf")


@with_agent
def test_files_of_labels_and_ids(agent, mete):
    write(agent.work + "/labels", "# said\na=b\n\nc\n")
    ids = agent.work + "/id"
    mete("run", "-d", "--name", "web", "--label-file", agent.work + "/labels", "--cidfile", ids, "-h", "called", "busybox", "sleep", "1000")
    assert mete("inspect", "-f", "{{json .Config.Labels}} {{.Id}} {{.Config.Hostname}}", "web") == '{"a":"b","c":""} %s called' % open(ids).read()
    assert ids in mete("create", "--cidfile", ids, "busybox", code=1)
    assert os.path.getsize(ids) == 64


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
