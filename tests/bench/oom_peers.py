# SPDX-License-Identifier: Apache-2.0
"""How late a machine that runs out of memory is helped, by mete and by earlyoom: tests/bench/oom_peers.py [--rounds N]

earlyoom watches the whole machine, so that both run in a virtual machine of their own (that of tests/vm, emulated, 1 GiB, no swap). A
program takes ever more memory; each is told to end it before less than 150 MiB are available. What the program has got beyond that is
printed, in MiB, for one that grows slowly and for one that grows as fast as it can. The kernel alone ends it when nothing is left.
systemd-oomd needs systemd as the machine's first process, which this machine has not.
"""
import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/vm")
import v2_test  # noqa: E402
from mete_agent import BIN, SOURCE, skip  # noqa: E402


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=5)
    options = options.parse_args()
    v2_test.SECONDS = 900
    with tempfile.TemporaryDirectory(prefix="mete-vm-") as work:
        fetched = subprocess.run("apt-get -qq -o APT::Sandbox::User=root download earlyoom && dpkg -x earlyoom_*.deb more", shell=True, cwd=work)
        if fetched.returncode != 0:
            skip("apt cannot download earlyoom")
        with open(work + "/payload", "w") as out:
            out.write(open(SOURCE + "/tests/bench/oom_peers_payload").read().replace("ROUNDS:-5", "ROUNDS:-%d" % options.rounds))
        os.chmod(work + "/payload", 0o755)
        os.makedirs(work + "/more/bin", exist_ok=True)
        os.rename(work + "/more/usr/bin/earlyoom", work + "/more/bin/earlyoom")
        made = subprocess.run([SOURCE + "/tests/vm/build_image", BIN, v2_test.CACHE, work + "/initramfs"],
                              env={**os.environ, "METE_VM_PAYLOAD": work + "/payload", "METE_VM_MORE": work + "/more"})
        if made.returncode != 0:
            sys.exit(made.returncode)
        transcript, ended = v2_test.boot(work)
    results = {}
    for tool, kind, over, rate in re.findall(r"^RESULT (\S+) (\S+) (-?\d+) (\d+)", transcript, re.M):
        results.setdefault((kind, tool), []).append((int(over), int(rate)))
    if not ended or len(results) != 6:
        print(transcript)
        sys.exit(1)
    print("%-6s %-10s %3s   %s" % ("grows", "ended by", "n", "MiB beyond what it might have: least, median, most   (at MiB/s)"))
    for (kind, tool), found in sorted(results.items(), reverse=True):
        over = sorted(each for each, _ in found)
        print("%-6s %-10s %3d   %6d %6d %6d   (%d)" % (kind, tool, len(over), over[0], statistics.median(over), over[-1], statistics.median(rate for _, rate in found)))


if __name__ == "__main__":
    main()
