# SPDX-License-Identifier: Apache-2.0
"""Containers that try to have more than they were given: another user, capabilities over an exec, a console that leads elsewhere, the
machine's release agents. Each attack has a control."""
import json
import os
import socket
import subprocess
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from leftovers import cgroup_mounts  # noqa: E402
from mete_agent import run_tests  # noqa: E402
from oci_attacked import Attacked  # noqa: E402


def receive_terminal(path, begin):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(1)
        listener.settimeout(60)
        call = begin()
        try:
            connection, _ = listener.accept()
            _, descriptors, _, _ = socket.recv_fds(connection, 100, 1)
            connection.close()
        finally:
            code = call.wait(60)
            os.remove(path)
        return code, descriptors


def test_a_console_of_the_image_that_leads_elsewhere():
    """CVE-2025-52565: /dev/console and /dev/pts/0 are the image's links; what is written to the console must come out of the terminal."""
    with Attacked() as oci:
        bait = oci.work + "/bait"
        mounts = [each for each in oci.config["mounts"] if each["destination"] != "/dev"]
        for link in (None, bait, "../../../../../../../.." + bait, "/tmp/inside", "/proc/self/fd/0"):
            with open(bait, "w") as file:
                file.write("the host's\n")
            open(oci.rootfs + "/tmp/inside", "w").close()
            for name in os.listdir(oci.rootfs + "/dev"):
                if os.path.islink(oci.rootfs + "/dev/" + name) or not os.path.isdir(oci.rootfs + "/dev/" + name):
                    os.remove(oci.rootfs + "/dev/" + name)
            if link:
                os.symlink(link, oci.rootfs + "/dev/console")
            bundle = oci.write(process=oci.process(terminal=True), mounts=mounts, script="echo to-the-console > /dev/console; echo done; sleep 600")
            code, terminals = receive_terminal(oci.work + "/console.sock", lambda: oci.begin(  # noqa: B023
                "create", "--bundle", bundle, "--console-socket", oci.work + "/console.sock", "one", stderr=subprocess.DEVNULL))  # noqa: B023
            if code == 0:
                oci.oci("start", "one")
                text = b""
                end = time.monotonic() + 60
                while b"done" not in text and time.monotonic() < end:
                    text += os.read(terminals[0], 1000)
                if link is None:
                    assert b"to-the-console" in text, ("the control: without a link it comes out", text)
                print("     /dev/console -> %s: %s" % (link, text))
            else:
                assert link is not None, "the control did not come to run"
            for each in terminals:
                os.close(each)
            oci.oci("delete", "--force", "one")
            assert open(bait).read() == "the host's\n", link
            assert oci.leftovers() == [], oci.leftovers()


def capability_sets(text):
    return {line.split(":")[0]: int(line.split()[1], 16) for line in text.splitlines() if line.startswith("Cap")}


def test_the_inheritable_set_is_empty():
    """CVE-2022-24769, CVE-2022-29162: of run and of exec, whoever asks for more rights."""
    with Attacked() as oci:
        few = ["CAP_CHOWN", "CAP_KILL"]
        asked = oci.process(capabilities=dict(oci.with_rights(few), inheritable=few))
        control = capability_sets(oci.run("cat /proc/self/status", process=asked).out)
        assert control["CapInh"] == 0x21, ("the control: what config.json asks for by name is seen", control)
        sets = capability_sets(oci.run("cat /proc/self/status", process=oci.process(capabilities=oci.with_rights(few))).out)
        assert (sets["CapInh"], sets["CapAmb"], sets["CapPrm"], sets["CapBnd"]) == (0, 0, 0x21, 0x21), sets
        oci.started(process=oci.process(capabilities=oci.with_rights(few)))
        for words in ([], ["--cap", "CAP_NET_ADMIN"], ["--user", "1000:1000"], ["--user", "1000:1000", "--cap", "CAP_NET_ADMIN"]):
            sets = capability_sets(oci.oci("exec", *words, "one", "cat", "/proc/self/status").out)
            # A user keeps a capability over the exec by the ambient set alone, which has to be inheritable: that one, named by the caller.
            named = 1 << 12 if "--user" in words and "--cap" in words else 0
            assert (sets["CapInh"], sets["CapAmb"]) == (named, named), (words, sets)


def test_a_user_is_a_number_or_an_error():
    """CVE-2026-30892: what is not understood must not become another user, root least of all."""
    with Attacked() as oci:
        oci.started()
        assert oci.oci("exec", "--user", "1000:7", "one", "id", "-u").out == "1000\n"
        for user in ("nobody", "root", "1000x", "x1000", "0x10", "-1", "+5", " 5", "5 ", "1e3", "4294967295", "4294967296", "18446744073709551616", ":", ":5", "5:", "5:x",
                     "5:-1", "5:6:7", "5:4294967295", "٣", "1,2", "1000:1000:0"):
            done = oci.oci("exec", "--user", user, "one", "id", "-u", check=False)
            assert done.code != 0 and done.out == "" and "--user" in done.err and done.err.count("\n") == 1, (user, done)
        for user in ({"uid": -1, "gid": 0}, {"uid": "0", "gid": 0}, {"uid": 4294967295, "gid": 0}, {"uid": 1 << 32, "gid": 0}, {"uid": 1.5, "gid": 0}, {"uid": True, "gid": 0},
                     {"uid": 0, "gid": -5}, {"uid": 0, "gid": 0, "additionalGids": [-1]}, {"uid": 0, "gid": 0, "umask": -1}, []):
            done = oci.oci("run", "--bundle", oci.write("two", process=oci.process(user=user), args=["id", "-u"]), "two", check=False)
            assert done.code == 1 and done.out == "" and "process.user" in done.err, (user, done)


def test_release_agents_cannot_be_set():
    """CVE-2022-0492: with the usual rights, as root and as root of a user namespace of one's own."""
    with Attacked() as oci:
        files = [mount + "/release_agent" for mount in cgroup_mounts() if os.path.exists(mount + "/release_agent")]
        before = [open(each).read() for each in files]
        script = """
            for each in /sys/fs/cgroup/*; do
              echo /evil > $each/release_agent && echo set; echo 1 > $each/notify_on_release && echo armed; mkdir $each/x && echo made
            done 2>/dev/null
            for each in memory cpu devices freezer pids blkio name=systemd; do
              mkdir -p /tmp/m; mount -t cgroup -o $each none /tmp/m 2>/dev/null && echo mounted
              unshare -Ur sh -c "mount -t cgroup -o $each none /tmp/m && echo mounted && echo /evil > /tmp/m/release_agent && echo set" 2>/dev/null
              unshare -Urm sh -c "mount -t cgroup -o $each none /tmp/m && echo mounted && echo /evil > /tmp/m/release_agent && echo set" 2>/dev/null
            done
            mount -o remount,rw /sys/fs/cgroup/memory 2>/dev/null && echo remounted
            echo end"""
        done = oci.run(script)
        assert done.out == "end\n", done
        assert [open(each).read() for each in files] == before
        # The control: the same words reach the container's own group when it may write there.
        mounts = json.loads(json.dumps(oci.config["mounts"]))
        for each in mounts:
            if each["type"] == "cgroup":
                each["options"] = [option for option in each["options"] if option != "ro"]
        control = oci.run("for each in /sys/fs/cgroup /sys/fs/cgroup/*; do mkdir $each/x && rmdir $each/x && echo made; done 2>/dev/null; echo end",
                          mounts=mounts)
        assert "made" in control.out, control
        assert [open(each).read() for each in files] == before


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
