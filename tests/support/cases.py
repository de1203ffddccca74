# SPDX-License-Identifier: Apache-2.0
"""The cases of a script: which of them run, which cannot be here, and what is said of each."""
import faulthandler
import os
import signal
import sys
import time
import traceback

SKIP = 77

# A test that is told to end (timeout(1), a person) cleans up like one that fails.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def skip(why):
    """Of the whole script."""
    print("SKIP: " + why)
    sys.exit(SKIP)


class CaseSkipped(Exception):
    """This case cannot be here; the others of its script can."""


def skip_case(why):
    raise CaseSkipped(why)


def need_root():
    if os.geteuid() != 0:
        skip("needs root: makes cgroups and namespaces")
    if not os.path.exists("/bin/busybox"):
        skip("needs Debian's busybox-static")


def need_disk(folder):
    device = os.stat(folder).st_dev
    if not os.path.exists("/sys/dev/block/%d:%d" % (os.major(device), os.minor(device))):
        skip_case("needs %s on a disk: a tmpfs has no IO, and no page cache to be had back" % folder)


def run_tests(module):
    """Runs the functions named test_* of a module; prints each; exit code for ctest."""
    chosen = sys.argv[1:]
    if "METE_TEST_LIMIT" in os.environ:  # ctest ends the script then, and says nothing of where it stood
        faulthandler.dump_traceback_later(max(int(os.environ["METE_TEST_LIMIT"]) - 10, 1))
    failed, skipped = [], []
    names = [each for each in dir(module) if each.startswith("test_") and (not chosen or each in chosen)]
    for name in names:
        begin = time.monotonic()
        try:
            getattr(module, name)()
            print("ok   %-60s %6.1f s" % (name, time.monotonic() - begin), flush=True)
        except SystemExit:
            raise
        except CaseSkipped as why:
            print("SKIP %s: %s" % (name, why), flush=True)
            skipped.append(name)
        except BaseException as error:  # noqa: BLE001 - a test's failure, whatever it is, is reported and the next one run
            traceback.print_exc()
            print("FAIL %-60s %s" % (name, error), flush=True)
            failed.append(name)
            if isinstance(error, KeyboardInterrupt):
                break
    print("%d failed" % len(failed) + (", %d skipped" % len(skipped) if skipped else ""))
    sys.exit(1 if failed else SKIP if skipped == names and names else 0)
