# SPDX-License-Identifier: Apache-2.0
"""A quota of what a container writes: writes beyond it fail, inside, on file systems that know no quota, too. What was written is given back;
a crash of the agent or of the machine leaves nothing, and takes nothing."""
import contextlib
import ctypes
import os
import subprocess
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from amounts import amount, chance  # noqa: E402
from docker_api import Docker  # noqa: E402
from mete_agent import SLOW, Agent, run_tests, stays, wait_for, with_config  # noqa: E402
from pods import delete, documents, launch, pod  # noqa: E402
from storage_agent import MB, StorageAgent, loop_files  # noqa: E402

LIMIT = "resources: {limits: {ephemeral-storage: %s}}"
FILL = """dd if=/dev/zero of=/full bs=64k 2>/tmp/said; grep -o 'No space left on device\\|Disk quota exceeded' /tmp/said
          stat -c %s /full; exec sleep 1000"""


def free_bytes(folder):
    subprocess.run(["sync", "-f", folder], check=True)
    info = os.statvfs(folder)
    return info.f_bavail * info.f_frsize


def holds(driver, on):
    with StorageAgent(driver, "quota", on) as agent:
        agent.begin_or_skip()
        launch(agent, pod("first", lines=LIMIT % "16Mi"), "first")  # what is made once, of the image and of the size
        delete(agent, "first")
        agent.wait_for_nothing()
        before = free_bytes(agent.state)
        launch(agent, pod("full", FILL, LIMIT % "16Mi" + "\nvolumeMounts: [{name: t, mountPath: /tmp}]", "volumes: [{name: t, emptyDir: {medium: Memory}}]"), "full")
        wait_for("the disk to be full", lambda: agent.logs("full").count("\n") == 2)
        said = agent.logs("full").split("\n")
        assert said[0] in ("No space left on device", "Disk quota exceeded"), said
        # btrfs counts its tables, too, and reserves ahead.
        least = (12 if driver == "btrfs" else 15.5) * MB
        assert least <= int(said[1]) <= 16 * MB, said
        assert agent.sh("full", "test $(stat -c %s /full) = " + said[1]).returncode == 0
        # What is removed is the machine's again, and can be written again.
        agent.sh("full", "sync; rm /full; sync")
        wait_for("the blocks to be given back", lambda: before - free_bytes(agent.state) < 4 * MB)
        agent.sh("full", "dd if=/dev/zero of=/again bs=1M count=8 conv=fsync 2>/dev/null")
        assert "A /again" in agent.mete("diff", "full").stdout
        agent.kill()
        agent.start(*agent.options)
        assert "A /again" in agent.mete("diff", "full").stdout
        assert agent.pod("full")["phase"] == "Running", "a full quota is no reason to be evicted"
        delete(agent, "full")
        agent.wait_for_nothing()
        wait_for("all blocks to be given back", lambda: before - free_bytes(agent.state) < MB)


def test_overlay_on_ext4():
    holds("overlay", "ext4")


def test_erofs_on_ext4():
    holds("erofs", "ext4")


def test_btrfs():
    holds("btrfs", None)


def test_overlay_on_btrfs():
    holds("overlay", "btrfs")


def test_devicemapper():
    holds("devicemapper", "ext4")


def test_project_quotas_with_overlay():
    holds("overlay", "prjquota")


def test_project_quotas_with_erofs():
    holds("erofs", "prjquota")


def project_quotas(agent):
    """Projects with a limit, by the quota tools' own call: {number: bytes that are used} (quotactl(2): Q_GETNEXTQUOTA)."""
    libc, found, project = ctypes.CDLL(None, use_errno=True), {}, 0
    block = (ctypes.c_uint64 * 10)()  # struct if_nextdqblk, with its id as the last but half of a word
    device = subprocess.run(["findmnt", "-n", "-o", "SOURCE", agent.state], capture_output=True, text=True, check=True).stdout.strip()
    while libc.quotactl(0x800009 << 8 | 2, device.encode(), project, ctypes.byref(block)) == 0:
        number = ctypes.string_at(ctypes.addressof(block) + 68, 4)
        project = int.from_bytes(number, "little") + 1
        if block[0]:
            found[project - 1] = block[2]
    return found


def test_a_project_quota_goes_with_its_container():
    with StorageAgent("overlay", on="prjquota") as agent:
        agent.begin_or_skip()
        done = agent.mete("run", "--network", "none", "--name", "small", "--storage-opt", "size=8m", "busybox", "sh", "-c",
                          "dd if=/dev/zero of=/full bs=64k; stat -c %s /full", check=False)
        assert "Disk quota exceeded" in done.stderr and 7.5 * MB <= int(done.stdout) <= 8 * MB, done
        assert not agent.loops() and len(project_quotas(agent)) == 1, project_quotas(agent)
        # Its next start has the same one.
        Docker(agent).post("/containers/small/start")
        Docker(agent).wait("small")
        assert len(project_quotas(agent)) == 1 and next(iter(project_quotas(agent).values())) >= 7.5 * MB, project_quotas(agent)
        agent.kill()
        agent.start(*agent.options)
        agent.mete("rm", "small")
        agent.wait_for_nothing()
        assert project_quotas(agent) == {}


def test_with_a_quota_logs_alone_are_evicted():
    talk = "while :; do echo 0123456789012345678901234567890123456789; done | head -c 3000000; sleep 1000"
    with StorageAgent(limits="quota") as agent:
        agent.begin_or_skip()
        launch(agent, documents(pod("layer", "dd if=/dev/zero of=/f bs=64k 2>/dev/null; exec sleep 1000", LIMIT % "1Mi"), pod("log", talk, LIMIT % "1Mi")), "layer", "log")
        found = wait_for("log to be evicted", lambda: (lambda p: p if p["phase"] == "Failed" else None)(agent.pod("log")))
        assert found["message"] == "Pod ephemeral local storage usage exceeds the total limit of containers 1Mi. ", found
        assert agent.container("layer")["state"] == "running"
    # Where no quota can be had, the pod is evicted, and that is told.
    with StorageAgent("vfs", "quota") as agent:
        agent.begin_or_skip()
        agent.apply(pod("layer", "dd if=/dev/zero of=/f bs=64k count=40 2>/dev/null; exec sleep 1000", LIMIT % "1Mi"))
        wait_for("layer to be evicted", lambda: agent.pod("layer")["phase"] == "Failed")
        assert [each for each in agent.events("NotEnforced") if "vfs" in each["message"]] != []


def test_docker_clients_bound_what_a_container_writes():
    with StorageAgent(on="ext4") as agent:
        agent.begin_or_skip()
        done = agent.mete("run", "--network", "none", "--name", "small", "--storage-opt", "size=8m", "busybox", "sh", "-c",
                          "dd if=/dev/zero of=/full bs=64k; stat -c %s /full", check=False)
        size = int(done.stdout.strip())
        assert "No space left on device" in done.stderr and 7.5 * MB <= size <= 8 * MB, done
        docker = Docker(agent)
        inspected = docker.get("/containers/small/json", size=1)
        assert inspected["SizeRw"] == size and inspected["SizeRootFs"] > size, inspected
        assert inspected["HostConfig"]["StorageOpt"] == {"size": "8m"} and inspected["Driver"] == "overlay2"
        assert [each["SizeRw"] for each in docker.get("/containers/json", all=1, size=1)] == [size]
        # What it wrote, and the bound, are there after its next start: nothing more fits, what was there stays.
        docker.post("/containers/small/start")
        docker.wait("small")
        assert docker.get("/containers/small/json", size=1)["SizeRw"] == size
        for bad, text in (("size=much", "expected a number of bytes"), ("inodes=5", "expected size")):
            done = agent.mete("run", "--network", "none", "--storage-opt", bad, "busybox", "true", check=False)
            assert done.returncode != 0 and text in done.stderr, done
        agent.mete("rm", "small")
        agent.wait_for_nothing()
    with StorageAgent("vfs") as agent:
        agent.begin_or_skip()
        done = agent.mete("run", "--network", "none", "--storage-opt", "size=8m", "busybox", "true", check=False)
        assert done.returncode != 0 and "vfs" in done.stderr, done


def test_what_a_stopped_container_wrote_survives_the_machine():
    """As after a boot: no mount and no loop device is left, the file is."""
    with StorageAgent(on="ext4") as agent:
        agent.begin_or_skip()
        agent.mete("run", "--network", "none", "--name", "kept", "--storage-opt", "size=8m", "busybox", "sh", "-c", "cat /mine 2>/dev/null || echo 1 > /mine")
        agent.kill()
        limited = [each for each in agent.mounts() if each.endswith("/limited")]
        assert len(limited) == 1, limited
        subprocess.run(["umount", limited[0]], check=True)
        wait_for("the loop device to go", lambda: not agent.loops())
        agent.start(*agent.options)
        docker = Docker(agent)
        assert docker.get("/containers/kept/json", size=1)["SizeRw"] == 2, "mounted when somebody asks"
        assert agent.mete("diff", "kept").stdout == "A /mine\n"
        assert agent.mete("start", "-a", "kept").stdout == "1\n"
        agent.mete("rm", "kept")
        agent.wait_for_nothing()


def test_devicemapper_what_a_stopped_container_wrote_survives_the_machine():
    with StorageAgent("devicemapper", on="ext4") as agent:
        agent.begin_or_skip()
        agent.mete("run", "--network", "none", "--name", "kept", "--storage-opt", "size=8m", "busybox", "sh", "-c", "cat /mine 2>/dev/null || echo 1 > /mine")
        agent.kill()
        agent.remove_devices()
        assert agent.devices() == []
        wait_for("the loop device to go", lambda: not [each for each in loop_files() if each.startswith(agent.state)])
        agent.start(*agent.options)
        docker = Docker(agent)
        assert docker.get("/containers/kept/json", size=1)["SizeRw"] == 2, "mounted when somebody asks"
        assert agent.mete("diff", "kept").stdout == "A /mine\n"
        assert agent.mete("start", "-a", "kept").stdout == "1\n"
        agent.mete("rm", "kept")
        agent.wait_for_nothing()


def test_devicemapper_a_full_pool_is_told_and_comes_back():
    with StorageAgent("devicemapper", on="ext4") as agent:
        agent.begin_or_skip()
        agent.mete("run", "-d", "--network", "none", "--name", "calm", "busybox", "sh", "-c", "echo 1 > /mine; exec sleep 1000")
        agent.mete("run", "-d", "--network", "none", "--name", "greedy", "--storage-opt", "size=1g", "busybox", "sh", "-c",
                   "dd if=/dev/zero of=/full bs=1M count=400 conv=fsync; exec sleep 1000")  # the pool has 300 MiB
        told = agent.event("StoragePoolFull")
        assert "its data is full" in told["message"], told
        wait_for("the metric", lambda: agent.metric("mete_storage_pool_writable") == 0)
        said = wait_for("dd's error", lambda: agent.mete("logs", "greedy", check=False).stderr)
        assert "error" in said.lower() or "No space left" in said or "Read-only" in said, said
        refused = agent.mete("run", "--network", "none", "busybox", "true", check=False)
        assert refused.returncode != 0 and "takes no writes: its data is full" in refused.stderr, refused
        assert agent.sh("calm", "cat /mine").stdout == "1\n"
        agent.mete("rm", "-f", "greedy")
        agent.event("StoragePoolHasRoom")
        assert agent.mete("run", "--network", "none", "busybox", "echo", "again").stdout == "again\n"


def test_what_a_running_container_wrote_survives_a_crash_of_the_machine():
    """Its file as it is on the disk in the middle of writes: nobody unmounted it."""
    script = """test -e /mine && exec sleep 1000; echo 1 > /mine; sync
                while :; do for i in $(seq 200); do echo $i > /f$i; mv /f$i /g$i; done; rm /g*; done"""
    with StorageAgent(on="ext4") as agent:
        agent.begin_or_skip()
        agent.mete("run", "-d", "--network", "none", "--name", "busy", "--storage-opt", "size=8m", "busybox", "sh", "-c", script)
        limited = wait_for("its mount", lambda: next((each for each in agent.mounts() if each.endswith("/limited")), None))
        for i in (50, 150):
            wait_for("file %d" % i, lambda: os.path.exists("%s/diff/g%d" % (limited, i)))  # noqa: B023 - called here
        subprocess.run(["cp", "--sparse=always", limited + ".img", agent.work + "/crashed.img"], check=True)
        agent.mete("kill", "busy")
        agent.kill()
        subprocess.run(["umount", limited], check=True)
        wait_for("the loop device to go", lambda: not agent.loops())
        subprocess.run(["cp", "--sparse=always", agent.work + "/crashed.img", limited + ".img"], check=True)
        agent.start(*agent.options)
        agent.mete("start", "busy")
        assert agent.sh("busy", "cat /mine").stdout == "1\n"
        agent.mete("rm", "-f", "busy")
        agent.wait_for_nothing()


def test_what_was_half_made_goes():
    with StorageAgent(limits="quota", on="ext4") as agent:
        # As an agent leaves it that is killed while it makes the template of a size.
        templates = agent.state + "/storage/templates"
        os.makedirs(templates + "/mounted")
        with open(templates + "/8388608.ext4.new", "wb") as out:
            out.truncate(16 * MB)
        subprocess.run(["mkfs.ext4", "-q", templates + "/8388608.ext4.new"], check=True)
        subprocess.run(["mount", "-o", "loop", templates + "/8388608.ext4.new", templates + "/mounted"], check=True)
        agent.begin_or_skip()
        agent.wait_for_nothing()
        assert not os.path.exists(templates + "/8388608.ext4.new")


def is_removed_after_kills(driver):
    moments = chance()
    names = ["p%d" % i for i in range(4)]
    with StorageAgent(driver, limits="quota", on="ext4") as agent:
        agent.begin_or_skip()
        before = free_bytes(agent.state)
        pods = documents(*(pod(each, "echo 1 > /f; exec sleep 1000", LIMIT % "4Mi") for each in names))
        for _ in range(amount("ROUNDS", 4, 100)):
            agent.apply(pods)
            time.sleep(moments.uniform(0, 0.3) * SLOW)
            if moments.random() < 0.5:
                with contextlib.suppress(AssertionError):
                    delete(agent, *names[:2])
            agent.kill()
            agent.start(*agent.options)
            stays("the agent alive", lambda: agent.process.poll() is None, 0.1)
        launch(agent, pods, *names)
        delete(agent, *names)
        agent.wait_for_nothing()
        if driver == "overlay":
            assert sorted(os.listdir(agent.state + "/storage/templates")) in (["4194304.ext4"], ["4194304.ext4", "mounted"])
            wait_for("the blocks to be given back", lambda: before - free_bytes(agent.state) < 2 * MB)
        else:
            volumes = agent.book()[1]
            assert len(volumes) <= 1 and len(agent.devices()) == 3 + len(volumes), (volumes, agent.devices())


def test_a_killed_agent_leaves_nothing_that_the_next_does_not_remove():
    is_removed_after_kills("overlay")


def test_devicemapper_a_killed_agent_leaves_nothing_that_the_next_does_not_remove():
    is_removed_after_kills("devicemapper")


def test_without_the_programs_it_is_refused():
    """Nothing is promised that cannot be held: no mkfs.ext4, no loop devices."""
    with Agent() as agent:
        hidden = agent.work + "/hidden"
        os.mkdir(hidden)
        # In a mount namespace of its own, where the machine's programs are others.
        hide = "mount --make-rprivate / && for each in /usr/sbin/mkfs.ext4 /sbin/mkfs.ext4; do test ! -e $each || mount --bind /dev/null $each; done && exec \"$@\""
        words = agent.words
        agent.words = lambda *more: ["unshare", "-m", "sh", "-c", hide, "sh", *words(*more)] if more[0] == "agent" else words(*more)
        agent.start(*with_config(agent, "storage: {ephemeralStorage: quota}\n"))
        done = agent.mete("run", "--network", "none", "--storage-opt", "size=8m", "busybox", "true", check=False)
        assert done.returncode != 0 and "mkfs.ext4" in done.stderr, done
        launch(agent, pod("p", lines=LIMIT % "8Mi"), "p")
        assert [each for each in agent.events("NotEnforced") if "mkfs.ext4" in each["message"]] != []


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
