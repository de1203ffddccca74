# SPDX-License-Identifier: Apache-2.0
"""Pull and unpack an image of 12 layers (500 MB of files) from docker-registry on loopback: mete beside dockerd, containerd and podman.

    tests/bench/pull.py [--runs N] [--megabytes 500] [--only docker,containerd,podman]

All ask one registry, write to one new ext4 and pull in turn, so that what else the machine does hits them alike. The clock covers the
client: what a person waits for. mete has its layers on disk when it returns (syncfs); the others leave that to the kernel. The floor does what
no puller can leave out, with the fastest code that Debian has (OpenSSL's SHA-256, libdeflate), on as many processes as there are processors: read
each layer's blob from the page cache, hash it, inflate it, hash the tar, write its files. It is given with and without a syncfs at its end.

Half of the content can be compressed: words of a vocabulary between random bytes. Sizes of files are spread as in a distribution, about 50 kB
in the middle. Everything is the same from a seed.
"""
import argparse
import contextlib
import ctypes
import os
import statistics
import subprocess
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from big_image import BigImage  # noqa: E402
from leftovers import clean_up, unmount_below  # noqa: E402
from mete_agent import BIN, work_folder  # noqa: E402
from registries import DockerRegistry  # noqa: E402
from runtimes import Containerd, Docker, Podman  # noqa: E402

NEW_NAMESPACES = 0x40000000 | 0x00020000  # network, mounts


def timed(command, environment=None):
    """Seconds that it took, its peak of resident memory in MB, and the seconds of processor time that it used."""
    begin = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
    peak = 0
    while True:
        # ru_maxrss would include what this process had at the fork.
        peak = max(peak, resident_peak(child.pid))
        pid, status, usage = os.wait4(child.pid, os.WNOHANG)
        if pid != 0:
            break
        time.sleep(0.005)
    taken = time.monotonic() - begin
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0, (command, child.returncode)
    return taken, peak / 1024, usage.ru_utime + usage.ru_stime


def resident_peak(pid):
    with contextlib.suppress(OSError), open("/proc/%d/status" % pid) as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    return 0


def engines(work, stack, only):
    """Name -> the words before an image's name that pull it, in the order of `only`."""
    makers = {"docker": Docker, "containerd": Containerd, "podman": Podman}
    words = {"docker": ["pull", "-q"], "containerd": ["image", "pull", "--plain-http"], "podman": ["pull", "-q", "--tls-verify=false"]}
    return {name: [*stack.enter_context(makers[name](work)).client, *words[name]] for name in only}


def mete(work, state):
    return [BIN + "/mete", "--state", work + "/" + state, "--run", work + "/run", "pull", "-q"]


def report(times, peer_names):
    for name, each in times.items():
        print("%-22s median %7.3f s  fastest %7.3f  slowest %7.3f" % (name, statistics.median(each), min(each), max(each)))
    for how, choose in (("medians", statistics.median), ("fastest", min)):
        mete = choose(times["mete"])
        best = min(peer_names, key=lambda name: choose(times[name]), default=None)
        if best:
            print("of the %s: %.1f times as fast as %s" % (how, choose(times[best]) / mete, best), end=", ")
        print("%.2f x floor with syncfs, %.2f x floor, one layer more %.3f (1/%.0f) of the whole" % (
            mete / choose(times["floor and syncfs"]), mete / choose(times["floor"]), choose(times["mete, one layer more"]) / mete,
            mete / choose(times["mete, one layer more"])))


@contextlib.contextmanager
def own_disk(work, megabytes):
    """A new ext4 in a file. On one that is used, creating a file takes the longer the more were removed in the last minutes (the kernel looks for
    an inode that was not), so nothing is removed during a run."""
    file, place = work + "/disk", work + "/on-disk"
    os.makedirs(place)
    with open(file, "wb") as disk:
        disk.truncate(megabytes * 1_000_000 * 10 + (1 << 30))
    subprocess.run(["mkfs.ext4", "-q", "-E", "lazy_itable_init=0", file], check=True)
    subprocess.run(["mount", "-o", "loop", file, place], check=True)
    try:
        yield place
    finally:
        unmount_below(place)
        os.unlink(file)
        os.rmdir(place)


def one_run(arguments, big, names, place, times, used):
    whole, without = names
    environment = {**os.environ, "DOCKER_CONFIG": place}
    with contextlib.ExitStack() as stack:
        others = engines(place, stack, [each for each in arguments.only.split(",") if each])
        os.sync()
        taken, peak, cpu = timed([*mete(place, "mete"), whole], environment)
        times["mete"].append(taken)
        for name, words in others.items():
            os.sync()
            times[name].append(timed([*words, whole])[0])
        timed([*mete(place, "mete2"), without], environment)
        os.sync()
        times["mete, one layer more"].append(timed([*mete(place, "mete2"), whole], environment)[0])
        os.sync()
        bare, synced, floor_cpu = big.floor(place + "/floor")
        times["floor"].append(bare)
        times["floor and syncfs"].append(synced)
        used.append((peak, cpu, floor_cpu))


def measure(arguments, work, stack):
    big = BigImage(work + "/image", arguments.megabytes)
    print("image: %d layers, %.0f MB of files in %d files, %.0f MB of blobs" % (len(big.layers), big.bytes / 1e6, big.files, big.compressed / 1e6))
    registry = stack.enter_context(DockerRegistry())
    names = big.push(registry.host, "bench/app:whole"), big.push(registry.host, "bench/app:without", leave_out="smallest")
    peers = [each for each in arguments.only.split(",") if each]
    times = {name: [] for name in ["mete", *peers, "mete, one layer more", "floor", "floor and syncfs"]}
    used = []
    for _ in range(arguments.runs):
        with own_disk(work, arguments.megabytes) as place:
            one_run(arguments, big, names, place, times, used)
    report(times, peers)
    cpu, floor_cpu = (statistics.median(each[i] for each in used) for i in (1, 2))
    print("mete: peak memory %.1f MB; processor %.2f s, the floor's %.2f s: %.2f x" % (max(each[0] for each in used), cpu, floor_cpu, cpu / floor_cpu))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--megabytes", type=int, default=500)
    parser.add_argument("--only", default="docker,containerd,podman")
    arguments = parser.parse_args()
    if ctypes.CDLL(None, use_errno=True).unshare(NEW_NAMESPACES) != 0:
        sys.exit("needs root")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    work = work_folder("mete-pull-bench-")
    try:
        with contextlib.ExitStack() as stack:
            measure(arguments, work, stack)
    finally:
        unmount_below(work)
        clean_up([work])


if __name__ == "__main__":
    main()
