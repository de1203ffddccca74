# SPDX-License-Identifier: Apache-2.0
"""A lone start with a network: image on overlay, bridge, address, a published port and limits, from the request until the container's program
runs. tests/bench/network_launch.py [--runs N] [--many N] [--docker N]

Each of these starts is taken in turn with one of the same pod without a network (`mete/network: none`, no port), by the same agent: the
difference is what the network costs.

As in agent_start.py the clock starts before `POST /mete/v1/apply` and ends when the container's program has opened the file that it is to
read; before each start all is idle for 300 ms. Beside it, in the same run and as far as they are installed: `docker run -d -p` of the same by
a dockerd of the bench's own, from the request over its socket. Then `--many` such pods are applied at once: how long until all run; and what
the network of one more container costs with none and with that many (a start beside many pods costs more without any network, too). All of it is in a network namespace of the bench's own.
"""
import argparse
import os
import select
import shutil
import statistics
import sys
import tempfile
import time

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
import own_network  # noqa: E402
from agent_start import IN_OPEN, LIBC, answer, request, show  # noqa: E402
from docker_daemon import Docker  # noqa: E402
from mete_agent import Agent, wait_for  # noqa: E402

POD = """
apiVersion: v1
kind: Pod
metadata: {name: start%d%s}
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: busybox
    command: [/bin/busybox, %s]
    ports: [%s]
    resources: {limits: {cpu: "1", memory: 64Mi}}
    volumeMounts: [{name: given, mountPath: /given, readOnly: true}]
  volumes: [{name: given, hostPath: {path: %s}}]
"""


def forget(watch):
    while select.select([watch], [], [], 0)[0]:
        os.read(watch, 4096)


def pod(number, words, folder, port=10000):
    """Port 0: without a network."""
    return POD % (number, "" if port else ", annotations: {mete/network: none}", words, "{containerPort: 80, hostPort: %d}" % port if port else "", folder)


def one_start(agent, watch, folder, number, port=10000):
    forget(watch)
    time.sleep(0.3)
    client, begin = request(agent.run + "/mete.sock", "POST", "/mete/v1/apply?file=-", pod(number, "cat, /given/file", folder, port).encode())
    assert select.select([watch], [], [], 10)[0], agent.log_text()[-2000:]
    end = time.monotonic()
    answer(client)
    answer(request(agent.run + "/mete.sock", "POST", "/mete/v1/delete?pod=default/start%d" % number)[0])
    wait_for("the pod's end", lambda: not agent.pods(), 20)
    return (end - begin) * 1000


def many(agent, folder, count):
    text = "---\n".join(pod(1000 + i, "sleep, '1000'", folder, 20000 + i) for i in range(count))
    client, begin = request(agent.run + "/mete.sock", "POST", "/mete/v1/apply?file=-", text.encode())
    answer(client)
    wait_for("all to run", lambda: sum(each["phase"] == "Running" for each in agent.pods()) == count, 120)
    return time.monotonic() - begin


def docker_start(docker, folder, watch):
    forget(watch)
    time.sleep(0.3)
    begin = time.monotonic()
    name = docker.launch(["/bin/busybox", "cat", "/given/file"], binds=[folder + ":/given:ro"], ports={80: 10001}, Memory=64 << 20, NanoCpus=10 ** 9)
    assert select.select([watch], [], [], 30)[0]
    end = time.monotonic()
    docker.remove(name)
    return (end - begin) * 1000


def watch_of(folder):
    os.makedirs(folder, exist_ok=True)
    open(folder + "/file", "w").close()
    watch = LIBC.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
    assert LIBC.inotify_add_watch(watch, (folder + "/file").encode(), IN_OPEN) >= 0
    return watch


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--many", type=int, default=100)
    parser.add_argument("--docker", type=int, default=5, help="starts by dockerd; 0: none")
    options = parser.parse_args()
    own_network.enter()
    tempfile.tempdir = "/dev/shm"
    with Agent() as agent:
        agent.start("--network", "bridge")
        folder = agent.work + "/given"
        watch = watch_of(folder)
        one_start(agent, watch, folder, 0)  # the first one makes the bridge
        turns = [(one_start(agent, watch, folder, 2 * i + 1), one_start(agent, watch, folder, 2 * i + 2, 0)) for i in range(options.runs)]
        own = show("lone start with bridge and published port", [each[0] for each in turns])
        without = show("the same without a network", [each[1] for each in turns])
        print("%-46s %6.2f ms" % ("what the network costs", own - without))
        print("%-46s %6.2f ms, wanted <= 10.0: %s" % ("lone start with a network", own, "met" if own <= 10 else "not met"))
        if options.docker and shutil.which("dockerd"):
            with Docker(agent.work) as docker:
                docker_start(docker, folder, watch)
                theirs = statistics.median([docker_start(docker, folder, watch) for _ in range(options.docker)])
            print("%-46s p50 %6.2f ms: %.0f x, wanted >= 30" % ("docker run -d -p of the same", theirs, theirs / own))
        if options.many:
            print("%-46s %6.2f s" % ("%d at once, until all run" % options.many, many(agent, folder, options.many)))
            turns = [(one_more(agent, watch, folder, 5000 + 2 * i), one_more(agent, watch, folder, 5001 + 2 * i, 0)) for i in range(options.runs)]
            full = show("one more, beside them", [each[0] for each in turns])
            bare = show("the same without a network", [each[1] for each in turns])
            print("%-46s %6.2f ms, alone %.2f ms" % ("what the network costs beside %d" % options.many, full - bare, own - without))


def one_more(agent, watch, folder, number, port=10000):
    forget(watch)
    time.sleep(0.3)
    client, begin = request(agent.run + "/mete.sock", "POST", "/mete/v1/apply?file=-", pod(number, "cat, /given/file", folder, port).encode())
    assert select.select([watch], [], [], 10)[0], agent.log_text()[-2000:]
    end = time.monotonic()
    answer(client)
    answer(request(agent.run + "/mete.sock", "POST", "/mete/v1/delete?pod=default/start%d" % number)[0])
    wait_for("the pod's end", lambda: agent.pod("start%d" % number) is None, 20)
    return (end - begin) * 1000


if __name__ == "__main__":
    main()
