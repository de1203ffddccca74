# SPDX-License-Identifier: Apache-2.0
"""Networks on a pure cgroup v2 kernel of a Debian: a bridge with a published port, names, a NetworkPolicy, macvlan and ipvlan, on qemu of machine.py."""
import sys

sys.path.insert(0, __file__.rsplit("/", 1)[0])
from machine import Plan, run  # noqa: E402
from split import NETWORK_CASES, QEMU_DISK, all_script_cases  # noqa: E402

plan = Plan("payload", QEMU_DISK)
for name, cases in NETWORK_CASES.items():
    unknown = sorted(set(cases) - set(all_script_cases(name)))
    assert not unknown, "%s has no %s: mend NETWORK_CASES in tests/vm/split.py" % (name, ", ".join(unknown))
    plan.script(name, cases)
run("qemu", plan, disk=True)
