# SPDX-License-Identifier: Apache-2.0
"""An agent that dies in the middle of an action, on a pure cgroup v2 kernel: qemu of machine.py with a disk."""
import os
import sys

sys.path.insert(0, __file__.rsplit("/", 1)[0])
from machine import Plan, run  # noqa: E402
from split import CRASH_SCRIPTS, QEMU_DISK, all_script_cases  # noqa: E402

plan = Plan("payload", {**QEMU_DISK, "METE_KILLS": os.environ.get("METE_KILLS", "2"), "METE_SPREAD": 15})
for name in CRASH_SCRIPTS:
    plan.script(name, all_script_cases(name))
run("qemu", plan, disk=True)
