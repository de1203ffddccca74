# SPDX-License-Identifier: Apache-2.0
"""Jobs: what is to be done is done, once, through failures and the agent's death."""
import os
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from mete_agent import Agent, run_tests, stays, wait_for, write  # noqa: E402
from workloads import get, job, job_status, wait_job  # noqa: E402


def noting(agent, script):
    """A container that notes what it does in a folder of the machine, and the folder."""
    folder = agent.work + "/done"
    os.makedirs(folder, exist_ok=True)
    return folder, {"command": script, "lines": "volumeMounts: [{name: d, mountPath: /d}]", "spec": "volumes: [{name: d, hostPath: {path: %s}}]\n" % folder}


def pod_names(agent):
    return sorted(each["metadata"]["name"] for each in get(agent, "pods"))


def manifest(spec, container, restart="Never"):
    return job("work", spec, restart, command=container["command"], lines=container["lines"], spec_of_pod=container["spec"])


def test_completions_run_side_by_side_and_once():
    with Agent().start() as agent:
        folder, container = noting(agent, "echo $HOSTNAME >> /d/runs")
        agent.apply(manifest("completions: 4\nparallelism: 2", container))
        status = wait_job(agent)
        assert status["succeeded"] == 4 and "failed" not in status, status
        assert len(open(folder + "/runs").read().split()) == 4
        assert agent.mete("get", "job", "work").stdout.split()[5:8] == ["work", "Complete", "4/4"], agent.mete("get", "job", "work").stdout
        # Applied again, killed and started: it is done.
        agent.apply(manifest("completions: 4\nparallelism: 2", container))
        agent.kill()
        agent.start()
        stays("nothing runs again", lambda: len(open(folder + "/runs").read().split()) == 4, 0.5)
        # Pods that are deleted by hand are no reason to begin again.
        agent.mete("delete", *pod_names(agent))
        wait_for("no pods", lambda: not pod_names(agent))
        stays("nothing runs again", lambda: len(open(folder + "/runs").read().split()) == 4 and not pod_names(agent), 0.5)
        assert job_status(agent)["succeeded"] == 4
        refused = agent.mete("apply", "-f", "-", check=False, text=manifest("completions: 4\nparallelism: 2", dict(container, command="true")))
        assert refused.returncode == 1 and "another template" in refused.stderr, refused
        agent.mete("delete", "job/work")
        wait_for("nothing left", lambda: not get(agent, "jobs") and not agent.pod_cgroups())


def test_killed_again_and_again_each_index_runs_once():
    with Agent().start() as agent:
        folder, container = noting(agent, "echo $JOB_COMPLETION_INDEX >> /d/runs; sleep 0.2; echo $JOB_COMPLETION_INDEX >> /d/ends")
        agent.apply(manifest("completions: 6\nparallelism: 2\ncompletionMode: Indexed", container))
        for _ in range(4):
            wait_for("something to run", lambda: os.path.exists(folder + "/runs"))
            agent.kill()
            agent.start()
        status = wait_job(agent)
        assert status["completedIndexes"] == "0-5" and status["succeeded"] == 6, status
        for name in ("runs", "ends"):
            assert sorted(open(folder + "/" + name).read().split()) == list("012345"), (name, open(folder + "/" + name).read())
        names = pod_names(agent)
        assert [name.rsplit("-", 1)[0] for name in names] == ["work-%d" % index for index in range(6)], names
        [pod] = get(agent, "pods", names[0])
        assert pod["metadata"]["labels"]["batch.kubernetes.io/job-completion-index"] == "0" and pod["metadata"]["labels"]["job-name"] == "work"


def test_failures_are_replaced_until_the_limit():
    with Agent().start() as agent:
        folder, container = noting(agent, "echo x >> /d/runs; exit 3")
        agent.apply(manifest("backoffLimit: 0", container))
        status = wait_job(agent, kind="Failed")
        assert status["failed"] == 1 and status["conditions"][-1]["reason"] == "BackoffLimitExceeded", status
        assert open(folder + "/runs").read() == "x\n"
        agent.mete("delete", "job/work")
        wait_for("it to be gone", lambda: not get(agent, "jobs"))
        rules = "podFailurePolicy:\n  rules:\n  - {action: FailJob, onExitCodes: {operator: In, values: [42]}}\n  - {action: Ignore, onExitCodes: {operator: In, values: [7]}}"
        folder, container = noting(agent, "if [ -e /d/second ]; then exit 42; fi; touch /d/second; exit 7")
        agent.apply(manifest("backoffLimit: 5\n" + rules, container))
        status = wait_job(agent, kind="Failed")
        assert status["conditions"][-1]["reason"] == "PodFailurePolicy" and status["failed"] == 1, status
        assert "exit code 42" in status["conditions"][-1]["message"], status


def test_a_smaller_job_forgets_the_indexes_that_it_has_no_more():
    with Agent().start() as agent:
        _, container = noting(agent, "test $JOB_COMPLETION_INDEX -ge 2 || sleep 1000")

        def running():
            return [each["metadata"]["name"] for each in get(agent, "pods") if each["status"]["phase"] == "Running"]

        def resize(size):
            agent.apply(manifest("completions: %d\nparallelism: %d\ncompletionMode: Indexed" % (size, size), container))

        resize(4)
        wait_for("two indexes to be done", lambda: job_status(agent).get("completedIndexes") == "2,3")
        wait_for("the others", lambda: len(running()) == 2)
        before = running()
        resize(2)
        wait_for("them to be forgotten", lambda: "completedIndexes" not in job_status(agent))
        agent.kill()
        agent.start()
        stays("its other pods", lambda: running() == before and "conditions" not in job_status(agent), 0.5)
        assert "succeeded" not in job_status(agent), job_status(agent)
        resize(3)
        wait_for("the third to be done anew", lambda: job_status(agent).get("completedIndexes") == "2")
        resize(1)
        wait_for("one pod", lambda: len(running()) == 1)
        assert running()[0].startswith("work-0-"), running()


def test_suspend_deadline_and_time_to_live():
    with Agent().start() as agent:
        folder, container = noting(agent, "echo x >> /d/runs; sleep 1000")
        path = agent.manifests + "/work.yaml"
        write(path, manifest("suspend: true", container))
        wait_for("it to be suspended", lambda: job_status(agent).get("conditions"))
        stays("no pod", lambda: not pod_names(agent), 0.3)
        write(path, manifest("suspend: false\nactiveDeadlineSeconds: 2\nttlSecondsAfterFinished: 1", container))
        wait_for("its pod", lambda: pod_names(agent))
        [resumed] = [each for each in job_status(agent)["conditions"] if each["type"] == "Suspended"]
        assert (resumed["status"], resumed["reason"]) == ("False", "JobResumed"), resumed
        assert resumed["lastTransitionTime"] == job_status(agent)["startTime"], resumed
        wait_for("its end", lambda: agent.event("JobFailed"))
        assert "DeadlineExceeded" in agent.event("JobFailed")["message"]
        wait_for("it to be removed", lambda: not get(agent, "jobs") and not pod_names(agent))
        agent.kill()
        agent.start()
        stays("it does not run again", lambda: not pod_names(agent) and open(folder + "/runs").read() == "x\n", 0.5)
        os.unlink(path)
        wait_for("it to be forgotten", lambda: not os.listdir(agent.state + "/workloads"))


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
