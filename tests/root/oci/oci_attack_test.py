# SPDX-License-Identifier: Apache-2.0
"""Images and configurations that try to reach the host through mete-oci while it makes a container. Each attack has a control: the same
done by path, as a careless runtime would, is seen by the same look at the host."""
import ctypes
import json
import multiprocessing
import os
import shutil
import stat
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from mete_agent import SLOW, run_tests  # noqa: E402
from oci_bundle import Oci  # noqa: E402


class Bait(Oci):
    """A folder of the host's that no container was given."""

    def __init__(self):
        super().__init__()
        self.host = self.work + "/host"
        os.makedirs(self.host + "/folder")
        for name in ("file", "null", "folder/file"):
            self.put(self.host + "/" + name, "the host's\n")
        self.before = self.look()

    @staticmethod
    def put(path, text):
        with open(path, "w") as file:
            file.write(text)

    def look(self):
        seen = {}
        for folder, folders, files in os.walk(self.host):
            for name in folders + files:
                path = folder + "/" + name
                info = os.lstat(path)
                seen[path] = (stat.filemode(info.st_mode), info.st_rdev, info.st_uid, open(path).read() if stat.S_ISREG(info.st_mode) else "")
        return seen, [line for line in open("/proc/self/mountinfo") if self.work in line]

    def untouched(self):
        seen = self.look()
        assert seen == self.before, ("the host was changed", seen, self.before)

    def careless(self, act):
        """The control: `act` does it by path, and that is seen."""
        act()
        assert self.look() != self.before, "the control's attack left no trace: this test sees nothing"
        shutil.rmtree(self.host)
        os.makedirs(self.host + "/folder")
        for name in ("file", "null", "folder/file"):
            self.put(self.host + "/" + name, "the host's\n")
        self.untouched()

    def replace(self, name, link_to=None):
        """In the image: a symbolic link in place of a folder or file."""
        path = self.rootfs + "/" + name
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        elif os.path.lexists(path):
            os.remove(path)
        if link_to is not None:
            os.symlink(link_to, path)

    def without_mount(self, *destinations):
        return [each for each in self.config["mounts"] if not each["destination"].startswith(destinations)]

    def attempt(self, script="true", args=None, **changes):
        """Whatever comes of it: one line when it is refused, the host as it was, nothing left."""
        done = self.run(script, check=False, args=args, **changes)
        assert done.code >= 0 and done.code < 128, done
        if done.code != 0 and done.err.startswith("mete-oci: "):
            assert done.err.count("\n") == 1, done
        self.untouched()
        assert self.leftovers() == [], self.leftovers()
        return done


# What leads from the image's root to the bait, when it is followed by path or from inside.
def links_to(oci, what):
    return [what, "../" * 20 + what[1:], "/proc/1/root" + what, "/proc/self/root" + what, "/../../.." + what]


def test_a_dev_that_is_a_link():
    with Bait() as oci:
        oci.replace("dev", oci.host + "/folder")
        oci.careless(lambda: os.mknod(oci.rootfs + "/dev/zero", stat.S_IFCHR | 0o666, os.makedev(1, 5)))
        for mounts in (oci.config["mounts"], oci.without_mount("/dev")):
            for link in links_to(oci, oci.host + "/folder"):
                oci.replace("dev", link)
                oci.attempt("echo x > /dev/file; echo x > /dev/new; true", mounts=mounts)


def test_devices_of_the_image_that_are_links():
    with Bait() as oci:
        mounts = oci.without_mount("/dev")
        os.symlink(oci.host + "/null", oci.rootfs + "/dev/null")
        oci.careless(lambda: oci.put(oci.rootfs + "/dev/null", "overwritten"))
        for name in ("null", "zero", "full", "random", "urandom", "tty", "console", "ptmx", "fd", "stdin", "stdout", "stderr", "core", "shm", "pts", "mqueue"):
            for link in links_to(oci, oci.host + "/file"):
                oci.replace("dev/" + name, link)
                oci.attempt("echo x > /dev/%s" % name, mounts=mounts)
            oci.replace("dev/" + name)


def test_proc_and_sys_that_are_links():
    with Bait() as oci:
        for name in ("proc", "sys"):
            oci.replace(name, oci.host + "/folder")
            oci.careless(lambda: oci.put(oci.rootfs + "/" + name + "/new", "x"))  # noqa: B023 - called here
            for link in links_to(oci, oci.host + "/folder"):
                oci.replace(name, link)
                done = oci.attempt("cat /proc/1/comm; echo x > /%s/file" % name)
                assert "the host's" not in done.out, done
            oci.replace(name)
            os.makedirs(oci.rootfs + "/" + name)


def test_mount_destinations_through_links_and_dots():
    with Bait() as oci:
        os.symlink(oci.host, oci.rootfs + "/way")
        oci.careless(lambda: os.makedirs(oci.rootfs + "/way/deep/er"))
        inside = {"type": "tmpfs", "source": "tmpfs"}
        for destination in ("/way", "/way/folder", "/way/deep/er", "/way/../../../../x", "/../../../.." + oci.host + "/folder", "/a/../../.." + oci.host + "/b",
                            "/tmp/../way/new"):
            for link in links_to(oci, oci.host):
                oci.replace("way", link)
                oci.attempt("true", mounts=oci.config["mounts"] + [{"destination": destination, **inside}])
                source = oci.rootfs + "/etc"
                oci.attempt("true", mounts=oci.config["mounts"] + [{"destination": destination, "type": "bind", "source": source, "options": ["rbind"]}])
            if os.path.isdir(oci.rootfs + oci.work):
                shutil.rmtree(oci.rootfs + "/" + oci.work.split("/")[1])
                os.makedirs(oci.rootfs + "/tmp", exist_ok=True)
        os.symlink("loop", oci.rootfs + "/loop")
        assert oci.attempt("true", mounts=oci.config["mounts"] + [{"destination": "/loop/x", **inside}]).code == 1
        relative = oci.attempt("true", mounts=oci.config["mounts"] + [{"destination": "not/absolute", **inside}])
        assert relative.code in (0, 1), relative


def exchange_for_ever(first, second):
    renameat2 = ctypes.CDLL(None).renameat2
    while True:
        renameat2(-100, first.encode(), -100, second.encode(), 2)  # AT_FDCWD, RENAME_EXCHANGE


def test_directories_made_while_the_image_changes_under_it():
    """CVE-2021-30465, CVE-2024-45310: a volume in which a folder becomes a link to the host and back, as fast as it can."""
    with Bait() as oci:
        volume = oci.work + "/volume"
        os.makedirs(volume + "/swapped")
        os.symlink(oci.host, volume + "/other")

        def by_path():
            for _ in range(100_000):
                try:
                    if not os.path.islink(volume + "/swapped"):
                        os.mkdir(volume + "/swapped/made-by-path")
                except OSError:
                    pass
                if os.path.exists(oci.host + "/made-by-path"):
                    return
                for name in ("/swapped", "/other"):
                    if os.path.isdir(volume + name + "/made-by-path"):
                        shutil.rmtree(volume + name + "/made-by-path", ignore_errors=True)
        swapper = multiprocessing.get_context("fork").Process(target=exchange_for_ever, args=(volume + "/swapped", volume + "/other"))
        swapper.start()
        try:
            oci.careless(by_path)
            ran = 0
            mounts = oci.config["mounts"] + [{"destination": "/v", "type": "bind", "source": volume, "options": ["rbind"]},
                                             {"destination": "/v/swapped/made/deep", "type": "tmpfs", "source": "tmpfs"},
                                             {"destination": "/v/swapped/file", "type": "bind", "source": oci.rootfs + "/bin/busybox", "options": ["bind"]}]
            for _ in range(60):
                ran += oci.attempt("true", mounts=mounts).code == 0
        finally:
            swapper.kill()
            swapper.join()
        assert ran > 0, "no container came to run"
        print("     %d of 60 ran" % ran)


def test_masked_and_read_only_paths_that_are_links():
    with Bait() as oci:
        oci.put(oci.rootfs + "/secret", "of the image\n")
        linux = json.loads(json.dumps(oci.config["linux"]))
        linux["maskedPaths"] = ["/secret", "/proc/kcore", "/etc"]
        linux["readonlyPaths"] = ["/tmp"]
        control = oci.attempt("cat /secret; ls /etc | wc -l; touch /tmp/x", linux=linux)
        assert control.out == "0\n" and "Read-only" in control.err, control
        for name, target in (("secret", oci.host + "/file"), ("tmp", oci.host + "/folder")):
            for link in links_to(oci, target):
                oci.replace(name, link)
                oci.attempt("cat /%s; echo x > /%s; echo x > /%s/file" % (name, name, name), linux=linux)
                assert open(target if name == "secret" else target + "/file").read() == "the host's\n"


def test_a_mask_is_the_null_device_whatever_the_image_calls_null():
    """CVE-2025-31133: the source of the mask is not taken from the image."""
    with Bait() as oci:
        mounts = oci.without_mount("/dev")
        oci.put(oci.rootfs + "/masked", "secret")
        linux = dict(oci.config["linux"], maskedPaths=["/masked", "/proc/version"])
        shown = oci.attempt("cat /masked /proc/version", mounts=mounts, linux=dict(linux, maskedPaths=[]))
        assert "secret" in shown.out and "Linux" in shown.out, "the control: what is not masked is seen"
        for make in (lambda path: oci.put(path, "from the image"), lambda path: os.symlink("/etc/passwd", path), lambda path: os.symlink(oci.host + "/null", path),
                     os.makedirs, lambda path: os.mkfifo(path), lambda path: os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))):
            oci.replace("dev")
            os.makedirs(oci.rootfs + "/dev")
            make(oci.rootfs + "/dev/null")
            done = oci.attempt("cat /masked /proc/version; stat -c %F /masked; echo x > /masked", mounts=mounts, linux=linux)
            assert "secret" not in done.out and "Linux" not in done.out and "from the image" not in done.out, done
            assert open(oci.rootfs + "/masked").read() == "secret"


def test_a_volume_over_proc_does_not_swallow_what_is_written_there():
    """CVE-2019-16884, CVE-2025-52881: sysctls and labels are written to the real procfs, whatever lies at /proc."""
    with Bait() as oci:
        fake = oci.work + "/fake-proc"
        os.makedirs(fake + "/sys/net/ipv4")
        os.makedirs(fake + "/self/attr")
        for name in ("sys/net/ipv4/ip_default_ttl", "self/attr/exec", "version"):
            oci.put(fake + "/" + name, "fake\n")
        linux = dict(oci.config["linux"], sysctl={"net.ipv4.ip_default_ttl": "77"})
        real = {"destination": "/real", "type": "proc", "source": "proc"}
        control = oci.attempt("cat /real/sys/net/ipv4/ip_default_ttl", linux=linux, mounts=oci.config["mounts"] + [real])
        assert control.out == "77\n", control
        volume = {"destination": "/proc", "type": "bind", "source": fake, "options": ["rbind"]}
        for mounts in (oci.config["mounts"] + [volume, real], oci.without_mount("/proc") + [volume, real], [volume] + oci.config["mounts"] + [real]):
            done = oci.attempt("cat /real/sys/net/ipv4/ip_default_ttl", linux=linux, mounts=mounts)
            assert done.code == 1 or done.out == "77\n", done
            assert open(fake + "/sys/net/ipv4/ip_default_ttl").read() == "fake\n", "the sysctl went into the volume"
        assert open("/proc/sys/net/ipv4/ip_default_ttl").read() != "77\n"


def test_sysctls_that_are_the_hosts():
    with Bait() as oci:
        names = ("kernel.core_pattern", "kernel/core_pattern", "net.ipv4.ip_forward/../../../kernel/core_pattern", "net.ipv4...kernel.core_pattern",
                 "net/../kernel/core_pattern", "kernel.shm_rmid_forced+core_pattern", "kernel.shmmax\x00core_pattern", "kernel.core_pattern ", "Kernel.core_pattern",
                 "kernel.msgmax.core_pattern", "vm.overcommit_memory", "fs.file-max", "kernel.modprobe", "kernel.sysrq", "fs.binfmt_misc.register", "", ".", "..",
                 "net", "kernel.hostname.x", "user.max_user_namespaces", "dev.raid.speed_limit_min", "kernel.printk")
        watched = ["/proc/sys/" + each for each in ("kernel/core_pattern", "vm/overcommit_memory", "fs/file-max", "kernel/modprobe", "kernel/sysrq", "kernel/printk")]
        watched = [each for each in watched if os.path.exists(each)]
        before = [open(each).read() for each in watched]
        own = dict(oci.config["linux"], sysctl={"kernel.shm_rmid_forced": "1", "net.ipv4.ip_default_ttl": "88"})
        assert oci.attempt("cat /proc/sys/kernel/shm_rmid_forced /proc/sys/net/ipv4/ip_default_ttl", linux=own).out == "1\n88\n", "the control: what is the container's own"
        for name in names:
            done = oci.attempt(linux=dict(own, sysctl={name: "1"}))
            assert done.code == 1, (name, done)
            assert [open(each).read() for each in watched] == before, name
        kept = [each for each in oci.config["linux"]["namespaces"] if each["type"] not in ("network", "ipc", "uts")]
        for name in ("net.ipv4.ip_default_ttl", "kernel.shmmax", "kernel.domainname"):
            done = oci.attempt(linux=dict(own, namespaces=kept, sysctl={name: "1"}), hostname="")
            assert done.code == 1, ("in the host's namespace", name, done)


def test_an_odd_passwd_of_the_image():
    with Bait() as oci:
        passwd = oci.rootfs + "/etc/passwd"
        cases = [(b"root:x:0:0::/home of root:/bin/sh\n", "/home of root"), (b"root:x:0:0::/a=b:/bin/sh\n", "/a=b"), (b"root:x:0:0::relative:/bin/sh\n", None),
                 (b"root:x:0:0::$(touch /x)\x1b[2J:/bin/sh\n", None), (b"x" * (1 << 20), None), (b":" * 100_000 + b"\n", None), (b"root:x:00:0::/wrong:\n", None),
                 (b"root:x: 0:0::/wrong:\n", None), (b"root:x:+0:0::/wrong:\n", None), (b"root:x:4294967296:0::/wrong:\n", None), (b"\n\n\nroot:x:0:0::/right:\n", "/right"),
                 (b"", None), (b"root:x:0:0::/" + b"h" * 3000 + b":\n", "/" + "h" * 3000)]
        for text, home in cases:
            with open(passwd, "wb") as file:
                file.write(text)
            began = time.monotonic()
            done = oci.attempt("echo \"$HOME\"; env | grep -c =; id -u")
            assert time.monotonic() - began < 60 * SLOW
            assert done.out.endswith("\n0\n") and "wrong" not in done.out, done
            assert home is None or done.out.startswith(home + "\n"), (home, done)
        for make in (lambda: os.mkfifo(passwd), lambda: os.makedirs(passwd), lambda: os.symlink(oci.host + "/file", passwd), lambda: os.symlink("/dev/zero", passwd),
                     lambda: os.symlink("passwd", passwd), lambda: os.mknod(passwd, stat.S_IFCHR | 0o666, os.makedev(1, 5)), lambda: os.symlink("/proc/1/environ", passwd)):
            oci.replace("etc/passwd")
            make()
            began = time.monotonic()
            assert oci.attempt(args=["/bin/echo", "ran"]).out == "ran\n"  # no program that reads it itself
            assert time.monotonic() - began < 60 * SLOW, "it waited for the image's file"


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
