# SPDX-License-Identifier: Apache-2.0
"""Every C++ file that git knows has the form that .clang-format asks for. clang-format 14 decides, because another version has another opinion."""
import concurrent.futures
import os
import shutil
import subprocess
import sys

SOURCE = os.path.realpath(os.path.dirname(__file__) + "/..")
PROGRAM = "clang-format-14"
BATCH = 40  # files of one process


def tracked():
    # The tests run as root on a checkout that may be somebody else's, whom git would not trust.
    git = subprocess.run(["git", "-c", "safe.directory=" + SOURCE, "-C", SOURCE, "ls-files", "-z", "*.cpp", "*.h"], capture_output=True, text=True)
    if git.returncode == 0:
        return [name for name in git.stdout.split("\0") if name and os.path.exists(SOURCE + "/" + name)]
    # An archive of the source has no .git.
    found = []
    for folder, folders, files in os.walk(SOURCE):
        folders[:] = [each for each in folders if each not in ("build", ".git")]
        found += [os.path.relpath(os.path.join(folder, each), SOURCE) for each in files if each.endswith((".cpp", ".h"))]
    return found


def check(files):
    done = subprocess.run([PROGRAM, "--dry-run", "-Werror", "--ferror-limit=1", *files], cwd=SOURCE, capture_output=True, text=True)
    return done.returncode, done.stderr


def main():
    if shutil.which(PROGRAM) is None:
        print("SKIP: needs Debian's " + PROGRAM)
        sys.exit(77)
    files = sorted(tracked())
    batches = [files[first:first + BATCH] for first in range(0, len(files), BATCH)]
    wrong = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for code, said in pool.map(check, batches):
            if code != 0:
                places = [line for line in said.splitlines() if "error:" in line]
                wrong += len(places)
                print("\n".join(places or [said]))
    print("%d files, %d of another form%s" % (len(files), wrong, "; `make format` mends them" if wrong else ""))
    sys.exit(1 if wrong or not files else 0)


if __name__ == "__main__":
    main()
