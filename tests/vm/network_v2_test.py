# SPDX-License-Identifier: Apache-2.0
"""Networks on a pure cgroup v2 kernel of a Debian: a bridge with a published port, names, a NetworkPolicy, macvlan and ipvlan, on qemu of machine.py."""
import sys

sys.path.insert(0, __file__.rsplit("/", 1)[0])
from machine import Plan, run  # noqa: E402
from split import NETWORK_CASES, NETWORK_PROGRAM_CASES, QEMU_DISK, all_program_cases, all_script_cases  # noqa: E402

plan = Plan("payload", QEMU_DISK)
for table, all_cases, add in ((NETWORK_PROGRAM_CASES, all_program_cases, plan.program), (NETWORK_CASES, all_script_cases, plan.script)):
    for name, cases in table.items():
        unknown = sorted(set(cases) - set(all_cases(name)))
        assert not unknown, "%s has no %s: mend its table in tests/vm/split.py" % (name, ", ".join(unknown))
        add(name, cases)
run("qemu", plan, disk=True)
