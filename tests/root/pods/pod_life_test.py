# SPDX-License-Identifier: Apache-2.0
"""How the containers of a Pod start, end and are started again."""
import glob
import os
import signal
import socket
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from mete_agent import Agent, run_tests, stays, wait_for, write  # noqa: E402
from pods import container, delete, is_running, job, launch, output, pod, wait_exited, wait_restarted, wait_running  # noqa: E402


def test_init_containers_run_in_order_and_must_succeed():
    with Agent().start() as agent:
        inits = "initContainers:\n" + "".join(
            "- {name: i%d, image: busybox, command: [sh, -c, 'sleep 0.%d; echo i%d >> /m/order'], volumeMounts: [{name: m, mountPath: /m}]}\n" % (i, 3 - i, i) for i in range(3))
        volumes = "volumes: [{name: m, emptyDir: {}}]"
        assert output(agent, "cat /m/order", "volumeMounts: [{name: m, mountPath: /m}]", inits + volumes) == "i0\ni1\ni2\n"
        failing = "initContainers: [{name: bad, image: busybox, command: [sh, -c, 'exit 4']}]"
        agent.apply(job("p", "echo never", spec=failing))
        wait_for("the pod to fail", lambda: agent.pod("p")["phase"] == "Failed")
        main = agent.container("p", "main")
        assert not main.get("last") and agent.container("p", "bad")["last"]["exitCode"] == 4, agent.pod("p")


SIDECAR = ("- {name: %s, image: busybox, restartPolicy: Always, command: [sh, -c, \"trap 'sleep 0.2; echo end %s >> /m/order; exit 0' TERM; echo %s >> /m/order; "
           "while :; do usleep 10000; done\"], volumeMounts: [{name: m, mountPath: /m}]}\n")


def test_sidecars_run_beside_the_others_and_end_last():
    with Agent().start() as agent:
        host = agent.work + "/host"
        os.mkdir(host)
        order = lambda: open(host + "/order").read().split("\n")[:-1]  # noqa: E731
        volume = "volumes: [{name: m, hostPath: {path: %s}}]" % host
        mount = "volumeMounts: [{name: m, mountPath: /m}]"
        inits = ("initContainers:\n" + SIDECAR % (("one",) * 3) + "- {name: init, image: busybox, command: [sh, -c, 'echo init >> /m/order'], volumeMounts: [{name: m, mountPath: /m}]}\n" +
                 SIDECAR % (("two",) * 3))
        manifest = job("p", "echo main >> /m/order; while [ ! -e /m/stop ]; do usleep 10000; done; echo end main >> /m/order", mount, inits + volume, grace=60)
        agent.apply(manifest)
        wait_for("all to run", lambda: is_running(agent, "p") and len(order()) == 4)
        assert order()[:3] == ["one", "init", "two"] or order()[:3] == ["one", "init", "main"], order()
        # One that dies is started again, though the pod's restartPolicy is Never.
        os.kill(agent.container("p", "one")["pid"], signal.SIGKILL)
        wait_restarted(agent, "p", main="one")
        assert agent.pod("p")["phase"] == "Running" and agent.container("p", "main")["restarts"] == 0
        # The agent's death and birth change nothing.
        agent.kill()
        agent.start()
        wait_for("all to run again", lambda: is_running(agent, "p") and agent.container("p", "two")["state"] == "running")
        wait_for("its word", lambda: order().count("one") == 2)
        # It completes though they would go on for ever: told one after the other, in reverse.
        write(host + "/stop", "")
        wait_for("the pod's end", lambda: agent.pod("p")["phase"] == "Succeeded")
        assert order()[-3:] == ["end main", "end two", "end one"], order()
        delete(agent, "p")
        # Deleted: the containers first, then the sidecars in reverse.
        os.unlink(host + "/stop")
        os.unlink(host + "/order")
        agent.apply(manifest.replace("echo main", "trap 'sleep 0.2; echo end main >> /m/order; exit 0' TERM; echo main"))
        wait_for("all to run", lambda: is_running(agent, "p") and len(order()) == 4)
        delete(agent, "p")
        assert order()[-3:] == ["end main", "end two", "end one"], order()
        assert not agent.pod_cgroups()
        wait_for("init to have reaped what it had", lambda: not agent.processes())


def test_a_sidecar_that_does_not_end_is_killed_after_the_grace():
    with Agent().start() as agent:
        deaf = "initContainers: [{name: deaf, image: busybox, restartPolicy: Always, command: [sh, -c, 'trap true TERM; while :; do sleep 1; done']}]\n"
        agent.apply(job("p", "sleep 0.3", spec=deaf, grace=1))
        wait_for("the pod's end", lambda: agent.pod("p")["phase"] == "Succeeded")
        assert agent.container("p", "deaf")["last"]["signal"] == 9, agent.container("p", "deaf")


def test_what_a_container_leaves_in_a_shared_pid_namespace_ends_with_it():
    with Agent().start() as agent:
        # It keeps the log open and writes all the time, so nothing but a kill ends it.
        agent.apply(job("p", "(while :; do echo left; usleep 10000; done) & sleep 0.3; exit 5", spec="shareProcessNamespace: true"))
        ended = wait_exited(agent, "p")
        assert ended["last"]["exitCode"] == 5, ended
        wait_for("the rest to be gone", lambda: not any("usleep" in command or "left" in command for _, command in agent.processes()))


def test_restart_policies():
    with Agent().start() as agent:
        for policy, code, phase, restarts in (("Never", 0, "Succeeded", 0), ("Never", 3, "Failed", 0), ("OnFailure", 0, "Succeeded", 0), ("OnFailure", 3, "Running", 1), ("Always", 0, "Running", 1)):
            agent.apply(pod("p", "sleep 0.1; exit %d" % code, restart=policy))
            if restarts == 0:
                wait_for("%s %d: %s" % (policy, code, phase), lambda: agent.pod("p")["phase"] == phase)
                stays("%s %d: no restart" % (policy, code), lambda: agent.container("p")["state"] == "exited" and agent.container("p")["restarts"] == 0, 0.5)
            else:  # the first restart comes at once, each that follows after a longer pause
                wait_for("%s %d: the pause" % (policy, code), lambda: agent.container("p")["reason"] == "CrashLoopBackOff" and agent.container("p")["restarts"] >= 1)
            before, counted, after = agent.container("p"), agent.metric("mete_container_restarts_total", pod="p"), agent.container("p")
            assert before["last"]["exitCode"] == code and agent.pod("p")["phase"] == phase, (policy, code, before)
            assert before["restarts"] <= counted <= after["restarts"] and (restarts == 0) == (counted == 0), (before, counted, after)
            delete(agent, "p")


def test_first_term_then_kill_after_the_grace_period():
    with Agent().start() as agent:
        told = "trap 'echo got it; exit 0' TERM; echo up; while :; do usleep 20000; done"
        deaf = "trap '' TERM; echo up; while :; do sleep 1; done"
        for script, grace, killed in ((told, 50, False), (deaf, 2, True), ("echo up; exec sleep 1000", 1, True)):  # as process 1, who has no handler is not hit by TERM
            launch(agent, job("p", script, grace=grace), "p")
            wait_for("it to be up", lambda: "up" in agent.logs("p"))
            begin = time.monotonic()
            agent.mete("stop", "p")
            wait_exited(agent, "p")
            took = time.monotonic() - begin
            assert took >= grace - 0.2 if killed else took < grace, (script, took)
            if killed:
                assert agent.container("p")["last"]["exitCode"] == 137, agent.container("p")
            else:
                assert agent.logs("p") == "up\ngot it\n" and agent.container("p")["last"]["exitCode"] == 0, agent.container("p")
            delete(agent, "p")


def post(agent, target, body=""):
    """Without a process of its own, so that moments can be hit."""
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(agent.run + "/mete.sock")
        peer.sendall(("POST %s HTTP/1.1\r\nHost: mete\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (target, len(body), body)).encode())
        answer = b""
        while part := peer.recv(65536):
            answer += part
    assert answer.startswith(b"HTTP/1.1 200"), answer


def test_pods_deleted_while_they_start_are_gone_too():
    # Whatever moment of the start the kill falls into. `sleep`, as process 1 without a handler, does not end by TERM.
    with Agent().start() as agent:
        for index in range(150):
            post(agent, "/mete/v1/apply", pod("p%d" % index, restart="Never"))
            time.sleep(0.0002 * (index % 75))
            post(agent, "/mete/v1/delete?grace=0&pod=default/p%d" % index)
        why = lambda: [(each["name"], each["phase"], [c["state"] for c in each["containers"]]) for each in agent.pods()]  # noqa: E731
        try:
            wait_for("all to be gone", lambda: not agent.pods())
        except AssertionError:
            raise AssertionError("still there: %s" % why())


def test_a_sandbox_that_nobody_knows_of_goes_with_its_pod():
    with Agent().start() as agent:
        launch(agent, pod("p", more=container("side")), "p")
        sandboxes = lambda: sum((open(each + "/cgroup.procs").read().split() for each in set(agent.cgroups()) if each.endswith("/_sandbox") and "/memory/" in each), [])  # noqa: E731
        [first] = sandboxes() or [None]
        if first is None:
            return  # memory is on v2 here
        # Its successor cannot be written down.
        [folder] = glob.glob(agent.state + "/pods/*/sandbox")
        os.mkdir(folder + "/started.tmp")
        os.kill(int(first), signal.SIGKILL)
        wait_for("an event", lambda: agent.events("SandboxFailed"))
        wait_for("none to be left", lambda: not sandboxes())
        os.rmdir(folder + "/started.tmp")
        delete(agent, "p")
        assert agent.pod_cgroups() == []


def test_stop_start_and_kill():
    with Agent().start() as agent:
        first = launch(agent, pod("p", "trap 'echo hup' HUP; echo ready; while :; do usleep 20000; done"), "p")["pid"]
        wait_for("its trap", lambda: agent.logs("p") == "ready\n")
        agent.mete("kill", "p", "-s", "HUP")
        wait_for("the signal", lambda: agent.logs("p") == "ready\nhup\n")
        assert agent.container("p")["pid"] == first
        agent.mete("stop", "p")
        wait_exited(agent, "p")
        stays("stopped", lambda: agent.container("p")["state"] == "exited" and agent.pod("p")["phase"] == "Stopped", 0.5)
        assert agent.pod_cgroups() == [], agent.pod_cgroups()
        agent.kill()
        agent.start()
        stays("stopped over the agent's death", lambda: agent.container("p")["state"] == "exited", 0.3)
        done = agent.mete("kill", "p", check=False)
        assert done.returncode == 1 and "running" in done.stderr, done
        agent.mete("start", "p")
        second = wait_running(agent, "p")["pid"]
        assert second != first
        agent.mete("kill", "p")
        wait_for("its restart", lambda: agent.container("p").get("pid", second) != second)
        assert agent.container("p")["last"]["exitCode"] == 137 and agent.container("p")["last"]["signal"] == 9, agent.container("p")


def test_a_stop_while_a_pod_is_replaced_holds_for_its_successor():
    ignoring = "trap '' TERM; echo up; while :; do usleep 20000; done"
    with Agent().start() as agent:
        for dies in (False, True):
            old = launch(agent, pod("p", ignoring, grace=2), "p")["pid"]
            wait_for("its trap", lambda: agent.logs("p") == "up\n")
            agent.apply(pod("p", "sleep 1000", grace=2))
            wait_for("its end to begin", lambda: agent.pod("p")["phase"] == "Terminating")
            if dies:
                post(agent, "/mete/v1/pods/default/p/stop")
                agent.kill()
                agent.start()
                wait_for("the old one's end", lambda: agent.pod("p")["phase"] != "Terminating")
            else:
                agent.mete("stop", "p")  # ends, and not at the end of the new one's thousand seconds
            wait_for("the successor", lambda: agent.pods() and agent.pod("p")["phase"] == "Stopped")
            stays("stopped", lambda: agent.container("p")["state"] == "exited", 0.5)
            agent.mete("start", "p")
            assert wait_running(agent, "p")["pid"] != old
            delete(agent, "p")


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
