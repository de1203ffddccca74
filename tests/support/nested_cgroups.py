# SPDX-License-Identifier: Apache-2.0
"""A cgroup inside another one, as an engine makes it that runs in a container."""
import contextlib
import errno
import os
import subprocess
import sys

from cgroups import V1, Cgroup
from waiting import wait_for


class Nested(Cgroup):
    """With a memory limit, or without one. v2 gives memory to a cgroup only where no process is beside it: those that are there move."""

    def __init__(self, outer, limit, as_group=False):
        super().__init__(outer.path + "/inner")
        self.processes = []
        self.directory = os.path.dirname(outer.file("memory.limit_in_bytes", "memory.max")) + "/inner"
        if not V1:
            beside = os.path.dirname(self.directory)
            os.mkdir(beside + "/beside")
            wait_for("nobody to be beside it", lambda: self.move(outer, beside))
        os.mkdir(self.directory)
        if limit:
            self.write(str(limit), "memory.limit_in_bytes", "memory.max")
        if as_group:
            self.write("1", "memory.oom.group")

    @staticmethod
    def move(outer, beside):
        """Whether nobody came meanwhile: what is moved may make a process before, and that one may be gone before it is moved, too."""
        for pid in outer.read("cgroup.procs").split():
            with contextlib.suppress(ProcessLookupError), open(beside + "/beside/cgroup.procs", "w") as procs:
                procs.write(pid)
        try:
            with open(beside + "/cgroup.subtree_control", "w") as control:
                control.write("+memory")
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
            return False
        return True

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.wait()

    def run(self, code):
        def join():
            with open(self.directory + "/cgroup.procs", "w") as procs:
                procs.write("0")
        process = subprocess.Popen([sys.executable, "-c", code], preexec_fn=join)
        self.processes.append(process)
        return process
