# SPDX-License-Identifier: Apache-2.0
"""What a question for a pod's name costs the agent with many pods, beside the same with few, in the same run.
python3 tests/bench/names.py [FEW] [MANY] [QUESTIONS]"""
import os
import socket
import struct
import sys
import tempfile
import threading

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
import own_network  # noqa: E402
from cpu_time import of_all_threads  # noqa: E402
from mete_agent import Agent, wait_for  # noqa: E402

POD = """apiVersion: v1
kind: Pod
metadata: {name: pod-%d}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: main, image: busybox, command: [sleep, '1000']}]
"""
GATEWAY = "10.77.0.1"


def question(name, number):
    labels = b"".join(bytes([len(each)]) + each.encode() for each in name.split("."))
    return struct.pack(">6H", number & 0xffff, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">2H", 1, 1)


def ask(pid, name, times):
    """From the network of that process, by a thread that goes there."""
    failed = []

    def there():
        with open("/proc/%d/ns/net" % pid) as space:
            assert own_network.libc.setns(space.fileno(), own_network.CLONE_NEWNET) == 0
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
            made.settimeout(5)
            made.connect((GATEWAY, 53))
            for number in range(times):
                made.send(question(name, number))
                answer = made.recv(512)
                if answer[3] & 15 or not answer[7]:
                    failed.append(answer)
    thread = threading.Thread(target=there)
    thread.start()
    thread.join()
    assert not failed, failed[0]


def measure(count, times):
    with Agent().start("--network", "bridge") as agent:
        agent.apply("---\n".join(POD % index for index in range(count)))
        wait_for("all to run", lambda: sum(each["phase"] == "Running" for each in agent.pods()) == count, 300, 0.5)
        pid, name = agent.container("pod-0", "main")["pid"], "pod-%d" % (count - 1)
        ask(pid, name, 50)
        before = of_all_threads(agent.process.pid)
        ask(pid, name, times)
        each = (of_all_threads(agent.process.pid) - before) / times
        print("%5d pods: %.1f us of the agent's CPU for a question" % (count, 1e6 * each), flush=True)
        return each


def main():
    few, many, times = (int(sys.argv[i]) if len(sys.argv) > i else usual for i, usual in ((1, 10), (2, 800), (3, 3000)))
    own_network.enter()
    tempfile.tempdir = os.environ.get("TMPDIR", "/dev/shm")
    least = measure(few, times)
    print("ratio %.2f" % (measure(many, times) / least))


if __name__ == "__main__":
    main()
