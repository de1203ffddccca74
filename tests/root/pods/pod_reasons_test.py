# SPDX-License-Identifier: Apache-2.0
"""Why a container ended or waits: one reason, in `ps`, in the record and in the metrics."""
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from mete_agent import Agent, run_tests, wait_for  # noqa: E402
from pods import delete, job, pod, wait_exited  # noqa: E402

HOG = "dd if=/dev/zero of=/dev/null bs=200M count=1"
LIMIT = "resources: {limits: {memory: 32Mi}}"
POLICY = "---\napiVersion: mete/v1\nkind: Policy\nmetadata: {name: p}\nspec:\n  selector: {matchLabels: {app: p}}\n  memory: {onOOM: kill-process}\n"


def reasons(agent, family, name):
    return [line for line in agent.get("/metrics?collect[]=kube").splitlines() if line.startswith(family + "{") and 'pod="%s"' % name in line and line.endswith(" 1")]


def test_a_container_that_outlives_the_kill_of_a_child_ends_with_its_own_reason():
    with Agent().start() as agent:
        agent.apply(job("p", HOG + "; exit 7", LIMIT) + POLICY)
        last = wait_exited(agent, "p", "main")["last"]
        assert agent.event("OOMKilled"), agent.events()
        assert (last["exitCode"], last["reason"]) == (7, "Error"), last
        assert 'reason="Error"' in reasons(agent, "kube_pod_container_status_last_terminated_reason", "p")[0]


def test_a_shell_that_passes_the_kill_on_was_killed_for_memory():
    with Agent().start() as agent:
        agent.apply(job("p", HOG + "; exit $?", LIMIT) + POLICY)
        last = wait_exited(agent, "p", "main")["last"]
        assert (last["exitCode"], last["reason"]) == (137, "OOMKilled"), last


def test_a_crash_loop_is_named_so_everywhere():
    with Agent().start() as agent:
        agent.apply(pod("c", "exit 3"))
        wait_for("a second start", lambda: agent.container("c")["restarts"] >= 1)
        wait_for("back-off in the metrics", lambda: any('reason="CrashLoopBackOff"' in each for each in reasons(agent, "kube_pod_container_status_waiting_reason", "c")))
        wait_for("back-off in ps", lambda: "CrashLoopBackOff" in agent.mete("ps").stdout)
        wait_for("the end before", lambda: any('reason="Error"' in each for each in reasons(agent, "kube_pod_container_status_last_terminated_reason", "c")))


def test_what_a_container_says_of_its_end():
    with Agent().start() as agent:
        def message(script, lines=""):
            agent.apply(job("p", script, lines))
            last = wait_exited(agent, "p", "main")["last"]
            delete(agent, "p")
            return last.get("message")
        assert message("echo no disk > /dev/termination-log; exit 1") == "no disk\n"
        assert message("echo here > /run/why", "terminationMessagePath: /run/why\nsecurityContext: {runAsUser: 1000}") == "here\n"
        assert message("echo one; echo two; exit 1") is None
        fallback = "terminationMessagePolicy: FallbackToLogsOnError"
        assert message("echo one; echo two; exit 1", fallback) == "one\ntwo\n"
        assert message("echo one", fallback) is None
        assert len(message("yes | head -c 9000 > /dev/termination-log; exit 1")) == 4096


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
