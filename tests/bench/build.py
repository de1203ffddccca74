# SPDX-License-Identifier: Apache-2.0
"""The four lines of a first Dockerfile on a base image that is there: mete beside docker's classic builder. tests/bench/build.py [--runs N]

Each run builds another httpserver (10 kB), so that ADD and what follows is done, and then the same once more, all of it known. The clock
covers the client: what a person waits for. Both use the same base image, made of busybox; both stores lie on the same file system.
"""
import argparse
import ctypes
import os
import statistics
import subprocess
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from builds import FOUR_LINES, Builder  # noqa: E402
from leftovers import clean_up, unmount_below  # noqa: E402
from mete_agent import work_folder  # noqa: E402
from runtimes import QUIET, Docker  # noqa: E402


def timed(command, environment):
    begin = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    taken = time.monotonic() - begin
    assert done.returncode == 0, done
    return taken * 1000, done.stdout.count("Using cache")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=15)
    runs = parser.parse_args().runs
    if ctypes.CDLL(None, use_errno=True).unshare(0x40000000) != 0:  # dockerd's own network namespace
        sys.exit("needs root")
    work = work_folder("mete-build-bench-")
    try:
        with Builder() as builder, Docker(work) as docker:
            subprocess.run(["tar", "-C", builder.work + "/ubuntu", "-cf", work + "/base.tar", "."], check=True)
            subprocess.run([*docker.client, "import", work + "/base.tar", "ubuntu"], check=True, **QUIET)
            context = builder.context({"Dockerfile": FOUR_LINES, "bin/amd64/httpserver": ""})
            programs = {"mete": (builder.words(*builder.options("-t", "cncamp/httpserver:v1.0", context)), builder.environment),
                        "docker": ([*docker.client, "build", "-t", "cncamp/httpserver:v1.0", context], {**os.environ, "DOCKER_BUILDKIT": "0"})}
            times = {(name, kind): [] for name in programs for kind in ("new", "known")}
            for i in range(runs):
                with open(context + "/bin/amd64/httpserver", "w") as out:
                    out.write(("%d\n" % i).ljust(10_000, "x"))
                for name, (command, environment) in programs.items():
                    for kind in ("new", "known"):
                        taken, cached = timed(command, environment)
                        assert kind == "new" or cached == 3, (name, cached)
                        times[name, kind].append(taken)
            for (name, kind), each in times.items():
                print("%-6s %-5s  median %7.1f ms  fastest %7.1f  slowest %7.1f" % (name, kind, statistics.median(each), min(each), max(each)))
            for kind in ("new", "known"):
                print("ratio %-5s  of the medians %.1f, of the fastest %.1f" % (
                    kind, *(choose(times["docker", kind]) / choose(times["mete", kind]) for choose in (statistics.median, min))))
    finally:
        unmount_below(work)
        clean_up([work])


if __name__ == "__main__":
    main()
