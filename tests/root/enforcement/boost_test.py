# SPDX-License-Identifier: Apache-2.0
"""cpu.boost: a throttled container is lent what of the machine is idle, and gives it back when others need it."""
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from idle_cpu import start_on_idle_machine  # noqa: E402
from mete_agent import Agent, run_tests, stays, wait_for  # noqa: E402
from pods import documents, launch, policy  # noqa: E402
from web_pod import busy, files, limits, side  # noqa: E402

BOOST = "  cpu: {boost: {whenThrottled: 25%%, for: 1s, factor: 1.5, max: 200%%, coolDown: %s}}"

def test_it_is_lent_what_is_idle_and_gives_it_back():
    with Agent() as agent:
        machine = start_on_idle_machine(agent)
        launch(agent, documents(busy(side("32Mi")), policy(BOOST % "60s")))
        wait_for("twice its own", lambda: files(agent)[1] == 4000)
        parent = agent.pod("web")["cgroup"]
        assert limits(parent)[1] == 14000, "the pod's quota is the sum of its containers'"
        lent = agent.events("CpuBoosted")
        # Half again at a time; in smaller steps while others leave little idle.
        steps = [2000] + [int(each["fields"]["quota"]) for each in lent]
        assert steps[-1] == 4000 and all(before < step <= 1.5 * before for before, step in zip(steps, steps[1:])), lent
        assert "of its periods, and" in lent[0]["message"], lent
        stays("not above its maximum", lambda: files(agent)[1] == 4000 and len(agent.events("CpuBoosted")) == len(lent), 1.2)
        begin = time.monotonic()
        machine.share = 0
        ended = agent.event("CpuBoostEnded")
        print("     given back %.1f s after others came" % (time.monotonic() - begin))
        assert "others need it" in ended["message"] and files(agent)[1] == 2000 and limits(parent)[1] == 12000, ended
        machine.share = 0.9
        stays("it cools down", lambda: files(agent)[1] == 2000, 3)
        assert agent.metric("mete_enforcement_actions_total", enforcer="cpu", action="boost", outcome="done") == len(lent)
        assert not agent.events("LimitDrift"), agent.events("LimitDrift")


def test_without_the_policy_it_is_its_own_again_and_dry_run_only_tells():
    with Agent() as agent:
        machine = start_on_idle_machine(agent)
        launch(agent, documents(busy(), policy(BOOST % "1s")))
        wait_for("a boost", lambda: files(agent)[1] > 2000)
        agent.apply(policy("  dryRun: true\n" + BOOST % "1s"))
        wait_for("its own", lambda: files(agent)[1] == 2000)
        agent.event("CpuBoosted", outcome="dry-run")
        assert files(agent)[1] == 2000
        agent.apply(policy(BOOST % "1s"))
        wait_for("a boost again", lambda: files(agent)[1] > 2000)
        agent.kill()
        assert limits(agent.parent + "/default_web/main")[1] > 2000
        agent.forget("Policy", "web")
        agent.start(prepare=machine.mount)
        wait_for("its own after the agent's death", lambda: files(agent)[1] == 2000)


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
