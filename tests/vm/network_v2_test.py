# SPDX-License-Identifier: Apache-2.0
"""Networks on a pure cgroup v2 kernel of a Debian: a bridge with a published port, a NetworkPolicy, encrypted overlays, macvlan and ipvlan, on qemu
of machine.py. METE_SOAK=1: also what does the same on each kernel."""
import os
import sys

sys.path.insert(0, __file__.rsplit("/", 1)[0])
from machine import Plan, run  # noqa: E402
from split import NETWORK_CASES, NETWORK_PROGRAM_CASES, NETWORK_SOAK_CASES, QEMU_DISK, all_program_cases, all_script_cases  # noqa: E402

if os.environ.get("METE_SOAK") == "1":
    for name, cases in NETWORK_SOAK_CASES.items():
        NETWORK_CASES.setdefault(name, []).extend(cases)
plan = Plan("payload", QEMU_DISK)
for table, all_cases, add in ((NETWORK_PROGRAM_CASES, all_program_cases, plan.program), (NETWORK_CASES, all_script_cases, plan.script)):
    for name, cases in table.items():
        unknown = sorted(set(cases) - set(all_cases(name)))
        assert not unknown, "%s has no %s: mend its table in tests/vm/split.py" % (name, ", ".join(unknown))
        add(name, cases)
run("qemu", plan, disk=True)
