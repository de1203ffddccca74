# SPDX-License-Identifier: Apache-2.0
"""The test programs of tests/root, and the agent for real, on a pure cgroup v2 kernel: uml of machine.py."""
import sys

sys.path.insert(0, __file__.rsplit("/", 1)[0])
from machine import Plan, run  # noqa: E402
from split import AGENT_CASES, PROGRAMS, program_cases  # noqa: E402

plan = Plan("payload")
for name in PROGRAMS:
    plan.program(name, program_cases(name, "uml"))
plan.agent(AGENT_CASES["uml"])
run("uml", plan)
