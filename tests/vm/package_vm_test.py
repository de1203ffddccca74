# SPDX-License-Identifier: Apache-2.0
"""The Debian package on a Debian of its own (debootstrap): in a clean chroot, and on a virtual machine whose first process is systemd. With
METE_SOAK only: to make such a Debian and to boot it on an emulated processor takes minutes. METE_VM_CACHE keeps the Debian."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from deb import as_next_version, build_deb  # noqa: E402
from machine import CACHE, SECONDS, VERBOSE, judge, run_for  # noqa: E402
from mete_agent import BIN, SOURCE, need_root, skip  # noqa: E402
from pods import pod  # noqa: E402

HERE = os.path.dirname(os.path.realpath(__file__))
MIRROR = os.environ.get("METE_DEBIAN_MIRROR", "http://deb.debian.org/debian")
# What dpkg, apt and the loader keep of every package.
OTHERS = r"^(var/(lib/(dpkg|apt|systemd)|cache|log)|tmp|run|root|dev|proc|sys)(/|$)|^etc/(ld\.so\.cache|group-|gshadow-|\.pwd\.lock|machine-id|ssl|systemd)"


def debian():
    """An archive of a new Debian, made once."""
    path = CACHE + "/debian.tar"
    if not os.path.exists(path):
        with tempfile.TemporaryDirectory(prefix="mete-debian-") as work:
            done = subprocess.run(["debootstrap", "--variant=minbase", "--include=systemd,systemd-sysv,dbus,procps,busybox-static", "bookworm", work + "/root", MIRROR],
                                  capture_output=True, text=True)
            if done.returncode != 0:
                skip("debootstrap cannot make a Debian: " + done.stdout.strip().split("\n")[-1])
            os.makedirs(CACHE, exist_ok=True)
            subprocess.run(["tar", "-C", work + "/root", "-cf", path + ".new", "."], check=True)
        os.rename(path + ".new", path)
    return path


def inside(root, *command):
    return subprocess.run(["chroot", root, *command], capture_output=True, text=True,
                          env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"})


def must(root, *command):
    done = inside(root, *command)
    assert done.returncode == 0, (command, done.stdout[-2000:], done.stderr[-2000:])
    return done.stdout


def files(root):
    found = set()
    for folder, folders, names in os.walk(root):
        found |= {os.path.relpath(os.path.join(folder, each), root) for each in folders + names}
    return {path for path in found if not re.search(OTHERS, path)}


def packages(root):
    return set(must(root, "dpkg-query", "-W", "-f", "${Package}\n").split())


def in_a_chroot(root, deb):
    """Installed with what it depends on, run, and purged: what is left is what others have brought."""
    shutil.copy(deb, root + "/root/mete.deb")
    before, had = files(root), packages(root)
    must(root, "apt-get", "-qq", "-o", "APT::Sandbox::User=root", "update")
    must(root, "apt-get", "-qq", "-y", "--no-install-recommends", "install", "/root/mete.deb")
    print("ok   install in a clean chroot, with " + (", ".join(sorted(packages(root) - had - {"mete"})) or "nothing else"))
    for program in ("mete", "mete-oci"):
        print("ok   " + must(root, program, "--version").split("\n")[0])
    others = packages(root) - had - {"mete"}
    must(root, "apt-get", "-qq", "-y", "purge", "mete")
    theirs = {line.strip("/") for each in others for line in must(root, "dpkg", "-L", each).split("\n")}
    # Some packages still name /lib, which is a link to /usr/lib.
    theirs |= {"usr/" + each for each in theirs if each.split("/")[0] in ("bin", "sbin", "lib")}
    left = files(root) - before - theirs
    assert not left, sorted(left)[:50]
    print("ok   purge leaves no file")


def furnish(root, debs):
    place = root + "/mete"
    os.makedirs(place + "/modules")
    shutil.copy(debs[0], place + "/old.deb")
    shutil.copy(debs[1], place + "/new.deb")
    shutil.copy(SOURCE + "/tools/busybox-image", place)
    shutil.copy(HERE + "/package_payload", place)
    shutil.copy(CACHE + "/modules/overlay.ko", place + "/modules")
    with open(place + "/pod.yaml", "w") as file:
        file.write(pod("web", "trap exit TERM; while :; do sleep 0.1; done", "resources: {limits: {memory: 32Mi}}"))
    with open(SOURCE + "/docs/installing.md") as page, open(place + "/dropin.conf", "w") as file:
        file.write(re.search(r"```ini\n(.*?)```", page.read(), re.S).group(1))
    with open(root + "/etc/systemd/system/package-test.service", "w") as file:
        file.write("[Unit]\nAfter=multi-user.target\n[Service]\nType=oneshot\nExecStart=/mete/package_payload\nTimeoutStartSec=infinity\n"
                   "StandardOutput=file:/dev/ttyS0\nStandardError=file:/dev/ttyS0\n[Install]\nWantedBy=graphical.target\n")
    must(root, "systemctl", "enable", "package-test.service")
    must(root, "systemctl", "set-default", "graphical.target")


def boot(work, root):
    disk = work + "/disk"
    with open(disk, "wb") as file:
        file.truncate(2 << 30)
    subprocess.run(["mkfs.ext4", "-q", "-d", root, disk], check=True)
    command = ["qemu-system-x86_64", "-accel", "tcg", "-smp", "2", "-m", "1024", "-nodefaults", "-display", "none", "-serial", "stdio", "-no-reboot",
               "-kernel", CACHE + "/vmlinuz", "-drive", "file=%s,if=none,id=disk,format=raw,cache=unsafe" % disk, "-device", "nvme,drive=disk,serial=mete",
               "-append", "console=ttyS0 quiet panic=-1 psi=1 root=/dev/nvme0n1 rw systemd.unified_cgroup_hierarchy=1 systemd.show_status=0"]
    with open(work + "/transcript", "wb") as out:
        ended = run_for(command, SECONDS, out)
    with open(work + "/transcript", errors="replace") as transcript:
        return transcript.read().replace("\r", ""), ended


def expected_cases():
    with open(HERE + "/package_payload") as file:
        return [(name, r"^(?:ok   |FAIL )%s\b" % name) for name in re.findall(r"(?m)^check (\w+)", file.read())]


def main():
    need_root()
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    if "METE_SOAK" not in os.environ:
        skip("takes minutes: runs in `make soak`; package_test does the same on this machine's Debian")
    for program in ("debootstrap", "qemu-system-x86_64", "mkfs.ext4", "cpio", "strip"):
        if shutil.which(program) is None:
            skip("needs " + program)
    with tempfile.TemporaryDirectory(prefix="mete-package-") as work:
        # For its kernel, which comes with it.
        open(work + "/plan", "w").close()
        made = subprocess.run([HERE + "/build_image", "qemu", BIN, CACHE, work + "/initramfs", "payload", work + "/plan"])
        if made.returncode != 0:
            sys.exit(made.returncode)
        deb = build_deb(work)
        newer = as_next_version(deb, work)
        root = work + "/root"
        os.makedirs(root)
        subprocess.run(["tar", "-C", root, "-xf", debian()], check=True)
        in_a_chroot(root, deb)
        furnish(root, (deb, newer))
        transcript, ended = boot(work, root)
    passed, skipped, wrong = judge(transcript, expected_cases(), ended, SECONDS)
    if wrong or VERBOSE:
        print(transcript)
    for line in re.findall(r"^(?:===|ok   ).*", transcript, re.M):
        print(line)
    for what in wrong:
        print("FAIL " + what)
    print("%d passed, %d failed" % (len(passed), len(wrong)))
    sys.exit(1 if wrong or not passed else 0)


if __name__ == "__main__":
    main()
