# SPDX-License-Identifier: Apache-2.0
"""exec of a container that ends while it is entered."""
import json
import os
import subprocess
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from mete_agent import run_tests, wait_for  # noqa: E402
from oci_bundle import Oci  # noqa: E402


def test_a_container_that_ends_meanwhile_is_said_to_be_not_running():
    with Oci() as oci:
        pid = oci.started()
        fifo = oci.work + "/process.json"
        os.mkfifo(fifo)
        entering = subprocess.Popen(oci.words("exec", "--process", fifo, "one"), stderr=subprocess.PIPE, text=True)
        # It has found the container running when it waits for the process.
        with open(fifo, "w") as out:
            oci.oci("kill", "one", "KILL")
            wait_for("the end", lambda: not os.path.exists("/proc/%d" % pid) or "Z" in open("/proc/%d/stat" % pid).read().rsplit(")", 1)[1].split()[0])
            json.dump({"args": ["true"], "cwd": "/", "user": {"uid": 0, "gid": 0}}, out)
        _, said = entering.communicate(timeout=60)
        assert entering.returncode == 255 and 'container not running: found "one" stopped' in said, said
        assert oci.oci("state", "one").out.count('"stopped"') == 1


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
