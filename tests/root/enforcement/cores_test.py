# SPDX-License-Identifier: Apache-2.0
"""cpu.exclusive: containers of Guaranteed pods that ask for whole cores have CPUs of their own, all others share the rest; cpu.idle."""
import os
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from cgroups import Cgroup  # noqa: E402
from mete_agent import Agent, run_tests, skip, wait_for  # noqa: E402
from pods import SLEEP, delete, documents, launch, pod, policy_for, wait_running  # noqa: E402

CPUS = os.cpu_count()

WHOLE = "{limits: {cpu: '%d', memory: 32Mi}, requests: {cpu: '%d', memory: 32Mi}}"


def pinned(resources=WHOLE % (1, 1), name="pinned", command=SLEEP):
    """One that the policy selects."""
    return pod(name, command, "resources: " + resources, labels=", cores: own")


def exclusive(cpu="exclusive: true", more=""):
    return policy_for("{matchLabels: {cores: own}}", "  cpu: {%s}%s" % (cpu, more), "exclusive")


def numbers(text):
    found = set()
    for part in filter(None, text.strip().split(",")):
        first, _, last = part.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return found


def group(agent, name):
    return agent.pod(name)["cgroup"] + "/main"


def cpus(agent, name):
    """Where its process may run, as the kernel says."""
    status = open("/proc/%d/status" % agent.container(name)["pid"]).read()
    return numbers(next(line.split(":")[1] for line in status.splitlines() if line.startswith("Cpus_allowed_list")))


ALL = set(range(CPUS))


def test_its_own_cpus_and_the_others_share_the_rest_until_its_end():
    if CPUS < 2:
        skip("needs two CPUs")
    with Agent().start() as agent:
        launch(agent, documents(pod("before"), exclusive()), "before")
        assert cpus(agent, "before") == ALL
        launch(agent, pinned(), "pinned")
        launch(agent, pod("after"), "after")
        own = cpus(agent, "pinned")
        assert len(own) == 1 and 0 not in own, own
        wait_for("the others to have left", lambda: cpus(agent, "before") == ALL - own and cpus(agent, "after") == ALL - own)
        told = agent.events("CpusAssigned")
        assert len(told) == 1 and told[0]["fields"]["cpus"] == str(min(own)), told
        # What somebody else writes there is put back, as any limit.
        if os.path.isdir("/sys/fs/cgroup/cpuset"):
            open("/sys/fs/cgroup/cpuset%s/cpuset.cpus" % group(agent, "pinned"), "w").write("0-%d" % (CPUS - 1))
            wait_for("it to be put back", lambda: cpus(agent, "pinned") == own)
        agent.mete("delete", "pinned")
        wait_for("its CPUs to be everybody's", lambda: cpus(agent, "before") == ALL and cpus(agent, "after") == ALL)


def test_they_stay_its_own_over_restarts_of_container_and_agent():
    if CPUS < 2:
        skip("needs two CPUs")
    with Agent().start() as agent:
        launch(agent, documents(pod("other"), pinned(), exclusive()), "pinned", "other")
        own = cpus(agent, "pinned")
        first = agent.container("pinned")["pid"]
        os.kill(first, 9)
        wait_for("the restart", lambda: agent.container("pinned")["state"] == "running" and agent.container("pinned")["pid"] != first)
        assert cpus(agent, "pinned") == own
        agent.kill()
        agent.start()
        wait_for("the same CPUs", lambda: cpus(agent, "pinned") == own and cpus(agent, "other") == ALL - own)
        assert not agent.events("LimitDrift"), agent.events("LimitDrift")
        launch(agent, pinned(WHOLE % (CPUS - 1, CPUS - 1), "late"), "late")
        assert cpus(agent, "late") == ALL - own, "more than there are: it shares"
        assert any("to itself" in each["message"] for each in agent.events("NotEnforced")), agent.events("NotEnforced")
        # An agent that dies at the worst moment: the pod is gone from the manifests, and the others have not been told.
        agent.kill()
        agent.forget("Pod", "pinned")
        agent.forget("Pod", "late")
        agent.start()
        wait_for("all CPUs for the other", lambda: agent.pod("pinned") is None and cpus(agent, "other") == ALL)


def test_a_policy_that_goes_gives_them_back():
    if CPUS < 2:
        skip("needs two CPUs")
    with Agent().start() as agent:
        launch(agent, documents(pod("other"), pinned(), exclusive()), "pinned", "other")
        assert len(cpus(agent, "pinned")) == 1
        agent.mete("delete", "-f", "-", text=exclusive())
        wait_for("it to share again", lambda: cpus(agent, "pinned") == ALL and cpus(agent, "other") == ALL)
        assert agent.container("pinned")["restarts"] == 0


def test_who_gets_none_is_told_why():
    with Agent().start() as agent:
        for resources, why in (("{limits: {cpu: 1500m, memory: 32Mi}}", "whole cores"), ("{limits: {memory: 32Mi}}", "not Guaranteed"), (WHOLE % (CPUS, CPUS), "can be given away")):
            agent.apply(documents(pinned(resources), exclusive()))
            wait_for("the reason", lambda: any(why in each["message"] for each in agent.events("NotEnforced")))  # noqa: B023 - called here
            wait_running(agent, "pinned")
            assert cpus(agent, "pinned") == ALL
            delete(agent, "pinned")
        launch(agent, documents(pinned(), exclusive(more="\n  dryRun: true")), "pinned")
        assert cpus(agent, "pinned") == ALL


def idle(agent, name):
    path = agent.pod(name)["cgroup"] + "/cpu.idle"
    return open(next(each for each in ("/sys/fs/cgroup/cpu" + path, "/sys/fs/cgroup" + path) if os.path.exists(each))).read().strip()


def weight(agent, name):
    return Cgroup(agent.pod(name)["cgroup"]).read("cpu.shares", "cpu.weight")


def test_the_weight_of_a_pod_outlives_the_time_in_which_it_is_idle():
    with Agent().start() as agent:
        launch(agent, pinned("{limits: {cpu: '1', memory: 32Mi}, requests: {cpu: 300m, memory: 16Mi}}"), "pinned")
        before = weight(agent, "pinned")
        for while_no_agent_runs in (False, True):
            agent.apply(exclusive("idle: true"))
            wait_for("it to be idle", lambda: idle(agent, "pinned") == "1")
            if while_no_agent_runs:
                agent.kill()
                agent.forget("Policy", "exclusive")
                agent.start()
            else:
                agent.mete("delete", "-f", "-", text=exclusive("idle: true"))
            wait_for("it to be ordinary again", lambda: idle(agent, "pinned") == "0" and weight(agent, "pinned") == before)
            assert not agent.events("LimitDrift"), agent.events("LimitDrift")
        # What somebody else makes idle and awake again has its weight again.
        own = Cgroup(agent.pod("pinned")["cgroup"])
        own.write("1", "cpu.idle")
        own.write("0", "cpu.idle")
        wait_for("the weight", lambda: idle(agent, "pinned") == "0" and weight(agent, "pinned") == before)


def test_an_idle_pod_yields_to_others():
    with Agent().start() as agent:
        launch(agent, documents(pinned("{}", command="while :; do :; done"), exclusive("idle: true")), "pinned")
        assert idle(agent, "pinned") == "1"
        assert "idle" in agent.mete("explain", "pinned").stdout
        agent.kill()
        agent.start()
        assert idle(agent, "pinned") == "1" and not agent.events("LimitDrift"), agent.events("LimitDrift")
        agent.mete("delete", "-f", "-", text=exclusive("idle: true"))
        wait_for("it to be ordinary again", lambda: idle(agent, "pinned") == "0")
        assert agent.container("pinned")["restarts"] == 0
    with Agent() as agent:
        agent.start()
        refused = agent.mete("apply", "-f", "-", text=exclusive("idle: true, exclusive: true"), check=False)
        assert refused.returncode != 0 and "one of them" in refused.stderr, refused


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
