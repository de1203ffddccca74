# SPDX-License-Identifier: Apache-2.0
"""Volumes from elsewhere: a cloud's disk that is attached to this machine, and a directory of an NFS server. The disk is a loop device
under the name that udev would give it, in a folder of the test's own."""
import json
import os
import subprocess
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from mete_agent import Agent, run_tests, skip, stays, wait_for, with_config  # noqa: E402
from pods import delete, documents, is_running, job, pod, wait_exited, wait_running  # noqa: E402

AWS = "nvme-Amazon_Elastic_Block_Store_vol0abc1"


class WithDisks(Agent):
    """Its disks' links are in the folder `links`; nothing is attached at first."""
    def __init__(self):
        super().__init__()
        self.links = self.work + "/by-id"
        self.loops = []
        os.mkdir(self.links)
        self.options = with_config(self, "devices: {disks: %s}\n" % self.links)

    def begin_agent(self):
        return self.start(*self.options)

    def disk(self, name, made="mkfs.ext4 -q -m 0", files=()):
        """A disk of 8 MiB, with a file system and these files; without a link yet. Its device."""
        image = "%s/%s.img" % (self.work, name)
        with open(image, "wb") as out:
            out.truncate(8 << 20)
        if made:
            folder = "%s/%s.files" % (self.work, name)
            os.mkdir(folder)
            for each in files:
                with open(folder + "/" + each, "w") as out:
                    out.write("of the disk\n")
            subprocess.run([*made.split(), *(["-d", folder] if files else []), image], check=True, stdout=subprocess.DEVNULL)
        done = subprocess.run(["losetup", "--find", "--show", image], capture_output=True, text=True)
        if done.returncode != 0:
            skip("needs loop devices: " + done.stderr)
        self.loops.append(done.stdout.strip())
        return self.loops[-1]

    def attach(self, device, link):
        os.symlink(device, self.links + "/" + link)

    def detach(self, link):
        os.unlink(self.links + "/" + link)

    def mounted(self):
        return [each for each in self.mounts() if "/disks/" in each]

    def close(self):
        super().close()
        for each in self.loops:
            subprocess.run(["losetup", "--detach", each], check=False, stderr=subprocess.DEVNULL)


def of_gce(name, more=""):
    return "volumes: [{name: v, gcePersistentDisk: {pdName: %s%s}}]\n" % (name, more)


MOUNT = "volumeMounts: [{name: v, mountPath: /v}]"


def message(agent, name):
    return agent.container(name).get("message") or ""


def test_a_disk_is_waited_for_and_mounted_once_for_all_pods():
    with WithDisks() as agent:
        agent.begin_agent()
        device = agent.disk("data", files=["note"])
        agent.apply(pod("a", "cat /v/note; echo of a > /v/a; sleep 1000", MOUNT, of_gce("data")))
        said = "MountVolume.MountDevice failed for volume \"v\" : %s/google-data: found nothing there, expected the disk: is it attached to this machine?" % agent.links
        wait_for("the disk to be missed", lambda: message(agent, "a") == said)
        assert agent.container("a")["reason"] == "ContainerCreating" and agent.pod("a")["phase"] == "Pending"
        assert agent.event("FailedMount")["message"] == said
        agent.attach(device, "google-data")
        wait_running(agent, "a")
        wait_for("the file of a", lambda: "of the disk" in agent.logs("a"))
        agent.apply(pod("b", "cat /v/a; touch /v/b; sleep 1000", MOUNT, of_gce("data")))
        wait_running(agent, "b")
        wait_for("the file of a in b", lambda: agent.logs("b") == "of a\n")
        assert len(agent.mounted()) == 1, agent.mounted()
        # It outlives a killed agent, and its users are known to the next.
        agent.kill()
        agent.begin_agent()
        wait_for("both to be known", lambda: is_running(agent, "a") and is_running(agent, "b"))
        delete(agent, "a")
        assert len(agent.mounted()) == 1, "b has it still"
        delete(agent, "b")
        assert agent.mounted() == [], agent.mounted()
        assert subprocess.run(["blkid", "-o", "value", "-s", "TYPE", device], capture_output=True, text=True).stdout in ("ext4\n", "")


def test_a_read_only_disk_is_not_written():
    with WithDisks() as agent:
        agent.attach(agent.disk("data", files=["note"]), "google-data")
        agent.begin_agent()
        agent.apply(pod("a", "cat /v/note; touch /v/x || echo read-only; sleep 1000", MOUNT, of_gce("data", ", readOnly: true, fsType: ext4")))
        wait_running(agent, "a")
        wait_for("what it says", lambda: agent.logs("a").endswith("read-only\n"))
        assert agent.logs("a").startswith("of the disk\n"), agent.logs("a")
        assert any(" ro" in each or ",ro" in each or "(ro" in each for each in open("/proc/mounts").read().splitlines() if agent.work + "/run/disks" in each)
        agent.apply(pod("b", lines=MOUNT, spec=of_gce("data")))
        wait_for("the other to be told", lambda: "found it mounted read-only for other pods" in message(agent, "b"))
        delete(agent, "a")
        wait_running(agent, "b")  # now it is b's alone


def test_a_disk_is_never_formatted():
    with WithDisks() as agent:
        device = agent.disk("blank", made=None)
        agent.attach(device, AWS)
        agent.begin_agent()
        agent.apply(pod("p", lines=MOUNT, spec="volumes: [{name: v, awsElasticBlockStore: {volumeID: 'aws://here/vol-0abc1'}}]\n"))
        wait_for("what it says", lambda: "there is no such file system on it; mete formats no disk" in message(agent, "p"))
        with open(device, "rb") as disk:
            assert not any(disk.read(1 << 20)), "it is as blank as before"
        stays("nothing mounted", lambda: agent.mounted() == [], 1)
        delete(agent, "p")
        assert os.listdir(agent.run + "/disks/" + AWS + "/users") == []


def test_a_partition_has_its_own_name():
    with WithDisks() as agent:
        agent.attach(agent.disk("part", files=["note"]), AWS + "-part2")
        agent.begin_agent()
        agent.apply(job("p", "cat /v/note", MOUNT, "volumes: [{name: v, awsElasticBlockStore: {volumeID: vol-0abc1, partition: 2}}]\n"))
        wait_exited(agent, "p")
        assert agent.logs("p") == "of the disk\n"
        delete(agent, "p")


def test_the_group_of_the_pod_owns_what_is_written():
    with WithDisks() as agent:
        agent.attach(agent.disk("data"), "google-data")
        agent.begin_agent()
        agent.apply(job("p", "stat -c %g /v", MOUNT, of_gce("data") + "securityContext: {fsGroup: 4242}\n"))
        wait_exited(agent, "p")
        assert agent.logs("p") == "4242\n"
        delete(agent, "p")


def has_nfs():
    return "\tnfs4\n" in open("/proc/filesystems").read()


def test_a_share_that_cannot_be_mounted_is_waited_for_and_holds_nothing_up():
    """A server that is not there, on the loopback: or a kernel that has no NFS."""
    with Agent().start() as agent:
        agent.apply(pod("p", lines=MOUNT, spec="volumes: [{name: v, nfs: {server: 127.0.0.1, path: /share}}]\n"))
        wait_for("the share to be missed", lambda: message(agent, "p").startswith("MountVolume.SetUp failed for volume \"v\" : mount nfs 127.0.0.1:/share: "))
        if not has_nfs():
            assert "(this kernel has no NFS client: the module nfsv4 is missing)" in message(agent, "p"), message(agent, "p")
        assert agent.container("p")["reason"] == "ContainerCreating"
        first = len(agent.events("FailedMount"))
        assert first == 1, agent.events("FailedMount")
        agent.apply(documents(pod("q")))
        wait_running(agent, "q")
        found = json.loads(agent.mete("get", "pod", "p", "-o", "json").stdout)
        assert found["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] == "ContainerCreating", found["status"]
        delete(agent, "p", "q")
        assert agent.mounts() == [] and not os.path.exists(agent.run + "/pods/p")


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
