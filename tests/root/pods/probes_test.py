# SPDX-License-Identifier: Apache-2.0
"""Startup, liveness and readiness probes: what comes of their results, and when they are asked."""
import os
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from mete_agent import Agent, run_tests, stays, wait_for  # noqa: E402
from pods import container, delete, launch, pod, wait_restarted, wait_running  # noqa: E402
from probed_pods import FAST, HOST, WAIT, http, is_ready, probed, unhealthy  # noqa: E402
from probed_server import ProbedServer, http_answer  # noqa: E402


def test_a_command_decides():
    with Agent().start() as agent:
        launch(agent, probed("readiness", "exec: {command: [cat, /tmp/ready]}"), "web")
        wait_for("a word of its failure", lambda: unhealthy(agent))
        assert unhealthy(agent)[0].startswith("Readiness probe failed: cat: can't open '/tmp/ready'"), unhealthy(agent)
        assert not is_ready(agent) and agent.mete("ps").stdout.splitlines()[1].split()[2] == "0/1", agent.mete("ps").stdout
        agent.mete("exec", "web", "--", "touch", "/tmp/ready")
        wait_for("it to be ready", lambda: is_ready(agent))
        assert agent.mete("ps").stdout.splitlines()[1].split()[2] == "1/1"
        agent.mete("exec", "web", "--", "rm", "/tmp/ready")
        wait_for("it not to be ready", lambda: not is_ready(agent))
        assert agent.container("web")["restarts"] == 0


def test_ready_in_the_conditions_and_in_the_metrics():
    with Agent().start() as agent:
        launch(agent, probed("readiness", "exec: {command: [cat, /tmp/ready]}"), "web")

        def condition(kind):
            return next(each for each in agent.pod("web")["conditions"] if each["type"] == kind)

        def metric(name, **labels):
            lines = [each for each in agent.get("/metrics?collect[]=kube").splitlines() if each.startswith(name + "{") and 'pod="web"' in each]
            return [each.split()[-1] for each in lines if all('%s="%s"' % label in each for label in labels.items())]
        assert condition("PodScheduled")["status"] == condition("Initialized")["status"] == "True"
        assert condition("Ready")["status"] == "False" and condition("Ready")["reason"] == "ContainersNotReady", condition("Ready")
        assert metric("kube_pod_container_status_ready") == ["0"] and metric("kube_pod_status_ready", condition="false") == ["1"]
        wait_for("failures", lambda: metric("prober_probe_total", probe_type="Readiness", result="failed") not in ([], ["0"]))
        before = condition("Ready")["lastTransitionTime"]
        agent.mete("exec", "web", "--", "touch", "/tmp/ready")
        wait_for("it to be ready", lambda: is_ready(agent))
        after = condition("Ready")
        assert after["status"] == condition("ContainersReady")["status"] == "True" and after["lastTransitionTime"] > before and "reason" not in after, after
        wait_for("it in the metrics", lambda: metric("kube_pod_container_status_ready") == ["1"])
        assert metric("kube_pod_status_ready", condition="true") == ["1"]
        assert metric("container_health_state") == [] and agent.metric("container_health_state", pod="web") == 1
        assert int(metric("prober_probe_duration_seconds_count", probe_type="Readiness")[0]) >= 1


def test_a_liveness_probe_restarts_and_its_grace_is_its_own():
    with Agent().start() as agent:
        # It takes no signal: only the kill at the end of the probe's grace ends it.
        stubborn = "trap '' TERM; touch /tmp/alive; while :; do sleep 0.05; done"
        manifest = probed("liveness", "exec: {command: [cat, /tmp/alive]}", FAST + ", failureThreshold: 2, terminationGracePeriodSeconds: 1", stubborn, grace=600)
        first = launch(agent, manifest, "web")
        stays("it goes on", lambda: agent.container("web")["restarts"] == 0, 2)
        agent.mete("exec", "web", "--", "rm", "/tmp/alive")
        again = wait_restarted(agent, "web")
        assert again["pid"] != first["pid"] and again["last"]["exitCode"] == 137, again
        killing = agent.event("Killing")
        assert killing["message"] == "Container main failed liveness probe, will be restarted", killing
        delete(agent, "web", more=("--grace", "0"))


def test_who_is_not_restarted_ends_with_its_liveness():
    with Agent().start() as agent:
        # It fails once the program takes the signal, and ends with 0 then.
        agent.apply(probed("liveness", "exec: {command: [sh, -c, '! [ -e /tmp/up ]']}", FAST + ", failureThreshold: 1",
                           "trap 'exit 0' TERM; touch /tmp/up; while :; do sleep 0.05; done", restart="Never", grace=60))
        wait_for("its end", lambda: agent.container("web")["state"] == "exited")
        assert agent.event("Killing")["message"] == "Container main failed liveness probe"
        assert agent.pod("web")["phase"] == "Succeeded", agent.pod("web")


def test_the_startup_probe_comes_first():
    with Agent().start() as agent:
        probes = ("startupProbe: {exec: {command: [cat, /tmp/up]}, periodSeconds: 1, failureThreshold: 1000}\n"
                  "livenessProbe: {exec: {command: [sh, -c, 'echo live >> /tmp/asked; true']}, periodSeconds: 1}\n"
                  "readinessProbe: {exec: {command: [sh, -c, 'echo ready >> /tmp/asked; true']}, periodSeconds: 1000}")
        launch(agent, pod("web", WAIT, probes), "web")
        wait_for("startup failures", lambda: any(each.startswith("Startup probe failed") for each in unhealthy(agent)))
        stays("nothing else is asked", lambda: agent.mete("exec", "web", "--", "cat", "/tmp/asked", check=False).returncode == 1, 1.5)
        assert not agent.container("web")["started"]
        agent.mete("exec", "web", "--", "touch", "/tmp/up")
        wait_for("it to be ready", lambda: is_ready(agent))  # long before the readiness probe's period is over
        wait_for("both were asked", lambda: {"live", "ready"} <= set(agent.mete("exec", "web", "--", "cat", "/tmp/asked").stdout.split()))


def test_a_container_that_never_starts_is_ended():
    with Agent().start() as agent:
        agent.apply(probed("startup", "exec: {command: ['false']}", FAST + ", failureThreshold: 2"))
        wait_restarted(agent, "web")
        assert agent.event("Killing")["message"] == "Container main failed startup probe, will be restarted"


def test_what_follows_a_sidecar_waits_for_its_startup_probe():
    with Agent().start() as agent:
        side = "  initContainers:\n" + container("side", WAIT, "restartPolicy: Always\nstartupProbe: {exec: {command: [cat, /tmp/up]}, periodSeconds: 1, failureThreshold: 1000}")
        agent.apply(pod("web", WAIT) .replace("  containers:\n", side + "  containers:\n"))
        wait_running(agent, "web", main="side")
        wait_for("a failure", lambda: unhealthy(agent))
        found = agent.pod("web")
        assert found["phase"] == "Pending" and agent.container("web", "main")["state"] == "waiting", found
        agent.mete("exec", "web", "-c", "side", "--", "touch", "/tmp/up")
        wait_running(agent, "web", main="main")
        wait_for("all to be ready", lambda: is_ready(agent))
        assert agent.mete("ps").stdout.splitlines()[1].split()[2] == "2/2"


def test_a_delay_and_thresholds():
    with Agent().start() as agent:
        server = ProbedServer()
        launch(agent, probed("readiness", http(server), "periodSeconds: 1, initialDelaySeconds: 3, successThreshold: 3, failureThreshold: 2", spec=HOST), "web")
        stays("nothing is asked", lambda: not server.requests, 1.5)
        wait_for("it to be ready", lambda: is_ready(agent))
        assert len(server.requests) >= 3, server.requests
        server.flaps = True  # one failure in two answers: never two in a row
        asked = len(server.requests)
        stays("it is ready", lambda: is_ready(agent), 0.1)
        wait_for("some more answers", lambda: len(server.requests) > asked + 6)
        assert is_ready(agent)


def test_probes_that_hang_do_no_harm():
    with Agent().start() as agent:
        server = ProbedServer()
        server.answer = None
        manifest = pod("web", WAIT, "readinessProbe: {exec: {command: [sh, -c, 'sleep 1000 & sleep 1000']}, periodSeconds: 1}\nlivenessProbe: {%s, periodSeconds: 1, failureThreshold: 1000}"
                       % http(server), HOST)
        launch(agent, manifest, "web")
        wait_for("the command's timeout, told", lambda: any("command timed out" in each for each in unhealthy(agent)))
        wait_for("the request's, too", lambda: any("no answer within 1 s" in each for each in unhealthy(agent)))
        wait_for("more requests", lambda: len(server.requests) > 3)
        assert agent.container("web")["restarts"] == 0
        delete(agent, "web")
        wait_for("nothing of it to be left", lambda: not agent.processes())


def test_an_agent_that_dies_changes_nothing():
    with Agent().start() as agent:
        server = ProbedServer()
        probes = "startupProbe: {%s, periodSeconds: 1}\nreadinessProbe: {%s, periodSeconds: 1}\nlivenessProbe: {%s, periodSeconds: 1}" % ((http(server),) * 3)
        launch(agent, pod("web", WAIT, probes, HOST), "web")
        wait_for("it to be ready", lambda: is_ready(agent))
        before = agent.pod("web")
        agent.kill()
        agent.start()
        after = agent.pod("web")
        assert after["ready"] and after["containers"][0]["started"] and after["containers"][0]["pid"] == before["containers"][0]["pid"], after
        assert after["conditions"] == before["conditions"], after["conditions"]
        asked = len(server.requests)
        wait_for("it to be asked again", lambda: len(server.requests) > asked + 2)
        server.answer = http_answer(500)
        wait_for("the restart of what is not alive", lambda: agent.container("web")["restarts"] >= 1)


def test_what_was_being_ended_is_ended_by_the_next_agent():
    with Agent().start() as agent:
        stubborn = "trap 'echo term > /tmp/told' TERM; touch /tmp/alive; while :; do sleep 0.05; done"
        launch(agent, probed("liveness", "exec: {command: ['false']}", FAST + ", failureThreshold: 1, terminationGracePeriodSeconds: 3", stubborn, grace=600), "web")
        agent.event("Killing")
        agent.kill()
        agent.start()
        wait_restarted(agent, "web")
        delete(agent, "web", more=("--grace", "0"))


if __name__ == "__main__":
    os.environ.pop("http_proxy", None)
    run_tests(sys.modules[__name__])
