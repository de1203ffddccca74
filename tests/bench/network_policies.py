# SPDX-License-Identifier: Apache-2.0
"""What NetworkPolicies that name peers by labels cost a start. tests/bench/network_policies.py [--counts 10,100,500] [--runs N]

For each count so many pods are applied at once, once without a policy and once with five that select all of them and name them by four
selectors: how long until all run. Then one more pod is started, alone, beside them: from the request until the container's program runs
(see agent_start.py). What the policies cost is the difference. All of it is in a network namespace of the bench's own.
"""
import argparse
import statistics
import sys
import tempfile
import time

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
import own_network  # noqa: E402
from agent_start import answer, request  # noqa: E402
from mete_agent import Agent, wait_for  # noqa: E402
from network_launch import one_more, watch_of  # noqa: E402

POD = """
apiVersion: v1
kind: Pod
metadata: {name: many%d, labels: {app: app%d, tier: tier%d}}
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 0
  containers:
  - {name: main, image: busybox, command: [/bin/busybox, sleep, '1000'], ports: [{name: http, containerPort: 80}]}
"""
POLICY = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p%d}\nspec: %s\n"
SPECS = ["{podSelector: {}, policyTypes: [Ingress, Egress]}",
         "{podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {tier: tier0}}}], ports: [{port: http}, {port: 9000, endPort: 9010}]}]}",
         "{podSelector: {matchLabels: {tier: tier1}}, ingress: [{from: [{podSelector: {}}]}]}",
         "{podSelector: {}, policyTypes: [Egress], egress: [{to: [{podSelector: {}}]}, {to: [{ipBlock: {cidr: 192.0.2.0/24}}]}]}",
         "{podSelector: {matchExpressions: [{key: app, operator: Exists}]}, ingress: [{from: [{podSelector: {matchExpressions: [{key: app, operator: In, values: [app1, app3, app5]}]}}]}]}"]


def apply(agent, text):
    client, begin = request(agent.run + "/mete.sock", "POST", "/mete/v1/apply?file=-", text.encode())
    answer(client)
    return begin


def one_turn(count, policies, runs):
    """Seconds until all run, and the median milliseconds of one more."""
    with Agent() as agent:
        agent.start("--network", "bridge")
        folder = agent.work + "/given"
        watch = watch_of(folder)
        one_more(agent, watch, folder, 0)  # the first one makes the bridge
        if policies:
            apply(agent, "---\n".join(POLICY % (i, spec) for i, spec in enumerate(SPECS)))
        begin = apply(agent, "---\n".join(POD % (i, i % 10, i % 2) for i in range(count)))
        wait_for("all to run", lambda: sum(each["phase"] == "Running" for each in agent.pods()) == count, 300)
        took = time.monotonic() - begin
        return took, statistics.median([one_more(agent, watch, folder, 5000 + i) for i in range(runs)])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", default="10,100,500")
    parser.add_argument("--runs", type=int, default=20)
    options = parser.parse_args()
    own_network.enter()
    tempfile.tempdir = "/dev/shm"
    for count in map(int, options.counts.split(",")):
        bare, bare_one = one_turn(count, False, options.runs)
        held, held_one = one_turn(count, True, options.runs)
        print("%4d pods: until all run %6.2f s, with policies %6.2f s; one more %6.2f ms, with policies %6.2f ms" % (count, bare, held, bare_one, held_one), flush=True)


if __name__ == "__main__":
    main()
