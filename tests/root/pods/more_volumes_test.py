# SPDX-License-Identifier: Apache-2.0
"""Image volumes and ephemeral volumes, seen from inside."""
import os
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from mete_agent import Agent, run_tests, wait_for  # noqa: E402
from pods import delete, launch, output, pod, wait_running  # noqa: E402


def test_an_image_as_a_volume():
    with Agent().start() as agent:
        volume = "volumes: [{name: i, image: {reference: busybox, pullPolicy: IfNotPresent}}]"
        script = "ls -d /i/bin /sub/busybox; touch /i/x 2>&1 | grep -c Read-only; /sub/busybox true 2>&1 | grep -c denied; grep ' /i ' /proc/self/mounts | cut -d' ' -f3"
        seen = output(agent, script, "volumeMounts: [{name: i, mountPath: /i}, {name: i, mountPath: /sub, subPath: bin}]", volume)
        assert seen == "/i/bin\n/sub/busybox\n1\n1\noverlay\n", seen
        assert agent.mounts() == [], agent.mounts()


def test_an_image_that_is_not_there_is_waited_for():
    with Agent().start() as agent:
        agent.apply(pod("p", spec="volumes: [{name: i, image: {reference: 127.0.0.1:1/nothing}}]"))
        wait_for("the reason", lambda: agent.container("p")["reason"] == "ImageNotFound" and "nothing" in agent.container("p")["message"])
        assert agent.container("p")["state"] == "waiting" and agent.pod("p")["phase"] == "Pending"


def test_an_ephemeral_volume_goes_with_its_pod():
    with Agent().start() as agent:
        template = "{metadata: {labels: {a: b}}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}"
        volume = "volumes: [{name: e, ephemeral: {volumeClaimTemplate: %s}}]" % template
        launch(agent, pod("p", "echo $$ >> /e/starts; sleep 1000", "volumeMounts: [{name: e, mountPath: /e}]", volume), "p")
        pid = agent.container("p")["pid"]
        agent.mete("kill", "p")
        wait_for("it to run again", lambda: agent.container("p")["state"] == "running" and agent.container("p")["pid"] != pid)
        wait_running(agent, "p")
        wait_for("the second line", lambda: len(agent.mete("exec", "p", "--", "cat", "/e/starts").stdout.split()) == 2)
        delete(agent, "p")
        assert not [each for each, _, files in os.walk(agent.state) if "starts" in files]


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
