# SPDX-License-Identifier: Apache-2.0
"""Policies on cgroups of others, limits that others change, swap, pods with users of their own, and a docker container's pause, on a pure
cgroup v2 kernel: uml of machine.py with a disk. METE_SOAK=1: a reboot, too."""
import sys

sys.path.insert(0, __file__.rsplit("/", 1)[0])
from machine import Plan, run  # noqa: E402
from split import DOCKER_CASES, OTHER_SCRIPTS, OTHER_SOAK_SCRIPTS, SOAK, UML_DISK, script_cases  # noqa: E402

plan = Plan("payload", UML_DISK)
for name in OTHER_SCRIPTS + (OTHER_SOAK_SCRIPTS if SOAK else []):
    plan.script(name, script_cases(name, "uml"))
plan.script("docker_api_test", DOCKER_CASES)
run("uml", plan, disk=True)
