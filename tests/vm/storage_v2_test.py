# SPDX-License-Identifier: Apache-2.0
"""The storage driver devicemapper and quotas by projects, on a kernel that has them: uml of machine.py with a disk."""
import sys

sys.path.insert(0, __file__.rsplit("/", 1)[0])
from machine import Plan, run  # noqa: E402
from split import STORAGE_PROGRAM_CASES, STORAGE_SCRIPTS, UML_DISK, all_program_cases, storage_cases  # noqa: E402

plan = Plan("payload", UML_DISK)
plan.program("storage_root_test", [each for each in all_program_cases("storage_root_test") if each.endswith("/" + STORAGE_PROGRAM_CASES)])
for name in STORAGE_SCRIPTS:
    plan.script(name, storage_cases(name))
run("uml", plan, disk=True)
