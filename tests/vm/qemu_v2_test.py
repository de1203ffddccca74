# SPDX-License-Identifier: Apache-2.0
"""What the other tests of this folder cannot do on their kernel, on qemu of machine.py: instructions are emulated, so all times are longer.
METE_SOAK=1: what repeats does so as often as in the long forms of tests/root."""
import os
import sys

sys.path.insert(0, __file__.rsplit("/", 1)[0])
from machine import Plan, run  # noqa: E402
from split import (AGENT_CASES, OCI_SCRIPTS, OTHER_SCRIPTS, POLICY_SCRIPTS, PROGRAMS, QEMU_DISK, QEMU_SCRIPTS, all_script_cases,  # noqa: E402
                   program_cases, script_cases)

plan = Plan("payload", {**QEMU_DISK, "METE_OCI": "/mete/mete-oci", "METE_SOAK": os.environ.get("METE_SOAK", "0")})
for name in PROGRAMS:
    plan.program(name, program_cases(name, "qemu"))
for name in OCI_SCRIPTS + POLICY_SCRIPTS + OTHER_SCRIPTS:
    plan.script(name, script_cases(name, "qemu"))
for name in QEMU_SCRIPTS:
    plan.script(name, all_script_cases(name))
plan.agent(AGENT_CASES["qemu"])
run("qemu", plan, disk=True)
