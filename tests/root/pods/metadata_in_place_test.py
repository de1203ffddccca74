# SPDX-License-Identifier: Apache-2.0
"""Labels and annotations of a pod change while it runs, as on a cluster; those by which mete makes it make another one."""
import json
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from mete_agent import Agent, run_tests, wait_for, write  # noqa: E402
from pods import documents, launch, pod, policy_for  # noqa: E402
from workloads import deployment, get, pods_of, wait_rolled_out  # noqa: E402

SEES = """env: [{name: TEAM, valueFrom: {fieldRef: {fieldPath: "metadata.annotations['team']"}}}]
volumeMounts: [{name: v, mountPath: /v}]"""
VOLUME = """volumes:
- name: v
  downwardAPI: {items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}, {path: team, fieldRef: {fieldPath: "metadata.annotations['team']"}}]}"""


def one(team, labels="", more=""):
    return pod("p", lines=SEES, spec=VOLUME, metadata=", annotations: {team: %s%s}" % (team, more), labels=labels)


def inside(agent, command):
    return agent.mete("exec", "p", "--", "sh", "-c", command).stdout


def metadata(agent):
    return get(agent, "pod", "p")[0]["metadata"]


def test_words_change_in_place():
    with Agent().start() as agent:
        pid = launch(agent, one("red"), "p")["pid"]
        created = metadata(agent)["creationTimestamp"]
        done = agent.apply(one("blue", ", tier: back"))
        assert done.stdout == ("Pod default/p configured\n  Pod default/p: the files of volume v are exchanged; the environment of container main changes "
                               "when it starts again; its labels or annotations change in place\n"), done
        wait_for("the file", lambda: inside(agent, "cat /v/team") == "blue")
        assert inside(agent, "cat /v/labels") == 'app="p"\ntier="back"', inside(agent, "cat /v/labels")
        assert inside(agent, "tr '\\0' '\\n' < /proc/1/environ | grep TEAM") == "TEAM=red\n", "an environment stays"
        now = metadata(agent)
        assert now["annotations"] == {"team": "blue"} and now["labels"] == {"app": "p", "tier": "back"} and now["creationTimestamp"] == created, now
        # An annotation that nobody reads, and then none.
        agent.apply(one("blue", ", tier: back", ", example.com/seen: twice"))
        wait_for("the annotation", lambda: metadata(agent)["annotations"].get("example.com/seen") == "twice")
        assert agent.container("p")["pid"] == pid and agent.container("p")["restarts"] == 0
        # The next agent knows it as the same pod, also when it changes while no agent runs.
        agent.kill()
        write(agent.state + "/applied/Pod.default.p.yaml", one("green"))
        agent.start()
        wait_for("the file", lambda: inside(agent, "cat /v/team") == "green")
        assert agent.container("p")["pid"] == pid and metadata(agent)["labels"] == {"app": "p"}


def test_a_record_of_an_agent_before_names_the_same_pod():
    """Its hash is of the labels and annotations, too. This is what the agent of 0.1.0 and those after it wrote for this manifest."""
    with Agent().start() as agent:
        manifest = pod("p", metadata=", annotations: {team: red}")
        pid = launch(agent, manifest, "p")["pid"]
        path = "%s/pods/%s/record.json" % (agent.state, metadata(agent)["uid"])
        agent.kill()
        with open(path) as file:
            record = json.load(file)
        before = record["hash"]
        record["hash"] = "4d0f0b04d90e4a40"
        write(path, json.dumps(record))
        agent.start()
        wait_for("it to be taken over", lambda: agent.container("p") and agent.container("p")["state"] == "running")
        assert agent.container("p")["pid"] == pid
        agent.apply(manifest.replace("red", "blue"))
        wait_for("the annotation", lambda: metadata(agent)["annotations"] == {"team": "blue"})
        with open(path) as file:
            assert json.load(file)["hash"] == before and agent.container("p")["pid"] == pid


def test_what_mete_acts_on_makes_another_pod():
    with Agent().start() as agent:
        pid = launch(agent, one("red"), "p")["pid"]
        done = agent.apply(one("red", more=', mete/init: "true"'))
        assert done.stdout == "Pod default/p configured\n  Pod default/p: is replaced by a new one\n", done
        wait_for("another one", lambda: (agent.container("p") or {}).get("pid") not in (None, pid))


def test_a_policy_follows_the_labels():
    with Agent().start() as agent:
        policy = policy_for("{matchLabels: {tier: back}}", "  pids: {max: 33}", "back")
        pid = launch(agent, documents(one("red"), policy), "p")["pid"]
        assert "policy" not in agent.pod("p"), agent.pod("p")
        agent.apply(one("red", ", tier: back"))
        wait_for("the policy", lambda: agent.events("PolicyChanged"))
        assert agent.container("p")["pid"] == pid


def test_an_annotation_of_a_template_makes_a_new_revision():
    with Agent().start() as agent:
        agent.apply(deployment(replicas=1))
        wait_rolled_out(agent, "deploy/web")
        before = pods_of(agent, "web")
        agent.apply(deployment(replicas=1).replace("metadata: {labels: {app: web}}", "metadata: {labels: {app: web}, annotations: {a: b}}"))
        wait_rolled_out(agent, "deploy/web")
        wait_for("another pod", lambda: pods_of(agent, "web") and not set(pods_of(agent, "web")) & set(before))
        assert len(get(agent, "rs")) == 2
        # An annotation of the Deployment itself makes none.
        pods = pods_of(agent, "web")
        text = deployment(replicas=1, metadata=", annotations: {c: d}")
        agent.apply(text.replace("metadata: {labels: {app: web}}", "metadata: {labels: {app: web}, annotations: {a: b}}"))
        wait_for("the annotation", lambda: get(agent, "deploy")[0]["metadata"].get("annotations", {}).get("c") == "d")
        assert pods_of(agent, "web") == pods


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
