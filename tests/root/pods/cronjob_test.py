# SPDX-License-Identifier: Apache-2.0
"""CronJobs: a Job when one is due. What the clock may do is tested without one, in tests/agent/workloads."""
import os
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from mete_agent import Agent, run_tests, stays, wait_for  # noqa: E402
from workloads import cron_job, get, owner_of  # noqa: E402


def runs(folder):
    path = folder + "/runs"
    return open(path).read().split() if os.path.exists(path) else []


def ticking(agent, spec="", script="echo $HOSTNAME >> /d/runs", schedule="@every 1s"):
    folder = agent.work + "/done"
    os.makedirs(folder, exist_ok=True)
    return folder, cron_job("tick", schedule, spec, command=script, lines="volumeMounts: [{name: d, mountPath: /d}]",
                            spec_of_pod="volumes: [{name: d, hostPath: {path: %s}}]\n" % folder)


def test_jobs_come_in_time_and_the_history_is_short():
    with Agent().start() as agent:
        folder, manifest = ticking(agent, "successfulJobsHistoryLimit: 1\n")
        agent.apply(manifest)
        wait_for("three runs", lambda: len(runs(folder)) >= 3)
        wait_for("old ones to go", lambda: 1 <= len([each for each in get(agent, "jobs") if each["status"].get("completionTime")]) <= 2)
        assert all(owner_of(each) == "tick" for each in get(agent, "jobs"))
        names = runs(folder)
        assert len(set(names)) == len(names), names
        [cron] = get(agent, "cronjobs")
        assert cron["status"]["lastScheduleTime"], cron
        # Killed, it neither repeats nor loses itself.
        agent.kill()
        agent.start()
        before = len(runs(folder))
        wait_for("more runs", lambda: len(runs(folder)) > before + 1)
        names = [each.rsplit("-", 1)[0] for each in runs(folder)]
        assert len(set(names)) == len(names), ("one Job for each time", names)
        agent.mete("delete", "cronjob/tick")
        wait_for("nothing left", lambda: not get(agent, "cronjobs,jobs,pods") and not os.listdir(agent.state + "/workloads"))


def test_forbid_and_replace():
    with Agent().start() as agent:
        folder, manifest = ticking(agent, "concurrencyPolicy: Forbid\n", "echo $HOSTNAME >> /d/runs; sleep 1000")
        agent.apply(manifest)
        wait_for("the first run", lambda: len(runs(folder)) == 1)
        agent.event("JobAlreadyActive")
        stays("no other", lambda: len(runs(folder)) == 1, 1.5)
        agent.apply(manifest.replace("Forbid", "Replace"))
        wait_for("others", lambda: len(runs(folder)) >= 3)
        wait_for("one at a time", lambda: len([each for each in get(agent, "jobs") if "deletionTimestamp" not in each["metadata"]]) == 1)


def test_a_time_zone_that_is_none_is_said():
    with Agent().start() as agent:
        _, manifest = ticking(agent, "timeZone: Europe/Nowhere\n", schedule="* * * * *")
        agent.apply(manifest)
        assert "Nowhere" in agent.event("UnknownTimeZone")["message"]
        assert agent.mete("get", "cj", "--no-headers").stdout.split()[:7] == ["tick"] + ["*"] * 5 + ["Europe/Nowhere"]


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
