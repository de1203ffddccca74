# SPDX-License-Identifier: Apache-2.0
"""The same memory hog under each policy as in tests/root, on a pure cgroup v2 kernel: uml of machine.py with a disk.
METE_SOAK=1: all cases, also those that do the same on each cgroup version."""
import sys

sys.path.insert(0, __file__.rsplit("/", 1)[0])
from machine import Plan, run  # noqa: E402
from split import POLICY_SCRIPTS, UML_DISK, policy_cases  # noqa: E402

plan = Plan("payload", UML_DISK)
for name in POLICY_SCRIPTS:
    plan.script(name, policy_cases(name))
run("uml", plan, disk=True)
