# SPDX-License-Identifier: Apache-2.0
"""Pods with a probe, and what an agent says of them."""
from pods import pod

FAST = "periodSeconds: 1"
HOST = "hostNetwork: true"
WAIT = "trap 'exit 0' TERM; while :; do sleep 0.05; done"


def probed(kind, action, more=FAST, command=WAIT, spec="", **others):
    return pod("web", command, "%sProbe: {%s, %s}" % (kind, action, more), spec, **others)


def is_ready(agent, name="web"):
    return agent.pod(name)["ready"]


def http(server, more=""):
    return "httpGet: {port: %d%s}" % (server.port, more)


def unhealthy(agent):
    return [each["message"] for each in agent.events("Unhealthy")]
