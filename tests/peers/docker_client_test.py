# SPDX-License-Identifier: Apache-2.0
"""Docker's own command line against the agent's socket. The network is the test's own."""
import json
import os
import re
import subprocess
import sys
import urllib.request

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
import own_network  # noqa: E402
from docker_cli import DOCKER, with_client  # noqa: E402
from mete_agent import run_tests, skip, stays, wait_for, write  # noqa: E402
from own_network import get  # noqa: E402
from terminal import Terminal  # noqa: E402


@with_client(network=False)
def test_run_to_the_end_and_its_exit_codes(agent, docker):
    assert docker.say("run", "--rm", "busybox", "echo", "hello") == "hello"
    both = docker.run("run", "--rm", "busybox", "sh", "-c", "echo out; echo err >&2; exit 3", code=3)
    assert (both.stdout, both.stderr) == ("out\n", "err\n")
    docker.run("run", "--rm", "busybox", "nosuch", code=127)
    docker.run("run", "--rm", "busybox", "/etc", code=126)
    docker.run("run", "--rm", "--init", "busybox", "sh", "-c", "kill -9 $$", code=137)
    docker.run("run", "--rm", "--cgroup-parent", "/other", "busybox", "true", code=125)
    assert docker.say("run", "--rm", "-i", "busybox", "cat", text="typed\n") == "typed"
    assert docker.say("ps", "-aq") == ""


@with_client(network=True)
def test_run_in_the_background_with_a_port(agent, docker):
    made = docker.say("run", "-d", "--name", "web", "-p", "127.0.0.1:8080:80", "-e", "A=1", "-l", "app=web", "-m", "64m", "--cpus", "0.5", "busybox",
                      "sh", "-c", "mkdir /www; echo page >/www/index.html; httpd -f -p 80 -h /www")
    assert len(made) == 64
    wait_for("the page", lambda: page("http://127.0.0.1:8080/") == "page\n")
    assert docker.say("ps", "--format", "{{.Names}} {{.Image}} {{.Ports}}") == "web busybox 127.0.0.1:8080->80/tcp"
    assert docker.say("port", "web") == "80/tcp -> 127.0.0.1:8080"
    assert docker.say("ps", "-q", "--no-trunc", "--filter", "label=app=web") == made
    assert docker.say("inspect", "--format", "{{.State.Status}} {{.HostConfig.Memory}} {{index .Config.Labels \"app\"}}", "web") == "running 67108864 web"
    address = docker.say("inspect", "--format", "{{.NetworkSettings.IPAddress}}", "web")
    assert page("http://%s/" % address) == "page\n"
    assert docker.say("exec", "web", "sh", "-c", "echo $A") == "1"
    docker.run("exec", "web", "sh", "-c", "exit 4", code=4)
    assert docker.say("exec", "-i", "web", "cat", text="typed\n") == "typed"
    assert "httpd" in docker.say("top", "web")
    rows = docker.say("stats", "--no-stream", "--format", "{{.Name}} {{.PIDs}} {{.MemUsage}}", "web").split()
    assert rows[0] == "web" and int(rows[1]) >= 1 and rows[-1] == "64MiB", rows
    received = docker.say("stats", "--no-stream", "--format", "{{.NetIO}}", "web").split(" / ")
    assert len(received) == 2 and "0B" not in received, received
    docker.run("pause", "web")
    assert "(Paused)" in docker.say("ps")
    docker.run("unpause", "web")
    docker.run("update", "-m", "128m", "--memory-swap", "256m", "web")
    assert docker.say("inspect", "-f", "{{.HostConfig.Memory}}", "web") == str(128 << 20)
    docker.run("rename", "web", "site")
    assert docker.say("stop", "-t", "0", "site") == "site"
    assert docker.say("ps", "-a", "--format", "{{.Status}}").startswith("Exited (")
    docker.run("start", "site")
    wait_for("the page again", lambda: page("http://127.0.0.1:8080/") == "page\n")
    docker.run("rm", "site", code=1)
    assert docker.say("rm", "-f", "site") == "site"
    assert agent.pod_cgroups() == []


def page(address):
    try:
        return urllib.request.urlopen(address, timeout=5).read().decode()
    except OSError:
        return None


@with_client(network=False)
def test_logs_and_attach(agent, docker):
    docker.run("run", "-d", "--name", "web", "busybox", "sh", "-c", "echo one; echo two; while :; do echo tick; sleep 0.2; done")
    wait_for("ticks", lambda: "tick" in docker.say("logs", "web"))
    assert docker.say("logs", "web").startswith("one\ntwo\ntick")
    assert docker.say("logs", "--tail", "1", "web") == "tick"
    attached = subprocess.Popen([DOCKER, "attach", "--no-stdin", "--sig-proxy=false", "web"], env=docker.env, stdout=subprocess.PIPE, text=True)
    assert attached.stdout.readline() == "tick\n"
    following = subprocess.Popen([DOCKER, "logs", "-f", "web"], env=docker.env, stdout=subprocess.PIPE, text=True)
    assert following.stdout.readline() == "one\n"
    docker.run("kill", "web")
    assert attached.wait(60) == 137 and following.wait(60) == 0
    assert docker.say("wait", "web") == "137"


@with_client(network=False)
def test_files_and_layers(agent, docker):
    docker.run("run", "-d", "--name", "web", "busybox", "sh", "-c", "mkdir /dir; echo in >/dir/file; ln -s /etc/passwd /dir/link; sleep 1000")
    wait_for("the file", lambda: subprocess.run([DOCKER, "exec", "web", "test", "-L", "/dir/link"], env=docker.env, stderr=subprocess.DEVNULL).returncode == 0)
    here = agent.work + "/copied"
    docker.run("cp", "web:/dir", here)
    assert open(here + "/file").read() == "in\n" and os.readlink(here + "/link") == "/etc/passwd"
    with open(here + "/more", "w") as more:
        more.write("out")
    docker.run("cp", here + "/more", "web:/tmp/more")
    assert docker.say("exec", "web", "cat", "/tmp/more") == "out"
    docker.run("cp", here, "web:/tmp")
    assert docker.say("exec", "web", "cat", "/tmp/copied/file") == "in"
    docker.run("cp", "web:/nosuch", here, code=1)
    # What a link of the container leads to is the container's.
    docker.run("exec", "web", "ln", "-s", "/../../../../..%s" % here, "/tmp/away")
    docker.run("cp", here + "/more", "web:/tmp/away/x", code=1)
    assert not os.path.exists(here + "/x")
    assert "A /dir" in docker.say("diff", "web").splitlines()
    docker.run("commit", "-m", "made", "-c", "ENV MADE=1", "web", "made:1")
    assert docker.say("run", "--rm", "made:1", "sh", "-c", "cat /dir/file; echo $MADE") == "in\n1"
    archive = agent.work + "/made.tar"
    docker.run("save", "-o", archive, "made:1")
    docker.run("rmi", "made:1")
    assert "made:1" in docker.say("load", "-i", archive)
    assert docker.say("run", "--rm", "made:1", "cat", "/dir/file") == "in"


@with_client(network=False)
def test_a_dockerfile_from_outside_the_context(agent, docker):
    """The client adds it to the archive that it sends, and does not wait until the archive's end is written."""
    context = agent.work + "/context"
    os.makedirs(context)
    for name, text in (("one", "in\n"), ("hidden", "x"), (".dockerignore", "hidden\n")):
        with open(context + "/" + name, "w") as out:
            out.write(text)
    dockerfile = "FROM busybox\nCOPY . /x\nRUN ls -A /x; cat /x/one\n"
    outside = agent.work + "/My.dockerfile"
    with open(outside, "w") as out:
        out.write(dockerfile)
    for words, text in ((("-f", "-"), dockerfile), (("-f", outside), None)):
        for ignore in (True, False):
            if os.path.exists(context + "/.dockerignore") and not ignore:
                os.rename(context + "/.dockerignore", agent.work + "/ignore")
            done = docker.say("build", "--no-cache", "-t", "outside:1", *words, context, text=text)
            files = done.split(" ---> Running in ")[-1].splitlines()
            assert "one" in files and "in" in files and ("hidden" in files) == (not ignore), done
        os.rename(agent.work + "/ignore", context + "/.dockerignore")


@with_client(network=False)
def test_what_is_large_goes_over_the_disk_and_not_through_memory(agent, docker):
    size, folder = 80 << 20, agent.work + "/context"
    os.mkdir(folder)
    with open(folder + "/large", "w") as large:
        large.truncate(size)
    peak = lambda: int(re.search(r"VmHWM:\s+(\d+) kB", open("/proc/%d/status" % agent.process.pid).read())[1]) << 10  # noqa: E731
    docker.run("run", "-d", "--name", "web", "busybox", "sleep", "1000")
    before = peak()
    docker.run("cp", folder + "/large", "web:/large")
    assert docker.say("exec", "web", "stat", "-c", "%s", "/large") == str(size)
    archive, saved = agent.work + "/root.tar", agent.work + "/large.tar"
    docker.run("export", "-o", archive, "web")
    docker.say("import", archive, "large:1")
    docker.run("save", "-o", saved, "large:1")
    docker.run("rmi", "large:1")
    assert "large:1" in docker.say("load", "-i", saved)
    with open(folder + "/Dockerfile", "w") as file:
        file.write("FROM large:1\nCOPY large /twice\n")
    docker.run("build", "-t", "large:2", folder)
    assert docker.say("run", "--rm", "large:2", "stat", "-c", "%s", "/large", "/twice") == "%d\n%d" % (size, size)
    assert peak() - before < 32 << 20, (before, peak())


@with_client(network=True)
def test_networks(agent, docker):
    docker.run("network", "create", "--subnet", "10.99.0.0/24", "mine")
    assert "mine" in docker.say("network", "ls", "--format", "{{.Name}}").split()
    serve = "mkdir /www; echo mine >/www/index.html; httpd -f -p 80 -h /www"
    docker.run("run", "-d", "--name", "server", "--network", "mine", "--ip", "10.99.0.77", "--network-alias", "other", "busybox", "sh", "-c", serve)
    assert docker.say("inspect", "-f", "{{.NetworkSettings.Networks.mine.IPAddress}}", "server") == "10.99.0.77"

    def asked(*where):
        return subprocess.run([DOCKER, "run", "--rm", *where], env=docker.env, capture_output=True, text=True).stdout
    for name in ("10.99.0.77", "server", "other"):
        wait_for("an answer of " + name, lambda: asked("--network", "mine", "busybox", "wget", "-qO-", "http://%s/" % name) == "mine\n")  # noqa: B023
    assert asked("--network", "container:server", "busybox", "wget", "-qO-", "http://127.0.0.1/") == "mine\n"
    assert asked("--network", "none", "busybox", "sh", "-c", "ls /sys/class/net") == "lo\n"
    docker.run("network", "rm", "mine", code=1)
    assert "server" in docker.say("network", "inspect", "-f", "{{range .Containers}}{{.Name}}{{end}}", "mine")
    docker.run("run", "-d", "--name", "more", "busybox", "sleep", "1000")
    docker.run("network", "connect", "mine", "more")
    assert docker.say("exec", "more", "wget", "-qO-", "http://10.99.0.77/") == "mine"
    docker.run("network", "disconnect", "mine", "more")
    docker.run("rm", "-f", "server", "more")
    docker.run("network", "rm", "mine")


@with_client(network=True)
def test_a_container_leaves_its_networks_and_comes_back(agent, docker):
    docker.run("network", "create", "--subnet", "10.99.1.0/24", "mine")
    serve = "mkdir /www; echo page >/www/index.html; httpd -f -p 80 -h /www"
    name = docker.say("run", "-d", "--name", "web", "-p", "8472:80", "busybox", "sh", "-c", serve)

    def networks():
        return docker.say("inspect", "-f", "{{range $k, $v := .NetworkSettings.Networks}}{{$k}}={{$v.IPAddress}} {{end}}", "web").split()

    def check_mine():
        assert [each.split(".")[:3] for each in networks()] == [["mine=10", "99", "1"]], networks()
        assert "default via 10.99.1.1" in docker.say("exec", "web", "ip", "route")
        wait_for("its port to answer", lambda: get("127.0.0.1", 8472).endswith("page\n"))
    docker.run("network", "connect", "mine", "web")
    docker.run("network", "disconnect", "bridge", "web")
    check_mine()
    # An agent that is killed between the record and the network: the next one does the rest.
    docker.run("network", "connect", "bridge", "web")
    agent.kill()
    path = agent.state + "/docker/" + name + ".json"
    record = json.load(open(path))
    record["host_config"]["NetworkMode"] = "bridge"
    del record["endpoints"]["mine"]
    write(path, json.dumps(record))
    agent.start("--network", "bridge")
    wait_for("it to be in the bridge alone", lambda: [each.split("=")[0] for each in networks()] == ["bridge"])
    assert "default via 10.77.0.1" in docker.say("exec", "web", "ip", "route")
    # Started anew, it is in what it was left in.
    docker.run("network", "connect", "mine", "web")
    docker.run("network", "disconnect", "bridge", "web")
    docker.run("restart", "-t", "0", "web")
    assert "default via 10.99.1.1 dev eth0" in docker.say("exec", "web", "ip", "route")
    check_mine()
    docker.run("network", "disconnect", "mine", "web")
    assert docker.say("exec", "web", "ls", "/sys/class/net") == "lo"
    docker.run("network", "connect", "mine", "web")
    check_mine()
    # Two clients at once: each has its answer, whoever comes first.
    for _ in range(5):
        both = [subprocess.Popen([DOCKER, "network", *words, "web"], env=docker.env, stderr=subprocess.DEVNULL)
                for words in (("connect", "bridge"), ("disconnect", "mine"))]
        assert [each.wait(60) for each in both][1] == 0
        docker.run("network", "connect", "mine", "web")
        docker.run("network", "disconnect", "bridge", "web")
    check_mine()
    docker.run("rm", "-f", "web")
    docker.run("network", "rm", "mine")


@with_client(network=False)
def test_terminals(agent, docker):
    with Terminal([DOCKER, "run", "-it", "--rm", "--name", "shell", "busybox", "sh"], rows=31, columns=97, env=docker.env) as shell:
        shell.expect("/ #")
        shell.type("stty size; echo done-$((1+1))\n")
        shell.expect("31 97\ndone-2")
        with Terminal([DOCKER, "exec", "-it", "shell", "sh"], rows=20, columns=70, env=docker.env) as more:
            more.expect("/ #")
            more.type("tty; exit 6\n")
            more.expect("/dev/pts/")
            assert more.process.wait(60) == 6
        shell.type("exit 5\n")
        assert shell.process.wait(60) == 5
    assert docker.say("ps", "-aq") == ""


@with_client(network=False)
def test_lists(agent, docker):
    assert "busybox" in docker.say("images", "--format", "{{.Repository}}:{{.Tag}}")
    assert docker.say("image", "inspect", "-f", "{{.Os}}", "busybox") == "linux"
    assert set(docker.say("network", "ls", "--format", "{{.Name}}").split()) == {"bridge", "host", "none"}
    assert docker.say("info", "--format", "{{.Swarm.LocalNodeState}}") == "inactive"
    assert "mete" in docker.say("version")
    docker.run("volume", "create", "data")
    assert docker.say("volume", "ls", "-q") == "data"
    docker.run("volume", "rm", "data")
    docker.run("inspect", "nothing", code=1)
    assert "Total reclaimed space: 0B" in docker.say("system", "prune", "-f")
    docker.run("create", "--name", "made", "busybox", "true")

    def actions():  # up to the last whole second
        lines = docker.say("events", "--since", "10m", "--until", "0s", "--format", "{{json .}}").splitlines()
        return [json.loads(each)["Action"] for each in lines]
    wait_for("the container's event", lambda: "create" in actions())


@with_client(network=False)
def test_who_follows_events_sees_each_life_once(agent, docker):
    words = [DOCKER, "events", "--since", "10m", "--filter", "type=container", "--format", "{{.Action}} {{.Actor.Attributes.name}}"]
    with subprocess.Popen(words, env=docker.env, stdout=subprocess.PIPE, text=True) as consumer:
        for number in range(5):
            docker.run("run", "--rm", "--name", "n%d" % number, "busybox", "true")
        lives = {}
        for line in consumer.stdout:
            action, name = line.split()
            lives.setdefault(name, []).append(action)
            if line == "destroy n4\n":
                break
        assert lives == {"n%d" % number: ["create", "attach", "start", "die", "destroy"] for number in range(5)}, lives
        consumer.kill()


@with_client(network=False)
def test_the_agent_is_killed_and_docker_goes_on(agent, docker):
    docker.run("run", "-d", "--name", "web", "busybox", "sh", "-c", "echo begun; sleep 1000")
    pid = docker.say("inspect", "-f", "{{.State.Pid}}", "web")
    agent.kill()
    docker.run("ps", code=1)
    agent.start()
    assert docker.say("inspect", "-f", "{{.State.Pid}}", "web") == pid
    assert docker.say("logs", "web") == "begun" and docker.say("exec", "web", "echo", "there") == "there"
    docker.run("rm", "-f", "web")


@with_client(network=False)
def test_what_is_made_and_not_started_does_not_run(agent, docker):
    made = docker.say("create", "--name", "later", "busybox", "sh", "-c", "echo ran; cat /proc/self/uid_map")
    assert docker.say("inspect", "-f", "{{.State.Status}}", made) == "created"
    stays("created", lambda: docker.say("logs", made) == "" and docker.say("inspect", "-f", "{{.State.Status}}", made) == "created", 0.5)
    assert docker.say("start", "-a", "later").split() == ["ran", "0", "0", "4294967295"], "once, and with the machine's users"
    docker.say("rm", "later")


@with_client(network=False)
def test_mete_run_has_dockers_words(agent, docker):
    assert agent.mete("run", "--rm", "busybox", "echo", "hello").stdout == "hello\n"
    done = agent.mete("run", "--rm", "busybox", "sh", "-c", "echo err >&2; exit 3", check=False)
    assert (done.returncode, done.stderr) == (3, "err\n")
    assert agent.mete("run", "--rm", "busybox", "nosuch", check=False).returncode == 127
    assert agent.mete("run", "--rm", "--network", "nosuch", "busybox", "true", check=False).returncode == 125
    assert agent.mete("run", "--rm", "-i", "busybox", "cat", text="typed\n").stdout == "typed\n"
    # A flag takes one word: the next one is the image.
    assert agent.mete("run", "--rm", "-e", "A=1", "-l", "a=b", "--tmpfs", "/x", "--add-host", "h:192.0.2.9", "busybox", "sh", "-c", "echo $A").stdout == "1\n"
    done = agent.mete("run", "--rm", "192.0.2.1:1/nosuch", check=False)
    assert done.returncode == 125 and done.stderr and agent.process.poll() is None, done
    made = agent.mete("run", "-d", "--name", "web", "-e", "A=1", "-m", "64m", "busybox", "sleep", "1000").stdout.strip()
    assert docker.say("ps", "-q", "--no-trunc") == made
    for name in ("web", made, made[:12]):
        assert agent.mete("exec", name, "--", "sh", "-c", "echo $A").stdout == "1\n"
    assert agent.mete("rm", "web", check=False).returncode == 1
    agent.mete("stop", "web", "--grace", "0")
    wait_for("its end", lambda: docker.say("inspect", "-f", "{{.State.Status}}", "web") == "exited")
    agent.mete("start", "web")
    wait_for("its start", lambda: docker.say("inspect", "-f", "{{.State.Status}}", "web") == "running")
    assert agent.mete("rm", "-f", "web").stdout == "web\n"
    assert docker.say("ps", "-aq") == ""


if __name__ == "__main__":
    if DOCKER is None:
        skip("needs the docker command line (Debian: docker.io)")
    own_network.enter()
    run_tests(sys.modules[__name__])
