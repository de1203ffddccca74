# SPDX-License-Identifier: Apache-2.0
"""When a Pod begins, and begins anew: scheduling gates, and a rule that restarts all containers, also while the agent is killed."""
import json
import os
import sys


sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from mete_agent import Agent, run_tests, wait_for  # noqa: E402
from pods import container, delete, documents, indented, is_running, pod, wait_exited, wait_running  # noqa: E402

GATES = "schedulingGates: [{name: quota}, {name: example.org/ready}]\n"
RULE = "restartPolicy: Never\nrestartPolicyRules: [{action: RestartAllContainers, exitCodes: {operator: In, values: [88]}}]"


def condition(agent, name, kind):
    found = json.loads(agent.mete("get", "pod", name, "-o", "json").stdout)
    return next((each for each in found["status"]["conditions"] if each["type"] == kind), None)


def made_of(agent, name):
    """What a pod of which something was made has: cgroups, files of volumes, processes."""
    uid = agent.pod(name)["uid"]
    return [each for each in agent.pod_cgroups() if "/default_%s" % name in each] + os.listdir("%s/pods/%s" % (agent.state, uid))


def test_a_pod_waits_behind_its_gates():
    with Agent().start() as agent:
        gated = pod("p", "echo begun; sleep 1000", "", GATES + "activeDeadlineSeconds: 300\nvolumes: [{name: v, emptyDir: {}}]\n")
        assert "waits until it has no scheduling gate" in agent.apply(documents(gated, pod("q"))).stdout
        wait_running(agent, "q")
        found = agent.pod("p")
        assert found["phase"] == "Pending" and made_of(agent, "p") == ["record.json"], (found, made_of(agent, "p"))
        waits = condition(agent, "p", "PodScheduled")
        assert (waits["status"], waits["reason"]) == ("False", "SchedulingGated"), waits
        assert condition(agent, "p", "Ready") is None
        assert "SchedulingGated" in agent.mete("get", "pods").stdout
        agent.apply(gated.replace("{name: quota}, ", ""))  # one is left
        agent.kill()
        agent.start()
        assert made_of(agent, "p") == ["record.json"] and agent.pod("p")["phase"] == "Pending"
        done = agent.apply(gated.replace(indented(GATES, 2), ""))
        assert "begins, as it has no scheduling gate any more" in done.stdout, done
        wait_running(agent, "p")
        assert agent.pod("p")["uid"] == found["uid"], "it is the same pod"
        assert agent.logs("p") == "begun\n"
        assert condition(agent, "p", "PodScheduled")["status"] == "True"
        # One that comes later is for the next pod.
        assert "is replaced by a new one" in agent.apply(gated).stdout
        wait_for("another pod to wait", lambda: agent.pod("p") and agent.pod("p")["uid"] != found["uid"])
        assert agent.pod("p")["phase"] == "Pending" and made_of(agent, "p") == ["record.json"]
        delete(agent, "p", more=("--grace", "0"))


BEGIN = "while [ $(grep -c side /v/log) -le $(grep -c main /v/log) ]; do sleep 0.05; done; echo main >> /v/log; "


def restarting(script):
    """The main container begins after the others and does as the script says; a sidecar runs until it is killed."""
    first = "initContainers:\n" + container("first", "echo first >> /v/log", "volumeMounts: [{name: v, mountPath: /v}]")
    first += container("side", "echo side >> /v/log; trap 'echo told >> /v/log' TERM; while :; do sleep 0.1; done",
                       "restartPolicy: Always\nlifecycle: {preStop: {exec: {command: [sh, -c, 'echo hook >> /v/log']}}}\nvolumeMounts: [{name: v, mountPath: /v}]")
    return pod("p", script, RULE + "\nvolumeMounts: [{name: v, mountPath: /v}]", first + "volumes: [{name: v, emptyDir: {}}]\n", grace=1000,
               restart="Never")


def test_a_rule_restarts_all_containers():
    with Agent().start() as agent:
        agent.apply(restarting(BEGIN + "[ $(grep -c main /v/log) = 3 ] && exec cat /v/log; sleep 0.3; exit 88"))
        uid = agent.pod("p")["uid"]
        wait_exited(agent, "p", "main")
        found = {each["name"]: each for each in agent.pod("p")["containers"]}
        # In order each time; nobody was asked to end, and the volume stayed. The second time there was a back-off.
        assert agent.logs("p") == "first\nside\nmain\n" * 3, agent.logs("p")
        assert [found[each]["restarts"] for each in ("first", "side", "main")] == [2, 2, 2], found
        assert agent.pod("p")["uid"] == uid
        shown = condition(agent, "p", "AllContainersRestarting")
        assert shown["status"] == "False", shown
        assert sum("begin anew" in each["message"] for each in agent.events()) == 2
        delete(agent, "p", more=("--grace", "0"))


def test_an_agent_that_is_killed_meanwhile_goes_on():
    with Agent().start() as agent:
        agent.apply(restarting(BEGIN + "[ $(grep -c main /v/log) = 2 ] && exec sleep 1000; while [ ! -e /v/go ]; do sleep 0.02; done; exit 88"))
        wait_running(agent, "p")
        uid = agent.pod("p")["uid"]
        volume = "%s/pods/%s/volumes/v" % (agent.state, uid)
        agent.kill()
        open(volume + "/go", "w").close()  # it ends, and its sidecar goes on: the next agent kills that
        agent.start()
        wait_for("main to run again", lambda: open(volume + "/log").read().count("main") == 2 and is_running(agent, "p", "main"))
        assert open(volume + "/log").read() == "first\nside\nmain\n" * 2, open(volume + "/log").read()
        assert agent.pod("p")["uid"] == uid
        delete(agent, "p", more=("--grace", "0"))


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
