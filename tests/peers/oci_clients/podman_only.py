# SPDX-License-Identifier: Apache-2.0
"""What podman has and dockerd has not, or says in other words."""
import json
import os
import re
import subprocess
import time

from mete_agent import wait_for
from oci_clients.inside import INVENTORY
from two_runtimes import has, same


def a_pod_shares_namespaces(c):
    pod = c.name_of("pod")
    c.cli("pod", "create", "--name", pod, "--share", "net,ipc,uts,pid", "--hostname", "of-the-pod", "--infra-image", c.tag, "--infra-command", "sleep 600",
          "--cgroup-parent", c.parent)
    names = []
    for i in range(2):
        names.append(c.name_of())
        c.cli("run", "-d", "--pod", pod, "--name", names[-1], c.tag, "sleep", str(700 + i))
    first, second = [c.pid(each) for each in names]
    for kind in ("net", "ipc", "uts", "pid"):
        same(kind, os.readlink("/proc/%d/ns/%s" % (first, kind)), os.readlink("/proc/%d/ns/%s" % (second, kind)))
    assert os.readlink("/proc/%d/ns/mnt" % first) != os.readlink("/proc/%d/ns/mnt" % second), "mnt is shared"
    same("hostname", c.exec(names[0], "hostname").out, "of-the-pod\n")
    has("processes", c.exec(names[1], "ps").out, "sleep 600", "sleep 700", "sleep 701")
    c.cli("pod", "pause", pod)
    same("state", c.state(names[0]), "paused")
    c.cli("pod", "unpause", pod)
    c.cli("pod", "stop", "-t", "0", pod)
    c.cli("pod", "start", pod)
    c.wait_state(names[0], "running")


def a_pod_of_a_manifest(c):
    manifest = c.work + "/pod.yaml"
    with open(manifest, "w") as file:
        json.dump({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "kube"}, "spec": {
            "restartPolicy": "Never", "containers": [{"name": "one", "image": c.tag, "imagePullPolicy": "Never", "command": ["/bin/sleep", "600"],
                                                      "resources": {"limits": {"memory": "64Mi"}}}]}}, file)
    c.cli("kube", "play", "--network", "none", manifest)
    same("state", c.state("kube-one"), "running")


def hooks(c):
    folder = c.work + "/hooks-" + c.runtime.name
    os.makedirs(folder, exist_ok=True)
    stages = ["createRuntime", "createContainer", "startContainer", "poststart", "poststop", "prestart"]
    for stage in stages:
        # startContainer is run inside, where there is a shell and the volume
        inside = stage == "startContainer"
        path = "/bin/sh" if inside else "/bin/bash"
        target = ("/hooks/" if inside else folder + "/") + stage + ".said"
        with open("%s/%s.json" % (folder, stage), "w") as file:
            json.dump({"version": "1.0.0",
                       "hook": {"path": path, "args": ["sh", "-c", "{ echo $V; cat; } > " + target], "env": ["V=" + stage, "PATH=/bin:/usr/bin"]},
                       "when": {"always": True}, "stages": [stage]}, file)
    c.cli("--hooks-dir", folder, "run", "--rm", *c.options(), "-v", folder + ":/hooks", c.tag, "true")
    wait_for("poststop", lambda: os.path.exists(folder + "/poststop.said") and open(folder + "/poststop.said").read().count("\n") >= 1)
    seen = {}
    for stage in stages:
        first, _, state = open("%s/%s.said" % (folder, stage)).read().partition("\n")
        same("environment of " + stage, first, stage)
        state = json.loads(state)
        seen[stage] = (state["status"], state.get("pid", 0) > 0, sorted(state))
    return {stage: seen[stage][1] for stage in ("createRuntime", "createContainer", "prestart", "poststart")}


def a_hook_that_fails_fails_the_start(c):
    folder = c.work + "/bad-hooks-" + c.runtime.name
    os.makedirs(folder, exist_ok=True)
    with open(folder + "/one.json", "w") as file:
        json.dump({"version": "1.0.0", "hook": {"path": "/bin/false"}, "when": {"always": True}, "stages": ["createRuntime"]}, file)
    done = c.cli("--hooks-dir", folder, "run", "--rm", *c.options(), c.tag, "true", check=False)
    assert done.code != 0, done
    has("message", done.err, "hook")


def user_namespaces(c):
    maps = ["--uidmap", "0:100000:65536", "--gidmap", "0:200000:65536"]
    text = c.sh(INVENTORY, "--hostname", "inside", *maps)
    has("mapping", text, "0 100000 65536", "0 200000 65536")
    name = c.start(*maps)
    same("outside", os.stat("/proc/%d" % c.pid(name)).st_uid, 100000)
    has("exec", c.exec(name, "id").out, "uid=0")
    # The host's nodes are bound, by crun and mete-oci nosuid and noexec, as the container's own /dev is.
    return re.sub(r"^(mount /dev/\w+ devtmpfs rw,)nosuid,noexec,", r"\1", text, flags=re.M)


def umask_timezone_and_masks(c):
    text = c.sh("umask; stat -c '%F %t:%T' /proc/asound /proc/kcore 2>/dev/null; touch /proc/sys/kernel/x 2>&1; wc -c < /proc/version", "--umask", "0077",
                "--security-opt", "mask=/proc/version")
    has("masked", text, "0077", "\n0\n")
    return text, c.sh("stat -c '%F' /proc/timer_list", "--security-opt", "unmask=ALL")


def a_root_that_is_a_folder(c):
    folder = c.work + "/rootfs-folder"
    if not os.path.isdir(folder):
        os.makedirs(folder)
        os.system("tar -C %s -xf %s/rootfs.tar" % (folder, c.podman.work))
    return c.cli("run", "--rm", *c.options(), "--rootfs", folder, "/bin/sh", "-c", "ls /").out


def descriptors_are_passed(c):
    read, write = os.pipe()
    os.write(write, b"through\n")
    os.close(write)
    # podman counts from 3
    words = c.words("run", "--rm", "--preserve-fds", "1", *c.options(), c.tag, "sh", "-c", "cat <&3; ls /proc/self/fd | wc -l")
    done = subprocess.run(["/bin/bash", "-c", 'exec 3<&%d; exec "$@"' % read, "bash"] + words,
                          pass_fds=[read], capture_output=True, text=True, env=c.env, timeout=60, stdin=subprocess.DEVNULL)
    os.close(read)
    has("output", done.stdout + done.stderr, "through\n")
    return done.stdout


def health_check_by_hand(c):
    name = c.start("--health-cmd", "cat /tmp/well", "--health-interval", "disable")
    assert c.cli("healthcheck", "run", name, check=False).code != 0, "there is no file yet"
    c.exec(name, "touch", "/tmp/well")
    same("code", c.cli("healthcheck", "run", name).code, 0)


def killed_by_its_timeout(c):
    done = c.run("--timeout", "1", c.tag, "sleep", "100", check=False)
    assert done.code != 0, done
    return done.code


def exec_passes_descriptors_and_detach_keys(c):
    name = c.name_of()
    c.cli("run", "-dit", "--name", name, "--detach-keys", "ctrl-x,x", *c.options(), c.tag, "sh")
    with c.terminal("attach", "--detach-keys", "ctrl-x,x", name) as t:
        t.ask("echo th''ere", "^there$")
        t.type("\x18")
        time.sleep(0.2)
        t.type("x")
        same("code", t.wait(), 0)
    same("state", c.state(name), "running")
