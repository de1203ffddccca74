# SPDX-License-Identifier: Apache-2.0
"""hostUsers: false. Each pod has a range of ids of its own, which its record keeps until nothing of the pod is left; its files on disk have the
owners that its containers see."""
import json
import os
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from mete_agent import Agent, run_tests, wait_for  # noqa: E402

COUNT = 65536
FIRST = 0x70000000


def pod(name, users="false", command="sleep 1000", more=""):
    return """apiVersion: v1
kind: Pod
metadata: {name: %s}
spec:
  hostUsers: %s
  terminationGracePeriodSeconds: 0
  containers: [{name: main, image: busybox, command: [sh, -c, '%s'], volumeMounts: [{name: v, mountPath: /v}]}]
  volumes: [{name: v, %s}]
""" % (name, users, command, more or "emptyDir: {}")


def runs(agent, name):
    return agent.container(name)["state"] == "running"


def outside(agent, name):
    """The machine's id of root in the pod."""
    with open("/proc/%d/uid_map" % agent.container(name)["pid"]) as file:
        inside, first, count = map(int, file.read().split())
    assert (inside, count) == (0, COUNT), (inside, first, count)
    return first


def start(agent, name, **how):
    agent.apply(pod(name, **how))
    wait_for(name + " to run", lambda: runs(agent, name))


def test_two_pods_have_different_users():
    with Agent() as agent:
        agent.start()
        start(agent, "one", command="echo x > /v/f; chown 5:6 /v/f; sleep 1000")
        start(agent, "two")
        assert outside(agent, "one") != outside(agent, "two")
        assert {outside(agent, "one"), outside(agent, "two")} <= {FIRST + i * COUNT for i in range(4094)}
        # On disk the owners are those that the container sees.
        uid = agent.pod("one")["uid"]
        wait_for("the file", lambda: os.path.exists("%s/pods/%s/volumes/v/f" % (agent.state, uid)))
        wait_for("its owner", lambda: os.stat("%s/pods/%s/volumes/v/f" % (agent.state, uid)).st_uid == 5)
        # exec and probes come into the same namespace.
        assert agent.mete("exec", "one", "--", "cat", "/proc/self/uid_map").stdout.split()[1] == str(outside(agent, "one"))
        assert agent.mete("exec", "one", "--", "stat", "-c", "%u", "/bin/sh").stdout == "0\n"


def test_a_range_is_kept_by_the_next_agent_and_free_after_the_pod():
    with Agent() as agent:
        agent.start()
        start(agent, "one")
        first = outside(agent, "one")
        agent.kill()
        agent.start()
        start(agent, "two")
        assert outside(agent, "one") == first != outside(agent, "two")
        with open("%s/pods/%s/record.json" % (agent.state, agent.pod("one")["uid"])) as file:
            assert json.load(file)["users"] == first
        agent.mete("delete", "pod/one")
        wait_for("it to be gone", lambda: [each["name"] for each in agent.pods()] == ["two"])
        start(agent, "three")
        assert outside(agent, "three") == first


def test_what_the_kernel_cannot_map_is_one_clear_sentence():
    with Agent() as agent:
        agent.start()
        # A proc has no idmapped mounts.
        agent.apply(pod("refused", more="hostPath: {path: /proc}"))
        wait_for("it to say why", lambda: "idmapped mounts" in str(agent.container("refused")))


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
