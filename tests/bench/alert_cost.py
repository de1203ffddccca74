# SPDX-License-Identifier: Apache-2.0
"""What alerts cost an agent that nobody scrapes: tests/bench/alert_cost.py [--containers N] [--seconds S]

Default 213 containers of ours (of which a tenth works a little), 120 s at the default interval of 15 s. Printed are the CPU time of the agent
without alerts and with them, its private memory, and what the store of samples takes for each container (mete_alerts_stored_bytes).
"""
import argparse
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
sys.path.insert(0, __file__.rsplit("/", 1)[0])
from agent_cost import status  # noqa: E402
from cpu_time import by_thread  # noqa: E402
from mete_agent import Agent, wait_for, write  # noqa: E402
from pods import documents, pod  # noqa: E402

WORKING = "while :; do i=0; while [ $i -lt 2000 ]; do i=$((i + 1)); done; sleep 1; done"


def measure(agent, containers, seconds, alerts):
    config = agent.work + "/agent.yaml"
    write(config, "alerts: {enabled: %s}\n" % ("true" if alerts else "false"))
    agent.start("--config", config)
    if not agent.pod("c0"):
        lines = "resources: {requests: {cpu: 10m}, limits: {cpu: 200m, memory: 32Mi}}"
        manifest = documents(*(pod("c%d" % i, WORKING if i % 10 == 0 else ["sleep", "100000"], lines) for i in range(containers)))
        agent.mete("apply", "-f", "-", text=manifest)
    running = lambda: sum(1 for each in agent.pods() if each["containers"][0]["state"] == "running")  # noqa: E731
    wait_for("all containers to run", lambda: running() == containers, 300, 1)
    time.sleep(20)
    before = by_thread(agent.process.pid)
    time.sleep(seconds)
    after = by_thread(agent.process.pid)
    shares = {name: 100 * (after[name] - before.get(name, 0)) / seconds for name in after}
    own = agent.metric("mete_alerts_evaluation_seconds_total")
    print("alerts %-3s CPU %.3f %% of a core (%s); private memory %.1f MB%s"
          % ("on" if alerts else "off", sum(shares.values()), ", ".join("%s %.3f" % each for each in sorted(shares.items())),
             status(agent.process.pid, "RssAnon"), "" if own is None else "; evaluated in %.0f ms of CPU in all, store %.1f KiB a container"
             % (1000 * own, agent.metric("mete_alerts_stored_bytes") / 1024 / containers)), flush=True)
    agent.stop()
    return sum(shares.values())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--containers", type=int, default=213)
    parser.add_argument("--seconds", type=int, default=120)
    arguments = parser.parse_args()
    with Agent() as agent:
        without = measure(agent, arguments.containers, arguments.seconds, False)
        alerts = measure(agent, arguments.containers, arguments.seconds, True)
        print("%d containers: alerts cost %.3f %% of a core" % (arguments.containers, alerts - without))


if __name__ == "__main__":
    main()
