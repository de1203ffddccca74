# SPDX-License-Identifier: Apache-2.0
"""The machine was started anew: the state folder is what it was, all processes, cgroups and mounts are gone, and so is the run folder. What
should run runs again, what has ended stays as it ended, and what was stopped stays stopped."""
import os
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from mete_agent import Agent, run_tests, wait_for  # noqa: E402
from reboots import boot_as, power_off  # noqa: E402

MANIFESTS = """
apiVersion: v1
kind: Pod
metadata: {name: serves}
spec:
  initContainers: [{name: before, image: busybox, command: [sh, -c, 'echo before >> /disk/log']}]
  containers:
  - {name: main, image: busybox, command: [sh, -c, 'echo start >> /disk/log; echo start >> /memory/log; echo start >> /claim/log; exec sleep 1000']}
  volumes: [{name: disk, emptyDir: {}}, {name: memory, emptyDir: {medium: Memory}}, {name: claim, persistentVolumeClaim: {claimName: kept}}]
---
apiVersion: v1
kind: Pod
metadata: {name: done}
spec:
  restartPolicy: Never
  containers: [{name: main, image: busybox, command: [echo, once]}]
---
apiVersion: v1
kind: Pod
metadata: {name: cut-short}
spec:
  restartPolicy: Never
  containers: [{name: main, image: busybox, command: [sh, -c, 'echo begun; exec sleep 1000']}]
---
apiVersion: v1
kind: Pod
metadata: {name: tried-again}
spec:
  restartPolicy: OnFailure
  containers: [{name: main, image: busybox, command: [sh, -c, 'echo begun; exec sleep 1000']}]
---
apiVersion: v1
kind: Pod
metadata: {name: stopped}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: main, image: busybox, command: [sleep, "1000"]}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: main, image: busybox, command: [sleep, "1000"]}]}
---
apiVersion: batch/v1
kind: Job
metadata: {name: counted}
spec:
  completions: 2
  parallelism: 1
  backoffLimit: 3
  template:
    spec:
      restartPolicy: Never
      containers: [{name: main, image: busybox, command: [sh, -c, 'echo run >> /claim/runs; test $(wc -l < /claim/runs) -gt 1 || exec sleep 1000'],
                    volumeMounts: [{name: claim, mountPath: /claim}]}]
      volumes: [{name: claim, persistentVolumeClaim: {claimName: counted}}]
""".replace("exec sleep 1000']}\n  volumes:", "exec sleep 1000'],\n     volumeMounts: [{name: disk, mountPath: /disk}, {name: memory, mountPath: /memory}, {name: claim, mountPath: /claim}]}\n  volumes:").replace(
    ">> /disk/log']}]", ">> /disk/log'], volumeMounts: [{name: disk, mountPath: /disk}]}]")


def of_workload(agent, start):
    return [each for each in agent.pods() if each["name"].startswith(start)]


def runs(agent, name):
    return agent.container(name, "main")["state"] == "running"


def test_what_should_run_runs_again():
    with Agent() as agent:
        boot_as(agent, 1)
        agent.apply(MANIFESTS)
        for name in ("serves", "cut-short", "tried-again", "stopped"):
            wait_for(name + " to run", lambda name=name: runs(agent, name))
        wait_for("one to be done", lambda: agent.pod("done")["phase"] == "Succeeded")
        wait_for("the web to be ready", lambda: [each["ready"] for each in of_workload(agent, "web-")] == [True, True])
        wait_for("the job to have begun", lambda: os.path.exists(agent.state + "/claims/default/counted/runs"))
        agent.mete("stop", "stopped")
        wait_for("it to be stopped", lambda: not runs(agent, "stopped"))
        before = {each["name"]: each["uid"] for each in agent.pods()}
        power_off(agent)
        boot_as(agent, 2)
        for name in ("serves", "tried-again"):
            wait_for(name + " to run again", lambda name=name: runs(agent, name))
            assert agent.pod(name)["uid"] == before[name]
        wait_for("the web to be ready again", lambda: [each["ready"] for each in of_workload(agent, "web-")] == [True, True])
        assert {each["name"] for each in of_workload(agent, "web-")} <= set(before), agent.pods()
        # What has ended is not run a second time, whether it ended by itself or with the machine.
        assert agent.pod("done")["phase"] == "Succeeded" and agent.logs("done") == "once\n", agent.pod("done")
        wait_for("what may not be started again to have failed", lambda: agent.pod("cut-short")["phase"] == "Failed")
        assert agent.logs("cut-short") == "begun\n", agent.logs("cut-short")
        assert not runs(agent, "stopped")
        # A disk keeps what is on it; memory does not. The init container runs again, as the Pod begins anew.
        disk = agent.mete("exec", "serves", "-c", "main", "--", "cat", "/disk/log", "/memory/log", "/claim/log").stdout.split()
        assert disk == ["before", "start", "before", "start", "start", "start", "start"], disk
        # The pod that was cut short counts as a failure, and each completion is done once.
        wait_for("the job to be complete", lambda: "True" in agent.mete("get", "job", "counted", "-o", "jsonpath={.status.conditions[?(@.type=='Complete')].status}").stdout)
        with open(agent.state + "/claims/default/counted/runs") as file:
            assert file.read().count("run") == 3
        agent.mete("start", "stopped")
        wait_for("it to run", lambda: runs(agent, "stopped"))


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
