# SPDX-License-Identifier: Apache-2.0
"""podman, dockerd and containerd as clients of an OCI runtime that can be changed between two commands."""
import os
import time

from leftovers import cgroup_mounts, clean_up, made_cgroup
from mete_agent import wait_for
from runtimes import Containerd, Docker, Podman
from terminal import Terminal
from two_runtimes import call

# Without CAP_SYS_RESOURCE podman's own defaults are refused, whatever the runtime.
PODMAN_CONF = """[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1000:1000"]
netns = "none"
init_path = "/usr/bin/tini-static"
[engine]
infra_image = "%s"
infra_command = "/bin/sleep 600"
"""


class Runtime:
    def __init__(self, name, path):
        self.name, self.path = name, path


class Client:
    """What podman and docker share: the same words make the same containers."""

    def __init__(self, work):
        self.parent = "/mete-oci-clients-%d" % os.getpid()
        made_cgroup(self.parent)
        self.work = work
        self.runtime = None
        self.count = 0
        self.told = []  # leftovers of earlier cases
        self.env = dict(os.environ)

    def use(self, runtime):
        self.runtime = runtime

    def cli(self, *words, check=True, text=None, seconds=300):
        return call(self.words(*words), check, text, seconds, self.env, self.work)  # conmon writes a file into its working directory

    def terminal(self, *words, **size):
        return Terminal(self.words(*words), env=self.env, **size)

    def words(self, *words):
        return self.client + list(words)

    def name_of(self, what="c"):
        self.count += 1
        return "%s-%d" % (what, self.count)

    # run --rm, run -d, and exec
    def run(self, *words, check=True, text=None):
        return self.cli("run", "--rm", *self.options(), *words, check=check, text=text)

    def sh(self, script, *options, check=True):
        return self.run(*options, self.tag, "sh", "-c", script, check=check).out

    def start(self, *words, script="sleep 600"):
        name = self.name_of()
        self.cli("run", "-d", "--name", name, *self.options(), *words, self.tag, "sh", "-c", script)
        return name

    def exec(self, name, *words, check=True, text=None):
        return self.cli("exec", *(["-i"] if text is not None else []), name, *words, check=check, text=text)

    def inspect(self, name, path):
        return self.cli("inspect", "-f", "{{%s}}" % path, name).out.strip()

    def pid(self, name):
        return int(self.inspect(name, ".State.Pid"))

    def state(self, name):
        return self.inspect(name, ".State.Status")

    def wait_state(self, name, state):
        wait_for("%s to be %s" % (name, state), lambda: self.state(name) == state)

    def logs(self, name):
        done = self.cli("logs", name)
        return done.out

    def control(self, name, controller, file):
        """A control file of a running container's cgroup."""
        return control_of(self.pid(name), controller, file)

    def clean(self):
        ids = call(self.words("ps", "-aq"), env=self.env).out.split()
        if ids:
            call(self.words("rm", "-f", *self.at_once, *ids), check=False, env=self.env)

    def leftovers(self, seconds=30):
        """Containers' cgroups and states that are still there; the client may clean up a little after its command."""
        end = time.monotonic() + seconds
        while True:
            found = cgroups_below(self.parent) + ["state of " + each for each in listed(self.root_of_state())]
            found = [each for each in found if each not in self.told]
            if not found or time.monotonic() > end:
                return found
            time.sleep(0.05)


def listed(folder):
    return os.listdir(folder) if os.path.isdir(folder) else []


def cgroups_below(parent):
    """By name, with the hierarchies; podman's own ("conmon") is not the runtime's."""
    found = {}
    for mount in cgroup_mounts():
        for each in listed(mount + parent):
            if os.path.isdir(mount + parent + "/" + each) and each != "conmon":
                found.setdefault(each, []).append(os.path.basename(mount))
    return ["cgroup %s in %s" % (each, ", ".join(mounts)) for each, mounts in found.items()]


def control_of(pid, controller, file):
    for line in open("/proc/%d/cgroup" % pid):
        _, names, path = line.strip().split(":", 2)
        if controller in names.split(","):
            with open("/sys/fs/cgroup/%s%s/%s" % (controller, path, file)) as opened:
                return opened.read().strip()
        if names == "" and os.path.exists("/sys/fs/cgroup" + path + "/" + file):
            with open("/sys/fs/cgroup" + path + "/" + file) as opened:
                return opened.read().strip()
    raise AssertionError("no %s of %s in /proc/%d/cgroup" % (file, controller, pid))


class PodmanClient(Client):
    name = "podman"
    at_once = ("-t", "0", "--depend")

    def __init__(self, work):
        super().__init__(work)
        self.podman = Podman(work)
        self.tag = self.podman.tag
        conf = self.podman.work + "/containers.conf"
        with open(conf, "w") as file:
            file.write(PODMAN_CONF % self.tag)
        self.env["CONTAINERS_CONF"] = conf

    def __enter__(self):
        self.podman.__enter__()
        return self

    def __exit__(self, *unused):
        self.clean()
        self.podman.__exit__()
        clean_up(cgroups=[self.parent])

    def root_of_state(self):
        return self.podman.work + "/state-of-" + self.runtime.name

    @property
    def client(self):
        words = list(self.podman.client)
        words[words.index("--runtime") + 1] = self.own_runtime()
        return words

    def own_runtime(self):
        """podman gives no --root: what would be /run/mete-oci, everybody's, is made this test's own."""
        path = "%s/bin-%s/%s" % (self.podman.work, self.runtime.name, self.runtime.name)
        if not os.path.exists(path):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as file:
                file.write('#!/bin/sh\nexec "%s" --root "%s" "$@"\n' % (self.runtime.path, self.root_of_state()))
            os.chmod(path, 0o755)
        return path

    def options(self):
        return ["--cgroup-parent", self.parent]

    def clean(self):
        pods = call(self.words("pod", "ps", "-q", "--no-trunc"), env=self.env).out.split()
        if pods:
            call(self.words("pod", "rm", "-f", "-t", "0", *pods), check=False, env=self.env)
        for each in pods:  # podman's own, which it removes where it knows the hierarchy
            for mount in cgroup_mounts():
                try:
                    os.rmdir(mount + self.parent + "/" + each)
                except OSError:
                    pass  # not there, or the runtime has left something in it, which leftovers() tells
        super().clean()


class DockerClient(Client):
    name = "docker"
    at_once = ()

    def __init__(self, work, runtimes, default="runc"):
        super().__init__(work)
        self.docker = Docker(work)
        self.tag = self.docker.tag
        self.client = self.docker.client
        self.docker.daemon.command += ["--cgroup-parent", self.parent, "--default-runtime", default, "--log-level", "warn"]
        for each in runtimes:
            if each.name != "runc":
                self.docker.daemon.command += ["--add-runtime", "%s=%s" % (each.name, each.path)]

    def __enter__(self):
        self.docker.__enter__()
        return self

    def __exit__(self, *unused):
        self.clean()
        self.docker.__exit__()
        clean_up(cgroups=[self.parent])

    def root_of_state(self):
        return self.docker.work + "/exec/runtime-%s/moby" % self.runtime.name

    def options(self):
        return ["--net=none", "--runtime", self.runtime.name] if self.runtime else ["--net=none"]


class CtrClient(Client):
    """containerd's own command line: other words, so only what it can."""
    name = "ctr"

    def __init__(self, work):
        super().__init__(work)
        self.containerd = Containerd(work)
        self.tag = self.containerd.tag
        self.client = self.containerd.client
        self.made = []

    def __enter__(self):
        self.containerd.__enter__()
        return self

    def __exit__(self, *unused):
        self.clean()
        self.containerd.__exit__()
        clean_up(cgroups=[self.parent])

    def root_of_state(self):
        return self.work + "/state-of-" + self.runtime.name + "/default"

    def options(self, name):
        return ["--runc-binary", self.runtime.path, "--runc-root", self.work + "/state-of-" + self.runtime.name, "--cgroup", self.parent + "/" + name]

    def new_name(self):
        self.made.append(self.name_of())
        return self.made[-1]

    def run_words(self, name, *options, command):
        return ["run", *self.options(name), *options, self.tag, name, *command]

    def run(self, *options, command, check=True, text=None):
        return self.cli(*self.run_words(self.new_name(), "--rm", *options, command=command), check=check, text=text)

    def sh(self, script, *options, check=True):
        return self.run(*options, command=["sh", "-c", script], check=check).out

    def start(self, *options, script="sleep 600"):
        name = self.new_name()
        self.cli(*self.run_words(name, "-d", *options, command=["sh", "-c", script]))
        wait_for(name + " to run", lambda: self.state(name) == "RUNNING")
        return name

    def exec(self, name, *words, options=(), check=True, text=None):
        return self.cli("task", "exec", "--exec-id", self.name_of("exec"), *options, name, *words, check=check, text=text)

    def printed_by(self, name, *words, options=()):
        """What the command prints. On a busy machine ctr 1.6 now and then ends with 0 before it has copied what a short command has written,
        with each runtime: then it is asked again, a few times."""
        out = ""
        for _ in range(5):
            out = out or self.exec(name, *words, options=options).out
        return out

    def tasks(self):
        return {line.split()[0]: line.split()[1:] for line in self.cli("task", "ls").out.splitlines()[1:]}

    def state(self, name):
        return self.tasks().get(name, ["", "none"])[1]

    def pid(self, name):
        return int(self.tasks()[name][0])

    def clean(self):
        for name in self.made:
            for words in (["task", "resume", name], ["task", "kill", "-s", "SIGKILL", "-a", name]):
                call(self.words(*words), check=False)
            for _ in range(40):
                if call(self.words("task", "rm", "-f", name), check=False).code == 0 or name not in self.tasks():
                    break
            call(self.words("container", "rm", name), check=False)
        self.made = []
