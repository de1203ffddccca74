# SPDX-License-Identifier: Apache-2.0
"""What a pod is allotted changes while it runs: all of it or nothing, never a restart, never a kill."""
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from cgroups import Cgroup, MiB  # noqa: E402
from hog import eat  # noqa: E402
from mete_agent import Agent, run_tests, stays, wait_for, within  # noqa: E402
from pods import documents, launch, policy  # noqa: E402
from web_pod import files, limits, side, web  # noqa: E402


QUOTA = ("cpu.cfs_quota_us", "cpu.max")
EAT = "exec " + eat(40)


def test_a_changed_manifest_resizes_in_place():
    with Agent().start() as agent:
        pid = launch(agent, web())["pid"]
        assert files(agent) == (64 * MiB, 20000)
        agent.apply(web("500m", "128Mi"))
        wait_for("the new limits", lambda: files(agent) == (128 * MiB, 50000))
        agent.apply(web("100m", "32Mi"))
        wait_for("the smaller limits", lambda: files(agent) == (32 * MiB, 10000))
        main = agent.container("web")
        assert main["pid"] == pid and main["restarts"] == 0, main
        assert main["resources"]["limits"] == {"cpu": "100m", "memory": str(32 * MiB)}, main
        changes = [each["fields"]["change"] for each in agent.events("Resized")]
        assert changes == ["cpu limit 200m -> 500m, memory limit 64Mi -> 128Mi", "cpu limit 500m -> 100m, memory limit 128Mi -> 32Mi"], changes
        # Anything else is still another container.
        agent.apply(web("100m", "32Mi", command=["sleep", "1001"]))
        wait_for("another container", lambda: (agent.container("web") or {}).get("pid") not in (None, pid))


RESTARTS = "resizePolicy: [{resourceName: cpu, restartPolicy: NotRequired}, {resourceName: memory, restartPolicy: RestartContainer}]"


def with_policy(*amounts):
    return web(*amounts).replace("    resources:", "    %s\n    resources:" % RESTARTS) + side("16Mi")


def test_a_container_may_ask_for_a_restart():
    with Agent().start() as agent:
        pid = launch(agent, with_policy("200m", "64Mi"))["pid"]
        beside = agent.container("web", "side")["pid"]
        agent.apply(with_policy("300m", "64Mi"))
        wait_for("more CPU", lambda: files(agent) == (64 * MiB, 30000))
        assert agent.container("web")["pid"] == pid, "CPU is given in place"
        agent.apply(with_policy("300m", "96Mi"))

        def restarted():
            found = agent.container("web")
            return found["restarts"] == 1 and found["state"] == "running" and found
        again = wait_for("the restart", restarted)
        assert files(agent) == (96 * MiB, 30000) and again["pid"] != pid, again
        assert agent.container("web", "side")["pid"] == beside
        assert "Container main resize requires restart" in [each["message"] for each in agent.events("Killing")], agent.events("Killing")
        # Another policy is taken by the pod that runs.
        agent.apply(with_policy("300m", "96Mi").replace("RestartContainer", "NotRequired"))
        agent.apply(with_policy("300m", "80Mi").replace("RestartContainer", "NotRequired"))
        wait_for("less memory", lambda: files(agent) == (80 * MiB, 30000))
        assert agent.container("web")["pid"] == again["pid"]


def test_mete_update_lasts_until_the_manifest_speaks():
    with Agent().start() as agent:
        pid = launch(agent, web())["pid"]
        done = agent.mete("update", "web", "--memory", "96Mi", "--cpus", "0.3")
        assert done.stdout == "pod default/web, container main: limits cpu=300m memory=%d requests cpu=50m memory=%d\n" % (96 * MiB, 8 * MiB), done.stdout
        assert files(agent) == (96 * MiB, 30000)
        agent.mete("update", "web", "--cpus", "0.4")
        assert files(agent) == (96 * MiB, 40000)
        agent.kill()
        agent.start()
        assert files(agent) == (96 * MiB, 40000) and agent.container("web")["updated"] is True
        agent.apply(web())  # the same text: nothing new is said
        assert files(agent) == (96 * MiB, 40000)
        agent.mete("update", "web", "--reset")
        assert files(agent) == (64 * MiB, 20000)
        agent.mete("update", "web", "-c", "main", "--memory", "100Mi")
        agent.apply(web(memory="80Mi"))
        wait_for("the manifest's", lambda: files(agent) == (80 * MiB, 20000))
        assert agent.container("web")["pid"] == pid and agent.container("web")["restarts"] == 0


def test_update_says_what_is_wrong_and_changes_nothing():
    with Agent().start() as agent:
        launch(agent, web())
        before = files(agent)
        for more, said in [(["--memory", "4Mi"], "memory: found a request of 8Mi and a limit of 4Mi"),
                           (["--memory", "much"], "memory: "),
                           (["--memory", "512m"], "memory: "),
                           (["--memory", "3Mi"], "memory: found \"3Mi\", expected at least 4Mi and at most 1Ei"),
                           (["--memory-request", "2E"], "memory-request: found \"2E\", expected 0 to 1Ei"),
                           (["--cpus", "8193"], "cpus: found \"8193\", expected more than 0 and at most 8192 CPUs"),
                           (["--cpus", "0"], "cpus: "),
                           (["--cpus", "-1"], "cpus: "),
                           ([], "nothing to change"),
                           (["-c", "other", "--cpus", "1"], "no container other"),
                           (["--memory-request", "64Mi", "--cpu-request", "200m"], "QoS class Guaranteed, found Burstable")]:
            done = agent.mete("update", "web", *more, check=False)
            assert done.returncode == 1 or (done.returncode == 4 and "no container" in said), (more, done)
            assert said in done.stderr and done.stderr.count("\n") == 1, (more, done.stderr)
        assert agent.mete("update", "nothing", "--cpus", "1", check=False).returncode == 4
        assert files(agent) == before and "updated" not in agent.container("web")
        agent.mete("update", "web", "--cpus", "5m", "--cpu-request", "5m")  # as little as a manifest may say


def test_a_decrease_below_what_is_used_is_reclaimed_for():
    with Agent().start() as agent:
        pid = launch(agent, web(command="dd if=/dev/zero of=/tmp/big bs=1M count=40 2>/dev/null; sync; echo read; exec sleep 1000"))["pid"]
        wait_for("the file", lambda: "read" in agent.logs("web"))
        agent.mete("update", "web", "--memory", "24Mi")
        assert files(agent)[0] == 24 * MiB
        assert agent.container("web")["pid"] == pid and agent.container("web")["oomKills"] == 0


def test_a_decrease_that_cannot_be_had_is_refused_whole():
    with Agent().start() as agent:
        pid = launch(agent, web(command=EAT))["pid"]
        wait_for("its memory", lambda: agent.container("web")["usage"]["memoryBytes"] > 40 * MiB)
        begin = time.monotonic()
        done = agent.mete("update", "web", "--memory", "24Mi", "--cpus", "0.1", check=False)
        assert done.returncode == 1 and "more than the new limit of %d bytes" % (24 * MiB) in done.stderr, done
        assert time.monotonic() - begin > 5, "it was not waited for"
        assert files(agent) == (64 * MiB, 20000)
        assert agent.container("web")["pid"] == pid and agent.container("web")["oomKills"] == 0
        assert "updated" not in agent.container("web")
        [waits], [refused] = agent.events("ResizeWaits"), agent.events("ResizeRefused")
        assert "container main uses" in waits["message"] and "stay as they are" in refused["message"]
        assert agent.metric("mete_enforcement_actions_total", enforcer="limits", action="resize", outcome="failed") == 1


def test_a_refused_manifest_is_taken_when_the_container_ends():
    with Agent().start() as agent:
        pid = launch(agent, web(command=EAT))["pid"]
        wait_for("its memory", lambda: agent.container("web")["usage"]["memoryBytes"] > 40 * MiB)
        agent.apply(web(memory="24Mi", command=EAT))
        wait_for("the refusal", lambda: agent.events("ResizeRefused"))
        assert files(agent)[0] == 64 * MiB and agent.container("web")["pid"] == pid
        assert agent.pod("web")["resize"]["state"] == "refused", agent.pod("web")
        # An agent that comes back finds the same: what is in force is not what the manifest says.
        agent.kill()
        agent.start()
        assert files(agent)[0] == 64 * MiB and agent.container("web")["pid"] == pid and agent.container("web")["oomKills"] == 0
        agent.mete("kill", "web")
        wait_for("the next attempt's limit", lambda: files(agent)[0] == 24 * MiB)


def test_the_pods_own_limits_follow():
    with Agent().start() as agent:
        launch(agent, web(more=side("32Mi")))
        pids = agent.container("web", "main")["pid"], agent.container("web", "side")["pid"]
        parent = agent.pod("web")["cgroup"]
        assert limits(parent) == (96 * MiB, 30000), limits(parent)
        agent.apply(web("500m", "128Mi", more=side("16Mi")))
        wait_for("larger", lambda: limits(parent) == (144 * MiB, 60000))
        assert files(agent) == (128 * MiB, 50000) and files(agent, "side") == (16 * MiB, 10000)
        agent.mete("update", "web", "-c", "side", "--memory", "24Mi")
        assert limits(parent)[0] == 152 * MiB and files(agent, "side")[0] == 24 * MiB
        assert pids == (agent.container("web", "main")["pid"], agent.container("web", "side")["pid"])


def test_drift_is_put_back_within_a_second():
    with Agent().start() as agent:
        launch(agent, web(more=side("32Mi")))
        main, parent = agent.container("web", "main")["cgroup"], agent.pod("web")["cgroup"]
        memory = ("memory.limit_in_bytes", "memory.max")
        for path, names, wrong in [(main, QUOTA, 15000), (main, memory, 48 * MiB), (parent, QUOTA, 40000), (parent, memory, 80 * MiB)]:
            right, file = limits(path), Cgroup(path).file(*names)
            with open(file, "w") as out:  # held open meanwhile
                out.write(str(wrong))  # v2's file of the quota keeps its period
                out.flush()
                within("%s is put back" % file, 1, lambda: limits(path) == right)  # noqa: B023 - called here
        wait_for("four events", lambda: len(agent.events("LimitDrift")) >= 4)
        assert len(agent.events("LimitDrift")) == 4 and agent.metric("mete_limit_drift_total") == 4, agent.events("LimitDrift")


def test_drift_can_be_only_reported():
    with Agent().start() as agent:
        group = Cgroup(launch(agent, documents(web(), policy("  drift: report")))["cgroup"])
        group.set_cpu_quota(15000)
        event = agent.event("LimitDrift")
        assert "told and left" in event["message"] and event["fields"]["file"] in QUOTA, event
        stays("the other's quota, told once", lambda: group.cpu_quota() == 15000 and len(agent.events("LimitDrift")) == 1, 0.3)
        group.set_cpu_quota(16000)
        wait_for("the next report", lambda: len(agent.events("LimitDrift")) == 2)
        # Without that policy it is put back.
        agent.apply(policy("  drift: restore"))
        wait_for("the quota", lambda: group.cpu_quota() == 20000)


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
