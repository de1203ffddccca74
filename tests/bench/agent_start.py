# SPDX-License-Identifier: Apache-2.0
"""A lone start by the agent: from the request until the container's program runs. tests/bench/agent_start.py [--runs N]

The clock starts before `POST /mete/v1/apply` is sent over the agent's socket and ends when the kernel tells (inotify) that the
container's program, busybox's cat, has opened the file that it is to read: that is some 0.5 ms after its first instruction. Before each
start all is idle for 300 ms. The pod has no network but loopback and one host folder; its image is Debian's busybox on overlay. The state
folder is on tmpfs: ext4 without a journal, as it is here, makes no file in less than 0.2 ms when many have lately been removed.
Beside it what `mete-oci run` takes for the same program, lone, until it has ended.
"""
import argparse
import ctypes
import os
import select
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from mete_agent import BIN, Agent, wait_for  # noqa: E402

POD = """
apiVersion: v1
kind: Pod
metadata: {name: start%d}
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: busybox
    command: [/bin/busybox, cat, /given/file]
    volumeMounts: [{name: given, mountPath: /given, readOnly: true}]
  volumes: [{name: given, hostPath: {path: %s}}]
"""
IN_OPEN = 0x20
LIBC = ctypes.CDLL(None, use_errno=True)


def request(path, method, target, body=b""):
    client = socket.socket(socket.AF_UNIX)
    client.connect(path)
    head = "%s %s HTTP/1.1\r\nHost: mete\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % (method, target, len(body))
    begin = time.monotonic()
    client.sendall(head.encode() + body)
    return client, begin


def answer(client):
    text = b""
    while chunk := client.recv(65536):
        text += chunk
    client.close()
    status = int(text.split(b" ", 2)[1])
    assert status // 100 == 2, text.decode()
    return text


def one_start(agent, watch, folder, number, pod=POD):
    while select.select([watch], [], [], 0)[0]:
        os.read(watch, 4096)
    time.sleep(0.3)
    client, begin = request(agent.run + "/mete.sock", "POST", "/mete/v1/apply?file=-", (pod % (number, folder)).encode())
    assert select.select([watch], [], [], 10)[0], agent.log_text()[-2000:]
    end = time.monotonic()
    answer(client)
    answer(request(agent.run + "/mete.sock", "POST", "/mete/v1/delete?pod=default/start%d" % number)[0])
    wait_for("the pod's end", lambda: not agent.pods(), 10)
    return (end - begin) * 1000


def floor_times(agent, runs):
    """mete-oci run of the same, until its end."""
    bundle = agent.work + "/bundle"
    os.makedirs(bundle + "/rootfs/bin")
    shutil.copy("/bin/busybox", bundle + "/rootfs/bin/")
    subprocess.run([BIN + "/mete-oci", "spec", "--bundle", bundle], check=True)
    text = open(bundle + "/config.json").read().replace('"sh"', '"/bin/busybox", "true"').replace('"terminal": true', '"terminal": false')
    open(bundle + "/config.json", "w").write(text.replace('"linux": {', '"linux": {"cgroupsPath": "%s/oci",' % agent.parent))
    times = []
    for _ in range(runs):
        time.sleep(0.3)
        begin = time.monotonic()
        subprocess.run([BIN + "/mete-oci", "--root", agent.work + "/oci", "run", "--bundle", bundle, "one"], check=True, stdin=subprocess.DEVNULL)
        times.append((time.monotonic() - begin) * 1000)
    return times


def show(name, times):
    times.sort()
    print("%-46s p50 %6.2f  p99 %6.2f  min %6.2f ms" % (name, statistics.median(times), times[min(len(times) - 1, len(times) * 99 // 100)], times[0]))
    return statistics.median(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=30)
    runs = parser.parse_args().runs
    tempfile.tempdir = "/dev/shm"
    with Agent() as agent:
        agent.start()
        folder = agent.work + "/given"
        os.makedirs(folder)
        open(folder + "/file", "w").close()
        watch = LIBC.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        assert LIBC.inotify_add_watch(watch, (folder + "/file").encode(), IN_OPEN) >= 0
        one_start(agent, watch, folder, 0)  # the image's first use is not what is measured
        own = show("lone start by the agent, request to program", [one_start(agent, watch, folder, i + 1) for i in range(runs)])
        oci = show("lone mete-oci run of true, to its end", floor_times(agent, runs))
        print("%-46s %6.2f x" % ("agent / mete-oci", own / oci))
        print("%-46s %6.2f ms, wanted <= 5.0: %s" % ("lone start by the agent", own, "met" if own <= 5 else "not met"))


if __name__ == "__main__":
    main()
