# SPDX-License-Identifier: Apache-2.0
"""dockerd, which drives containerd and runc, and an agent of mete, side by side for one docker client."""
import contextlib
import os
import subprocess

from leftovers import clean_up, made_cgroup
from mete_agent import Agent, work_folder
from runtimes import QUIET, Docker, busybox_rootfs, docker_archive

# dockerd in a network of its own, where its bridge and its rules are nobody else's.
OWN_NETWORK = ["unshare", "-n", "sh", "-c", 'ip link set lo up; exec "$@"', "sh"]


class DockerEngines:
    """Both, each with the same image busybox and nothing else. The caller is in a network namespace of its own (own_network)."""

    def __enter__(self):
        with contextlib.ExitStack() as made:
            self.work = work_folder("mete-compare-")
            self.parent = "/mete-compare-%d" % os.getpid()
            made_cgroup(self.parent)
            made.callback(clean_up, [self.work], [self.parent])
            busybox_rootfs(self.work + "/rootfs.tar")
            docker_archive(self.work + "/image.tar", self.work + "/rootfs.tar", "busybox:latest")
            self.agent = Agent()
            made.callback(self.agent.close)
            self.agent.start("--network", "bridge")
            self.docker = Docker(self.work, tag="busybox:latest", before=OWN_NETWORK, options=["--cgroup-parent", self.parent], bridge=True)
            made.enter_context(self.docker)
            made.callback(self.remove_containers)
            for each in (["rmi", "-f", "busybox"], ["load", "-i", self.work + "/image.tar"]):
                subprocess.run(["docker", "-H", "unix://" + self.sockets()["mete"], *each], check=True, **QUIET)
            self.made = made.pop_all()
        return self

    def __exit__(self, *_):
        self.made.close()

    def remove_containers(self):
        """Of dockerd: the agent's end with its cgroups."""
        left = subprocess.run([*self.docker.client, "ps", "-aq"], capture_output=True, text=True).stdout.split()
        if left:
            subprocess.run([*self.docker.client, "rm", "-f", *left], **QUIET)

    def sockets(self):
        return {"docker": self.docker.socket, "mete": self.agent.run + "/docker.sock"}
