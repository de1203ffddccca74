# SPDX-License-Identifier: Apache-2.0
"""An agent of the test's own: state, run folder, cgroup parent and port that nobody else uses, removed at the end."""
import atexit
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import urllib.request

from cases import SKIP, CaseSkipped, need_disk, need_root, run_tests, skip, skip_case  # noqa: F401 - what nearly every test needs
from leftovers import cgroup_mounts, clean_up, made_cgroup, made_folder, mounts_below
from metrics_text import parse_metrics
from waiting import SLOW, ms, stays, wait_for, within  # noqa: F401

SOURCE = os.path.realpath(os.path.join(os.path.dirname(__file__), "../.."))
BIN = os.environ.get("METE_BIN_DIR", os.path.join(SOURCE, "build/release/bin"))


class Agent:
    def __init__(self, manifests=None):
        need_root()
        self.work = work_folder("mete-test-")
        self.state = self.work + "/state"
        self.run = self.work + "/run"
        self.manifests = manifests or self.work + "/manifests"
        os.makedirs(self.manifests, exist_ok=True)
        self.parent = "/mete-test-%d-%s" % (os.getpid(), os.path.basename(self.work)[-6:])
        made_cgroup(self.parent)
        self.log = self.work + "/agent.log"
        self.address = None
        self.scheme = "http"
        self.opener = urllib.request.build_opener()  # how get() asks: with certificates and passwords, when a test has some
        self.process = None
        shutil.copytree(state_with_busybox(), self.state, symlinks=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind not in (None, CaseSkipped):
            print(self.log_text()[-8000:])
        self.close()

    def start(self, *more, wait=True, listen="127.0.0.1:0", prepare=None, session=False):
        """`prepare`: called in its process before it begins. `session`: of its own, as a service manager starts it. Pods get no network
        unless `more` says so: the bridge would be the machine's."""
        network = () if "--network" in more else ("--network", "none")
        with open(self.log, "a") as log:
            said = log.tell()
            self.process = subprocess.Popen(
                self.words("agent", "--manifests", self.manifests, "--cgroup-parent", self.parent, "--listen", listen, *network, *more),
                stderr=log, stdout=log, stdin=subprocess.DEVNULL, start_new_session=session, preexec_fn=prepare)
        if wait:
            wait_for("the agent to be ready", lambda: self.listens(said) and self.ready())
        return self

    def listens(self, said=0):
        """Whether the agent tells its address after the first `said` bytes of the log, where those of earlier agents are."""
        if self.process.poll() is not None:
            raise AssertionError("the agent ended with %s:\n%s" % (self.process.returncode, self.log_text()[-3000:]))
        found = re.findall(r"(https?)://([0-9.:]+)/metrics, state", self.log_text()[said:])
        if found:
            self.scheme, self.address = found[-1]
        return bool(found)

    def ready(self):
        try:
            return self.get("/readyz").strip() == "ok"
        except OSError:
            return False

    def kill(self):
        """kill -9, as an operator or the OOM killer would."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.terminate()
        self.process.wait(60 * SLOW)

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.kill()
        # "-2" is the parent of a test's second agent; on v2 an agent may make itself a cgroup beside its parent.
        clean_up([self.work], [self.parent + each for each in ("", "-2", "-agent", "-2-agent")])

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
        return mounts_below(self.work)

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
    def words(self, *words):
        return [BIN + "/mete", "--state", self.state, "--run", self.run, *words]

    def mete(self, *args, check=True, text=None):
        # Long enough for a whole image to be pulled on a busy machine: a command that never ends is told by its words.
        done = subprocess.run(self.words(*args), input=text, capture_output=True, text=True, timeout=240 * SLOW)
        if check and done.returncode != 0:
            raise AssertionError("mete %s: exit %d\n%s%s" % (" ".join(args), done.returncode, done.stdout, done.stderr))
        return done

    def begin(self, *args, **how):
        """A command that goes on: the Popen."""
        return subprocess.Popen(self.words(*args), text=True, **how)

    def apply(self, manifest):
        return self.mete("apply", "-f", "-", text=manifest)

    def forget(self, kind, name):
        """Takes an applied object from the folder of those, as between the end of one agent and the start of the next."""
        os.remove("%s/applied/%s.default.%s.yaml" % (self.state, kind, name))

    def ask(self, path):
        """(status, text) of the API. Conditions are asked of it and not of the command line: a test that waits starts no program each time."""
        connection = http.client.HTTPConnection("mete")
        connection.sock = socket.socket(socket.AF_UNIX)
        try:
            connection.sock.settimeout(240 * SLOW)
            connection.sock.connect(self.run + "/mete.sock")
            connection.request("GET", path, headers={"Connection": "close"})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def answer(self, path):
        try:
            status, text = self.ask(path)
        except OSError as error:
            raise AssertionError("no agent answers: %s" % error) from error
        assert status == 200, (path, status, text)
        return text

    def pods(self):
        return json.loads(self.answer("/mete/v1/pods"))["pods"]

    def pod(self, name):
        """None: there is none of that name, or no agent."""
        try:
            status, text = self.ask("/mete/v1/pods/" + (name if "/" in name else "default/" + name))
        except OSError:
            return None
        return json.loads(text) if status == 200 else None

    def container(self, pod, name=None):
        found = self.pod(pod)
        if found is None:
            return None
        return next(each for each in found["containers"] if name in (None, each["name"]))

    def logs(self, pod, *more):
        """What its container wrote to stdout; empty while there is none."""
        return self.mete("logs", pod, *more, check=False).stdout

    def events(self, reason=None, **fields):
        """Those of this reason with these fields, the oldest first. The agent tells of OOM kills in all cgroups of the machine that
        nobody holds: those of other tests are left out."""
        lines = [json.loads(line) for line in self.answer("/mete/v1/events").splitlines()]
        return [each for each in lines if reason in (None, each["reason"]) and fields.items() <= each.get("fields", {}).items() and not self.of_others(each)]

    def of_others(self, event):
        own = r"-%d\b" % os.getpid()  # in the name of each cgroup that a test makes
        return event["reason"] == "ForeignOOMKilled" and not re.search(own, event.get("fields", {}).get("cgroup", ""))

    def event(self, reason, seconds=60, **fields):
        """Waits for one, and gives the first."""
        return wait_for("event %s %s" % (reason, fields), lambda: next(iter(self.events(reason, **fields)), None), seconds)

    def get(self, path):
        with self.opener.open("%s://%s%s" % (self.scheme, self.address, path), timeout=30 * SLOW) as answer:
            return answer.read().decode()

    def metrics(self):
        return parse_metrics(self.get("/metrics"))

    def metric(self, name, **labels):
        """The sum over all series of that name with these labels; None when there is none."""
        values = [value for (series, own), value in self.metrics().items() if series == name and labels.items() <= dict(own).items()]
        return sum(values) if values else None


def work_folder(prefix):
    folder = tempfile.mkdtemp(prefix=prefix)
    made_folder(folder)
    return folder


MADE_STATE = []


def state_with_busybox():
    """A state folder with the image busybox in it, to be copied: METE_STATE, or one that this process makes once."""
    if "METE_STATE" in os.environ:
        return os.environ["METE_STATE"]
    if not MADE_STATE:
        folder = work_folder("mete-image-")
        atexit.register(clean_up, [folder])
        subprocess.run([SOURCE + "/tools/busybox-image", BIN + "/mete", folder + "/state"], check=True, stdout=subprocess.DEVNULL)
        MADE_STATE.append(folder + "/state")
    return MADE_STATE[0]


def write(path, text):
    """As a person's editor does: as a whole."""
    with open(path + ".new", "w") as out:
        out.write(text)
    os.rename(path + ".new", path)


def with_config(agent, text):
    """The options that give an agent this agent.yaml."""
    write(agent.work + "/agent.yaml", text)
    return "--config", agent.work + "/agent.yaml"


PORTS = []


def free_port():
    """A port of the loopback that is this process's until its end: no other test takes it between two of its own binds, and the
    kernel gives it to nobody, because it is below those that the kernel gives."""
    for port in range(20000 + os.getpid() % 9000, 32000):
        claim, probe = socket.socket(socket.AF_UNIX), socket.socket()
        try:
            claim.bind("\0mete-test-port-%d" % port)
            with probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
            PORTS.append(claim)
            return port
        except OSError:
            claim.close()
    raise AssertionError("found no free port")
