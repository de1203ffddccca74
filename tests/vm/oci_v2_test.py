# SPDX-License-Identifier: Apache-2.0
"""mete-oci's stress and attack tests, and pods whose containers other OCI runtimes make, on a pure cgroup v2 kernel: uml of machine.py, where a process
takes long to make, so that fewer cycles do.
METE_SOAK=1: all cases, also those that do the same on each cgroup version."""
import sys

sys.path.insert(0, __file__.rsplit("/", 1)[0])
from machine import Plan, run  # noqa: E402
from split import OCI_SCRIPTS, RUNTIME_CASES, SOAK, oci_cases  # noqa: E402

plan = Plan("payload", {"METE_OCI": "/mete/mete-oci", "METE_BIN_DIR": "/mete", "METE_CYCLES": 60 if SOAK else 10, "METE_AT_ONCE": 20, "METE_KILLS": 20, "METE_SLOW": 2})
for name in OCI_SCRIPTS:
    plan.script(name, oci_cases(name))
plan.script("runtime_class_test", RUNTIME_CASES)
run("uml", plan)
