# SPDX-License-Identifier: Apache-2.0
"""postStart hooks, stop signals, restart policies of a container's own, and the deadline of a pod."""
import json
import os
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from mete_agent import Agent, run_tests, stays, wait_for  # noqa: E402
from pods import container, delete, launch, pod, wait_exited, wait_running  # noqa: E402
from probed_server import ProbedServer, http_answer  # noqa: E402

WAIT = "trap 'exit 0' TERM; while :; do sleep 0.05; done"


def hooked(hook, lines="", **others):
    return pod("web", WAIT, "lifecycle: {postStart: %s}\n%s" % (json.dumps(hook), lines), **others)


def command(script):
    return {"exec": {"command": ["sh", "-c", script]}}


def until(path):
    return command("while ! [ -e %s ]; do sleep 0.05; done" % path)


def is_ready(agent):
    return agent.pod("web")["ready"]


def test_until_the_hook_has_ended_it_is_neither_ready_nor_asked():
    with Agent().start() as agent:
        probes = "livenessProbe: {exec: {command: [touch, /tmp/asked]}, periodSeconds: 1}\n"
        launch(agent, hooked(until("/tmp/go"), probes), "web")
        stays("it is not ready", lambda: not is_ready(agent) and not agent.container("web")["started"], 1.5)
        assert agent.mete("exec", "web", "--", "ls", "/tmp/asked", check=False).returncode != 0
        agent.mete("exec", "web", "--", "touch", "/tmp/go")
        wait_for("it to be ready", lambda: is_ready(agent))
        wait_for("it to be asked", lambda: agent.mete("exec", "web", "--", "ls", "/tmp/asked", check=False).returncode == 0)


def test_containers_after_it_wait():
    with Agent().start() as agent:
        agent.apply(hooked(until("/tmp/go"), more=container("second", WAIT)))
        wait_running(agent, "web", main="main")
        stays("the second waits", lambda: agent.container("web", "second")["state"] == "waiting", 0.5)
        agent.mete("exec", "web", "-c", "main", "--", "touch", "/tmp/go")
        wait_running(agent, "web", main="second")


def test_requests_connections_and_pauses():
    with Agent().start() as agent:
        server = ProbedServer()
        server.answer = http_answer(500)  # any answer will do
        for hook in ({"httpGet": {"port": server.port, "path": "/begun"}}, {"tcpSocket": {"port": server.port}}, {"sleep": {"seconds": 1}}):
            begin = time.monotonic()
            launch(agent, hooked(hook, spec="hostNetwork: true"), "web")
            wait_for("it to be ready", lambda: is_ready(agent))
            assert time.monotonic() - begin >= hook.get("sleep", {}).get("seconds", 0)
            assert not agent.events("FailedPostStartHook"), agent.events("FailedPostStartHook")
            delete(agent, "web")
        assert server.requests[0].startswith("GET /begun "), server.requests


def test_a_hook_that_fails_ends_the_container():
    with Agent().start() as agent:
        for hook, why in ((command("echo no luck; exit 3"), "no luck"), ({"tcpSocket": {"port": 1}}, "refused")):
            agent.apply(hooked(hook))
            # Each attempt runs for milliseconds.
            wait_for("it to be started again", lambda: (agent.container("web") or {"restarts": 0})["restarts"] >= 1)
            assert any(why in each["message"] for each in agent.events("FailedPostStartHook")), agent.events("FailedPostStartHook")
            delete(agent, "web")


def test_a_hook_that_never_ends_does_not_hold_the_end():
    with Agent().start() as agent:
        launch(agent, hooked(command("sleep 1000 & sleep 1000"), grace=60), "web")
        stays("it is not ready", lambda: not is_ready(agent), 0.5)
        delete(agent, "web")
        wait_for("nothing of it to be left", lambda: not agent.processes())


def test_a_hook_is_run_again_by_the_next_agent():
    with Agent().start() as agent:
        launch(agent, hooked(command("echo hook >> /tmp/log; while ! [ -e /tmp/go ]; do sleep 0.05; done")), "web")
        log = lambda: agent.mete("exec", "web", "--", "cat", "/tmp/log", check=False).stdout.split()  # noqa: E731
        wait_for("the hook", lambda: log() == ["hook"])
        agent.kill()
        agent.start()
        wait_for("the hook again", lambda: log() == ["hook", "hook"])
        assert not is_ready(agent)
        agent.mete("exec", "web", "--", "touch", "/tmp/go")
        wait_for("it to be ready", lambda: is_ready(agent))
        agent.kill()
        agent.start()
        assert is_ready(agent) and log() == ["hook", "hook"], log()


def test_a_stop_signal_of_the_manifest():
    with Agent().start() as agent:
        os.makedirs(agent.work + "/out")
        script = "for s in TERM USR1; do trap \"echo $s > /out/log; exit 0\" $s; done; while :; do sleep 0.05; done"
        launch(agent, pod("web", script, "lifecycle: {stopSignal: SIGUSR1}\nvolumeMounts: [{name: out, mountPath: /out}]",
                          "volumes: [{name: out, hostPath: {path: %s}}]" % (agent.work + "/out"), grace=60), "web")
        delete(agent, "web")
        assert open(agent.work + "/out/log").read() == "USR1\n"


def test_a_preStop_connection():
    with Agent().start() as agent:
        server = ProbedServer()
        launch(agent, pod("web", WAIT, "lifecycle: {preStop: {tcpSocket: {port: %d}}}" % server.port, "hostNetwork: true", grace=60), "web")
        delete(agent, "web")
        assert not agent.events("FailedPreStopHook"), agent.events("FailedPreStopHook")
        server.close()
        launch(agent, pod("web", WAIT, "lifecycle: {preStop: {tcpSocket: {port: %d}}}" % server.port, "hostNetwork: true", grace=60), "web")
        delete(agent, "web")
        assert "refused" in agent.event("FailedPreStopHook")["message"]


def test_policies_of_containers():
    with Agent().start() as agent:
        agent.apply(pod("web", "exit 3", "restartPolicy: Never", restart="Always", more=container("again", "exit 0", "restartPolicy: Always")
                        + container("once", "exit 0", "restartPolicy: OnFailure")))
        wait_for("the one that is started again", lambda: agent.container("web", "again")["restarts"] >= 1)
        assert wait_exited(agent, "web", "main")["restarts"] == 0 and wait_exited(agent, "web", "once")["restarts"] == 0
        delete(agent, "web")
        agent.apply(pod("web", "exit 3", "restartPolicy: Never", restart="Always", more=container("other", "exit 0", "restartPolicy: Never")))
        wait_for("all to have ended", lambda: agent.pod("web")["phase"] == "Failed")


def test_rules_for_exit_codes():
    with Agent().start() as agent:
        rules = "restartPolicy: Never\nrestartPolicyRules: [{action: Restart, exitCodes: {operator: In, values: [42]}}]"
        os.makedirs(agent.work + "/out")
        script = "echo x >> /out/log; [ $(wc -l < /out/log) = 2 ] && exit 1; exit 42"
        agent.apply(pod("web", script, rules + "\nvolumeMounts: [{name: out, mountPath: /out}]", "volumes: [{name: out, hostPath: {path: %s}}]" % (agent.work + "/out")))
        ended = wait_exited(agent, "web")
        assert ended["restarts"] == 1 and ended["last"]["exitCode"] == 1, ended


def test_a_pod_with_a_deadline_fails():
    with Agent().start() as agent:
        agent.apply(pod("web", WAIT, spec="activeDeadlineSeconds: 2", grace=60, more=container("side", "exit 3")))
        wait_running(agent, "web", main="main")
        wait_for("its end", lambda: agent.pod("web")["phase"] == "Failed")
        found = agent.pod("web")
        assert found["reason"] == "DeadlineExceeded" and found["message"] == "Pod was active on the node longer than the specified deadline", found
        assert {each["state"] for each in found["containers"]} == {"exited"} and agent.mete("ps").stdout.splitlines()[1].split()[3] == "DeadlineExceeded"
        assert agent.event("DeadlineExceeded") and not agent.events("SandboxLost")
        wait_for("nothing of it to run", lambda: not agent.processes())
        assert 'kube_pod_status_reason{namespace="default",pod="web",uid="%s",reason="DeadlineExceeded"} 1' % found["uid"] in agent.get("/metrics?collect[]=kube")
        agent.kill()
        agent.start()
        after = agent.pod("web")
        assert (after["phase"], after["reason"]) == ("Failed", "DeadlineExceeded") and after["conditions"] == found["conditions"], after
        delete(agent, "web")


def test_a_deadline_that_passes_while_no_agent_runs():
    with Agent().start() as agent:
        launch(agent, pod("web", WAIT, spec="activeDeadlineSeconds: 3", grace=60), "web")
        agent.kill()
        time.sleep(3)  # of the deadline, which is the contract
        agent.start()
        wait_for("its end", lambda: agent.pod("web")["phase"] == "Failed")


def test_a_pod_that_is_done_in_time_is_not_touched():
    with Agent().start() as agent:
        agent.apply(pod("web", "exit 0", spec="activeDeadlineSeconds: 1", restart="Never"))
        wait_for("its end", lambda: agent.pod("web")["phase"] == "Succeeded")
        stays("so it stays", lambda: agent.pod("web")["phase"] == "Succeeded", 1.5)


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
