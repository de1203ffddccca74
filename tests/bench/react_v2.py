# SPDX-License-Identifier: Apache-2.0
"""How long a container that has too little memory lives on, with mete and with systemd-oomd: tests/bench/react_v2.py [--rounds N] [-v]

Runs in the virtual machine of tests/vm, because systemd-oomd needs cgroup v2's memory controller and PSI. Its instructions are emulated: what
counts is the ratio of two rows, not their seconds. METE_VM_CACHE is where the kernel and systemd-oomd are kept.

The load is one process in a container of 32 MiB that mete has made, which grows by a MiB each 50 ms. The clock ends when the container's
processes are dead (cgroup.events: populated 0).

In the first rows somebody has put a memory.high of 24 MiB there, where the kernel makes it wait for memory for ever and does not kill.
The clock starts with that: at the start of the first tenth of a second of which all of the container waited for at least half. Both programs are told
full 20 % and 1 s, which does not mean the same: mete's rule looks at the share of the last second. systemd-oomd looks once a second at the
kernel's average over 10 s (avg10, renewed each 2 s), which must stand above the limit for a second, the shortest time that it takes; the row
of 1 % is the soonest that it can be. systemd itself is not there: the payload tells systemd-oomd which cgroup to watch, as systemd would.

For reference, thresholds that need no pressure: the clock starts when the container's usage, or its swap, was last seen below the threshold. An
OOM, without memory.high and swap, is the kernel's own kill: the clock starts when the kernel had counted none yet.
"""
import argparse
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, __file__.rsplit("/", 1)[0])
sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/vm")
from react import show  # noqa: E402
from machine import CACHE, boot, build_image, skip  # noqa: E402


def fetch_oomd():
    """Debian's, and the library that belongs to it, into CACHE/oomd. None, or why it cannot be had."""
    if os.path.isdir(CACHE + "/oomd"):
        return None
    os.makedirs(CACHE, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="oomd-", dir=CACHE) as work:
        # As root, because apt's own user cannot write into our folder.
        download = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", "systemd-oomd", "libsystemd-shared"]
        got = subprocess.run(download, cwd=work, capture_output=True, text=True)
        if got.returncode != 0:  # package lists that are missing or old are fetched, once
            subprocess.run(["apt-get", "-qq", "update"], capture_output=True)
            got = subprocess.run(download, cwd=work, capture_output=True, text=True)
        if got.returncode != 0:
            return "apt cannot download it: " + got.stderr.strip()
        for package in glob.glob(work + "/*.deb"):
            subprocess.run(["dpkg", "-x", package, work + "/oomd"], check=True)
        for library in glob.glob(work + "/oomd/**/libsystemd-shared-*.so", recursive=True):
            needs = re.findall(r"(\S+) => not found", subprocess.run(["ldd", library], capture_output=True, text=True).stdout)
            if needs:
                return "it needs " + ", ".join(needs)
        os.rename(work + "/oomd", CACHE + "/oomd")
    return None


def make_swap(work):
    """A disk to swap to."""
    with open(work + "/swap", "wb") as out:
        out.truncate(64 << 20)
    subprocess.run(["mkswap", "-q", work + "/swap"], check=True)
    return work + "/swap"


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=20)
    options.add_argument("-v", action="store_true", help="all that the machine says")
    options = options.parse_args()
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    for program in ("qemu-system-x86_64", "cpio", "dpkg", "apt-get", "strip", "mkswap"):
        if shutil.which(program) is None:
            skip("needs " + program)
    missing = fetch_oomd()
    with tempfile.TemporaryDirectory(prefix="mete-vm-") as work:
        build_image("qemu", work, "react_payload")
        transcript, _ = boot("qemu", work, make_swap(work), "mete.rounds=%d" % options.rounds, 300 + options.rounds * 100)
    rows = re.findall(r"^took (.*): (.*)", transcript, re.M)
    wrong = re.findall(r"^FAIL .*", transcript, re.M)
    if "all measured" not in transcript:
        wrong.append("FAIL the machine did not come to its end")
    if options.v or wrong:
        print(transcript)
    for line in re.findall(r"^=== begin: (.*)", transcript, re.M):
        print(line)
    print("instructions are emulated: ratios count, not milliseconds")
    if missing:
        print("systemd-oomd: left out, " + missing)
    print("%-34s %6s %8s %8s %8s   %s" % ("ms until dead", "n", "p50", "p99", "max", "not its kill"))
    for name, took in rows:
        show(name, [float(each) * 1000 for each in took.split()], sum(what.startswith("FAIL %s: " % name) for what in wrong))
    for what in wrong:
        print(what)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
