# SPDX-License-Identifier: Apache-2.0
"""Many pods with a probe each second: what the agent and the probes take, and how late they are. A connection or a request is
measured beside the floor: a C program that makes the same system calls in the same namespaces, all in one row. A command in a
container costs what `runc exec` and podman's healthcheck are measured beside, where those are installed.
python3 tests/bench/probes.py [COUNT] [SECONDS] [KIND...]"""
import os
import resource
import shutil
import subprocess
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from cpu_time import of_all_threads  # noqa: E402
from mete_agent import Agent, wait_for  # noqa: E402

SERVER = r"""
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
int main(void) {
  int server = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(8080), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(server, (struct sockaddr *)&at, sizeof at) != 0 || listen(server, 64) != 0) return 1;
  static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n";
  for (char in[4096];;) {
    int peer = accept(server, 0, 0);
    if (peer < 0) continue;
    if (read(peer, in, sizeof in) > 0) (void)!write(peer, answer, sizeof answer - 1);
    close(peer);
  }
}
"""

# FLOOR 0|1 ROUNDS PID...: milliseconds of CPU of a connection (1: of a request) into the network of each process.
FLOOR = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
int main(int argc, char **argv) {
  static const char ask[] = "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nConnection: close\r\n\r\n";
  int http = atoi(argv[1]), rounds = atoi(argv[2]), count = argc - 3, *spaces = calloc(count, sizeof(int));
  for (int i = 0; i < count; ++i) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%s/ns/net", argv[i + 3]);
    if ((spaces[i] = open(path, O_RDONLY)) < 0) return 1;
  }
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(8080), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct rusage a, b;
  getrusage(RUSAGE_SELF, &a);
  for (int round = 0; round < rounds; ++round) {
    for (int i = 0; i < count; ++i) {
      char in[4096];
      if (setns(spaces[i], CLONE_NEWNET) != 0) return 2;
      int made = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      if (connect(made, (struct sockaddr *)&to, sizeof to) != 0) return 3;
      if (http && write(made, ask, sizeof ask - 1) > 0) while (read(made, in, sizeof in) > 0) {}
      close(made);
    }
    usleep(50000);
  }
  getrusage(RUSAGE_SELF, &b);
  double took = b.ru_utime.tv_sec + b.ru_stime.tv_sec - a.ru_utime.tv_sec - a.ru_stime.tv_sec +
                1e-6 * (b.ru_utime.tv_usec + b.ru_stime.tv_usec - a.ru_utime.tv_usec - a.ru_stime.tv_usec);
  printf("%.6f\n", 1000 * took / rounds / count);
}
"""

POD = """apiVersion: v1
kind: Pod
metadata: {name: probed-%d}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: busybox
    command: [%s]
    volumeMounts: [{name: bench, mountPath: /bench}]
    resources: {requests: {cpu: 1m, memory: 4Mi}, limits: {memory: 16Mi}}
%s  volumes: [{name: bench, hostPath: {path: %s}}]
"""
FAST = "periodSeconds: 1, timeoutSeconds: 5, failureThreshold: 1000"
KINDS = {
    "no probe": None,
    "tcpSocket": "{tcpSocket: {port: 8080}, %s}" % FAST,
    "httpGet": "{httpGet: {port: 8080, path: /healthz}, %s}" % FAST,
    "exec": "{exec: {command: [/bin/true]}, %s}" % FAST,
}


def cpu(pid):
    """Seconds of the process, exactly; and of its children that have ended, by ticks."""
    fields = open("/proc/%d/stat" % pid).read().rsplit(")", 1)[1].split()
    return of_all_threads(pid), sum(map(int, fields[13:15])) / os.sysconf("SC_CLK_TCK")


def lateness(agent):
    found = {}
    for (name, labels), value in agent.metrics().items():
        if name == "mete_agent_probe_lateness_seconds_bucket":
            found[float(dict(labels)["le"])] = value
    return found


def quantile(before, after, share):
    """An upper bound: the bucket that it is in."""
    total = after[float("inf")] - before.get(float("inf"), 0)
    for bound in sorted(after):
        if after[bound] - before.get(bound, 0) >= share * total:
            return bound
    return None


def compiled(folder, name, text):
    with open("%s/%s.c" % (folder, name), "w") as out:
        out.write(text)
    subprocess.run(["gcc", "-O2", "-static", "-o", "%s/%s" % (folder, name), "%s/%s.c" % (folder, name)], check=True)
    return folder + "/" + name


def floor(agent, kind):
    """Milliseconds of CPU of the system calls alone."""
    servers = [str(pid) for pid, command in agent.processes() if command == "/bench/server"]
    words = [compiled(agent.work, "floor", FLOOR), "1" if kind == "httpGet" else "0", str(max(1, 5000 // len(servers))), *servers]
    return float(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


def measure(kind, count, seconds):
    with Agent() as agent:
        os.makedirs(agent.work + "/bench")
        compiled(agent.work + "/bench", "server", SERVER)
        agent.start()
        probe = "    readinessProbe: %s\n" % KINDS[kind] if KINDS[kind] else ""
        for index in range(count):
            with open("%s/.probed-%d" % (agent.manifests, index), "w") as out:
                out.write(POD % (index, "/bench/server", probe, agent.work + "/bench"))
            os.rename("%s/.probed-%d" % (agent.manifests, index), "%s/probed-%d.yaml" % (agent.manifests, index))
        wait_for("all to be ready", lambda: sum(each["ready"] for each in agent.pods()) == count, 600, 1)
        time.sleep(3)
        pid, late, asked = agent.process.pid, lateness(agent), time.monotonic()
        used, begin = cpu(pid), time.monotonic()
        time.sleep(seconds)
        took, now = time.monotonic() - begin, cpu(pid)
        after, window = lateness(agent), time.monotonic() - asked  # with the reading of the metrics, unlike `took`
        own, children = (now[0] - used[0]) / took, (now[1] - used[1]) / took
        line = "%-10s %4d pods: agent %4.1f %% of a core, its children %5.1f %%" % (kind, count, 100 * own, 100 * children)
        if KINDS[kind]:
            done = after[float("inf")] - late.get(float("inf"), 0)
            line += "; %4.0f probes a second, %.3f ms of CPU each; late: p50 <= %g ms, p99 <= %g ms" % (
                done / window, 1000 * (own + children) * window / max(1, done), 1000 * quantile(late, after, 0.5), 1000 * quantile(late, after, 0.99))
        print(line, flush=True)
        if kind in ("tcpSocket", "httpGet"):
            least, each = floor(agent, kind), 1000 * (own + children) * window / max(1, done)
            print("%-10s the system calls alone: %.3f ms of CPU each; ratio %.2f" % ("", least, each / least), flush=True)
        if kind == "exec":
            compare(agent, count)


def children_cpu(words, times):
    """Milliseconds of CPU of one run, of a command that waits for all that it starts."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for _ in range(times):
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / times


def compare(agent, times):
    """The same command by others, in a container that they made."""
    print("%-10s `mete exec`: %.1f ms of CPU each" % ("", children_cpu(agent.words("exec", "probed-0", "--", "/bin/true"), min(times, 50))))
    if shutil.which("podman"):
        run = subprocess.run(["podman", "run", "-d", "--rm", "--network", "none", "--cgroups", "disabled", "--rootfs", rootfs(agent), "/bin/sleep", "1000"], capture_output=True, text=True)
        if run.returncode == 0:
            name = run.stdout.strip()
            print("%-10s `podman exec` (as its healthcheck): %.1f ms of CPU each" % ("", children_cpu(["podman", "exec", name, "/bin/true"], 20)))
            subprocess.run(["podman", "kill", name], stdout=subprocess.DEVNULL)


def rootfs(agent):
    root = agent.work + "/rootfs"
    for folder in ("bin", "etc", "tmp", "proc", "dev", "sys"):
        os.makedirs("%s/%s" % (root, folder), exist_ok=True)
    shutil.copy("/bin/busybox", root + "/bin/busybox")
    for name in ("sleep", "true", "sh"):
        if not os.path.exists("%s/bin/%s" % (root, name)):
            os.symlink("busybox", "%s/bin/%s" % (root, name))
    return root


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 20
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    for kind in sys.argv[3:] or KINDS:
        measure(kind, count if kind != "exec" else min(count, 100), seconds)


if __name__ == "__main__":
    main()
