# SPDX-License-Identifier: Apache-2.0
"""What a pod is allotted changes while it runs: all of it or nothing, never a restart, never a kill."""
import json
import os
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from mete_agent import Agent, cgroup_mounts, run_tests, wait_for  # noqa: E402

MiB = 1 << 20
V1 = os.path.isdir("/sys/fs/cgroup/memory")

POD = """
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: busybox
    command: [sh, -c, %(command)s]
    resources: {requests: {cpu: 50m, memory: 8Mi}, limits: {cpu: "%(cpu)s", memory: %(memory)s}}
%(more)s"""

SECOND = """  - name: side
    image: busybox
    command: [sleep, "1000"]
    resources: {requests: {cpu: 50m}, limits: {cpu: 100m, memory: %s}}
"""

POLICY = """---
apiVersion: mete/v1
kind: Policy
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
%s
"""

# Touches that many MiB and keeps them until it is sent USR1.
EAT = r"""exec awk 'BEGIN { for (i = 0; i < %d; ++i) { s = "x"; while (length(s) < 1048576) s = s s; a[i] = s } while (1) system("sleep 0.2") }'"""


def pod(cpu="200m", memory="64Mi", command="exec sleep 1000", more=""):
    return POD % {"cpu": cpu, "memory": memory, "command": json.dumps(command), "more": more}


def files(agent, container="main"):
    """What the kernel has: memory limit and CPU quota in us."""
    path = agent.container("web", container)["cgroup"]
    return group_files(path)


def group_files(path):
    def read(controller, name):
        directory = "/sys/fs/cgroup/" + controller if V1 else "/sys/fs/cgroup"
        return open("%s%s/%s" % (directory, path, name)).read().split()
    if V1:
        return int(read("memory", "memory.limit_in_bytes")[0]), int(read("cpu", "cpu.cfs_quota_us")[0])
    return int(read("", "memory.max")[0].replace("max", "-1")), int(read("", "cpu.max")[0].replace("max", "-1"))


def running(agent, name="main"):
    return wait_for("the container to run", lambda: (agent.container("web", name) or {}).get("pid"))


def test_a_changed_manifest_resizes_in_place():
    with Agent().start() as agent:
        agent.apply(pod())
        pid = running(agent)
        assert files(agent) == (64 * MiB, 20000)
        agent.apply(pod("500m", "128Mi"))
        wait_for("the new limits", lambda: files(agent) == (128 * MiB, 50000), 2)
        agent.apply(pod("100m", "32Mi"))
        wait_for("the smaller limits", lambda: files(agent) == (32 * MiB, 10000), 2)
        main = agent.container("web")
        assert main["pid"] == pid and main["restarts"] == 0, main
        assert main["resources"]["limits"] == {"cpu": "100m", "memory": str(32 * MiB)}, main
        changes = [each["fields"]["change"] for each in agent.events("Resized")]
        assert changes == ["cpu limit 200m -> 500m, memory limit 64Mi -> 128Mi", "cpu limit 500m -> 100m, memory limit 128Mi -> 32Mi"], changes
        # Anything else is still another container.
        agent.apply(pod("100m", "32Mi", command="exec sleep 1001"))
        wait_for("another container", lambda: (agent.container("web") or {}).get("pid") not in (None, pid))


def test_mete_update_lasts_until_the_manifest_speaks():
    with Agent().start() as agent:
        agent.apply(pod())
        pid = running(agent)
        done = agent.mete("update", "web", "--memory", "96Mi", "--cpus", "0.3")
        assert done.stdout == "pod default/web, container main: limits cpu=300m memory=%d requests cpu=50m memory=%d\n" % (96 * MiB, 8 * MiB), done.stdout
        assert files(agent) == (96 * MiB, 30000)
        agent.mete("update", "web", "--cpus", "0.4")
        assert files(agent) == (96 * MiB, 40000)
        agent.kill()
        agent.start()
        assert files(agent) == (96 * MiB, 40000) and agent.container("web")["updated"] is True
        agent.apply(pod())  # the same text: nothing new is said
        assert files(agent) == (96 * MiB, 40000)
        agent.mete("update", "web", "--reset")
        assert files(agent) == (64 * MiB, 20000)
        agent.mete("update", "web", "-c", "main", "--memory", "100Mi")
        agent.apply(pod(memory="80Mi"))
        wait_for("the manifest's", lambda: files(agent) == (80 * MiB, 20000), 2)
        assert agent.container("web")["pid"] == pid and agent.container("web")["restarts"] == 0


def test_update_says_what_is_wrong_and_changes_nothing():
    with Agent().start() as agent:
        agent.apply(pod())
        running(agent)
        before = files(agent)
        for more, said in [(["--memory", "4Mi"], "memory: found a request of 8Mi and a limit of 4Mi"),
                           (["--memory", "much"], "memory: "),
                           (["--memory", "512m"], "memory: "),
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


def test_a_decrease_below_what_is_used_is_reclaimed_for():
    with Agent().start() as agent:
        agent.apply(pod(command="dd if=/dev/zero of=/tmp/big bs=1M count=40 2>/dev/null; sync; echo read; exec sleep 1000"))
        pid = running(agent)
        wait_for("the file", lambda: "read" in agent.mete("logs", "web").stdout)
        agent.mete("update", "web", "--memory", "24Mi")
        assert files(agent)[0] == 24 * MiB
        assert agent.container("web")["pid"] == pid and agent.container("web")["oomKills"] == 0


def test_a_decrease_that_cannot_be_had_is_refused_whole():
    with Agent().start() as agent:
        agent.apply(pod(command=EAT % 40))
        pid = running(agent)
        wait_for("its memory", lambda: agent.container("web")["usage"]["memoryBytes"] > 40 * MiB)
        begin = time.monotonic()
        done = agent.mete("update", "web", "--memory", "24Mi", "--cpus", "0.1", check=False)
        assert done.returncode == 1 and "more than the new limit of %d bytes" % (24 * MiB) in done.stderr, done
        assert 5 < time.monotonic() - begin < 30
        assert files(agent) == (64 * MiB, 20000)
        assert agent.container("web")["pid"] == pid and agent.container("web")["oomKills"] == 0
        assert "updated" not in agent.container("web")
        [waits], [refused] = agent.events("ResizeWaits"), agent.events("ResizeRefused")
        assert "container main uses" in waits["message"] and "stay as they are" in refused["message"]
        assert agent.metric("mete_enforcement_actions_total", enforcer="limits", action="resize", outcome="failed") == 1


def test_a_refused_manifest_is_taken_when_the_container_ends():
    with Agent().start() as agent:
        agent.apply(pod(command=EAT % 40))
        pid = running(agent)
        wait_for("its memory", lambda: agent.container("web")["usage"]["memoryBytes"] > 40 * MiB)
        agent.apply(pod(memory="24Mi", command=EAT % 40))
        wait_for("the refusal", lambda: agent.events("ResizeRefused"), 20)
        assert files(agent)[0] == 64 * MiB and agent.container("web")["pid"] == pid
        assert agent.pod("web")["resize"]["state"] == "refused", agent.pod("web")
        # An agent that comes back finds the same: what is in force is not what the manifest says.
        agent.kill()
        agent.start()
        assert files(agent)[0] == 64 * MiB and agent.container("web")["pid"] == pid and agent.container("web")["oomKills"] == 0
        agent.mete("kill", "web")
        wait_for("the next attempt's limit", lambda: files(agent)[0] == 24 * MiB, 20)


def test_the_pods_own_limits_follow():
    with Agent().start() as agent:
        agent.apply(pod(more=SECOND % "32Mi"))
        pids = running(agent), running(agent, "side")
        parent = agent.pod("web")["cgroup"]
        assert group_files(parent) == (96 * MiB, 30000), group_files(parent)
        agent.apply(pod("500m", "128Mi", more=SECOND % "16Mi"))
        wait_for("larger", lambda: group_files(parent) == (144 * MiB, 60000), 2)
        assert files(agent) == (128 * MiB, 50000) and files(agent, "side") == (16 * MiB, 10000)
        agent.mete("update", "web", "-c", "side", "--memory", "24Mi")
        assert group_files(parent)[0] == 152 * MiB and files(agent, "side")[0] == 24 * MiB
        assert pids == (agent.container("web", "main")["pid"], agent.container("web", "side")["pid"])


def other_writes(path, controller, name, text, keep_open=False):
    directory = "/sys/fs/cgroup/" + controller if V1 else "/sys/fs/cgroup"
    out = open("%s%s/%s" % (directory, path, name), "w")
    out.write(text)
    out.flush()
    if not keep_open:
        out.close()
    return out


def test_drift_is_put_back_within_a_second():
    with Agent().start() as agent:
        agent.apply(pod(more=SECOND % "32Mi"))
        running(agent)
        running(agent, "side")
        main, parent = agent.container("web", "main")["cgroup"], agent.pod("web")["cgroup"]
        quota = "cpu.cfs_quota_us" if V1 else "cpu.max"
        memory = "memory.limit_in_bytes" if V1 else "memory.max"
        for path, controller, name, wrong, field in [(main, "cpu", quota, "15000" if V1 else "15000 100000", 1), (main, "memory", memory, str(48 * MiB), 0),
                                                     (parent, "cpu", quota, "40000" if V1 else "40000 100000", 1), (parent, "memory", memory, str(80 * MiB), 0)]:
            right = group_files(path)
            out = other_writes(path, controller, name, wrong, keep_open=True)
            wait_for("%s of %s to be put back" % (name, path), lambda: group_files(path) == right, 1, 0.01)
            out.close()
        assert len(agent.events("LimitDrift")) == 4, agent.events("LimitDrift")
        assert agent.metric("mete_limit_drift_total") == 4


def test_drift_can_be_only_reported():
    with Agent().start() as agent:
        agent.apply(pod() + POLICY % "  drift: report")
        running(agent)
        path = agent.container("web")["cgroup"]
        quota, text = ("cpu.cfs_quota_us", "15000") if V1 else ("cpu.max", "15000 100000")
        other_writes(path, "cpu", quota, text)
        event = wait_for("the report", lambda: agent.events("LimitDrift"))[0]
        assert "told and left" in event["message"] and event["fields"]["file"] == quota, event
        time.sleep(0.3)
        assert group_files(path)[1] == 15000 and len(agent.events("LimitDrift")) == 1
        other_writes(path, "cpu", quota, text.replace("15000", "16000"))
        wait_for("the next report", lambda: len(agent.events("LimitDrift")) == 2)
        # Without that policy it is put back.
        agent.apply((POLICY % "  drift: restore").lstrip("-\n"))
        wait_for("the quota", lambda: group_files(path)[1] == 20000)


if __name__ == "__main__":
    assert cgroup_mounts()
    run_tests(sys.modules[__name__])
