# SPDX-License-Identifier: Apache-2.0
"""mete-oci's stress and attack tests on a pure cgroup v2 kernel: uml of machine.py, where a process takes long to make, so that fewer cycles do."""
import sys

sys.path.insert(0, __file__.rsplit("/", 1)[0])
from machine import Plan, run  # noqa: E402
from split import OCI_SCRIPTS, script_cases  # noqa: E402

plan = Plan("payload", {"METE_OCI": "/mete/mete-oci", "METE_CYCLES": 60, "METE_AT_ONCE": 20, "METE_KILLS": 20, "METE_SLOW": 2})
for name in OCI_SCRIPTS:
    plan.script(name, script_cases(name, "uml"))
run("uml", plan)
