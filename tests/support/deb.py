# SPDX-License-Identifier: Apache-2.0
"""The Debian package, made of the programs that were built."""
import glob
import os
import re
import shutil
import subprocess

from mete_agent import BIN, skip

NEEDED = ("cpack", "dpkg-deb", "dpkg-shlibdeps")


def build_deb(folder):
    """Its path. Nothing is compiled; packed in little time, not in little space."""
    for program in NEEDED:
        if shutil.which(program) is None:
            skip("needs " + program)
    config = os.path.dirname(BIN) + "/CPackConfig.cmake"
    done = subprocess.run(["cpack", "--config", config, "-D", "CPACK_DEBIAN_COMPRESSION_TYPE=gzip", "-B", folder], capture_output=True, text=True, cwd=folder)
    found = glob.glob(folder + "/mete_*.deb")
    assert done.returncode == 0 and len(found) == 1, done.stdout + done.stderr
    return found[0]


def as_next_version(deb, folder):
    """The same programs as a newer package: the version is one higher. Packed in little time, not in little space."""
    subprocess.run(["dpkg-deb", "-R", deb, folder + "/next"], check=True)
    path = folder + "/next/DEBIAN/control"
    with open(path) as file:
        control = file.read()
    version = re.search(r"(?m)^Version: (.*)-(\d+)$", control)
    newer = "%s-%d" % (version.group(1), int(version.group(2)) + 1)
    with open(path, "w") as file:
        file.write(control.replace(version.group(0), "Version: " + newer))
    made = os.path.join(folder, os.path.basename(deb).replace("%s-%s" % version.groups(), newer))
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "-b", folder + "/next", made], check=True, stdout=subprocess.DEVNULL)
    return made
