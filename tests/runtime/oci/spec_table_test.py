# SPDX-License-Identifier: Apache-2.0
"""Every test that tests/README.md names as the proof of a field of the specification exists."""
import glob
import os
import re
import sys

TESTS = os.path.realpath(os.path.dirname(__file__) + "/../..")
FILES = {"config": "runtime/oci/oci_config*_test.cpp", "parts": "runtime/oci/oci_parts_test.cpp", "attack": "root/oci/oci_attack_test.py",
         "process attack": "root/oci/oci_attack_process_test.py", "rights attack": "root/oci/oci_attack_rights_test.py",
         "hostile": "root/oci/oci_hostile_config_test.py", "isolation": "root/oci/oci_isolation_test.py", "habits": "root/oci/oci_image_habits_test.py",
         "clients": "peers/oci_clients/*.py"}


def cases_of(name):
    pattern = FILES.get(name, "root/*/%s_root_test.cpp" % name)
    text = "".join(open(path).read() for path in glob.glob(TESTS + "/" + pattern))
    found = set(re.findall(r"^TEST(?:_F)?\(\w+, (\w+)\)", text, re.M))
    return found | {each.removeprefix("test_").replace("_", " ") for each in re.findall(r"^def (\w+)\(", text, re.M)}


def main():
    with open(TESTS + "/README.md") as file:
        rows = [line for line in file if line.startswith("| ") and line.count("|") == 3]
    count, missing = 0, []
    for row in rows:
        # "oci_fields: One, Another (why); clients: a case, another one"
        for part in re.sub(r"\([^)]*\)|, where .*| as data", "", row.split("|")[2]).split(";"):
            match = re.fullmatch(r"(?!none)(\w+(?: attack)?): (.*)", part.strip())
            for case in match[2].split(",") if match else []:
                count += 1
                if case.strip() not in cases_of(match[1]):
                    missing.append("%s: %s" % (match[1], case.strip()))
    for each in missing:
        print("FAIL tests/README.md names %s: found no such test" % each)
    print("%d names, %d missing" % (count, len(missing)))
    sys.exit(1 if missing or count < 100 else 0)


if __name__ == "__main__":
    main()
