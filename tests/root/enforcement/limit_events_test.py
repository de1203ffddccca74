# SPDX-License-Identifier: Apache-2.0
"""Limits that stop nobody but are run into are told and counted; what the kernel offers is exported."""
import os
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from cgroups import Cgroup  # noqa: E402
from mete_agent import Agent, run_tests, stays, wait_for  # noqa: E402
from pods import documents, pod, policy, wait_running  # noqa: E402

FORKS = "i=0; while [ $i -lt 30 ]; do sleep 1000 & i=$((i+1)); done 2>/dev/null; exec sleep 1000"
FORKER = documents(pod("forker", FORKS), policy("  pids: {max: 10}", "forker"))


def test_refused_forks_are_told_and_counted():
    with Agent().start() as agent:
        agent.apply(FORKER)
        told = wait_for("the event", lambda: agent.events("PidsLimit"))
        assert int(told[0]["fields"]["times"]) >= 1 and told[0]["container"] == "main", told
        assert told[0]["fields"]["limit"] == "10" and "limit_of" not in told[0]["fields"], told
        wait_for("the count", lambda: agent.metric("mete_container_forks_refused_total", pod="forker") >= int(told[0]["fields"]["total"]))
        stays("one for a series", lambda: len(agent.events("PidsLimit")) == 1, 2.5)
        agent.kill()
        agent.start()
        stays("not told a second time by the next agent", lambda: agent.events("PidsLimit") == [], 1.5)


def test_a_limit_of_a_cgroup_above_is_named():
    with Agent().start() as agent:
        agent.apply(documents(pod("forker", "while [ ! -e /go ]; do sleep 0.1; done; " + FORKS)))
        wait_running(agent, "forker")
        parent = Cgroup(agent.parent)
        parent.write("12", "pids.max")
        agent.kill()  # the next agent looks which limits there are
        agent.start()
        agent.mete("exec", "forker", "--", "touch", "/go")
        told = agent.event("PidsLimit")
        assert told["fields"]["limit_of"] == agent.parent and told["fields"]["limit"] == "12", told
        assert agent.parent in told["message"], told


def test_what_the_kernel_offers_is_exported():
    with Agent().start() as agent:
        found = {dict(labels)["feature"]: value for (name, labels), value in agent.metrics().items() if name == "mete_agent_kernel_feature"}
        print("     %s, PSI window %s s" % ({name: int(value) for name, value in sorted(found.items())}, agent.metric("mete_agent_psi_window_seconds")))
        assert set(found.values()) <= {0, 1} and len(found) >= 20, found
        unified = next((each for each in agent.cgroups() if os.path.exists(each + "/cgroup.procs") and os.path.exists(each + "/cgroup.controllers")), None)
        assert found["cgroup_kill"] == int(unified is not None and os.path.exists(unified + "/cgroup.kill")), found
        assert found["memory_thresholds"] == int(os.path.exists("/sys/fs/cgroup/memory/cgroup.event_control")), found
        bounding = next(int(line.split()[1], 16) for line in open("/proc/self/status") if line.startswith("CapBnd"))
        assert found["cap_sys_resource"] == (bounding >> 24) & 1, found
        window = agent.metric("mete_agent_psi_window_seconds")
        assert window in (None, 0.1, 0.5, 2), window
        assert (window is not None) <= (found["pressure"] == 1), "a trigger without PSI"


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
