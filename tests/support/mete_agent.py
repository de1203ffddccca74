# SPDX-License-Identifier: Apache-2.0
"""An agent of the test's own: state, run folder, cgroup parent and port that nobody else uses, removed at the end."""
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

SOURCE = os.path.realpath(os.path.join(os.path.dirname(__file__), "../.."))
BIN = os.environ.get("METE_BIN_DIR", os.path.join(SOURCE, "build/release/bin"))
SKIP = 77
# METE_STATE: a state folder with the image busybox in it, copied for each agent; made anew where there is none.
SLOW = float(os.environ.get("METE_SLOW", "1"))  # how much longer than on a machine of today all takes

# A test that is told to end (timeout(1), ctest) cleans up like one that fails.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def skip(why):
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


def ms(milliseconds):
    """A time of a policy, so long that a slow machine's test can look at what is in between."""
    return "%dms" % (milliseconds * SLOW)


def wait_for(what, condition, seconds=15, every=0.02):
    seconds *= SLOW
    end = time.monotonic() + seconds
    while True:
        try:
            value = condition()
        except (TypeError, KeyError, FileNotFoundError, ProcessLookupError):  # of a pod that is being replaced
            value = None
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("waited %g s for: %s" % (seconds, what))
        time.sleep(every)


def cgroup_mounts():
    mounts = []
    for line in open("/proc/self/mounts"):
        _, where, kind, *_ = line.split()
        if kind in ("cgroup", "cgroup2"):
            mounts.append(where)
    return mounts


class Agent:
    def __init__(self, manifests=None, backoff=None):
        need_root()
        self.work = tempfile.mkdtemp(prefix="mete-test-")
        self.state = self.work + "/state"
        self.run = self.work + "/run"
        self.manifests = manifests or self.work + "/manifests"
        os.makedirs(self.manifests, exist_ok=True)
        self.parent = "/mete-test-%d-%s" % (os.getpid(), os.path.basename(self.work)[-6:])
        self.log = self.work + "/agent.log"
        self.address = None
        self.scheme = "http"
        self.opener = urllib.request.build_opener()  # how get() asks: with certificates and passwords, when a test has some
        self.process = None
        self.more = []
        try:
            if "METE_STATE" in os.environ:
                shutil.copytree(os.environ["METE_STATE"], self.state, symlinks=True)
            else:
                subprocess.run([SOURCE + "/tools/busybox-image", BIN + "/mete", self.state], check=True, stdout=subprocess.DEVNULL)
        except BaseException:
            shutil.rmtree(self.work, ignore_errors=True)
            raise

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind not in (None, CaseSkipped):
            print(self.log_text()[-8000:])
        self.close()

    def start(self, *more, wait=True, listen="127.0.0.1:0", descriptors=None, session=False):
        """`descriptors`: so many it may have open at most. `session`: of its own, as a service manager starts it."""
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(
                [BIN + "/mete", "--state", self.state, "--run", self.run, "agent", "--manifests", self.manifests, "--cgroup-parent", self.parent,
                 "--listen", listen, *self.more, *more], stderr=log, stdout=log, stdin=subprocess.DEVNULL, start_new_session=session,
                preexec_fn=descriptors and (lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))))
        if wait:
            self.wait_until_ready()
        return self

    def wait_until_ready(self):
        def ready():
            if self.process.poll() is not None:
                raise AssertionError("the agent ended with %s:\n%s" % (self.process.returncode, self.log_text()[-3000:]))
            found = re.findall(r"(https?)://([0-9.:]+)/metrics, state", self.log_text())
            if not found:
                return False
            self.scheme, self.address = found[-1]
            try:
                return self.get("/readyz").strip() == "ok"
            except OSError:
                return False
        wait_for("the agent to be ready", ready)

    def kill(self):
        """kill -9, as an operator or the OOM killer would."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.terminate()
        self.process.wait(20 * SLOW)

    def close(self):
        """Ends everything through an agent, then checks by hand that nothing is left, and removes it if it is."""
        try:
            if self.process is not None:
                if self.process.poll() is None:
                    self.process.kill()
                    self.process.wait()
                shutil.rmtree(self.manifests, ignore_errors=True)
                shutil.rmtree(self.state + "/applied", ignore_errors=True)
                subprocess.run([BIN + "/mete", "--state", self.state, "--run", self.run, "agent", "--manifests", self.work + "/none", "--cgroup-parent",
                                self.parent, "--listen", "127.0.0.1:0", "--for", "1", "--remove-all"], stderr=subprocess.DEVNULL, timeout=60 * SLOW)
        finally:
            self.remove_leftovers()

    def remove_leftovers(self):
        for directory in self.cgroups():
            for pid in open(directory + "/cgroup.procs").read().split():
                try:
                    os.kill(int(pid), signal.SIGKILL)
                except OSError:
                    pass
        for _ in range(int(100 * SLOW)):
            left = sorted(self.cgroups() + self.cgroups(self.parent + "-2"), key=len, reverse=True)  # -2: a test's second agent's
            if not left:
                break
            for directory in left:
                try:
                    os.rmdir(directory)
                except OSError:
                    pass
            time.sleep(0.02)
        for pid, _ in self.processes():  # shims that still wait for something
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        for mount in self.mounts():
            subprocess.run(["umount", "-l", mount], check=False)
        shutil.rmtree(self.work, ignore_errors=True)

    # What is there, for tests of "nothing is left".
    def cgroups(self, parent=None):
        found = []
        for mount in cgroup_mounts():
            for directory, _, _ in os.walk(mount + (parent or self.parent)):
                found.append(directory)
        return found

    def pod_cgroups(self):
        return [each for each in self.cgroups() if not each.endswith(self.parent)]

    def mounts(self):
        return [line.split()[1] for line in open("/proc/self/mounts") if self.work in line]

    def processes(self):
        """Shims and containers of this agent, by their command line or cgroup."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                command = open("/proc/%s/cmdline" % pid).read()
                cgroup = open("/proc/%s/cgroup" % pid).read()
            except OSError:
                continue
            if ("mete-shim" in command and self.work in command) or self.parent + "/" in cgroup:
                found.append((int(pid), command.replace("\0", " ").strip()))
        return found

    def log_text(self):
        return open(self.log).read() if os.path.exists(self.log) else ""

    # The command line and the API.
    def mete(self, *args, check=True, text=None):
        done = subprocess.run([BIN + "/mete", "--state", self.state, "--run", self.run, *args], input=text, capture_output=True, text=True)
        if check and done.returncode != 0:
            raise AssertionError("mete %s: exit %d\n%s%s" % (" ".join(args), done.returncode, done.stdout, done.stderr))
        return done

    def apply(self, manifest):
        return self.mete("apply", "-f", "-", text=manifest)

    def pods(self):
        return json.loads(self.mete("ps", "-o", "json").stdout)["pods"]

    def pod(self, name):
        done = self.mete("inspect", name, "-o", "json", check=False)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def container(self, pod, name=None):
        found = self.pod(pod)
        if found is None:
            return None
        return next(each for each in found["containers"] if name in (None, each["name"]))

    def events(self, reason=None):
        lines = [json.loads(line) for line in self.mete("events", "-o", "json").stdout.splitlines()]
        return [each for each in lines if reason in (None, each["reason"])]

    def get(self, path):
        with self.opener.open("%s://%s%s" % (self.scheme, self.address, path), timeout=10 * SLOW) as answer:
            return answer.read().decode()

    def metrics(self):
        return parse_metrics(self.get("/metrics"))

    def metric(self, name, **labels):
        """The sum over all series of that name with these labels; None when there is none."""
        values = [value for (series, own), value in self.metrics().items() if series == name and labels.items() <= dict(own).items()]
        return sum(values) if values else None


def parse_metrics(text):
    series = {}
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        match = re.fullmatch(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)', line)
        assert match, "not an exposition line: " + line
        labels = tuple(re.findall(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"', match.group(2) or ""))
        assert (match.group(1), labels) not in series, "twice: " + line
        series[(match.group(1), labels)] = float(match.group(3))
    return series


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run_tests(module):
    """Runs the functions named test_* of a module; prints each; exit code for ctest."""
    chosen = sys.argv[1:]
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
            import traceback
            traceback.print_exc()
            print("FAIL %-60s %s" % (name, error), flush=True)
            failed.append(name)
            if isinstance(error, KeyboardInterrupt):
                break
    print("%d failed" % len(failed) + (", %d skipped" % len(skipped) if skipped else ""))
    sys.exit(1 if failed else SKIP if skipped == names and names else 0)
