# SPDX-License-Identifier: Apache-2.0
"""What dockerd has and podman has not, or says in other words."""
import json
import shutil
import subprocess
import tempfile
import time

from mete_agent import wait_for
from oci_clients.inside import limits_of
from oci_clients_support import DockerClient, control_of
from two_runtimes import has, same


def exec_of_what_is_missing_is_an_error_of_docker(c):
    name = c.start()
    done = c.exec(name, "nosuch", check=False)
    has("message", (done.err + done.out).lower(), "nosuch", "not found")
    return done.code, c.state(name)


def a_default_profile_denies(c):
    has("unshare", c.sh("unshare -U true 2>&1; true"), "Operation not permitted")


def updates(c):
    name = c.start("--memory", "64m", "--memory-swap", "64m")
    c.cli("update", "--pids-limit", "44", name)
    same("pids.max", c.control(name, "pids", "pids.max"), "44")
    c.cli("update", "--memory-reservation", "16m", "--cpu-period", "20000", "--cpu-quota", "5000", "--blkio-weight", "0", name)
    c.cli("update", "--restart", "on-failure:4", name)
    return limits_of(c.pid(name), control_of)


def an_update_that_cannot_be_is_said(c):
    name = c.start("--memory", "64m", "--memory-swap", "64m")
    done = c.cli("update", "--cpuset-cpus", "4000", name, check=False)
    assert done.code != 0, done
    same("state", c.state(name), "running")
    return c.control(name, "cpuset", "cpuset.cpus")


def events_are_told(c):
    begin = str(int(time.time()))
    name = c.start("--memory", "32m", "--memory-swap", "32m", script="sleep 1; exec dd if=/dev/zero of=/dev/null bs=100M count=1")
    c.cli("pause", name)
    c.cli("unpause", name)
    c.cli("exec", name, "true")
    c.cli("wait", name)
    time.sleep(1.1)
    lines = c.cli("events", "--since", begin, "--until", str(int(time.time())), "--filter", "container=" + name, "--format", "{{json .}}").out.splitlines()
    told = [json.loads(line)["status"].split(":")[0] for line in lines]
    for each in ("create", "start", "pause", "unpause", "exec_create", "exec_start", "exec_die", "oom", "die"):
        assert each in told, "found %s, expected %s among them" % (told, each)
    codes = [json.loads(line)["Actor"]["Attributes"]["exitCode"] for line in lines if json.loads(line)["status"] == "die"]
    return sorted(set(told)), codes


def stats_have_numbers(c):
    name = c.start("--memory", "64m", script="while true; do :; done")
    numbers = c.cli("stats", "--no-stream", "--format", "{{.CPUPerc}} {{.MemPerc}}", name).out
    assert not numbers.startswith("0.00%"), numbers


def a_stopped_paused_one(c):
    name = c.start(script="trap 'exit 5' TERM; echo ready; while true; do sleep 0.1; done")
    c.cli("pause", name)
    done = c.cli("stop", "-t", "1", name, check=False)
    return done.code


def health(c):
    name = c.start("--health-cmd", "cat /tmp/well", "--health-interval", "300ms", "--health-retries", "1",
                   "--health-timeout", "60s")
    wait_for("it to be unhealthy", lambda: c.inspect(name, ".State.Health.Status") == "unhealthy")
    c.exec(name, "touch", "/tmp/well")
    wait_for("it to be healthy", lambda: c.inspect(name, ".State.Health.Status") == "healthy")


def start_attached_and_removed(c):
    name = c.name_of()
    c.cli("create", "--rm", "-i", "--name", name, *c.options(), c.tag, "sh", "-c", "cat; exit 4")
    done = c.cli("start", "-ai", name, check=False, text="typed\n")
    same("output", (done.out, done.code), ("typed\n", 4))
    wait_for("it to be removed", lambda: c.cli("inspect", name, check=False).code != 0)


def cgroup_parent_of_its_own(c):
    name = c.start("--cgroup-parent", c.parent + "/deeper")
    try:
        lines = open("/proc/%d/cgroup" % c.pid(name)).read()
        has("cgroup", lines, ":memory:" + c.parent + "/deeper/")
    finally:
        c.cli("rm", "-f", name)
        subprocess.run("rmdir /sys/fs/cgroup/*%s/deeper 2>/dev/null" % c.parent, shell=True)


def as_the_default_runtime(c):
    """A daemon of its own, whose default the runtime is."""
    work = tempfile.mkdtemp(prefix="mete-oci-default-")
    try:
        with DockerClient(work, [c.runtime], default=c.runtime.name) as other:
            same("docker info", other.cli("info", "-f", "{{.DefaultRuntime}}").out.strip(), c.runtime.name)
            same("run", other.sh("echo $((6*7))"), "42\n")
            name = other.start()
            same("runtime", other.inspect(name, ".HostConfig.Runtime"), c.runtime.name)
            other.clean()
    finally:
        shutil.rmtree(work, ignore_errors=True)
