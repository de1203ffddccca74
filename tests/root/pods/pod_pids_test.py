# SPDX-License-Identifier: Apache-2.0
"""A pod's own limit on processes and threads: held by the kernel, told, changed in place, guarded."""
import json
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from cgroups import Cgroup  # noqa: E402
from mete_agent import Agent, run_tests, stays, wait_for, write  # noqa: E402
from pods import container, launch, pod  # noqa: E402

FORKS = "while [ ! -e /go ]; do sleep 0.1; done; i=0; while [ $i -lt 30 ]; do sleep 1000 & i=$((i+1)); done 2>/dev/null; exec sleep 1000"


def limited(most, command=("sleep", "1000"), more=""):
    spec = 'resources: {limits: {pids: "%s"}}' % most if most else ""
    return pod("p", command if isinstance(command, str) else list(command), spec=spec, more=more)


def own(agent, name="p"):
    """The pod's own cgroup: that of its containers is below it."""
    return Cgroup(agent.container(name)["cgroup"].rsplit("/", 1)[0])


def settings(agent):
    found = json.loads(agent.mete("explain", "p", "-o", "json").stdout)["settings"]
    return [(each["from"], each["expected"], each["found"]) for each in found if each["file"].endswith("pids.max")]


def test_all_containers_together_have_as_many_as_the_pod_may():
    with Agent().start() as agent:
        launch(agent, limited(20, FORKS, container("side", ["sleep", "1000"])), "p")
        group, side = own(agent), agent.container("p", "side")["pid"]
        assert group.pids_max() == 20
        assert settings(agent) == [("spec.resources.limits.pids of the manifest", "20", "20")], settings(agent)
        assert json.loads(agent.mete("get", "pod", "p", "-o", "json").stdout)["spec"]["resources"] == {"limits": {"pids": "20"}}
        agent.mete("exec", "p", "-c", "main", "--", "touch", "/go")
        told = agent.event("PidsLimit")
        assert told["fields"]["limit"] == "20" and told["fields"]["limit_of"] == group.path, told
        assert "cgroup %s above it has as many processes and threads as it may, 20" % group.path in told["message"], told
        assert int(group.read("pids.current")) <= 20 and agent.container("p", "side")["pid"] == side, "who forks nothing is left alone"
        assert not agent.events("LimitDrift"), agent.events("LimitDrift")


def test_it_changes_in_place_and_goes():
    with Agent().start() as agent:
        pid = launch(agent, limited(20), "p")["pid"]
        for most, change in ((40, "20 -> 40"), (30, "40 -> 30"), ("", "30 -> none"), (25, "none -> 25")):
            done = agent.apply(limited(most))
            assert "replaced" not in done.stdout and "its resources or its bandwidth change in place" in done.stdout, done
            wait_for("the other limit", lambda: own(agent).pids_max() == (most or None))  # noqa: B023 - called here
            assert [each["fields"]["change"] for each in agent.events("Resized")][-1] == "pids limit " + change, agent.events("Resized")
        assert agent.container("p")["pid"] == pid and agent.container("p")["restarts"] == 0


def test_a_limit_that_comes_later_is_told_too():
    with Agent().start() as agent:
        launch(agent, limited("", FORKS), "p")
        agent.apply(limited(12, FORKS))
        wait_for("the limit", lambda: own(agent).pids_max() == 12)
        agent.mete("exec", "p", "--", "touch", "/go")
        assert agent.event("PidsLimit")["fields"]["limit_of"] == own(agent).path


def test_what_changed_while_no_agent_ran():
    with Agent().start() as agent:
        pid = launch(agent, limited(20), "p")["pid"]
        group = own(agent)
        for most in (33, "", 21):
            agent.kill()
            write(agent.state + "/applied/Pod.default.p.yaml", limited(most))
            agent.start()
            wait_for("the limit", lambda: group.pids_max() == (most or None))  # noqa: B023 - called here
            assert not agent.events("LimitDrift"), agent.events("LimitDrift")
        assert agent.container("p")["pid"] == pid


def test_a_write_of_others_is_undone():
    with Agent().start() as agent:
        launch(agent, limited(20), "p")
        group = own(agent)
        group.write("max", "pids.max")
        wait_for("it to be put back", lambda: group.pids_max() == 20)
        assert [each["fields"]["found"] for each in agent.events("LimitDrift")] == ["max"], agent.events("LimitDrift")
        agent.apply(limited(""))
        wait_for("no limit", lambda: group.pids_max() is None)
        agent.kill()
        agent.start()
        group.write("50", "pids.max")  # whoever writes where mete holds nothing is left alone, by the next agent as well
        agent.kill()
        agent.start()
        stays("it to be left alone", lambda: group.pids_max() == 50, 1)


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
