# SPDX-License-Identifier: Apache-2.0
"""Containers of dockerd, containerd and podman appear with their names, images and ids, without any configuration."""
import os
import re
import subprocess
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from leftovers import clean_up, made_cgroup  # noqa: E402
from mete_agent import Agent, run_tests, wait_for  # noqa: E402
from runtimes import Containerd, Docker, Podman  # noqa: E402


def rows(agent, family):
    """[(labels, value)] of a family."""
    found = []
    for line in agent.get("/metrics").splitlines():
        if line.startswith(family + "{"):
            labels, value = line[len(family):].rsplit(" ", 1)
            found.append((dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels)), float(value)))
    return found


def container(agent, name):
    for labels, value in rows(agent, "container_memory_usage_bytes"):
        if labels["name"] == name:
            return labels, value
    return None


def appears(agent, name, image, identity):
    labels, value = wait_for(name + " on /metrics", lambda: container(agent, name))
    print("     %s" % labels)
    assert labels["image"] == image, labels
    assert identity in labels["id"], labels
    assert labels["container"], labels
    assert value > 0, value
    seen = [each for each, _ in rows(agent, "container_cpu_usage_seconds_total") if each["name"] == name]
    assert len(seen) == 1, seen


def goes(agent, name):
    wait_for(name + " to be gone from /metrics", lambda: container(agent, name) is None)


def test_docker():
    with Agent() as agent, Docker(agent.work) as docker:
        before = docker.run("before-the-agent")
        agent.start()
        appears(agent, "before-the-agent", docker.tag, before)
        after = docker.run("web-1", "--label", "com.docker.compose.project=shop", "--label", "secret=token", "--env", "PASSWORD=x", "--cpus", "0.5", "--memory", "64m")
        appears(agent, "web-1", docker.tag, after)
        labels, _ = container(agent, "web-1")
        assert labels["container_label_com_docker_compose_project"] == "shop", labels
        body = agent.get("/metrics")
        assert "token" not in body and "PASSWORD" not in body, "a label or variable that nobody asked for"
        limits = [value for labels, value in rows(agent, "container_spec_memory_limit_bytes") if labels["name"] == "web-1"]
        assert limits == [64 << 20], limits
        docker.remove(after)
        goes(agent, "web-1")


def test_containerd():
    with Agent() as agent, Containerd(agent.work) as containerd:
        agent.start()
        containerd.run("plain-ctr")
        appears(agent, "plain-ctr", containerd.tag, "plain-ctr")


def test_podman():
    with Agent() as agent, Podman(agent.work) as podman:
        agent.start()
        identity = podman.run("pod-sleeper")
        appears(agent, "pod-sleeper", podman.tag, identity)


def test_labels_that_are_asked_for():
    with Agent() as agent, Containerd(agent.work) as containerd, Podman(agent.work) as podman:
        with open(agent.work + "/agent.yaml", "w") as config:
            config.write("export: {labels: [te*]}\n")
        agent.start("--config", agent.work + "/agent.yaml")
        containerd.run("of-containerd", "--label", "team=blue", "--label", "other=x")
        podman.run("of-podman", "--label", "team=red", "--label", "other=x")
        for name, tag, team in (("of-containerd", containerd.tag, "blue"), ("of-podman", podman.tag, "red")):
            appears(agent, name, tag, "")
            labels = wait_for("the labels of " + name, lambda: (container(agent, name) or [{}])[0])
            assert labels["container_label_team"] == team, labels
            assert "container_label_other" not in labels, labels


def test_docker_under_another_parent_and_started_again():
    parent = "mete-peers-%d" % os.getpid()
    made_cgroup("/" + parent)
    try:
        with Agent() as agent, Docker(agent.work) as docker:
            agent.start()
            identity = docker.run("elsewhere", "--cgroup-parent", "/" + parent)
            appears(agent, "elsewhere", docker.tag, "/" + parent + "/" + identity)
            first = start_of(agent, "elsewhere")
            time.sleep(1.5)
            subprocess.run(docker.client + ["restart", "-t", "0", identity], check=True, capture_output=True)
            began = time.time()
            wait_for("the second start", lambda: (start_of(agent, "elsewhere") or 0) > first + 1)
            assert abs(start_of(agent, "elsewhere") - began) < 60, (start_of(agent, "elsewhere"), began)
    finally:
        clean_up(cgroups=["/" + parent])


def start_of(agent, name):
    found = [value for labels, value in rows(agent, "container_start_time_seconds") if labels["name"] == name]
    return found[0] if found else None


def test_all_three_at_once_and_the_network_once_a_namespace():
    with Agent() as agent, Docker(agent.work) as docker, Containerd(agent.work) as containerd, Podman(agent.work) as podman:
        agent.start()
        names = {"d1": docker.run("d1"), "c1": containerd.run("c1"), "p1": podman.run("p1")}
        for name, identity in names.items():
            tag = {"d": docker.tag, "c": containerd.tag, "p": podman.tag}[name[0]]
            appears(agent, name, tag, identity)
        time.sleep(0.3)  # past the reading that scrapes share
        seen = {}
        for labels, _ in rows(agent, "container_network_receive_bytes_total"):
            seen.setdefault((labels["id"], labels["interface"]), 0)
            seen[(labels["id"], labels["interface"])] += 1
        assert all(count == 1 for count in seen.values()), seen


def process_of(identity):
    """One whose root is the container's: a runtime's own is in the cgroup before it."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            cgroup = open("/proc/%s/cgroup" % pid).read()
            roots = [line.split()[2] for line in open("/proc/%s/mounts" % pid) if line.split()[1] == "/"]
        except OSError:
            continue
        if ("/" + identity in cgroup or "-" + identity in cgroup) and roots[-1:] == ["overlay"]:
            return pid
    return None


def test_writable_layers_are_measured():
    with Agent() as agent, Docker(agent.work) as docker, Containerd(agent.work) as containerd, Podman(agent.work) as podman:
        names = {"d2": docker.run("d2"), "c2": containerd.run("c2"), "p2": podman.run("p2")}
        for number, (name, identity) in enumerate(names.items(), 1):
            pid = wait_for("a process of %s in its own root" % name, lambda: process_of(identity))
            root = "/proc/%s/root" % pid
            with open(root + "/big", "wb") as out:
                out.write(b"x" * (number * 3 << 20))
                os.fsync(out.fileno())
        agent.start()
        for number, name in enumerate(names, 1):
            def used():
                return [(labels["device"], value) for labels, value in rows(agent, "container_fs_usage_bytes") if labels["name"] == name]
            (device, value), = wait_for("the walk of " + name, used, 120, 0.3)
            print("     %s: %d bytes on %s" % (name, value, device))
            assert number * 3 << 20 <= value < (number * 3 + 2) << 20, value
            free = [value for labels, value in rows(agent, "container_fs_inodes_free") if labels["name"] == name]
            assert len(free) == 1, free


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
