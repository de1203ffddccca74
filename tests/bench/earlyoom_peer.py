# SPDX-License-Identifier: Apache-2.0
"""How long earlyoom takes from a threshold's event until the process is dead.

earlyoom watches the machine, not a cgroup. So it is shown one: in PID and mount namespaces of its own, where it can see and kill
nothing but the load, with a /proc/meminfo that says each millisecond what the cgroup's limit has left.
"""
import os
import select
import shutil
import signal
import subprocess
import tempfile
import threading
import time

LIMIT = 64 << 20
SHARE = 0.6

# What grows past the threshold and stays there until somebody kills it; then the next one.
LOAD = "while :; do python3 -c 'import time; x = b\"x\" * (45 << 20); time.sleep(30)'; sleep 0.05; done"

MEMINFO = "MemTotal: %8d kB\nMemFree: %8d kB\nMemAvailable: %8d kB\nBuffers: 0 kB\nCached: 0 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\nAnonPages: %8d kB\n"


def program():
    return os.environ.get("METE_EARLYOOM") or shutil.which("earlyoom")


class EarlyOom:
    def __init__(self):
        self.directory = "/sys/fs/cgroup/memory/mete-react-earlyoom-%d" % os.getpid()
        self.work = tempfile.mkdtemp(prefix="mete-react-")
        self.process = None
        self.ended = threading.Event()

    def __enter__(self):
        os.mkdir(self.directory)
        self.write("memory.limit_in_bytes", LIMIT)
        self.meminfo = os.open(self.work + "/meminfo", os.O_RDWR | os.O_CREAT)
        self.usage = os.open(self.directory + "/memory.usage_in_bytes", os.O_RDONLY)
        self.tell()
        self.teller = threading.Thread(target=self.keep_telling, daemon=True)
        self.teller.start()
        script = "mount --bind %s/meminfo /proc/meminfo && (%s -m %d,%d -r 0 >%s/log 2>&1 &) ; %s" % (
            self.work, program(), round(100 * (1 - SHARE)), round(100 * (1 - SHARE)), self.work, LOAD)
        self.process = subprocess.Popen(["unshare", "--pid", "--mount", "--fork", "--kill-child", "--mount-proc", "sh", "-c", script],
                                        stderr=subprocess.DEVNULL, preexec_fn=lambda: self.write("cgroup.procs", os.getpid()))
        return self

    def __exit__(self, *unused):
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        self.ended.set()
        self.teller.join()
        for _ in range(200):
            try:
                os.rmdir(self.directory)
                break
            except OSError:
                time.sleep(0.01)
        shutil.rmtree(self.work)

    def write(self, file, value):
        with open(self.directory + "/" + file, "w") as out:
            out.write(str(value))

    def used(self):
        return int(os.pread(self.usage, 32, 0))

    def tell(self):
        left = max(0, LIMIT - self.used()) >> 10
        os.pwrite(self.meminfo, (MEMINFO % (LIMIT >> 10, left, left, (LIMIT >> 10) - left)).encode(), 0)

    def keep_telling(self):
        while not self.ended.wait(0.001):
            self.tell()

    def measure(self, wanted):
        """Milliseconds of each."""
        event = os.eventfd(0, os.EFD_NONBLOCK)
        watched = os.open(self.directory + "/memory.usage_in_bytes", os.O_RDONLY)
        self.write("cgroup.event_control", "%d %d %d" % (event, watched, int(SHARE * LIMIT)))
        took = []
        while len(took) < wanted:
            if not select.select([event], [], [], 10)[0]:
                raise AssertionError("no load came: " + open(self.work + "/log").read()[-500:])
            now = time.monotonic()
            os.read(event, 8)
            if self.used() < SHARE * LIMIT:
                continue  # on the way down
            while self.used() > SHARE * LIMIT and time.monotonic() < now + 5:
                time.sleep(0.0005)
            if self.used() > SHARE * LIMIT:
                raise AssertionError("earlyoom did nothing: " + open(self.work + "/log").read()[-500:])
            took.append((time.monotonic() - now) * 1000)
        os.close(watched)
        os.close(event)
        return took
