# SPDX-License-Identifier: Apache-2.0
"""How long a container that has too little memory lives on, with mete and with systemd-oomd: tests/bench/react_v2.py [--rounds N] [-v]

Runs in the virtual machine of tests/vm, because systemd-oomd needs cgroup v2's memory controller and PSI. Its instructions are emulated: what
counts is the ratio of two rows, not their seconds. METE_VM_CACHE is where the kernel and systemd-oomd are kept.

The clock ends when the container's processes are dead (cgroup.events: populated 0). It starts, for the first rows, with the pressure: at the
start of the first tenth of a second of which all of the container waited for memory for at least half. The load is the same there: a
container of 32 MiB goes over a file of 48 MiB on a disk of 16 MiB/s again and again. Both are told 20 % and 1 s, but mean different things:
mete's rule looks at the share of the last second. systemd-oomd looks once a second at the kernel's average over 10 s (avg10, renewed
each 2 s), which must stand above the limit for a second, the shortest time that it takes; the row of 1 % is the soonest that it can be.
systemd itself is not there: the payload tells systemd-oomd which cgroup it shall watch, as systemd would.

For reference, two rows of mete that need no pressure, of a container that grows by a MiB each 50 ms: the clock starts when its usage reaches the
threshold, and when the kernel counts an OOM, which the kernel then ends by itself.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, __file__.rsplit("/", 1)[0])
sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/vm")
from react import show  # noqa: E402
from v2_test import BIN, CACHE, SKIP, SOURCE, boot, skip  # noqa: E402

DISK = 16 << 20  # bytes per second


def fetch_oomd():
    """Debian's, and the library that belongs to it, into CACHE/oomd. None, or why it cannot be had."""
    if os.path.exists(CACHE + "/oomd/lib/systemd/systemd-oomd"):
        return None
    with tempfile.TemporaryDirectory(prefix="mete-vm-") as work:
        # As root, because apt's own user cannot write into our folder.
        got = subprocess.run(["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", "systemd-oomd", "libsystemd-shared"],
                             cwd=work, capture_output=True, text=True)
        if got.returncode != 0:
            return "apt cannot download it: " + got.stderr.strip()
        for package in os.listdir(work):
            subprocess.run(["dpkg", "-x", "%s/%s" % (work, package), work + "/oomd"], check=True)
        os.makedirs(CACHE, exist_ok=True)
        shutil.move(work + "/oomd", CACHE + "/oomd")
    return None


def make_disks(work):
    """qemu's arguments for a slow disk with a file, and swap: systemd-oomd asks for some. Containers of mete do not swap."""
    os.mkdir(work + "/tree")
    with open(work + "/tree/file", "wb") as out:
        for _ in range(48):
            out.write(os.urandom(1 << 20))
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", work + "/tree", work + "/disk", "96M"], check=True)
    with open(work + "/swap", "wb") as out:
        out.truncate(256 << 20)
    subprocess.run(["mkswap", "-q", work + "/swap"], check=True)
    return ["-drive", "file=%s/disk,if=none,id=disk,format=raw,throttling.bps-total=%d" % (work, DISK),
            "-drive", "file=%s/swap,if=none,id=swap,format=raw" % work,
            "-device", "nvme,id=nvme,serial=mete", "-device", "nvme-ns,drive=disk,bus=nvme", "-device", "nvme-ns,drive=swap,bus=nvme"]


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=20)
    options.add_argument("-v", action="store_true", help="all that the machine says")
    options = options.parse_args()
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    for program in ("qemu-system-x86_64", "cpio", "dpkg", "apt-get", "strip", "mke2fs", "mkswap"):
        if shutil.which(program) is None:
            skip("needs " + program)
    missing = fetch_oomd()
    with tempfile.TemporaryDirectory(prefix="mete-vm-") as work:
        made = subprocess.run([SOURCE + "/tests/vm/build_image", BIN, CACHE, work + "/initramfs", "react_payload"])
        if made.returncode != 0:
            sys.exit(SKIP if made.returncode == SKIP else 1)
        transcript, ended = boot(work, make_disks(work), "mete.rounds=%d" % options.rounds, 300 + options.rounds * 100)
    rows = re.findall(r"^took (.*): (.*)", transcript, re.M)
    wrong = re.findall(r"^FAIL .*", transcript, re.M)
    if options.v or not rows or not ended or "=== end:" not in transcript:
        print(transcript)
    print("".join(line + "\n" for line in re.findall(r"^=== begin.*", transcript, re.M)) + "instructions are emulated: ratios count, not milliseconds")
    if missing:
        print("systemd-oomd: left out, " + missing)
    print("%-34s %6s %8s %8s %8s" % ("ms until dead", "n", "p50", "p99", "max"))
    for name, took in rows:
        show(name, [float(each) * 1000 for each in took.split()], "")
    print("\n".join(wrong))
    sys.exit(1 if wrong or not rows or not ended else 0)


if __name__ == "__main__":
    main()
