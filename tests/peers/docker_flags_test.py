# SPDX-License-Identifier: Apache-2.0
"""Flags of docker's command line, each as it is seen from inside the container. The network is the test's own."""
import contextlib
import json
import os
import signal
import subprocess
import sys

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
import own_network  # noqa: E402
from cgroups import Cgroup  # noqa: E402
from docker_api import Docker  # noqa: E402
from docker_cli import DOCKER, with_client  # noqa: E402
from mete_agent import cgroup_mounts, run_tests, skip, skip_case, wait_for, write  # noqa: E402

SERVE = "mkdir /www; echo page >/www/index.html; httpd -p 127.0.0.1:8080 -h /www; exec sleep 1000"
FETCH = ("wget", "-qO-", "http://127.0.0.1:8080/")
PORT_START = "/proc/sys/net/ipv4/ip_unprivileged_port_start"
NETWORK = ("readlink", "/proc/self/ns/net")


def put(path, text):
    """Into a file of the kernel's, which write() would replace."""
    with open(path, "w") as out:
        out.write(text)


@with_client(network=False)
def test_the_network_of_a_container_that_is_in_none(agent, docker):
    docker.run("create", "--name", "early", "--network", "container:nosuch", "busybox", "true", code=1)
    docker.run("run", "-d", "--name", "web", "--network", "none", "--hostname", "webhost", "--sysctl", "net.ipv4.ip_unprivileged_port_start=77", "busybox", "sh", "-c", SERVE)
    wait_for("the page", lambda: docker.say("exec", "web", "sh", "-c", " ".join(FETCH) + " || true") == "page")
    assert docker.say("run", "--rm", "--network", "container:web", "busybox", *FETCH) == "page"
    docker.run("run", "-d", "--name", "side", "--network", "container:web", "--restart", "always", "busybox", "sleep", "1000")
    own = docker.say("exec", "web", *NETWORK)
    assert docker.say("exec", "side", *NETWORK) == own != os.readlink("/proc/self/ns/net")
    # It is called as the other, and the other's settings stay.
    assert docker.say("exec", "side", "hostname") == "webhost"
    assert docker.say("exec", "web", "cat", PORT_START) == "77"
    # And of a container in the network of another.
    assert docker.say("run", "--rm", "--network", "container:side", "busybox", *NETWORK) == own
    assert agent.pod("docker/side")["network"]["name"] == "none"
    agent.kill()
    agent.start()
    assert docker.say("exec", "side", *FETCH) == "page"
    docker.run("restart", "-t", "0", "side")
    assert docker.say("exec", "side", *NETWORK) == own
    # The other has a new one at each start, and a restarted container is in that.
    docker.run("restart", "-t", "0", "web")
    new = docker.say("exec", "web", *NETWORK)
    assert new != own == docker.say("exec", "side", *NETWORK)
    os.kill(int(docker.say("inspect", "-f", "{{.State.Pid}}", "side")), signal.SIGKILL)
    wait_for("its next start", lambda: docker.say("inspect", "-f", "{{.RestartCount}} {{.State.Status}}", "side") == "1 running")
    assert docker.say("exec", "side", *NETWORK) == new
    # Under whatever name.
    docker.run("rename", "web", "renamed")
    docker.run("restart", "-t", "0", "side")
    assert docker.say("exec", "side", *NETWORK) == new
    assert docker.say("inspect", "-f", "{{.HostConfig.NetworkMode}}", "side") == "container:" + docker.say("inspect", "-f", "{{.Id}}", "renamed")
    docker.run("rename", "renamed", "web")
    docker.run("stop", "-t", "0", "web")
    failed = docker.run("run", "--rm", "--network", "container:web", "busybox", "true", code=125)
    assert "cannot join network of a non running container: " in failed.stderr, failed
    docker.run("rm", "-f", "web", "side")
    wait_for("nothing to be left", lambda: os.listdir(agent.state + "/networks/endpoints") == [])


@with_client(network=False)
def test_the_network_of_a_container_that_is_in_the_machines(agent, docker):
    # A container's own network has 0 here: the machine's setting must stay.
    put(PORT_START, "1000")
    web = docker.run("run", "-d", "--name", "web", "--network", "host", "busybox", "sleep", "1000").stdout.strip()
    look = "readlink /proc/self/ns/net; hostname; cat %s; cat /etc/hosts" % PORT_START
    out = docker.run("run", "--rm", "--network", "container:web", "busybox", "sh", "-c", look).stdout.split("\n", 3)
    assert out[:3] == [os.readlink("/proc/self/ns/net"), os.uname().nodename, "1000"], out
    assert out[3] == open("/etc/hosts").read(), out
    assert open(PORT_START).read() == "1000\n"
    refused = docker.run("run", "--rm", "--network", "container:web", "--sysctl", "net.core.somaxconn=9", "busybox", "true", code=125)
    assert "no setting net.core.somaxconn" in refused.stderr, refused
    docker.run("run", "-d", "--name", "side", "--network", "container:web", "busybox", "sleep", "1000")
    docker.run("rm", "-f", "web")
    assert docker.say("exec", "side", *NETWORK) == os.readlink("/proc/self/ns/net")
    agent.kill()
    agent.start()
    wait_for("it to be in the machine's network again", lambda: agent.pod("docker/side").get("network", {}).get("name") == "host")
    # It goes on as it is, until it is to start in a network that is gone.
    assert docker.say("exec", "side", *NETWORK) == os.readlink("/proc/self/ns/net")
    docker.run("stop", "-t", "0", "side")
    gone = docker.run("start", "side", code=1)
    assert "Error response from daemon: No such container: %s\n" % web in gone.stderr, gone.stderr
    docker.run("rm", "-f", "side")


@with_client(network=False)
def test_what_another_containers_network_has_is_that_containers(agent, docker):
    docker.run("run", "-d", "--name", "web", "--network", "none", "busybox", "sleep", "1000")
    api = {"Image": "busybox", "Cmd": ["true"]}
    for more, why in (({"Hostname": "x"}, "hostname and the network mode"), ({"ExposedPorts": {"80/tcp": {}}}, "port exposing"),
                      ({"HostConfig": {"PortBindings": {"80/tcp": [{"HostPort": ""}]}}}, "port publishing"), ({"HostConfig": {"Dns": ["192.0.2.1"]}}, "dns"),
                      ({"HostConfig": {"ExtraHosts": ["a:192.0.2.1"]}}, "custom host-to-IP mapping")):
        body = {**api, **more, "HostConfig": {**more.get("HostConfig", {}), "NetworkMode": "container:web"}}
        answer = Docker(agent).ask("POST", "/containers/create", body)
        assert "conflicting options: " + why in answer.message, (more, answer)
    assert docker.say("ps", "-aq", "--filter", "status=created") == ""


NO_MKDIR = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}]}
LOOK = "mkdir /new 2>&1; grep -E '^(Seccomp|NoNewPrivs|CapBnd):' /proc/self/status"


@with_client(network=False)
def test_a_privileged_container_has_the_profile_of_a_file(agent, docker):
    profile = agent.work + "/profile.json"
    write(profile, json.dumps(NO_MKDIR))
    inside = docker.say("run", "--rm", "--privileged", "busybox", "sh", "-c", LOOK)
    assert "No space" not in inside and "Seccomp:\t0" in inside and "NoNewPrivs:\t0" in inside, inside
    [bounding] = [line for line in inside.splitlines() if line.startswith("CapBnd")]
    inside = docker.say("run", "--rm", "--privileged", "--security-opt", "seccomp=" + profile, "busybox", "sh", "-c", LOOK)
    assert "No space left on device" in inside and "Seccomp:\t2" in inside and bounding in inside, inside
    inside = docker.say("run", "--rm", "--privileged", "--security-opt", "seccomp=unconfined", "--security-opt", "no-new-privileges", "busybox", "sh", "-c", LOOK)
    assert "No space" not in inside and "Seccomp:\t0" in inside and "NoNewPrivs:\t1" in inside and bounding in inside, inside
    # A rule for who may administer the system is in force: a privileged container may.
    write(profile, json.dumps({**NO_MKDIR, "syscalls": [{**NO_MKDIR["syscalls"][0], "includes": {"caps": ["CAP_SYS_ADMIN"]}}]}))
    assert "No space left" in docker.say("run", "--rm", "--privileged", "--security-opt", "seccomp=" + profile, "busybox", "sh", "-c", LOOK)
    refused = docker.run("run", "--rm", "--privileged", "--security-opt", "seccomp=builtin", "busybox", "true", code=125)
    assert "expected seccomp=FILE or unconfined" in refused.stderr, refused
    # An exec has it, too, and it is there after the agent's end.
    docker.run("run", "-d", "--name", "web", "--privileged", "--security-opt", "seccomp=" + profile, "busybox", "sleep", "1000")
    agent.kill()
    agent.start()
    assert "No space left" in docker.run("exec", "web", "mkdir", "/new", code=1).stderr
    docker.run("restart", "-t", "0", "web")
    assert "No space left" in docker.run("exec", "web", "mkdir", "/new", code=1).stderr
    docker.run("rm", "-f", "web")


def cgroups_of(docker, name):
    """The paths of its first process in all hierarchies, from the machine."""
    pid = docker.say("inspect", "-f", "{{.State.Pid}}", name)
    return [line.strip().split(":", 2)[2] for line in open("/proc/%s/cgroup" % pid)]


def folders(path):
    return [mount + path for mount in cgroup_mounts() if os.path.isdir(mount + path)]


@with_client(network=False)
def test_a_container_is_below_the_cgroup_that_is_named(agent, docker):
    team = agent.parent + "/team"
    docker.run("run", "-d", "--name", "one", "--cgroup-parent", team + "/web", "-m", "64m", "busybox", "sleep", "1000")
    docker.run("run", "-d", "--name", "two", "--cgroup-parent", "team", "busybox", "sleep", "1000")
    for name, above in (("one", team + "/web/"), ("two", team + "/")):
        own = agent.pod("docker/" + name)["containers"][0]["cgroup"]
        assert own == above + "docker_%s/%s" % (name, docker.say("inspect", "-f", "{{.Id}}", name)), own
        assert own in cgroups_of(docker, name), cgroups_of(docker, name)
    assert docker.say("inspect", "-f", "{{.HostConfig.CgroupParent}}", "one", "two").split() == [team + "/web", "team"]
    # A limit of the parent holds what is in it, the container's own is there beside it, and both are measured.
    pids = [each for each in folders(team) if os.path.exists(each + "/pids.max")][0]
    put(pids + "/pids.max", "2")
    failed = docker.run("exec", "two", "sh", "-c", "true & wait", code=None)
    assert "can't fork" in failed.stderr, failed
    put(pids + "/pids.max", "max")
    assert Cgroup(agent.pod("docker/one")["containers"][0]["cgroup"]).memory_limit() == 64 << 20
    metrics = agent.get("/metrics")
    one, two = docker.say("inspect", "-f", "{{.Id}}", "one", "two").split()
    assert 'id="%s/web/docker_one/%s"' % (team, one) in metrics and 'id="%s/docker_two/%s"' % (team, two) in metrics
    assert docker.say("stats", "--no-stream", "--format", "{{.Name}} {{.PIDs}}", "one") == "one 1"
    agent.kill()
    agent.start()
    assert docker.say("exec", "one", "echo", "here") == "here"
    assert docker.say("ps", "-q", "--filter", "status=running").count("\n") == 1
    docker.run("restart", "-t", "0", "one")
    assert ("%s/web/docker_one/%s" % (team, one)) in cgroups_of(docker, "one")
    docker.run("rm", "-f", "one")
    wait_for("the inner one to go", lambda: folders(team + "/web") == [])
    assert folders(team)
    # Killed between the last container's end and the removal.
    docker.run("kill", "two")
    wait_for("its end", lambda: docker.say("inspect", "-f", "{{.State.Running}}", "two") == "false")
    docker.run("rm", "two")
    wait_for("all to go", lambda: agent.pod_cgroups() == [])
    assert os.listdir(agent.run + "/cgroup-parents") == []


@with_client(network=False)
def test_a_parent_that_was_there_stays_and_what_is_left_in_it_goes(agent, docker):
    mine = [mount + agent.parent + "/mine" for mount in cgroup_mounts() if os.path.isdir(mount + agent.parent)]
    for each in mine:
        os.mkdir(each)
    docker.run("run", "-d", "--name", "web", "--cgroup-parent", "mine/inner", "busybox", "sleep", "1000")
    agent.kill()
    # What no record knows of, in a parent: an agent died between the two.
    stray = [each + "/docker_stray" for each in mine]
    for each in stray:
        os.mkdir(each)
    agent.start()
    wait_for("the stray to go", lambda: not any(map(os.path.isdir, stray)))
    assert "docker_stray" in agent.event("Orphan")["message"]
    assert docker.say("exec", "web", "echo", "here") == "here"
    docker.run("rm", "-f", "web")
    wait_for("what was made to go", lambda: not any(os.path.isdir(each + "/inner") for each in mine))
    assert all(map(os.path.isdir, mine))
    agent.kill()
    agent.start()
    assert all(map(os.path.isdir, mine))


@with_client(network=False)
def test_a_parent_elsewhere_is_refused(agent, docker):
    for asked in ("/other", "/", agent.parent + "x", agent.parent + "/../other", "../other", "a//b", "a_b", "a/./b", "x" * 2000):
        refused = docker.run("run", "--rm", "--cgroup-parent", asked, "busybox", "true", code=125)
        assert "HostConfig.CgroupParent: found cgroup parent" in refused.stderr and ", expected " in refused.stderr, (asked, refused)
    assert docker.say("ps", "-aq") == "" and agent.pod_cgroups() == []
    assert docker.say("run", "--rm", "--cgroup-parent", agent.parent, "busybox", "echo", "here") == "here"


def context(agent, text):
    folder = agent.work + "/context"
    os.makedirs(folder, exist_ok=True)
    write(folder + "/Dockerfile", "FROM busybox\n" + text)
    return folder


LOOK_AROUND = "RUN readlink /proc/self/ns/net >/net; ls /sys/class/net >/devices; cat /etc/resolv.conf >/resolv; ip -o -4 addr >/addresses\n"


@with_client(network=True)
def test_a_build_is_in_the_default_network_or_another(agent, docker):
    folder = context(agent, LOOK_AROUND)
    machine = os.readlink("/proc/self/ns/net")

    def built(*flags):
        docker.run("build", "--no-cache", "-t", "made", *flags, folder)
        docker.run("create", "--name", "made", "made", "true")
        texts = [docker.say("cp", "made:" + each, "-").replace("\0", "") for each in ("/net", "/devices", "/resolv", "/addresses")]
        docker.run("rm", "made")
        return texts
    net, devices, resolv, addresses = built()
    assert machine not in net and "eth0" in devices and "10.77." in addresses, (net, devices, addresses)
    assert "nameserver 10.77.0.1" in resolv, resolv
    wait_for("it to leave the network", lambda: os.listdir(agent.state + "/networks/endpoints") == [])
    wait_for("its device to go", lambda: not [each for each in own_network.devices() if each.startswith("mte") and each != "mete0"])
    net, _, _, addresses = built("--network", "host")
    assert machine in net and own_network.HOST in addresses, (net, addresses)
    net, devices, _, addresses = built("--network", "none")
    assert machine not in net and "eth0" not in devices and "10.77." not in addresses, (net, devices, addresses)
    docker.run("network", "create", "--subnet", "10.99.0.0/24", "mine")
    docker.run("run", "-d", "--name", "web", "--network", "mine", "busybox", "sleep", "1000")
    assert "10.99.0." in built("--network", "mine")[3]
    assert docker.say("exec", "web", *NETWORK) in built("--network", "container:web")[0]
    assert docker.say("exec", "web", "echo", "still") == "still"
    for network, why in (("nosuch", "network nosuch not found"), ("container:nosuch", "No such container: nosuch")):
        assert why in docker.run("build", "--network", network, folder, code=1).stderr, network
    docker.run("rm", "-f", "web")
    docker.run("network", "rm", "mine")


@with_client(network=True)
def test_a_build_of_an_agent_that_is_killed_leaves_no_end_on_the_bridge(agent, docker):
    folder = context(agent, "RUN echo begun; sleep 1000\n")
    build = subprocess.Popen([DOCKER, "build", folder], env=docker.env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    for line in build.stdout:
        if line == "begun\n":
            break
    ends = lambda: [each for each in own_network.devices() if each.startswith("mte") and each != "mete0"]  # noqa: E731
    assert len(ends()) == 1 and len(os.listdir(agent.state + "/networks/endpoints")) == 1, ends()
    agent.kill()
    build.wait(60)
    agent.start("--network", "bridge")
    wait_for("it to go", lambda: ends() == [] and os.listdir(agent.state + "/networks/endpoints") == [])
    # A client that goes ends its build.
    build = subprocess.Popen([DOCKER, "build", folder], env=docker.env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    for line in build.stdout:
        if line == "begun\n":
            break
    build.kill()
    build.wait(60)
    wait_for("that one to go", lambda: ends() == [] and os.listdir(agent.state + "/networks/endpoints") == [])


@with_client(network=False)
def test_a_build_of_an_agent_without_networks_has_the_machines(agent, docker):
    docker.run("build", "-t", "made", context(agent, LOOK_AROUND))
    assert docker.say("run", "--rm", "made", "cat", "/net") == os.readlink("/proc/self/ns/net")


@contextlib.contextmanager
def loop_disk(folder, scheduler):
    """A disk of the test's own, with this scheduler."""
    image = folder + "/disk-" + scheduler
    with open(image, "wb") as out:
        out.truncate(16 << 20)
    node = subprocess.run(["losetup", "-f", "--show", image], capture_output=True, text=True).stdout.strip()
    if not node:
        skip_case("cannot make a loop device")
    try:
        queue = "/sys/block/%s/queue/scheduler" % os.path.basename(node)
        if scheduler not in open(queue).read().replace("[", "").replace("]", "").split():
            skip_case("this kernel has no scheduler " + scheduler)
        put(queue, scheduler)
        yield node, open("/sys/block/%s/dev" % os.path.basename(node)).read().strip()
    finally:
        subprocess.run(["losetup", "-d", node], check=True)


def weight_of(agent, disk):
    for each in folders(agent.pod("docker/web")["containers"][0]["cgroup"]):
        for name in ("/blkio.bfq.weight_device", "/io.bfq.weight"):
            if os.path.exists(each + name):
                lines = dict(line.split() for line in open(each + name) if len(line.split()) == 2)
                return each + name, lines.get(disk)
    return None, None


@with_client(network=False)
def test_a_disk_has_a_weight_of_its_own(agent, docker):
    with loop_disk(agent.work, "bfq") as (node, disk):
        docker.run("run", "-d", "--name", "web", "--blkio-weight-device", node + ":300", "busybox", "sleep", "1000")
        file, weight = weight_of(agent, disk)
        assert weight == "300", (file, weight)
        # Drift is put back, also what was changed while no agent ran.
        put(file, disk + " 100")
        wait_for("it to be put back", lambda: weight_of(agent, disk)[1] == "300")
        agent.kill()
        put(file, disk + " 100")
        agent.start()
        wait_for("it to be put back", lambda: weight_of(agent, disk)[1] == "300")
        api = Docker(agent)
        api.post("/containers/web/update", {"BlkioWeightDevice": [{"Path": node, "Weight": 500}]})
        assert weight_of(agent, disk)[1] == "500" and api.inspect("web")["HostConfig"]["BlkioWeightDevice"] == [{"Path": node, "Weight": 500}]
        for body, why in (([{"Path": node, "Weight": 9}], "invalid weight for device"), ([{"Path": "disk", "Weight": 10}], "bad format for device path"),
                          ([{"Path": "/dev/null", "Weight": 10}], "HostConfig.BlkioWeightDevice"), ("all", "BlkioWeightDevice")):
            answer = api.ask("POST", "/containers/web/update", {"BlkioWeightDevice": body})
            assert answer.status == 400 and why in answer.message, (body, answer.status, answer.body)
        assert weight_of(agent, disk)[1] == "500"
        docker.run("rm", "-f", "web")
    with loop_disk(agent.work, "none") as (node, disk):
        done = docker.run("run", "-d", "--name", "web", "--blkio-weight-device", node + ":300", "busybox", "sleep", "1000", code=125)
        assert "HostConfig.BlkioWeightDevice: %s: found the IO scheduler none" % node in done.stderr and "expected bfq" in done.stderr, done
    for wrong, why in (("/dev/null:300", "HostConfig.BlkioWeightDevice: "), ("/dev/nosuch:300", "HostConfig.BlkioWeightDevice: ")):
        assert why in docker.run("run", "--rm", "--blkio-weight-device", wrong, "busybox", "true", code=125).stderr, wrong
    assert docker.say("ps", "-aq") == ""


@with_client(network=False)
def test_a_weight_is_left_out_when_the_disks_scheduler_is_another_one_now(agent, docker):
    with loop_disk(agent.work, "bfq") as (node, disk):
        docker.run("run", "-d", "--name", "web", "--blkio-weight-device", node + ":300", "busybox", "sleep", "1000")
        put("/sys/block/%s/queue/scheduler" % os.path.basename(node), "none")
        docker.run("restart", "-t", "0", "web")
        assert docker.say("inspect", "-f", "{{.State.Running}}", "web") == "true" and weight_of(agent, disk)[1] is None
        put("/sys/block/%s/queue/scheduler" % os.path.basename(node), "bfq")
        docker.run("restart", "-t", "0", "web")
        assert weight_of(agent, disk)[1] == "300"
        docker.run("rm", "-f", "web")


if __name__ == "__main__":
    if DOCKER is None:
        skip("needs the docker command line (Debian: docker.io)")
    own_network.enter()
    run_tests(sys.modules[__name__])
