# SPDX-License-Identifier: Apache-2.0
"""memory.swap of a policy, and what is told when a container has as much swap as it may, or the machine has no more. Swap is of the
whole machine: for one of the test's own (METE_OWN_MACHINE, the virtual one)."""
import os
import subprocess
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from cgroups import Cgroup, MiB, numbers  # noqa: E402
from hog import eat, hog  # noqa: E402
from mete_agent import Agent, run_tests, skip, skip_case, wait_for  # noqa: E402
from pods import wait_running  # noqa: E402

GROW = "exec " + eat(60, "0.01")


class Swap:
    def __init__(self, agent, mebibytes):
        self.path = agent.work + "/swap"
        with open(self.path, "wb") as file:
            file.write(b"\0" * (mebibytes * MiB))
        os.chmod(self.path, 0o600)

    def __enter__(self):
        subprocess.run(["mkswap", self.path], check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["swapon", self.path], check=True)
        return self

    def __exit__(self, *_):
        subprocess.run(["swapoff", self.path], check=False)


def swap_used(group):
    return int(group.read("memory.swap.current"))


def test_a_container_has_the_swap_that_its_policy_gives_and_its_end_is_told():
    with Agent().start() as agent, Swap(agent, 64):
        agent.apply(hog(GROW, "  memory: {swap: 16Mi}", memory="32Mi"))
        group = Cgroup(wait_running(agent, "hog")["cgroup"])
        assert int(group.read("memory.swap.max")) == 16 * MiB
        wait_for("swap to be used", lambda: swap_used(group) > 8 * MiB)
        told = wait_for("the event", lambda: agent.events("SwapLimit"))
        assert told[0]["container"] == "hog" and int(told[0]["fields"]["times"]) >= 1, told
        wait_for("the OOM kill that follows", lambda: agent.events("OOMKilled"))
        assert "memory.swap of policy default/hog" in agent.mete("explain", "hog").stdout or agent.container("hog")["state"] == "exited"


def test_without_a_policy_there_is_none():
    with Agent().start() as agent, Swap(agent, 64):
        agent.apply(hog(GROW, "  pids: {max: 100}", memory="32Mi"))
        wait_for("the OOM kill", lambda: agent.events("OOMKilled"))
        assert not agent.events("SwapLimit")


def test_a_machine_that_has_no_more_is_told():
    with Agent().start() as agent, Swap(agent, 4):
        agent.apply(hog("(%s); exec sleep 1000" % GROW, "  memory: {swap: 32Mi, onOOM: kill-process}", memory="32Mi"))
        group = Cgroup(wait_running(agent, "hog")["cgroup"])
        wait_for("the OOM kill", lambda: agent.events("OOMKilled"))
        # As a rule the kernel no longer tries when there is none: then it has refused nobody, and there is nothing to be told.
        if numbers(group.read("memory.swap.events"))["fail"] == 0:
            skip_case("the kernel has refused nobody swap")
        told = wait_for("the event", lambda: agent.events("SwapFull"))
        assert told[0]["container"] == "hog", told


def main():
    if not os.environ.get("METE_OWN_MACHINE"):
        skip("needs a machine of its own, whose swap may be filled")
    run_tests(sys.modules[__name__])


if __name__ == "__main__":
    main()
