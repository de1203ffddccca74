# SPDX-License-Identifier: Apache-2.0
"""Pods to which everything happens that dashboards and alerts are about, each in a cgroup of its own with limits."""
from cgroups import Cgroup
from hog import eat, read_for_ever
from mete_agent import SOURCE, wait_for
from pods import documents, pod, policy, policy_for, wait_running


def limits(memory="32Mi", cpu="100m", request="10m"):
    return "resources: {requests: {cpu: %s, memory: 8Mi}, limits: {cpu: %s, memory: %s}}" % (request, cpu, memory)


# Network counters are those of real interfaces; without a network of one's own that is the machine's.
HOSTED = pod("hosted", spec="hostNetwork: true", lines=limits())
CRASHING = pod("crashing", "exit 3", limits())
# Its health check never succeeds.
UNHEALTHY = pod("unhealthy", lines=limits() + "\nreadinessProbe: {exec: {command: [\"false\"]}, periodSeconds: 1, failureThreshold: 1}")
# More processes than it may have.
FORKING = documents(pod("forking", "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 2 & done; sleep 1; exec sleep 1000", limits()),
                    policy("  pids: {max: 6}", "forking"))
# Grows slowly, for minutes.
LEAKING = pod("leaking", eat(180, pause="0.5"), limits("192Mi"))
# A file of 40 MiB, read again and again with memory for half of it.
THRASHING = pod("thrashing", read_for_ever(40), limits("20Mi", "200m"))
# The first kill of the policy is done, the second guarded; its command is not there.
CAREFUL = documents(pod("careful", eat(40, pause="0.05"), limits("64Mi")), policy(
    "  memory: {at: [{usage: 30%, do: exec, command: [/bin/nothing], timeout: 2s}, {usage: 50%, do: kill-container}]}\n"
    "  guard: {maxKills: 1, per: 30m}", "careful"))


# Without quotas, on one CPU: the first gets a fifth of it, and requests nearly all.
STARVED = documents(*(pod(name, "exec taskset 1 sh -c 'while :; do :; done'", "resources: {requests: {cpu: %s}}" % request)
                      for name, request in (("starved", "800m"), ("greedy", "3200m"))))


def writing(folder):
    """Two that write past the page cache to one disk, which a policy makes slow."""
    script = "while :; do dd if=/dev/zero of=/data/f bs=256k count=8 oflag=direct 2>/dev/null; dd if=/dev/zero of=/tmp/f bs=64k count=20 2>/dev/null; done"
    lines = limits() + "\nvolumeMounts: [{name: data, mountPath: /data}]"
    return documents(*(pod(name, script, lines, "volumes: [{name: data, emptyDir: {}}]", labels=", kind: writer") for name in ("writing", "writing-too")),
                     policy_for("{matchLabels: {kind: writer}}", "  io: {devices: [{path: %s, writeBps: 1Mi}]}" % folder, "slow"))


def provoke(agent):
    """Applies all, waits for those that run, and writes into a limit as somebody else would."""
    for example in ("policy", "throttled", "oom"):
        agent.mete("apply", "-f", "%s/config/examples/%s.yaml" % (SOURCE, example))
    for each in (HOSTED, CRASHING, UNHEALTHY, FORKING, LEAKING, THRASHING, CAREFUL, writing(agent.work)):
        agent.apply(each)
    wait_running(agent, "throttled", "hosted", "thrashing", "writing")
    Cgroup(agent.container("throttled")["cgroup"]).set_cpu_quota(20000)
    wait_for("the foreign write to be seen", lambda: agent.metric("mete_limit_drift_total"))
