# SPDX-License-Identifier: Apache-2.0
"""An agent whose state is on a file system of its own, which a test can fill."""
import contextlib
import os
import subprocess

from mete_agent import Agent


class OnSmallDisk(Agent):
    def __init__(self, size="8m"):
        super().__init__()
        made = self.state + ".made"
        os.rename(self.state, made)
        os.mkdir(self.state)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=" + size, "mete-test", self.state], check=True)
        subprocess.run(["cp", "-a", made + "/.", self.state], check=True)
        self.filler = self.state + "/filler"

    def fill(self):
        """Until nothing can be written. What runs may free something at any time: so it is tried more than once."""
        for _ in range(50):
            with open(self.filler, "ab", buffering=0) as out:
                for size in (65536, 4096, 1):
                    with contextlib.suppress(OSError):
                        while out.write(bytes(size)):
                            pass
            try:
                with open(self.state + "/probe", "w") as probe:
                    probe.write("x")
            except OSError:
                return
            os.unlink(self.state + "/probe")
        raise AssertionError("the disk is not full")

    def empty(self):
        for each in (self.filler, self.state + "/probe"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(each)
