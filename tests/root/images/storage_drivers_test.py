# SPDX-License-Identifier: Apache-2.0
"""The exercise that everybody does who learns what an image is, on each storage driver: what a container writes lies apart from its image,
what it deletes is hidden, both are seen by `mete diff`, committed and exported. What is copied and what is allocated is seen in blocks. A
driver that this kernel does not have is a skip with the driver's own words."""
import io
import json
import os
import stat
import subprocess
import sys
import tarfile

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from docker_api import Docker  # noqa: E402
from mete_agent import Agent, run_tests, wait_for, with_config  # noqa: E402
from pods import delete, documents, job, launch, pod, wait_exited  # noqa: E402
from storage_agent import LAYERED, MB, WHOLE, StorageAgent, blocks, extents  # noqa: E402

CHANGES = """echo x >> /etc/passwd; rm /etc/group; mkdir -p /srv/a; echo 1 > /srv/a/b; echo 2 > /srv/gone; rm /srv/gone
             rm -r /var; mkdir /var; touch /var/new; ln -s /etc/passwd /link; chmod 700 /root; rm /bin/vi"""
CHANGED = ["C /bin", "D /bin/vi", "C /etc", "D /etc/group", "C /etc/passwd", "A /link", "C /root", "A /srv", "A /srv/a", "A /srv/a/b", "C /var", "A /var/new"]


def has_traces(agent, driver):
    """What is in the container's place, in the driver's own form."""
    where = agent.place("p")
    if driver in LAYERED:
        info = os.lstat(where + "/diff/etc/group")
        assert stat.S_ISCHR(info.st_mode) and info.st_rdev == 0, "a whiteout"
        assert os.getxattr(where + "/diff/var", "trusted.overlay.opaque") == b"y"
        assert os.path.isdir(where + "/work") and os.listdir(where + "/root") == [], "merged is mounted inside the container alone"
    else:
        base = os.readlink(where + "/tree-base")
        assert not os.path.exists(agent.tree("p") + "/etc/group") and os.path.exists(base + "/etc/group")


def is_committed_and_exported(agent):
    agent.mete("commit", "p", "patched:1")
    agent.apply(job("look", "ls /var; tail -n 1 /etc/passwd; cat /srv/a/b; ls /etc/group /bin/vi 2>/dev/null; true", image="patched:1"))
    wait_exited(agent, "look")
    assert agent.logs("look") == "new\nx\n1\n", agent.logs("look")
    piped = subprocess.run(agent.words("export", "p"), stdout=subprocess.PIPE, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(piped)) as tar:
        names = tar.getnames()
        assert "etc/group" not in names and "srv/a/b" in names and "bin/busybox" in names, names
        assert tar.extractfile("etc/passwd").read().endswith(b"x\n") and tar.getmember("link").linkname == "/etc/passwd"


def exercise(driver):
    with StorageAgent(driver) as agent:
        agent.begin_or_skip()
        launch(agent, documents(pod("idle"), pod("p", CHANGES + "; touch /done; exec sleep 1000")), "idle", "p")
        wait_for("the script to end", lambda: os.path.exists(agent.inside("p", "/done")))
        agent.sh("p", "rm /done")
        # The same lines whatever the driver; the other container of the image sees none of it.
        assert agent.mete("diff", "p").stdout.splitlines() == CHANGED
        assert agent.sh("idle", "test -e /bin/vi && test ! -e /srv && tail -n 1 /etc/passwd").stdout != "x\n"
        assert agent.mete("diff", "idle").stdout == ""
        has_traces(agent, driver)
        is_committed_and_exported(agent)
        # It lives on without its agent, and the next one knows it.
        agent.kill()
        agent.start(*agent.options)
        agent.sh("p", "echo 3 > /srv/three")
        assert set(CHANGED + ["A /srv/three"]) == set(agent.mete("diff", "p").stdout.splitlines())
        delete(agent, "p", "idle", "look")
        agent.wait_for_nothing()


def copies_on_write(driver):
    """A file of the image costs nothing until its first byte is written; what the image and other containers have stays where it is."""
    with StorageAgent(driver, on="ext4" if driver in LAYERED else None) as agent:
        agent.begin_or_skip()
        launch(agent, pod("maker"), "maker")
        agent.sh("maker", "dd if=/dev/urandom of=/data bs=1M count=2 2>/dev/null; sync")
        agent.mete("commit", "maker", "data:1")
        launch(agent, documents(pod("one", image="data:1"), pod("two", image="data:1")), "one", "two")
        agent.sh("one", "cat /data >/dev/null")
        one, two = (agent.place(each) + "/diff/data" if driver in LAYERED else agent.tree(each) + "/data" for each in ("one", "two"))
        if driver in LAYERED:
            assert not os.path.lexists(one), "read, not copied"
        else:
            base = os.readlink(agent.place("one") + "/tree-base") + "/data"
            if driver != "vfs":
                assert extents(one) == extents(two) == extents(base) != [], "shared"
        if driver == "devicemapper":
            subprocess.run(["sync"], check=True)
            before = agent.pool_bytes()
        agent.sh("one", "printf x | dd of=/data bs=1 conv=notrunc 2>/dev/null; sync")
        if driver in LAYERED:
            assert blocks(one) >= 2 * MB and not os.path.lexists(two), "overlayfs copies the whole file"
        elif driver == "btrfs":
            # The block that was written is elsewhere; the others are shared still.
            assert len(extents(one)) == 2 and extents(one)[1][0] == extents(base)[0][0] + extents(one)[0][1], extents(one)
            assert extents(two) == extents(base)
        elif driver == "devicemapper":
            # The file's place is the same in each volume; the pool has copied what is below it, and of the journal.
            assert extents(one) == extents(two) == extents(base)
            assert 64 << 10 <= agent.pool_bytes() - before < MB, (before, agent.pool_bytes())
        assert agent.sh("one", "md5sum /data").stdout != agent.sh("two", "md5sum /data").stdout == agent.sh("maker", "md5sum /data").stdout


def allocates_on_demand(driver):
    """A hole costs nothing, whatever its size; what is written costs what it has."""
    with StorageAgent(driver, on="ext4" if driver in LAYERED else None) as agent:
        agent.begin_or_skip()
        launch(agent, pod("one"), "one")
        agent.sh("one", "sync")
        before = agent.pool_bytes() if driver == "devicemapper" else None
        agent.sh("one", "truncate -s %d /sparse" % (64 * MB))
        sparse = agent.inside("one", "/sparse")
        assert os.stat(sparse).st_size == 64 * MB and blocks(sparse) < MB
        agent.sh("one", "dd if=/dev/urandom of=/sparse bs=1M count=1 seek=32 conv=notrunc,fsync 2>/dev/null")
        assert MB <= blocks(sparse) < 2 * MB, blocks(sparse)
        if driver != "vfs":  # its state may be on tmpfs, which has no map of extents
            assert MB <= sum(length for _, length in extents(sparse)) < 2 * MB
        if driver == "devicemapper":
            assert MB <= agent.pool_bytes() - before < 2 * MB, (before, agent.pool_bytes())


def case(check, driver):
    def run():
        check(driver)
    run.__name__ = "test_%s_%s" % (driver, check.__name__)
    return run


for each_driver in LAYERED + WHOLE:
    for each_check in (exercise, copies_on_write, allocates_on_demand):
        made_case = case(each_check, each_driver)
        globals()[made_case.__name__] = made_case
del made_case, each_driver, each_check


def test_erofs_layers_are_made_once_and_checked_once():
    with StorageAgent("erofs") as agent:
        agent.begin_or_skip()
        launch(agent, pod("one"), "one")
        folder = agent.state + "/storage/erofs"
        images = sorted(each for each in os.listdir(folder) if each.endswith(".img"))
        assert images and all(os.path.exists(folder + "/" + each[:-4] + ".sum") for each in images)
        mounted = [each for each in agent.mounts() if each.startswith(folder)]
        assert len(mounted) == len(images), mounted
        times = [os.stat(folder + "/" + each).st_mtime_ns for each in images]
        launch(agent, pod("two"), "two")
        assert times == [os.stat(folder + "/" + each).st_mtime_ns for each in images]
        # An image that is not what was made is not mounted: told when it is first used after a boot.
        delete(agent, "one", "two")
        agent.stop()
        for each in agent.mounts():
            if each.startswith(folder):
                subprocess.run(["umount", each], check=True)
        with open(folder + "/" + images[0], "r+b") as file:
            file.seek(1500)
            file.write(b"changed")
        agent.start(*agent.options)
        agent.apply(pod("three"))
        wait_for("the image to be refused", lambda: "found the sum" in json.dumps(agent.pod("three") or {}))
        for ending in (".img", ".sum"):
            os.remove(folder + "/" + images[0][:-4] + ending)
        wait_for("it to be made anew", lambda: agent.container("three")["state"] == "running")
        # With its last image a layer's EROFS image goes.
        delete(agent, "three")
        agent.mete("rmi", "-f", "busybox")
        wait_for("the images to be gone", lambda: not [each for each in os.listdir(folder) if each.endswith(".img")])
        assert [each for each in agent.mounts() if each.startswith(folder)] == []


def test_what_the_machine_lacks_is_named():
    refused = [("zfs", "a kernel without zfs"), ("aufs", "a kernel without aufs"), ("btrfs", "expected btrfs")]
    if not os.path.exists("/dev/mapper/control"):
        refused.append(("devicemapper", "a kernel without device mapper"))
    for driver, text in refused:
        with Agent() as agent:
            agent.start(*with_config(agent, "storage: {driver: %s}\n" % driver), wait=False)
            assert agent.process.wait(60) != 0
            said = [line for line in agent.log_text().splitlines() if "storage driver " + driver in line]
            assert len(said) == 1 and text in said[0], agent.log_text()


def test_what_a_tree_has_more_than_its_image_is_measured():
    with StorageAgent("vfs") as agent:
        agent.begin_or_skip()
        launch(agent, job("p", "dd if=/dev/zero of=/big bs=1M count=8 2>/dev/null; touch /done; sleep 1000"), "p")
        # The first scrape starts the walk over the tree: a walk that comes before the file is repeated only after a minute.
        wait_for("the file", lambda: os.path.exists(agent.inside("p", "/done")))
        used = wait_for("the walk", lambda: agent.metric("container_fs_usage_bytes", pod="p", container="main"), 120)
        assert 8 * MB <= used < 9 * MB, used


def test_files_of_another_driver_are_not_hidden():
    """A docker container keeps what it wrote; an agent with another driver says so in place of starting it without."""
    with StorageAgent("vfs") as agent:
        agent.begin_or_skip()
        agent.mete("run", "--network", "none", "--name", "kept", "busybox", "sh", "-c", "test -e /mine || echo 1 > /mine")
        agent.stop()
        agent.start(*with_config(agent, "storage: {driver: overlay}\n"))
        docker = Docker(agent)
        assert agent.mete("diff", "kept").stdout == "A /mine\n"
        refused = docker.ask("POST", "/containers/kept/start")
        assert refused.status >= 400 and "in the form of btrfs or vfs" in refused.message, refused.body
        agent.stop()
        agent.start(*with_config(agent, "storage: {driver: vfs}\n"))
        docker.post("/containers/kept/start")
        docker.wait("kept")
        assert docker.state("kept")["ExitCode"] == 0


def test_what_runs_goes_on_under_another_driver():
    with StorageAgent("erofs") as agent:
        agent.begin_or_skip()
        launch(agent, pod("old"), "old")
        agent.stop()
        agent.start(*with_config(agent, "storage: {driver: overlay}\n"))
        # The images are nobody's now but the container's, which holds them.
        assert not os.path.exists(agent.state + "/storage/erofs") and not [each for each in agent.mounts() if "erofs" in each]
        agent.sh("old", "grep root /etc/passwd > /made")
        assert agent.mete("diff", "old").stdout == "A /made\n"
        launch(agent, pod("new"), "new")
        delete(agent, "old", "new")
        agent.wait_for_nothing()


def test_devicemapper_is_told_and_ends_with_its_last_container():
    with StorageAgent("devicemapper") as agent:
        agent.begin_or_skip()
        launch(agent, pod("p"), "p")
        info = Docker(agent).get("/info")
        rows = dict(info["DriverStatus"])
        name, volumes = agent.book()
        assert info["Driver"] == "devicemapper" and rows["Pool Name"] == name + "-pool" and rows["Pool Fault"] == "none", info
        assert "Pool Name: " + name in agent.mete("info").stdout
        assert sorted(volumes.values())[1:] == ["images"] and len(agent.devices()) == 5, (volumes, agent.devices())
        wait_for("the pool to be looked at", lambda: agent.metric("mete_storage_pool_used_bytes", kind="data") > MB)
        assert agent.metric("mete_storage_pool_size_bytes", kind="data") > 256 * MB and agent.metric("mete_storage_pool_writable") == 1
        # An agent with another driver keeps what it needs for the container, and no longer.
        agent.stop()
        agent.start(*with_config(agent, "storage: {driver: overlay}\n"))
        agent.sh("p", "echo 1 > /mine")
        assert agent.mete("diff", "p").stdout == "A /mine\n"
        launch(agent, pod("q"), "q")
        delete(agent, "p")
        wait_for("the pool to be gone", lambda: not os.path.exists(agent.state + "/storage/devicemapper"))
        assert name not in subprocess.run(["dmsetup", "ls"], capture_output=True, text=True, check=True).stdout


def test_users_of_their_own_write_over_layers():
    script = "cat /proc/self/uid_map; echo x > /f; stat -c '%u %s' /f; exec sleep 1000"
    quota = "resources: {limits: {ephemeral-storage: 8Mi}}"
    for driver in LAYERED:
        with StorageAgent(driver, "quota") as agent:
            agent.begin_or_skip()
            agent.apply(documents(pod("free", script, "", "hostUsers: false"), pod("bound", script, quota, "hostUsers: false")))
            for each in ("free", "bound"):
                said = wait_for("what %s says" % each, lambda: (lambda text: text if text.count("\n") == 2 else None)(agent.logs(each)))  # noqa: B023
                assert said.split()[1] != "0" and said.endswith("0 2\n"), said
    with StorageAgent("vfs") as agent:
        agent.begin_or_skip()
        agent.apply(pod("free", script, "", "hostUsers: false"))
        wait_for("the refusal", lambda: "expected overlay or erofs" in json.dumps(agent.pod("free") or {}))


def test_copies_into_one_that_was_never_started_are_there_when_it_is():
    for driver in ("overlay", "vfs"):
        with StorageAgent(driver) as agent:
            agent.begin_or_skip()
            agent.mete("create", "--network", "none", "--name", "later", "--storage-opt" if driver == "overlay" else "--label", "size=8m", "busybox", "cat", "/mine")
            with open(agent.work + "/mine", "w") as out:
                out.write("mine\n")
            agent.mete("cp", agent.work + "/mine", "later:/mine")
            assert agent.mete("start", "-a", "later").stdout == "mine\n", driver
            agent.mete("rm", "later")
            agent.wait_for_nothing()


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
