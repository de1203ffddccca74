# SPDX-License-Identifier: Apache-2.0
"""preStop hooks: before the stop signal, within the grace period, at a pod's deletion, its stop and a restart by policy."""
import json
import os
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from mete_agent import Agent, run_tests, wait_for  # noqa: E402

POD = """
apiVersion: v1
kind: Pod
metadata: {name: hooked, labels: {app: hooked}}
spec:
  terminationGracePeriodSeconds: %(grace)d
  restartPolicy: %(restart)s
  volumes: [{name: out, hostPath: {path: %(out)s}}]
  containers:
  - name: main
    image: busybox
    command: [sh, -c, "trap 'echo term >> /out/log; exit 0' TERM; echo start >> /out/log; while :; do sleep 0.02; done"]
    volumeMounts: [{name: out, mountPath: /out}]
    lifecycle: {preStop: %(hook)s}
    resources: {limits: {memory: 64Mi}}
"""

POLICY = """---
apiVersion: mete/v1
kind: Policy
metadata: {name: hooked}
spec:
  selector: {matchLabels: {app: hooked}}
  memory: {at: [{usage: 50%, do: restart}]}
"""


def pod(agent, hook, grace=10, restart="Always"):
    os.makedirs(agent.work + "/out", exist_ok=True)
    return POD % {"grace": grace, "hook": json.dumps(hook), "out": agent.work + "/out", "restart": restart}


def log(agent):
    try:
        return open(agent.work + "/out/log").read().split()
    except FileNotFoundError:
        return []


def running(agent, manifest):
    agent.apply(manifest)
    wait_for("it to run", lambda: agent.container("hooked")["state"] == "running" and log(agent))


def deleted(agent, *more):
    begin = time.monotonic()
    agent.mete("delete", "hooked", *more)
    wait_for("the pod to be gone", lambda: agent.pod("hooked") is None, 30)
    return time.monotonic() - begin


def test_a_command_runs_before_the_stop_signal():
    with Agent().start() as agent:
        running(agent, pod(agent, {"exec": {"command": ["sh", "-c", "sleep 0.5; echo hook >> /out/log"]}}))
        took = deleted(agent)
        assert log(agent) == ["start", "hook", "term"], log(agent)
        assert 0.5 <= took < 5, took
        assert not agent.events("FailedPreStopHook"), agent.events("FailedPreStopHook")


def test_a_pause():
    with Agent().start() as agent:
        running(agent, pod(agent, {"sleep": {"seconds": 1}}))
        took = deleted(agent)
        assert log(agent) == ["start", "term"] and 1 <= took < 5, (log(agent), took)


def test_no_grace_means_no_hook():
    with Agent().start() as agent:
        running(agent, pod(agent, {"exec": {"command": ["sh", "-c", "echo hook >> /out/log"]}}))
        deleted(agent, "--grace", "0")
        assert "hook" not in log(agent), log(agent)


def test_a_hook_that_fails_or_is_not_there_is_told():
    for command, why in ((["sh", "-c", "exit 3"], "exit code 3"), (["/no/such/thing"], "exit code 127")):
        with Agent().start() as agent:
            running(agent, pod(agent, {"exec": {"command": command}}))
            took = deleted(agent)
            told = agent.events("FailedPreStopHook")
            assert len(told) == 1 and why in told[0]["message"], told
            assert log(agent) == ["start", "term"] and took < 5, (log(agent), took)


def test_a_hook_that_hangs_ends_with_the_grace_period():
    for hook in ({"exec": {"command": ["sh", "-c", "sleep 100 & sleep 100"]}}, {"sleep": {"seconds": 100}}):
        with Agent().start() as agent:
            running(agent, pod(agent, hook, grace=2))
            took = deleted(agent)
            assert 1.9 <= took < 5, took
            assert "longer than the grace period" in agent.events("FailedPreStopHook")[0]["message"], agent.events("FailedPreStopHook")
            assert not agent.processes(), agent.processes()


def test_a_second_delete_shortens_it():
    with Agent().start() as agent:
        running(agent, pod(agent, {"sleep": {"seconds": 100}}, grace=200))
        agent.mete("delete", "hooked", "--wait=false", check=False)
        time.sleep(0.3)
        assert deleted(agent, "--grace", "1") < 5


def test_stop_and_start_run_it_once_each_time():
    with Agent().start() as agent:
        running(agent, pod(agent, {"exec": {"command": ["sh", "-c", "echo hook >> /out/log"]}}))
        agent.mete("stop", "hooked")
        wait_for("the stop", lambda: agent.container("hooked")["state"] == "exited")
        agent.mete("start", "hooked")
        wait_for("the start", lambda: log(agent).count("start") == 2)
        deleted(agent)
        assert log(agent) == ["start", "hook", "term"] * 2, log(agent)


def test_a_restart_by_policy_is_as_graceful():
    with Agent().start() as agent:
        running(agent, pod(agent, {"exec": {"command": ["sh", "-c", "echo hook >> /out/log"]}}, restart="Never") + POLICY)
        agent.mete("exec", "hooked", "--", "sh", "-c", "dd if=/dev/zero of=/dev/null bs=45M count=1 2>/dev/null")
        wait_for("the restart", lambda: agent.container("hooked")["restarts"] == 1 and agent.container("hooked")["state"] == "running")
        wait_for("its word", lambda: len(log(agent)) == 4)
        assert log(agent) == ["start", "hook", "term", "start"], log(agent)


def test_the_next_agent_runs_it_for_a_pod_whose_manifest_is_gone():
    with Agent().start() as agent:
        running(agent, pod(agent, {"exec": {"command": ["sh", "-c", "echo hook >> /out/log"]}}))
        agent.kill()
        os.remove(agent.state + "/applied/Pod.default.hooked.yaml")
        agent.start()
        wait_for("the pod to be gone", lambda: agent.pod("hooked") is None)
        assert log(agent) == ["start", "hook", "term"], log(agent)


def test_a_restart_that_the_agent_did_not_see_to_its_end_is_gone_on_with():
    with Agent().start() as agent:
        running(agent, pod(agent, {"sleep": {"seconds": 2}}, restart="Never") + POLICY)
        agent.mete("exec", "hooked", "--", "sh", "-c", "dd if=/dev/zero of=/dev/null bs=45M count=1 2>/dev/null")
        wait_for("the restart to begin", lambda: agent.events("PolicyRestart"))
        agent.kill()
        agent.start()
        wait_for("the restart", lambda: agent.container("hooked")["restarts"] == 1 and agent.container("hooked")["state"] == "running", 20)
        assert agent.container("hooked")["last"]["reason"] == "PolicyRestarted", agent.container("hooked")


def test_what_cannot_be_understood_is_refused():
    with Agent().start() as agent:
        for hook, expected in (({"exec": {}}, "command"), ({"exec": {"command": ["a"]}, "sleep": {"seconds": 1}}, "one of exec"), ({}, "one of exec"), ({"sleep": {"seconds": -1}}, "seconds")):
            done = agent.mete("apply", "-f", "-", text=pod(agent, hook), check=False)
            assert done.returncode != 0 and expected in done.stderr, (hook, done)
        assert agent.pods() == []


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
