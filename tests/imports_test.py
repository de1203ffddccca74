# SPDX-License-Identifier: Apache-2.0
"""No test imports another test: what two of them share is in tests/support, and what a script names it also uses."""
import ast
import glob
import os
import sys

TESTS = os.path.dirname(os.path.realpath(__file__))


def faults(name, text):
    tree = ast.parse(text, name)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    for node in tree.body:
        if not isinstance(node, (ast.Import, ast.ImportFrom)):
            continue
        modules = [node.module] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names]
        yield from ("%s:%d: imports the test %s" % (name, node.lineno, module) for module in modules if module.endswith("_test"))
        for each in node.names:
            bound = (each.asname or each.name).split(".")[0]
            if bound not in used and "F401" not in text.splitlines()[node.lineno - 1]:
                yield "%s:%d: imports %s, which nothing uses" % (name, node.lineno, bound)


def check_itself():
    assert len(list(faults("a", "import os\nfrom b_test import c\nc()\n"))) == 2
    assert not list(faults("a", "import os.path\nfrom b import c  # noqa: F401\nos.path\n"))


def main():
    check_itself()
    names = glob.glob(TESTS + "/**/*.py", recursive=True)
    found = [fault for name in names for fault in faults(os.path.relpath(name, TESTS), open(name).read())]
    print("\n".join(found) + "\n%d scripts, %d faults" % (len(names), len(found)))
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
