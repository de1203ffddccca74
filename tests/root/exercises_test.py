# SPDX-License-Identifier: Apache-2.0
"""The two exercises every newcomer does by hand: a busy loop under a quota, a program past its memory limit."""
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from mete_agent import Agent, run_tests, wait_for  # noqa: E402

BUSY = """
apiVersion: v1
kind: Pod
metadata: {name: busy}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: loop
    image: busybox
    command: [sh, -c, "while :; do :; done"]
    resources: {limits: {cpu: 100m, memory: 32Mi}}
"""

HOG = """
apiVersion: v1
kind: Pod
metadata: {name: hog, labels: {app: hog}}
spec:
  restartPolicy: %s
  terminationGracePeriodSeconds: 0
  containers:
  - name: hog
    image: busybox
    command: [dd, if=/dev/zero, of=/dev/null, bs=200M, count=1]
    resources: {limits: {memory: "104960000"}}
"""


def test_a_busy_loop_under_a_quota_uses_ten_percent():
    with Agent().start() as agent:
        agent.apply(BUSY)
        wait_for("the loop to run", lambda: agent.container("busy")["state"] == "running")
        time.sleep(0.5)
        usage = lambda: agent.metric("container_cpu_usage_seconds_total", container="loop", cpu="total")  # noqa: E731
        throttled = lambda: agent.metric("container_cpu_cfs_throttled_periods_total", container="loop")  # noqa: E731
        cpu, periods, begin = usage(), throttled(), time.monotonic()
        time.sleep(10)
        share = (usage() - cpu) / (time.monotonic() - begin)
        print("     share of a core: %.2f %%, throttled periods: %d" % (100 * share, throttled() - periods))
        assert 0.09 <= share <= 0.11, share
        assert throttled() - periods > 50
        assert agent.metric("container_spec_cpu_quota", container="loop") == 10000
        assert agent.metric("container_spec_cpu_period", container="loop") == 100000


def test_one_kill_is_counted_once_and_told_with_its_numbers():
    with Agent().start() as agent:
        agent.apply(HOG % "Never")
        wait_for("the end of the hog", lambda: agent.container("hog")["state"] == "exited")
        time.sleep(0.3)
        assert agent.metric("mete_oom_kills_total", container="hog") == 1
        hog = agent.container("hog")
        assert hog["last"]["reason"] == "OOMKilled" and hog["last"]["exitCode"] == 137, hog
        events = agent.events("OOMKilled")
        told = [each for each in events if "fields" in each and "command" in each["fields"]]
        assert len(told) == 1, events
        fields = told[0]["fields"]
        assert fields["limit"] == "104960000" and int(fields["usage"]) > 100 << 20 and fields["pid"].isdigit(), fields
        assert fields["task"] == "dd" and fields["command"].startswith("dd if"), fields  # busybox cuts its own arguments at "="
        assert fields["scope"] == "container" and fields["kills"] == "1", fields
        lines = [line for line in agent.log_text().splitlines() if "event=OOMKilled" in line and "limit=104960000" in line]
        assert len(lines) == 1 and "pid=" + fields["pid"] in lines[0], lines
        # It lived a moment; its last counters did not die with it.
        assert agent.metric("container_cpu_usage_seconds_total", container="hog") > 0
        assert agent.metric("container_memory_max_usage_bytes", container="hog") > 100 << 20
        assert agent.metric("mete_container_last_exit_code", container="hog") == 137


def test_n_kills_are_n_across_restarts_and_the_agents_death():
    with Agent().start() as agent:
        agent.apply(HOG % "Always")
        # The first restart is immediate, the next after 10 s.
        wait_for("two kills", lambda: agent.metric("mete_oom_kills_total", container="hog") == 2, 20)
        agent.kill()
        time.sleep(1)
        agent.start()
        assert agent.metric("mete_oom_kills_total", container="hog") == 2
        wait_for("the third kill, after the back-off", lambda: agent.metric("mete_oom_kills_total", container="hog") == 3, 30)
        time.sleep(0.5)
        assert agent.metric("mete_oom_kills_total", container="hog") == 3
        assert agent.metric("mete_container_restarts_total", container="hog") == 2
        assert agent.container("hog")["reason"] == "CrashLoopBackOff"


def test_the_policy_kills_the_process_or_the_whole_container():
    policy = """
apiVersion: mete/v1
kind: Policy
metadata: {name: hog}
spec: {selector: {matchLabels: {app: hog}}, memory: {onOOM: %s}}
"""
    # The shell survives its child's death by the kernel, unless the policy takes the container as a whole.
    shell = (HOG % "Never").replace("[dd, if=/dev/zero, of=/dev/null, bs=200M, count=1]",
                                    '[sh, -c, "dd if=/dev/zero of=/dev/null bs=200M count=1; sleep 0.3; exit 5"]')
    for action, code in (("kill-process", 5), ("kill-container", 137)):
        with Agent().start() as agent:
            agent.apply(policy % action + "---" + shell)
            wait_for("the end", lambda: agent.container("hog")["state"] == "exited")
            assert agent.container("hog")["last"]["exitCode"] == code, (action, agent.container("hog"))
            assert agent.metric("mete_oom_kills_total", container="hog") == 1
            assert agent.metric("mete_enforcement_actions_total", enforcer="oom", action=action, outcome="done") == 1


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
