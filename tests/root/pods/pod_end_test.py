# SPDX-License-Identifier: Apache-2.0
"""What a deleted pod leaves is removed beside everything else: when that fails, when the agent is killed meanwhile, and when a pod of the
same name is wanted at once."""
import os
import subprocess
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from mete_agent import Agent, run_tests, stays, wait_for, write  # noqa: E402
from pods import container, delete, documents, is_running, pod, wait_running  # noqa: E402

MANY = 30


def nothing_is_left(agent):
    wait_for("the last process to be reaped", lambda: not agent.processes())
    folders = [agent.state + "/pods", agent.state + "/logs", agent.run + "/pods"]
    left = [each + "/" + name for each in folders if os.path.isdir(each) for name in os.listdir(each)]
    left += agent.pod_cgroups() + agent.mounts()
    assert not left, left


def put(agent, count, version=0):
    for index in range(count):
        write("%s/p%d.yaml" % (agent.manifests, index), pod("p%d" % index, lines="env: [{name: V, value: '%d'}]" % version))


def all_run(agent, count):
    return sum(each["phase"] == "Running" for each in agent.pods()) == count


def test_what_cannot_be_removed_is_told_once_and_removed_when_it_can_be():
    with Agent().start() as agent:
        agent.apply(documents(pod("stuck"), pod("other")))
        wait_running(agent, "stuck", "other")
        place = "%s/pods/%s/etc/more" % (agent.run, agent.pod("stuck")["uid"])
        os.mkdir(place)
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", place], check=True)
        try:
            agent.mete("delete", "stuck")
            failed = agent.event("CleanUpFailed")
            assert "is a mount point" in failed["message"] and failed["pod"] == "default/stuck", failed
            # Nobody waits for it.
            delete(agent, "other")
            agent.apply(pod("other"))
            wait_running(agent, "other")
            stays("told once", lambda: len(agent.events("CleanUpFailed")) == 1, 2)
            assert agent.pod("stuck")["phase"] == "Terminating", agent.pod("stuck")
            # The next agent finds it, and says so again.
            agent.kill()
            agent.start()
            agent.event("CleanUpFailed")
            assert agent.pod("stuck")["phase"] == "Terminating", agent.pod("stuck")
        finally:
            subprocess.run(["umount", place], check=True)
        wait_for("the pod to be gone", lambda: agent.pod("stuck") is None)
        agent.apply(pod("stuck"))
        wait_running(agent, "stuck")
        delete(agent, "stuck")
        delete(agent, "other")
        nothing_is_left(agent)


def test_an_agent_killed_while_pods_end_leaves_nothing():
    with Agent().start() as agent:
        for pause in (0.02, 0.06, 0.12, 0.25):
            put(agent, MANY)
            wait_for("all to run", lambda: all_run(agent, MANY))
            for index in range(MANY):
                os.unlink("%s/p%d.yaml" % (agent.manifests, index))
            time.sleep(pause)
            agent.kill()
            agent.start()
            wait_for("all to be gone", lambda: not agent.pods())
            nothing_is_left(agent)
            # None of them is told to be what it is not: each ended because it was to.
            wrong = [each for each in agent.events() if each["type"] == "Warning" and each.get("pod")]
            assert not wrong, wrong


def test_an_agent_that_is_told_to_end_meanwhile_leaves_the_rest_to_the_next():
    with Agent().start() as agent:
        put(agent, MANY)
        wait_for("all to run", lambda: all_run(agent, MANY))
        for index in range(MANY):
            os.unlink("%s/p%d.yaml" % (agent.manifests, index))
        time.sleep(0.05)
        agent.stop()
        agent.start()
        wait_for("all to be gone", lambda: not agent.pods())
        nothing_is_left(agent)


def test_the_same_names_at_once():
    with Agent().start() as agent:
        for version in range(4):
            put(agent, MANY, version)
            time.sleep(0.1 * version)
        wanted = str(version)

        def settled():
            pods = agent.pods()
            return len(pods) == MANY and all(each["phase"] == "Running" for each in pods)
        wait_for("the last version to run", settled)
        stays("so", settled, 1)
        for index in range(0, MANY, 7):
            shown = agent.mete("exec", "p%d" % index, "--", "sh", "-c", "echo $V").stdout
            assert shown.strip() == wanted, (index, shown)
        for index in range(MANY):
            os.unlink("%s/p%d.yaml" % (agent.manifests, index))
        wait_for("all to be gone", lambda: not agent.pods())
        nothing_is_left(agent)


def test_counters_of_a_container_that_ends_before_its_pod_stay():
    """Of a deleted pod: one container ends at once, the other takes its grace. No counter goes back while both are told of."""
    slow = "trap 'sleep 3; exit 0' TERM; while :; do usleep 10000; done"
    fast = "trap 'exit 0' TERM; i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; while :; do usleep 10000; done"
    with Agent().start() as agent:
        agent.apply(pod("p", slow, grace=20, more=container("fast", fast)))
        wait_for("both to run", lambda: is_running(agent, "p"))
        used = lambda: agent.metric("container_cpu_usage_seconds_total", pod="p", container="fast")  # noqa: E731
        wait_for("its work", lambda: (used() or 0) > 0.05)
        before = used()
        agent.mete("delete", "p")
        wait_for("its end", lambda: agent.container("p", "fast")["state"] == "exited")
        after = used()
        assert after is not None and after >= before, (before, after)
        wait_for("the pod to be gone", lambda: agent.pod("p") is None)
        assert used() is None
        nothing_is_left(agent)


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
