# SPDX-License-Identifier: Apache-2.0
"""The policies of docs/policies.md and docs/moving.md, as they stand there, applied to pods that give them a reason: each acts."""
import os
import re
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from cgroups import V1, Cgroup, Foreign, MiB  # noqa: E402
from disks import disk_of, io_limits  # noqa: E402
from hog import eat, read_for_ever  # noqa: E402
from idle_cpu import start_on_idle_machine  # noqa: E402
from mete_agent import SOURCE, Agent, need_disk, run_tests, skip_case, wait_for  # noqa: E402
from pods import SLEEP, documents, launch, pod, wait_running  # noqa: E402

LIMIT = 64 * MiB
EXERCISED = set()


def examples(page="policies.md"):
    """{name: text} of each policy that stands in a YAML block of the page."""
    found = {}
    for block in re.findall(r"^```yaml\n(.*?)^```$", open(SOURCE + "/docs/" + page).read(), re.M | re.S):
        for text in re.split(r"^---\n", block, flags=re.M):
            if "kind: Policy" in text:
                found.setdefault(re.search(r"name: ([\w-]+)", text).group(1) + ("/" + re.search(r"namespace: (\w+)", text).group(1) if "namespace:" in text else ""), text)
    return found


POLICIES = examples()


def example(name):
    EXERCISED.add(name)
    return POLICIES[name]


def hungry(name, command, memory="64Mi", restart="Always"):
    return pod(name, command, "resources: {requests: {cpu: 10m}, limits: {memory: %s}}" % memory, restart=restart)


def test_a_limit_for_those_that_the_selector_names():
    with Agent().start() as agent:
        labels = ", tier: front"
        launch(agent, documents(example("web/shop"), pod("one", labels=", app: web" + labels, metadata=", namespace: shop").replace("labels: {app: one, ", "labels: {"),
                                pod("two", labels=labels)), "shop/one", "two")
        assert Cgroup(agent.container("shop/one")["cgroup"]).pids_max() == 256
        assert Cgroup(agent.container("two")["cgroup"]).pids_max() != 256


def test_actions_before_the_limit():
    with Agent().start() as agent:
        agent.apply(documents(example("web"), hungry("web", "trap 'echo GOT-USR1' USR1; exec " + eat(75, "0.03"))))
        agent.event("PolicyAction", action="signal", outcome="done")
        assert "/bin/dump-heap" in agent.event("PolicyAction", action="exec")["message"]  # which the image has not
        agent.event("PolicyAction", action="reclaim")
        agent.event("LimitRaised", **{"from": str(LIMIT), "to": str(80 * MiB)})


def test_a_hold_at_the_limit_and_its_end():
    with Agent().start() as agent:
        agent.apply(documents(example("database"), hungry("database", "exec " + eat(70, "0.02"))))
        agent.event("OOMHeld")
        agent.event("LimitRaised", **{"from": str(LIMIT), "to": str(80 * MiB)})
        assert not agent.events("OOMKilled")


def test_thrashing_ends_in_a_restart():
    with Agent().start() as agent:
        need_disk(agent.work)
        agent.apply(documents(example("batch"), hungry("batch", read_for_ever(120))))
        event = wait_for("one of the two rules", lambda: (agent.events("PolicyRestart") + agent.events("PolicyKill") or [None])[0])
        assert event["fields"]["rule"] in ("memory.thrashing: refaults 100% for 2s", "memory.pressure: full 40% for 2s"), event


def test_a_container_that_wants_to_be_told():
    with Agent().start() as agent:
        launch(agent, documents(example("cache"), hungry("cache", SLEEP)), "cache")
        assert agent.mete("exec", "cache", "--", "sh", "-c", "test -p $MEMORY_PRESSURE_WATCH && echo yes").stdout == "yes\n"


def test_swap_beyond_the_limit():
    with Agent().start() as agent:
        group = Cgroup(launch(agent, documents(example("sleepy"), hungry("sleepy", SLEEP)), "sleepy")["cgroup"])
        if V1:
            assert int(group.read("memory.memsw.limit_in_bytes")) == LIMIT + 64 * MiB
        elif group.has("memory.swap.max"):
            assert int(group.read("memory.swap.max")) == 64 * MiB
        else:
            skip_case("needs a kernel with swap accounting")


def test_burst_and_boost():
    with Agent() as agent:
        start_on_idle_machine(agent)
        # 20 ms of each 100: it is throttled in every period, on a busy machine, too.
        agent.apply(documents(example("api"), pod("api", "while :; do :; done", "resources: {requests: {cpu: 10m}, limits: {cpu: 20m}}")))
        group = Cgroup(wait_running(agent, "api")["cgroup"])
        if group.has("cpu.cfs_burst_us", "cpu.max.burst"):
            assert int(group.read("cpu.cfs_burst_us", "cpu.max.burst")) == 2000  # no more than the quota
        boosted = agent.event("CpuBoosted")
        assert boosted["fields"]["quota"] == "2400", boosted


def test_cpus_of_its_own_and_none_but_idle_ones():
    if os.cpu_count() < 2:
        skip_case("needs two CPUs")
    with Agent().start() as agent:
        launch(agent, documents(example("trading"), pod("trading", SLEEP, "resources: {limits: {cpu: '1', memory: 32Mi}}"), pod("other")), "trading", "other")
        own = Cgroup(agent.container("trading")["cgroup"]).read("cpuset.cpus").strip()
        assert own.isdigit() and own != "0", own
        wait_for("the others to leave it", lambda: own not in Cgroup(agent.container("other")["cgroup"]).read("cpuset.cpus").strip().split(","))
        launch(agent, documents(example("nightly"), pod("nightly")), "nightly")
        group = Cgroup(agent.pod("nightly")["cgroup"])
        if group.has("cpu.idle"):
            assert group.read("cpu.idle") == "1\n"


def test_limits_of_a_disk():
    with Agent() as agent:
        disk = disk_of(agent.work)
        agent.start()
        launch(agent, documents(example("logger").replace("/var/lib/data", agent.work), pod("web", labels=", x: y").replace("app: web", "app: logger")))
        wait_for("the limits", lambda: io_limits(agent, disk) == (50 * MiB, 20 * MiB, 2000, 1000))


def test_pids_and_devices():
    with Agent().start() as agent:
        launch(agent, documents(example("tools"), pod("tools")), "tools")
        assert Cgroup(agent.container("tools")["cgroup"]).pids_max() == 256
        assert agent.mete("exec", "tools", "--", "sh", "-c", "exec 3</dev/full", check=False).returncode != 0
        if os.path.exists("/dev/fuse"):
            agent.mete("exec", "tools", "--", "sh", "-c", "exec 3<>/dev/fuse")


def test_a_guard_over_all_that_it_selects():
    with Agent().start() as agent:
        grows = "exec " + eat(62, "0.02")
        agent.apply(documents(example("careful"), *[pod("careful%d" % each, grows, "resources: {requests: {cpu: 10m}, limits: {memory: 64Mi}}", restart="Never")
                                                    .replace("app: careful%d" % each, "app: careful") for each in range(4)]))
        agent.event("KillGuarded", outcome="guarded")
        assert len(agent.events("PolicyKill", outcome="done")) == 3, agent.events("PolicyKill")


def test_cgroups_of_others():
    with Foreign() as foreign, Agent().start() as agent:
        before = foreign.settings()
        agent.apply(example("docker").replace("/docker/*", foreign.path))
        wait_for("the limit", lambda: foreign.pids_max() == 512)
        agent.mete("delete", "-f", "-", text=POLICIES["docker"])
        wait_for("what was there", lambda: foreign.settings() == before)


def test_the_policy_that_stands_for_systemd_oomd_tells_what_it_would_do():
    with Foreign(limit=32 * MiB) as foreign, Agent().start() as agent:
        if not foreign.has("memory.pressure"):
            skip_case("needs PSI of cgroups, which this kernel has not")
        text = examples("moving.md")["services"]
        assert "dryRun: true" in text
        # What it waits for is not to be waited for here: a hundredth of a second.
        agent.apply(text.replace("/system.slice/*.service", foreign.path).replace("60%", "1%").replace("30s", "1s"))
        need_disk(agent.work)
        # Its own page cache, of a file that is larger than its limit.
        foreign.run("with open(%r, 'wb') as file:\n    for _ in range(80):\n        file.write(b'x' * (1 << 20))\n"
                    "while True:\n    with open(file.name, 'rb') as again:\n        while again.read(1 << 20):\n            pass" % (agent.work + "/big"))
        told = agent.event("PolicyKill", outcome="dry-run")
        assert told["fields"]["rule"] == "memory.pressure: full 1% for 1s", told


def test_z_every_example_was_here():
    """Runs last: by its name."""
    if len(sys.argv) > 1:
        skip_case("only some were chosen")
    assert EXERCISED == set(POLICIES), EXERCISED ^ set(POLICIES)


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
