# SPDX-License-Identifier: Apache-2.0
"""The same memory hog under each policy as in tests/root, on a pure cgroup v2 kernel, in the virtual machine of v2_test with a disk."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, __file__.rsplit("/", 1)[0])
from v2_test import BIN, CACHE, SECONDS, SKIP, SOURCE, boot, skip  # noqa: E402

SCRIPTS = ["policies_test", "oom_policies_test", "foreign_policies_test", "foreign_owner_test", "drift_test", "devices_test", "swap_test", "io_cost_test", "enforcement_crash_test"]


def cases_of(script):
    with open("%s/tests/root/%s.py" % (SOURCE, script)) as file:
        return re.findall(r"^def (test_\w+)", file.read(), re.M)


def judge(transcript):
    """(passed, skipped with their reasons, what is wrong): a case that says nothing is wrong, too."""
    passed = re.findall(r"^ok   (test_\w+)", transcript, re.M)
    skipped = re.findall(r"^SKIP (test_\w+: .*)", transcript, re.M)
    wrong = re.findall(r"^FAIL (.{,600})", transcript, re.M) + re.findall(r"^SKIP: .*", transcript, re.M)
    for script in SCRIPTS:
        wrong += ["%s.%s: said nothing" % (script, case) for case in cases_of(script)
                  if not re.search(r"^(ok   |FAIL |SKIP )%s\b" % case, transcript, re.M)]
    if "=== end:" not in transcript:
        wrong.append("the machine did not come to its end in %d s" % SECONDS)
    return passed, skipped, wrong


def disk(work):
    """Of ext4, for the machine; the kernel has both drivers built in."""
    path = work + "/disk"
    with open(path, "wb") as file:
        file.truncate(1 << 30)
    subprocess.run(["mkfs.ext4", "-q", path], check=True)
    return ["-drive", "file=%s,if=none,id=disk,format=raw,cache=unsafe" % path, "-device", "nvme,drive=disk,serial=mete"]


def main():
    for program in ("qemu-system-x86_64", "cpio", "dpkg", "apt-get", "strip", "mkfs.ext4"):
        if shutil.which(program) is None:
            skip("needs " + program)
    for program in ("mete", "mete-shim"):
        if not os.path.exists(BIN + "/" + program):
            skip("needs %s/%s" % (BIN, program))
    with tempfile.TemporaryDirectory(prefix="mete-vm-") as work:
        made = subprocess.run([SOURCE + "/tests/vm/build_image", BIN, CACHE, work + "/initramfs", "policies_payload"])
        if made.returncode != 0:
            sys.exit(SKIP if made.returncode == SKIP else 1)
        transcript, _ = boot(work, disk(work))
    passed, skipped, wrong = judge(transcript)
    if wrong or "-v" in sys.argv:
        print(transcript)
    for line in re.findall(r"^(?:===|ok   ).*", transcript, re.M):
        print(line)
    for reason in skipped:
        print("SKIP " + reason)
    for what in wrong:
        print("FAIL " + what)
    print("%d passed, %d skipped, %d failed" % (len(passed), len(skipped), len(wrong)))
    sys.exit(1 if wrong or not passed else 0)


if __name__ == "__main__":
    main()
