import sys
sys.path.insert(0, __file__.rsplit("/", 1)[0])
from machine import Plan, run
from split import RUNTIME_CASES, UML_DISK
plan = Plan("payload", UML_DISK)
plan.script("runtime_class_test", ["test_what_is_killed_is_found"])
run("uml", plan, disk=True)
