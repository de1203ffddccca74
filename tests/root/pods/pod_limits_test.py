# SPDX-License-Identifier: Apache-2.0
"""The limits of a Pod in the kernel's control files: as the manifest and the policy say, live, and put back."""
import os
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from mete_agent import Agent, run_tests, wait_for, within, write  # noqa: E402
from pods import documents, job, launch, output, pod, policy, wait_exited  # noqa: E402


def control(path, controller, *names):
    """The path of the first of these control files that this machine has; names are v1's, then v2's."""
    for base in ("/sys/fs/cgroup/" + controller, "/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup"):
        for name in names:
            if os.path.exists(base + path + "/" + name):
                return base + path + "/" + name
    raise AssertionError("found no %s of %s" % (names, path))


def text_of(path):
    with open(path) as file:
        return file.read().strip()


RESOURCES = "resources: {requests: {cpu: 250m, memory: 24Mi}, limits: {cpu: 300m, memory: 40Mi}}"


def test_resources_are_in_the_control_files_exactly():
    with Agent().start() as agent:
        launch(agent, pod("p", lines=RESOURCES), "p")
        cgroup = agent.container("p")["cgroup"]
        if os.path.exists("/sys/fs/cgroup/cgroup.controllers"):
            wanted = {("cpu", "cpu.max"): "30000 100000", ("memory", "memory.max"): str(40 << 20), ("memory", "memory.swap.max"): "0", ("memory", "memory.min"): str(24 << 20)}
        else:
            wanted = {("cpu", "cpu.shares"): "256", ("cpu", "cpu.cfs_quota_us"): "30000", ("cpu", "cpu.cfs_period_us"): "100000", ("memory", "memory.limit_in_bytes"): str(40 << 20),
                      ("memory", "memory.soft_limit_in_bytes"): str(24 << 20)}
            if os.path.exists("/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes"):
                wanted[("memory", "memory.memsw.limit_in_bytes")] = str(40 << 20)
        found = {key: text_of(control(cgroup, *key)) for key in wanted}
        assert found == wanted, found
        limits = agent.container("p")["limits"]
        assert limits["cpuQuotaMicroseconds"] == 30000 and limits["memoryBytes"] == 40 << 20 and limits["cpuShares"] == 256, limits
        # From inside, its own cgroup is the root, and cannot be written.
        assert output(agent, "cat /sys/fs/cgroup/memory/memory.limit_in_bytes || cat /sys/fs/cgroup/memory.max", RESOURCES, name="q") == "%d\n" % (40 << 20)


def test_drift_is_put_back_within_a_second():
    with Agent().start() as agent:
        launch(agent, documents(policy("  pids: {max: 50}", "p"), pod("p", lines=RESOURCES)), "p")
        cgroup = agent.container("p")["cgroup"]
        cases = [("cpu", "77000", "cpu.cfs_quota_us"), ("cpu", "512", "cpu.shares"), ("memory", str(48 << 20), "memory.soft_limit_in_bytes"), ("memory", str(30 << 20), "memory.limit_in_bytes"), ("pids", "7", "pids.max")]
        if os.path.exists("/sys/fs/cgroup/cgroup.controllers"):
            cases = [("cpu", "77000 100000", "cpu.max"), ("memory", str(48 << 20), "memory.max"), ("pids", "7", "pids.max")]
        for controller, value, name in cases:
            path = control(cgroup, controller, name)
            before = text_of(path)
            with open(path, "w") as out:
                out.write(value)
            within("%s is put back to %s" % (name, before), 1, lambda: text_of(path) == before)  # noqa: B023 - called here
            agent.event("LimitDrift", file=name)
            told = agent.events("LimitDrift", file=name)
            assert len(told) == 1 and told[0]["fields"]["found"] == value and told[0]["fields"]["expected"] == before, told
            wait_for("the count", lambda: agent.metric("mete_limit_drift_total", file=name))  # noqa: B023 - one exposition is shared for 200 ms
            assert agent.metric("mete_limit_drift_total", file=name) == 1, name
        # Also what was changed while no agent looked.
        agent.kill()
        path = control(cgroup, *cases[0][::2])
        before = text_of(path)
        with open(path, "w") as out:
            out.write(cases[0][1])
        agent.start()
        wait_for("it to be put back by the next agent", lambda: text_of(path) == before)


def test_a_policy_bursts_bounds_processes_and_changes_live():
    with Agent().start() as agent:
        write(agent.manifests + "/policy.yaml", policy("  cpu: {burst: 5ms}\n  pids: {max: 9}", "p"))
        own = launch(agent, pod("p", lines=RESOURCES), "p")
        cgroup, pid = own["cgroup"], own["pid"]
        burst = control(cgroup, "cpu", "cpu.cfs_burst_us", "cpu.max.burst")
        pids = control(cgroup, "pids", "pids.max")
        wait_for("the policy", lambda: (text_of(burst), text_of(pids)) == ("5000", "9"))  # the folder may be read after the pod was applied
        done = agent.mete("exec", "p", "--", "sh", "-c", "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 1 & done; wait", check=False)
        assert "fork" in done.stderr, done
        write(agent.manifests + "/policy.yaml", policy("  cpu: {burst: 8ms}\n  pids: {max: 30}", "p"))
        wait_for("the new burst", lambda: (text_of(burst), text_of(pids)) == ("8000", "30"))
        wait_for("an event", lambda: agent.events("PolicyChanged"))
        own = agent.container("p")
        assert own["pid"] == pid and own["restarts"] == 0, own
        assert not agent.events("LimitDrift"), agent.events("LimitDrift")


def test_a_policy_that_is_taken_away_leaves_nothing_behind():
    with Agent().start() as agent:
        write(agent.manifests + "/policy.yaml", policy("  cpu: {burst: 8ms}\n  pids: {max: 30}", "p"))
        own = launch(agent, pod("p", lines=RESOURCES), "p")
        cgroup, pid = own["cgroup"], own["pid"]
        burst = control(cgroup, "cpu", "cpu.cfs_burst_us", "cpu.max.burst")
        pids = control(cgroup, "pids", "pids.max")
        wait_for("the policy", lambda: (text_of(burst), text_of(pids)) == ("8000", "30"))
        os.unlink(agent.manifests + "/policy.yaml")
        wait_for("no policy any more", lambda: (text_of(burst), text_of(pids)) == ("0", "max"))
        own = agent.container("p")
        assert own["pid"] == pid and own["restarts"] == 0, own
        assert not agent.events("LimitDrift"), agent.events("LimitDrift")


def test_oom_score_adj():
    with Agent().start() as agent:
        assert output(agent, "cat /proc/self/oom_score_adj") == "1000\n"
        burstable = int(output(agent, "cat /proc/self/oom_score_adj", "resources: {requests: {memory: 1Gi}}"))
        assert 3 <= burstable < 1000, burstable
        # Guaranteed is -997, where the machine lets us.
        agent.apply(job("p", "cat /proc/self/oom_score_adj", "resources: {limits: {cpu: 1, memory: 64Mi}}"))
        wait_exited(agent, "p")
        told = [each for each in agent.events("NotEnforced") if "oom_score_adj -997" in each["message"]]
        assert agent.logs("p") == "-997\n" or len(told) == 1, (agent.logs("p"), told)


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
