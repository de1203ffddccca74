# SPDX-License-Identifier: Apache-2.0
"""The lecture on containers, command for command: with docker's unchanged client against the agent, and with mete's own verbs. What is typed and
what is answered is docs/lecture.md, with names in the places of ids, times and numbers of processes. METE_UPDATE_DOCS=1 writes the page."""
import os
import re
import shutil
import subprocess
import sys
import urllib.request

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
import own_network  # noqa: E402
import registries  # noqa: E402
from mete_agent import BIN, SOURCE, Agent, run_tests, skip, wait_for, write  # noqa: E402
from terminal import Terminal  # noqa: E402

PAGE = SOURCE + "/docs/lecture.md"
RECORDED = "28.2"  # of docker's client: others say some things in other words
DOCKER = shutil.which("docker")

# What differs from run to run, in the order in which it is replaced.
NAMES = [
    (r"sha256:[0-9a-f]{64}", "sha256:DIGEST"), (r"\b[0-9a-f]{64}\b", "ID"), (r"\b[0-9a-f]{12}\b", "ID12"),
    (r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "TIME"), (r"\b[A-Z][a-z]{2} +\d{1,2} \d\d:\d\d\b", "TIME"),
    (r"([0-9a-f]{2}:){5}[0-9a-f]{2}", "MAC"), (r"\b40\d{8}\b", "INODE"), (r"@if\d+", "@ifN"), (r"(?m)^\d+: (lo|eth|veth)", r"N: \1"),
    (r"link-netnsid \d+", "link-netnsid N"), (r"inet6 fe80::\S+", "inet6 fe80::X"), (r"(About a|Less than a|\d+) (second|minute)s?\b", "N seconds"),
    (r"time=[0-9.]+ ms", "time=T ms"), (r"= [0-9.]+/[0-9.]+/[0-9.]+ ms", "= T/T/T ms"), (r"size: \d+", "size: N"), (r"\b\d+(\.\d+)?(kB|MB)\b", "SIZE"),
    (r"ttl=\d+", "ttl=N"), (r" tentative\b", ""), (r"[└├]─", ""), (r"BusyBox v.*", "BusyBox"), (r"\b10\.77\.0\.\d+", "10.77.0.N"),
    (r"(?m)^ +\d+ root +ps$", "    N root     ps"), (r"(?m)^\s*$\n", ""), (r"(/ # *\n?)+(?=/ # )", ""), (r"(?m)^/ # *$\n?", ""), (r"qlen \d+", "qlen N"), (r" {2,}", "  "),
    # The columns of lsns are as wide as the longest pid of the machine.
    (r"(?m)^ *(NS TYPE|INODE net) .*$", lambda line: re.sub(" +", " ", line[0].strip())),
    (r"(?m)^INODE net \d+", "INODE net N"),  # processes: a server that answers at this moment may have a child for it
    (r"(?m)^INODE net N (\S+) root \S+", r"INODE net N \1 root N"),  # the kernel numbers network namespaces as they come and go
]


class Lecture:
    """One pass: what is typed and answered, as the page shows it."""

    def __init__(self, agent, program, env=None):
        self.agent, self.program, self.folder, self.lines = agent, program, agent.work + "/" + program, []
        os.makedirs(self.folder)
        self.env = {**os.environ, **(env or {}), "PATH": self.folder + "/bin:" + os.environ["PATH"]}
        os.mkdir(self.folder + "/bin")
        if program == "mete":  # a person has the agent's folders in METE_STATE and METE_RUN
            os.symlink(BIN + "/mete", self.folder + "/bin/mete")
            self.env.update(METE_STATE=agent.state, METE_RUN=agent.run)
        self.variables = {}

    def title(self, text):
        self.lines += ["", "### " + text, ""]

    def shown(self, text):
        for value, name in sorted(self.variables.items(), key=lambda each: -len(each[0])):
            text = re.sub(r"(?<![\w.])%s(?![\w.])" % re.escape(value), name, text)
        for pattern, name in NAMES:
            text = re.sub(pattern, name, text)
        return text.replace(self.agent.work, "/work").replace("/work/" + self.program, ".")

    def say(self, line, answer):
        self.lines += ["    " + each.rstrip() for each in ["$ " + self.shown(line)] + self.shown(answer).splitlines()]

    def run(self, line, keep=None, name=None):
        """A line of the shell, "%s" standing for the program. `keep`: only the lines of the answer that match are on the page. `name`: what
        the answer is called from here on."""
        line = line.replace("%s", self.program)
        done = subprocess.run(["sh", "-c", line], env=self.env, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=180)
        assert done.returncode == 0, "%s: exit %d\n%s" % (line, done.returncode, done.stdout)
        if name:
            self.variables[done.stdout.strip()] = name
        answer = done.stdout if keep is None else "".join(each for each in done.stdout.splitlines(True) if re.search(keep, each))
        assert keep is None or answer, "%s: nothing like %s in\n%s" % (line, keep, done.stdout)
        self.say(line, answer)
        return done.stdout.strip()

    def at_terminal(self, line, *typed):
        """`typed`: pairs of what is typed, and what is awaited after it."""
        line = line.replace("%s", self.program)
        with Terminal(line.split(), env=self.env) as terminal:
            for text, awaited in typed:
                terminal.type(text)
                if awaited:
                    terminal.expect(awaited)
            terminal.wait()
            text = re.sub("\x1b\\[[0-9;]*[A-Za-z]", "", terminal.text)
            # A window size that comes late has the shell write its prompt anew, with what was typed until then.
            self.say(line, re.sub(r"/ # ([^\n]+?)/ # (?=\1)", "/ # ", text))


def page_of(address):
    try:
        return urllib.request.urlopen(address, timeout=5).read().decode()
    except OSError:
        return None


def first_steps(lecture):
    lecture.title("Run a command at a terminal")
    lecture.at_terminal("%s run --rm -it -h box busybox sh", ("", "/ #"), ("echo I am $(hostname), process $$\n", "I am box, process 1\n/ # "),
                        ("exit\n", None))
    lecture.title("Run in the background, with a port and a volume")
    os.mkdir(lecture.folder + "/www")
    write(lecture.folder + "/www/index.html", "a page\n")
    made = lecture.run("%s run -d --name web -p 8080:80 -v $PWD/www:/www busybox httpd -f -p 80 -h /www")
    lecture.variables[made] = "ID"
    lecture.variables[made[:12]] = "ID12"
    wait_for("the page", lambda: page_of("http://127.0.0.1:8080/") == "a page\n")
    lecture.run("curl -s http://127.0.0.1:8080/")
    lecture.run("%s ps --format 'table {{.ID}}\t{{.Image}}\t{{.Status}}\t{{.Names}}'")
    lecture.run("%s port web")
    lecture.title("Stop and start")
    lecture.run("%s stop -t 1 web")
    lecture.run("%s ps -a --format '{{.Names}}: {{.Status}}'")
    lecture.run("%s start web")
    wait_for("the page again", lambda: page_of("http://127.0.0.1:8080/") == "a page\n")
    lecture.title("Look into it")
    lecture.run("%s inspect " + made, keep=r'^        "(Id|Name|Path)": |"Status": |"HostPort": "8080"')
    lecture.run("%s exec web ls -l /www")
    lecture.run("%s exec web ps")
    return made


def attached(lecture):
    lecture.title("Attach, and leave it running")
    lecture.run("%s run -dit --name shell -h box busybox sh")
    lecture.at_terminal("%s attach shell", ("\n", "/ #"), ("echo attached\n", "^attached\n/ # "), ("\x10\x11", None))
    lecture.run("%s ps --filter name=shell --format '{{.Names}} {{.State}}'")
    lecture.run("%s rm -f shell")


def told(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def namespaces(lecture, made):
    lecture.title("Its namespaces")
    pid = lecture.run("%s inspect --format \"{{ .State.Pid }}\" " + made, name="PID")
    lecture.run("nsenter --target %s --mount --uts --ipc --net --pid ps" % pid)
    # What a person does not see who types: the kernel gives the link's own address a moment later, and a server's process for one request ends.
    wait_for("its own address", lambda: re.search("inet6 fe80[^\n]*link *\n", told("nsenter", "-t", pid.strip(), "-n", "ip", "addr")))
    wait_for("it to be alone", lambda: ["1", pid.strip()] in [each.split() for each in told("lsns", "-n", "-t", "net", "-o", "NPROCS,PID").splitlines()])
    lecture.run("lsns -t net", keep=r"TYPE|net +1 +%s " % pid)  # others of the machine are not of the lecture
    lecture.run("ls -la /proc/%s/ns" % pid, keep=r" (cgroup|ipc|mnt|net|pid|user|uts) ->")
    lecture.run("nsenter -t %s -n ip addr" % pid)


def files_and_images(lecture, made, registry):
    lecture.title("Copy a file into it")
    write(lecture.folder + "/file1", "copied\n")
    lecture.run("%s cp file1 " + made + ":/file-to-path")
    lecture.run("%s exec web cat /file-to-path")
    lecture.title("Build an image and push it")
    write(lecture.folder + "/Dockerfile", "FROM busybox\nENV VERSION=1.0\nCOPY www /www\nEXPOSE 80\nENTRYPOINT [\"httpd\", \"-f\", \"-p\", \"80\", \"-h\", \"/www\"]\n")
    lecture.run("cat Dockerfile")
    lecture.run("%s build -t cncamp/httpserver:v1.0 .", keep=r"^(Step|STEP|Successfully tagged|\[|Writing|tagged)|cncamp/httpserver:v1.0")
    lecture.run("%%s tag cncamp/httpserver:v1.0 %s/cncamp/httpserver:v1.0" % registry)
    lecture.run("%%s push %s/cncamp/httpserver:v1.0" % registry, keep="digest: ")
    lecture.run("curl -s http://%s/v2/cncamp/httpserver/tags/list" % registry)
    server = lecture.run("%s run -d --name server cncamp/httpserver:v1.0")
    address = lecture.run("%s inspect --format '{{.NetworkSettings.IPAddress}}' server")
    wait_for("its page", lambda: page_of("http://%s/" % address) == "a page\n")
    lecture.run("curl -s http://%s/" % address)
    return server


def limits(lecture, server):
    lecture.title("Change its limits while it runs")
    lecture.run("%s update -m 64m --memory-swap 128m --cpus 0.5 server")
    lecture.run("%s inspect --format '{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.State.Running}}' server")
    # The kernel's limits, not the records alone.
    [pod] = [each for each in lecture.agent.pods() if each.get("workload", {}).get("uid") == server]
    kept = pod["containers"][0]["limits"]
    assert kept["memoryBytes"] == 64 << 20 and 2 * kept["cpuQuotaMicroseconds"] == kept["cpuPeriodMicroseconds"], kept


def networks(lecture):
    lecture.title("A second container in the first one's network")
    lecture.run("%s run --rm --net=container:server busybox wget -qO- http://127.0.0.1/")
    lecture.title("No network, and a cable put in by hand")
    lecture.run("%s run -d --name alone --net=none busybox sleep 1000")
    lecture.run("%s exec alone ip addr")
    pid = lecture.run("%s inspect --format '{{ .State.Pid }}' alone", name="PID2")
    lecture.run("ip link add veth-a type veth peer name veth-b")
    lecture.run("ip link set veth-b netns %s" % pid)
    lecture.run("ip addr add 192.168.99.1/24 dev veth-a && ip link set veth-a up")
    lecture.run("nsenter -t %s -n ip addr add 192.168.99.2/24 dev veth-b && nsenter -t %s -n ip link set veth-b up" % (pid, pid))
    lecture.run("%s exec alone ping -c 1 192.168.99.1", keep=r"^(PING|64 bytes|1 packets)")
    lecture.title("Remove all")
    lecture.run("%s rm -f web server alone")
    lecture.run("%s ps -aq")


def held(program, env=None):
    """The lines of the page for one program."""
    with Agent() as agent, registries.DockerRegistry() as registry:
        agent.start("--network", "bridge")
        lecture = Lecture(agent, program, env and env(agent))
        lecture.variables[registry.host] = "127.0.0.1:5000"
        made = first_steps(lecture)
        attached(lecture)
        namespaces(lecture, made)
        server = files_and_images(lecture, made, registry.host)
        limits(lecture, server)
        networks(lecture)
        assert agent.pod_cgroups() == []
        return lecture.lines


def part_of_page(program):
    """What the page has for this program: from its heading to the next one."""
    text = open(PAGE).read() if os.path.exists(PAGE) else ""
    found = re.search(r"(?ms)^## With %s\n(.*?)(?=^## |\Z)" % program, text)
    return found[1] if found else ""


INTRODUCTION = """# The lecture, command for command

What a lecture on containers types, and what is answered: first by docker's own client (%s) against the agent's socket, then by `mete`. A test
runs both (`tests/peers/lecture_test.py`) and compares them with this page, which it writes with `METE_UPDATE_DOCS=1`. ID, PID, MAC, TIME and the
like stand where each run has another value; `...` of long answers is left out.
"""


def compare(program, lines):
    now = "\n".join(lines).rstrip() + "\n"
    if os.environ.get("METE_UPDATE_DOCS"):
        parts = {each: part_of_page(each) for each in ("docker", "mete")}
        parts[program] = "\n" + now.lstrip("\n") + "\n"
        write(PAGE, INTRODUCTION % RECORDED + "".join("\n## With %s\n%s" % (each, parts[each].rstrip() + "\n") for each in parts))
        return
    expected = part_of_page(program).strip("\n").splitlines()
    found = now.strip("\n").splitlines()
    differing = [(a, b) for a, b in zip(expected, found) if a != b]
    assert expected == found, "docs/lecture.md differs (METE_UPDATE_DOCS=1 writes it): %r, %d and %d lines" % (differing[:5], len(expected), len(found))


def test_with_dockers_client():
    if DOCKER is None:
        skip("needs the docker command line (Debian: docker.io)")
    # buildx is another builder
    lines = held("docker", lambda agent: {"DOCKER_HOST": "unix://%s/docker.sock" % agent.run, "DOCKER_CONFIG": agent.work + "/config", "DOCKER_BUILDKIT": "0"})
    version = subprocess.run([DOCKER, "--version"], capture_output=True, text=True).stdout
    if "version %s." % RECORDED in version:
        compare("docker", lines)


def test_with_metes_verbs():
    compare("mete", held("mete"))


if __name__ == "__main__":
    for tool in ("nsenter", "lsns", "ip", "curl"):
        if shutil.which(tool) is None:
            skip("needs " + tool)
    own_network.enter()
    run_tests(sys.modules[__name__])
