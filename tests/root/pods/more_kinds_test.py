# SPDX-License-Identifier: Apache-2.0
"""ReplicationController, RuntimeClass, and the successPolicy of a Job."""
import json
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from mete_agent import Agent, run_tests, wait_for, with_config  # noqa: E402

CONTROLLER = """apiVersion: v1
kind: ReplicationController
metadata: {name: web}
spec:
  replicas: 2
  selector: {app: web}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: main, image: busybox, command: [sleep, "1000"]}]
"""
CLASS = """apiVersion: node.k8s.io/v1
kind: RuntimeClass
metadata: {name: fast}
handler: mete
"""
POD = """apiVersion: v1
kind: Pod
metadata: {name: classed}
spec:
  restartPolicy: Never
  runtimeClassName: fast
  containers: [{name: main, image: busybox, command: [echo, fast]}]
"""
JOB = """apiVersion: batch/v1
kind: Job
metadata: {name: first}
spec:
  completions: 3
  parallelism: 3
  completionMode: Indexed
  successPolicy: {rules: [{succeededIndexes: "1-2", succeededCount: 1}]}
  template:
    spec:
      restartPolicy: Never
      terminationGracePeriodSeconds: 0
      containers: [{name: main, image: busybox, command: [sh, -c, 'test $JOB_COMPLETION_INDEX = 2 || exec sleep 1000']}]
"""


def ready(agent):
    return sorted(each["name"] for each in agent.pods() if each["ready"])


def test_a_replication_controller_keeps_its_pods():
    with Agent() as agent:
        agent.start(*with_config(agent, "export: {kube: true}\n"))
        agent.apply(CONTROLLER)
        wait_for("two pods", lambda: len(ready(agent)) == 2)
        before = ready(agent)
        agent.mete("delete", "pod/" + before[0])
        wait_for("another in its place", lambda: len(ready(agent)) == 2 and before[0] not in ready(agent))
        assert before[1] in ready(agent)
        agent.mete("scale", "rc/web", "--replicas", "3")
        wait_for("three pods", lambda: len(ready(agent)) == 3)
        found = json.loads(agent.mete("get", "rc", "web", "-o", "json").stdout)
        assert (found["apiVersion"], found["kind"], found["status"]["readyReplicas"]) == ("v1", "ReplicationController", 3), found
        pod = json.loads(agent.mete("get", "pod", before[1], "-o", "json").stdout)
        owner = pod["metadata"]["ownerReferences"][0]
        assert (owner["apiVersion"], owner["kind"], owner["name"]) == ("v1", "ReplicationController", "web"), owner
        wait_for("the metrics", lambda: agent.metric("kube_replicationcontroller_status_ready_replicas", replicationcontroller="web") == 3)
        agent.mete("delete", "rc/web")
        wait_for("nothing to be left", lambda: agent.pods() == [])


def test_a_runtime_class_is_a_name_for_mete():
    with Agent() as agent:
        agent.start()
        refused = agent.mete("apply", "-f", "-", text=POD, check=False)
        assert refused.returncode != 0 and "a RuntimeClass" in refused.stderr, refused.stderr
        agent.apply(CLASS + "---\n" + POD)
        wait_for("it to end", lambda: agent.pod("classed")["phase"] == "Succeeded")
        # tests/peers/runtime_class_test.py has other handlers.
        other = agent.mete("apply", "-f", "-", text=CLASS.replace("handler: mete", "handler: Run_C"), check=False)
        assert other.returncode != 0 and "lower case letters" in other.stderr, other.stderr


def test_a_success_policy_ends_a_job_early():
    with Agent() as agent:
        agent.start()
        agent.apply(JOB)
        wait_for("it to be complete", lambda: "completionTime" in agent.mete("get", "job", "first", "-o", "json").stdout)
        status = json.loads(agent.mete("get", "job", "first", "-o", "json").stdout)["status"]
        assert [(each["type"], each["reason"]) for each in status["conditions"]] == [("SuccessCriteriaMet", "SuccessPolicy"), ("Complete", "SuccessPolicy")], status
        assert status["completedIndexes"] == "2" and status.get("failed", 0) == 0, status
        wait_for("the others to be ended", lambda: len(agent.pods()) == 1)


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
