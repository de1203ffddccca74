# SPDX-License-Identifier: Apache-2.0
"""The same memory hog under each policy as in tests/root, on a pure cgroup v2 kernel: uml of machine.py with a disk."""
import sys

sys.path.insert(0, __file__.rsplit("/", 1)[0])
from machine import Plan, run  # noqa: E402
from split import POLICY_SCRIPTS, UML_DISK, script_cases  # noqa: E402

plan = Plan("payload", UML_DISK)
for name in POLICY_SCRIPTS:
    plan.script(name, script_cases(name, "uml"))
run("uml", plan, disk=True)
