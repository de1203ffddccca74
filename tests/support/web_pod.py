# SPDX-License-Identifier: Apache-2.0
"""A pod "web" with limits, and what the kernel has of them."""
from cgroups import Cgroup
from pods import SLEEP, container, pod

BUSY = "while :; do :; done"


def web(cpu="200m", memory="64Mi", command=SLEEP, more="", request="50m"):
    resources = 'resources: {requests: {cpu: %s, memory: 8Mi}, limits: {cpu: "%s", memory: %s}}' % (request, cpu, memory)
    return pod("web", command, resources, more=more)


def busy(more=""):
    """So little CPU, 2 ms of each 100, that it uses it up and is throttled on a busy machine, too."""
    return web("20m", command=BUSY, more=more, request="10m")


def side(memory):
    """A second container of it."""
    return container("side", SLEEP, "resources: {requests: {cpu: 50m}, limits: {cpu: 100m, memory: %s}}" % memory)


def limits(path):
    """Of a cgroup: bytes of memory, us of CPU in each period."""
    group = Cgroup(path)
    return group.memory_limit(), group.cpu_quota()


def files(agent, main="main"):
    return limits(agent.container("web", main)["cgroup"])
