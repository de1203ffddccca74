# SPDX-License-Identifier: Apache-2.0
"""The two exercises every newcomer does by hand: a busy loop under a quota, a program past its memory limit."""
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from mete_agent import Agent, run_tests, wait_for  # noqa: E402
from pods import documents, launch, pod, policy, wait_exited  # noqa: E402

BUSY = pod("busy", "while :; do :; done", "resources: {limits: {cpu: 100m, memory: 32Mi}}", main="loop")


def hog(restart, command=("dd", "if=/dev/zero", "of=/dev/null", "bs=200M", "count=1")):
    command = command if isinstance(command, str) else list(command)
    return pod("hog", command, 'resources: {limits: {memory: "104960000"}}', restart=restart, main="hog")


def test_a_busy_loop_under_a_quota_uses_ten_percent():
    with Agent().start() as agent:
        launch(agent, BUSY, "busy")
        of = lambda name: agent.metric(name, pod="busy", container="loop")  # noqa: E731
        usage = lambda: agent.metric("container_cpu_usage_seconds_total", pod="busy", container="loop", cpu="total")  # noqa: E731
        throttled = lambda: of("container_cpu_cfs_throttled_periods_total")  # noqa: E731
        cpu, before, begin = usage(), throttled(), time.monotonic()
        # On a busy machine it does not get its share in every period; in each in which it was throttled it had all of it.
        wait_for("sixty periods with all of its quota", lambda: throttled() - before >= 60, 300, 0.5)
        periods, took = throttled() - before, time.monotonic() - begin
        used = usage() - cpu
        print("     %.2f s of CPU in %.1f s and %d throttled periods: %.2f %% of a core" % (used, took, periods, 100 * used / took))
        assert used <= 0.11 * took + 0.02 and used >= 0.009 * periods, (used, took, periods)
        assert agent.metric("container_spec_cpu_quota", pod="busy", container="loop") == 10000
        assert agent.metric("container_spec_cpu_period", pod="busy", container="loop") == 100000


def test_one_kill_is_counted_once_and_told_with_its_numbers():
    with Agent().start() as agent:
        agent.apply(hog("Never"))
        ended = wait_exited(agent, "hog")
        wait_for("the count", lambda: agent.metric("mete_oom_kills_total", pod="hog") == 1)
        assert ended["last"]["reason"] == "OOMKilled" and ended["last"]["exitCode"] == 137, ended
        agent.event("OOMKilled")
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
        assert agent.metric("container_cpu_usage_seconds_total", pod="hog") > 0
        assert agent.metric("container_memory_max_usage_bytes", pod="hog") > 100 << 20
        assert agent.metric("mete_container_last_exit_code", pod="hog") == 137


def test_n_kills_are_n_across_restarts_and_the_agents_death():
    with Agent().start() as agent:
        agent.apply(hog("Always"))
        # The first restart is immediate, the next after 10 s.
        kills = lambda: agent.metric("mete_oom_kills_total", pod="hog")  # noqa: E731
        wait_for("two kills", lambda: kills() == 2)
        agent.kill()
        time.sleep(1)
        agent.start()
        assert kills() == 2 or agent.container("hog")["restarts"] == 2, "the dead agent's kills were not counted once"
        wait_for("the third kill, after the back-off", lambda: kills() == 3)
        wait_for("the pause", lambda: agent.container("hog")["reason"] == "CrashLoopBackOff")
        assert kills() == 3 and agent.metric("mete_container_restarts_total", pod="hog") == 2 == agent.container("hog")["restarts"], agent.container("hog")


def test_the_policy_kills_the_process_or_the_whole_container():
    # The shell survives its child's death by the kernel, unless the policy takes the container as a whole.
    shell = hog("Never", "dd if=/dev/zero of=/dev/null bs=200M count=1; sleep 3; exit 5")
    for action, code in (("kill-process", 5), ("kill-container", 137)):
        with Agent().start() as agent:
            agent.apply(documents(policy("  memory: {onOOM: %s}" % action, "hog"), shell))
            ended = wait_exited(agent, "hog")
            assert ended["last"]["exitCode"] == code, (action, ended)
            wait_for("the count", lambda: agent.metric("mete_oom_kills_total", pod="hog") == 1)  # noqa: B023 - called here
            assert agent.metric("mete_enforcement_actions_total", enforcer="oom", action=action, outcome="done") == 1


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
