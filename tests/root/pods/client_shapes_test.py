# SPDX-License-Identifier: Apache-2.0
"""Pods in the shapes that other programs write: `kubectl get -o yaml` and `-o json` with all that an API server adds, `kubectl run
--dry-run`, `podman generate kube`, npm's @kubernetes/client-node as JSON and YAML, KYAML. Each is a file of client_shapes, taken as it
stands and run. JSON has no comments: what its Pods print stands below."""
import glob
import os
import re
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from mete_agent import Agent, run_tests, wait_for  # noqa: E402

FOLDER = os.path.dirname(os.path.realpath(__file__)) + "/client_shapes"
PRINTED = {"client-node.json": "from node shapes-node", "kubectl-get-list.json": "of a list"}


def said(text, word):
    return re.findall(r"(?m)^# %s: (.*)$" % word, text)


def test_pods_of_other_programs_are_taken_as_they_stand_and_run():
    with Agent() as agent:
        agent.start()
        for path in sorted(glob.glob(FOLDER + "/*")):
            with open(path) as file:
                text = file.read()
            name = re.search(r"(?m)^[ {]*\"?name\"?: \"?(shapes-[a-z-]+)|\"name\": \"(shapes-[a-z-]+)\"", text)
            name = name.group(1) or name.group(2)
            checked = agent.mete("validate", "-f", path, check=False)
            assert checked.returncode == 0, checked.stderr
            done = agent.mete("apply", "-f", path, check=False)
            assert done.returncode == 0, done.stderr
            warnings = done.stderr.splitlines()
            wanted = said(text, "warned")
            assert len(warnings) == len(wanted) and all(part in line for part, line in zip(wanted, warnings)), (path, done.stderr)
            wait_for(name + " to end", lambda: agent.pod(name)["phase"] in ("Succeeded", "Failed"))
            printed = PRINTED.get(os.path.basename(path)) or said(text, "prints")[0]
            assert agent.logs(name) == printed + "\n", (path, agent.logs(name))
            assert agent.pod(name)["phase"] == "Succeeded", (path, agent.pod(name))


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
