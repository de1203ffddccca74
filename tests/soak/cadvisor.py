# SPDX-License-Identifier: Apache-2.0
"""cAdvisor, pointed at the agent's docker socket, finds docker's containers, and its numbers are the agent's. tests/soak/cadvisor.py [--program PATH]

Debian 12 has no package of cAdvisor, and the source package of kubernetes has cAdvisor 0.38 in it. Needs golang-go, dpkg-dev and 1.5 GB below /tmp; takes
five minutes with --program left out, half a minute with it."""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, HERE + "/../support")
import own_network  # noqa: E402
from docker_api import Docker  # noqa: E402
from mete_agent import Agent, wait_for  # noqa: E402
from metrics_text import parse_metrics  # noqa: E402

LISTEN = "127.0.0.1:18080"
FILES = "container_fs_usage_bytes"
# Family -> the share by which both may differ: they do not read at one moment.
COMPARED = {"container_cpu_usage_seconds_total": 0.05, "container_memory_usage_bytes": 0.05, "container_memory_working_set_bytes": 0.05,
            "container_spec_memory_limit_bytes": 0, "container_network_receive_bytes_total": 0.05, "container_network_transmit_bytes_total": 0.05}


def run(words, **how):
    print("$", *words, flush=True)
    subprocess.run(words, check=True, **how)


def build(folder):
    """The program, from Debian's source of kubernetes. The machine's lists of packages stay as they are."""
    keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
    open(folder + "/sources.list", "w").write("deb-src [signed-by=%s] http://deb.debian.org/debian bookworm main\n" % keyring)
    for each in ("lists/partial", "cache/archives/partial"):
        os.makedirs("%s/%s" % (folder, each))
    open(folder + "/apt.conf", "w").write(
        'Dir::Etc::sourcelist "%(f)s/sources.list";\nDir::Etc::sourceparts "%(f)s/none";\nDir::State::lists "%(f)s/lists";\nDir::Cache "%(f)s/cache";\n'
        % {"f": folder})
    apt = dict(os.environ, APT_CONFIG=folder + "/apt.conf")
    run(["apt-get", "-q", "update"], env=apt)
    run(["apt-get", "-q", "source", "--download-only", "kubernetes"], env=apt, cwd=folder)
    source = folder + "/gopath/src/k8s.io/kubernetes"
    os.makedirs(source)
    archive = [each for each in os.listdir(folder) if each.endswith(".orig.tar.gz")]
    run(["tar", "xzf", folder + "/" + archive[0], "-C", source, "--strip-components=1"])
    shutil.copytree(HERE + "/cadvisor", source + "/cmd/mete-cadvisor")
    go = shutil.which("go") or "/usr/lib/go-1.19/bin/go"
    env = dict(os.environ, GOPATH=folder + "/gopath", GOFLAGS="", GOPROXY="off", GO111MODULE="off", CGO_ENABLED="0", GOCACHE=folder + "/cache/go")
    run([go, "build", "-o", folder + "/cadvisor", "k8s.io/kubernetes/cmd/mete-cadvisor"], env=env, cwd=source)
    return folder + "/cadvisor"


def numbers(text):
    """(family, container) -> sum over devices and CPUs, of docker's containers; and what cAdvisor says of each."""
    found, labels = {}, {}
    for (family, pairs), value in samples(text):
        name = pairs.get("name", "")
        if family not in (*COMPARED, FILES) or not name or "container_label_team" not in pairs and pairs.get("namespace") != "docker":
            continue
        if family.startswith("container_network") and pairs.get("interface") != "eth0":
            continue
        found[family, name] = found.get((family, name), 0) + value
        labels[name] = pairs
    return found, labels


def samples(text):
    """cAdvisor tells when it measured, too."""
    for (family, pairs), value in parse_metrics(re.sub(r" (\S+) \d{13}$", r" \1", text, flags=re.M)).items():
        yield (family, dict(pairs)), value


def look(program):
    with Agent().start("--network", "bridge") as agent:
        docker = dict(os.environ, DOCKER_HOST="unix://%s/docker.sock" % agent.run)
        told = open(agent.work + "/cadvisor.log", "w")
        words = [program, "-docker", docker["DOCKER_HOST"], "-listen", LISTEN, "-logtostderr"]
        # One is there before cAdvisor, one comes after it.
        run(["docker", "run", "-d", "--name", "burner", "--cpus", "0.3", "-m", "64m", "--label", "team=a", "busybox", "sh", "-c", "while :; do :; done"], env=docker)
        cadvisor = subprocess.Popen(words, stderr=told)
        try:
            fetch = lambda: urllib.request.urlopen("http://%s/metrics" % LISTEN, timeout=10).read().decode()  # noqa: E731
            wait_for("cAdvisor to listen", lambda: is_there(fetch), 60)
            run(["docker", "run", "-d", "--name", "writer", "-m", "100m", "--label", "team=b", "busybox", "sh", "-c",
                 "dd if=/dev/zero of=/file bs=1M count=20; exec ping -i 0.2 %s > /dev/null" % gateway(docker)], env=docker)
            run(["docker", "restart", "-t", "0", "burner"], env=docker)
            time.sleep(65)  # cAdvisor measures a layer once a minute
            theirs, labels = numbers(fetch())
            ours, _ = numbers(agent.get("/metrics"))
            # What the agent answers to `docker ps -s`: its own series of a layer comes later than cAdvisor's.
            ours[FILES, "writer"] = Docker(agent).get("/containers/writer/json", size=1)["SizeRw"]
        finally:
            cadvisor.terminate()
            cadvisor.wait()
            print(open(agent.work + "/cadvisor.log").read()[-3000:])
        inspected = {name: Docker(agent).inspect(name) for name in ("burner", "writer")}
    wrong = 0
    for name, each in inspected.items():
        pairs = labels.get(name, {})
        good = pairs.get("id", "").endswith("/" + each["Id"]) and pairs.get("image") == "busybox"
        wrong += not good
        print("%-8s %s id %s image %s team %s" % (name, "same" if good else "WRONG", pairs.get("id"), pairs.get("image"), pairs.get("container_label_team")))
    both = [(family, name) for family in COMPARED for name in inspected] + [(FILES, "writer")]
    for each in both:
        value, other = ours.get(each), theirs.get(each)
        good = None not in (value, other) and abs(other - value) <= COMPARED.get(each[0], 0.05) * max(abs(value), 1)
        wrong += not good
        print("%-8s %s %-40s mete %s cAdvisor %s" % (each[1], "same " if good else "WRONG", each[0], value, other))
    print("%d passed, %d failed" % (len(both) + len(inspected) - wrong, wrong))
    return wrong


def is_there(fetch):
    try:
        return "cadvisor_version_info" in fetch()
    except OSError:
        return False


def gateway(docker):
    return subprocess.run(["docker", "network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}"], env=docker, capture_output=True,
                          text=True, check=True).stdout.strip()


def main():
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--program", help="built by an earlier run, or another cAdvisor with the flags -docker, -listen")
    given.add_argument("--keep", help="where to leave the program")
    words = given.parse_args()
    with tempfile.TemporaryDirectory(prefix="mete-cadvisor-") as folder:
        program = words.program or build(folder)
        if words.keep:
            shutil.copy(program, words.keep)
        own_network.enter()
        sys.exit(look(program) != 0)


if __name__ == "__main__":
    main()
