# SPDX-License-Identifier: Apache-2.0
"""Networks on a pure cgroup v2 kernel of a Debian: a bridge with a published port, a NetworkPolicy, encrypted overlays, macvlan and ipvlan, on qemu
of machine.py. METE_SOAK=1: also what does the same on each kernel."""
import sys

sys.path.insert(0, __file__.rsplit("/", 1)[0])
from machine import Plan, run  # noqa: E402
from split import QEMU_DISK, network_cases, network_program_cases  # noqa: E402

plan = Plan("payload", QEMU_DISK)
for name, cases in network_program_cases().items():
    plan.program(name, cases)
for name, cases in network_cases().items():
    plan.script(name, cases)
run("qemu", plan, disk=True)
