# SPDX-License-Identifier: Apache-2.0
"""mete-oci's stress and attack tests on a pure cgroup v2 kernel, in the virtual machine of v2_test."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, __file__.rsplit("/", 1)[0])
from v2_test import BIN, CACHE, SECONDS, SKIP, SOURCE, boot, skip  # noqa: E402

SCRIPTS = ["oci_stress_test", "oci_attack_test", "oci_attack_process_test", "oci_attack_rights_test", "oci_hostile_config_test"]


def cases_of(script):
    with open("%s/tests/root/%s.py" % (SOURCE, script)) as file:
        return re.findall(r"^def (test_\w+)", file.read(), re.M)


def judge(transcript):
    """(passed, what is wrong): a case that says nothing is wrong, too."""
    passed = re.findall(r"^ok   (test_\w+)", transcript, re.M)
    wrong = re.findall(r"^FAIL (.{,600})", transcript, re.M) + re.findall(r"^SKIP.*", transcript, re.M)
    for script in SCRIPTS:
        wrong += ["%s.%s: said nothing" % (script, case) for case in cases_of(script)
                  if not re.search(r"^(ok   |FAIL )%s\b" % case, transcript, re.M)]
    if "=== end:" not in transcript:
        wrong.append("the machine did not come to its end in %d s" % SECONDS)
    return passed, wrong


def main():
    for program in ("qemu-system-x86_64", "cpio", "dpkg", "apt-get", "strip"):
        if shutil.which(program) is None:
            skip("needs " + program)
    if not os.path.exists(BIN + "/mete-oci"):
        skip("needs %s/mete-oci" % BIN)
    with tempfile.TemporaryDirectory(prefix="mete-vm-") as work:
        made = subprocess.run([SOURCE + "/tests/vm/build_image", BIN, CACHE, work + "/initramfs", "oci_payload"])
        if made.returncode != 0:
            sys.exit(SKIP if made.returncode == SKIP else 1)
        transcript, _ = boot(work)
    passed, wrong = judge(transcript)
    if wrong or "-v" in sys.argv:
        print(transcript)
    for line in re.findall(r"^(?:===|ok   ).*", transcript, re.M):
        print(line)
    for what in wrong:
        print("FAIL " + what)
    print("%d passed, %d failed" % (len(passed), len(wrong)))
    sys.exit(1 if wrong or not passed else 0)


if __name__ == "__main__":
    main()
