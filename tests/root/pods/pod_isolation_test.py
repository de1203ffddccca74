# SPDX-License-Identifier: Apache-2.0
"""What a container of a Pod may and may not do: namespaces, users, capabilities, devices, descriptors."""
import os
import re
import signal
import socket
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from mete_agent import Agent, run_tests  # noqa: E402
from pods import container, delete, launch, output, pod, wait_exited  # noqa: E402


def test_hostname():
    with Agent().start() as agent:
        script = "hostname; cat /etc/hostname; grep -c \"127.0.0.1.$HOSTNAME\\$\" /etc/hosts; echo $HOSTNAME"
        assert output(agent, script) == "p\np\n1\np\n"
        assert output(agent, script, spec="hostname: other") == "other\nother\n1\nother\n"
        assert socket.gethostname() not in ("p", "other")


KINDS = ("mnt", "pid", "net", "ipc", "uts", "cgroup")


def test_namespaces_are_its_own_unless_it_asks_for_the_hosts():
    with Agent().start() as agent:
        script = "for n in %s; do readlink /proc/self/ns/$n; done" % " ".join(KINDS)
        host = [os.readlink("/proc/self/ns/" + each) for each in KINDS]
        for spec, shared in (("", ()), ("hostPID: true", ("pid",)), ("hostNetwork: true", ("net", "uts")), ("hostIPC: true", ("ipc",))):
            seen = output(agent, script, spec=spec).split()
            same = tuple(kind for kind, a, b in zip(KINDS, seen, host) if a == b)
            assert same == shared, (spec, same)
        seen = output(agent, "cat /proc/%d/comm; ls /proc | grep -c '^[0-9]'" % agent.process.pid, spec="hostPID: true").split()
        assert seen[0] == "mete" and int(seen[1]) > 3, seen
        assert output(agent, "echo $$$$; ls -d /proc/[0-9]* | wc -l").split()[0] == "1"  # $$ is how a manifest says $


def test_containers_of_a_pod_share_network_ipc_uts_and_pid_when_asked():
    with Agent().start() as agent:
        for share in (False, True):
            launch(agent, pod("p", "sleep 4321", spec="shareProcessNamespace: %s" % str(share).lower(), more=container("side", ["sleep", "1234"])), "p")
            pids = [each["pid"] for each in agent.pod("p")["containers"]]
            same = {kind for kind in KINDS if len({os.readlink("/proc/%d/ns/%s" % (pid, kind)) for pid in pids}) == 1}
            assert same == {"net", "ipc", "uts"} | ({"pid"} if share else set()), same
            seen = agent.mete("exec", "p", "-c", "main", "--", "ps").stdout
            assert ("sleep 1234" in seen) == share and "sleep 4321" in seen, seen
            delete(agent, "p")


def test_an_own_network_has_its_loopback_up_and_nothing_else():
    with Agent().start() as agent:
        # busybox's nc may end before it has read; then both begin anew.
        seen = output(agent, "ls /sys/class/net; cat /sys/class/net/lo/flags; for i in $(seq 100); do (nc -l -p 5000 127.0.0.1 >> /tmp/got 2>/dev/null & ); sleep 0.3; "
                             "echo through | nc 127.0.0.1 5000 2>/dev/null; sleep 0.2; test -s /tmp/got && break; done; head -n 1 /tmp/got")
        assert seen == "lo\n0x9\nthrough\n", seen


def status(agent, container="", spec=""):
    seen = output(agent, "exec cat /proc/self/status", container, spec)  # busybox's sh ignores SIGQUIT in its children
    return dict(re.findall(r"(?m)^(\w+):\t(.*)$", seen))


DEFAULT_CAPABILITIES = 0x00000000A80425FB  # docker's and containerd's


def test_capabilities():
    with Agent().start() as agent:
        own = int(status(agent)["CapBnd"], 16)
        assert own & ~DEFAULT_CAPABILITIES == 0 and not own >> 21 & 1, hex(own)  # never SYS_ADMIN
        assert not own >> 27 & 1 or own & DEFAULT_CAPABILITIES == own
        net_admin, chown = 1 << 12, 1 << 0
        for asked, added, dropped in (("add: [NET_ADMIN]", net_admin, 0), ("drop: [CHOWN]", 0, chown), ("add: [CAP_NET_ADMIN], drop: [CHOWN]", net_admin, chown)):
            got = status(agent, "securityContext: {capabilities: {%s}}" % asked)
            for each in ("CapBnd", "CapEff", "CapPrm"):
                assert int(got[each], 16) == (own | added) & ~dropped, (asked, got)
            assert int(got["CapInh"], 16) == int(got["CapAmb"], 16) == 0, got
        assert int(status(agent, "securityContext: {capabilities: {drop: [ALL]}}")["CapBnd"], 16) == 0
        assert int(status(agent, "securityContext: {capabilities: {drop: [ALL], add: [CHOWN]}}")["CapEff"], 16) == chown


def test_users_and_groups():
    with Agent().start() as agent:
        script = "id -u; id -g; id -G; touch /x 2>/dev/null || echo refused; grep CapEff /proc/self/status"
        seen = output(agent, script, "securityContext: {runAsUser: 1000, runAsGroup: 2000}", "securityContext: {supplementalGroups: [3000], fsGroup: 4000}").splitlines()
        assert seen[:2] == ["1000", "2000"] and set(seen[2].split()) == {"2000", "3000", "4000"} and seen[3] == "refused" and int(seen[4].split()[1], 16) == 0, seen
        assert output(agent, "id -u; id -g", spec="securityContext: {runAsUser: 7, runAsGroup: 8}") == "7\n8\n"
        assert output(agent, "id -u; id -g", "securityContext: {runAsUser: 9}", "securityContext: {runAsUser: 7, runAsGroup: 8}") == "9\n8\n"


def test_a_read_only_root():
    with Agent().start() as agent:
        seen = output(agent, "touch /x /tmp/x /etc/x 2>/dev/null || echo refused; touch /v/x && echo volume; touch /dev/shm/x && echo shm; rm /bin/ls 2>/dev/null || echo kept",
                      "securityContext: {readOnlyRootFilesystem: true}\nvolumeMounts: [{name: v, mountPath: /v}]", "volumes: [{name: v, emptyDir: {}}]")
        assert seen == "refused\nvolume\nshm\nkept\n", seen
        # Written roots are each container's own.
        assert output(agent, "touch /x; ls /x") == "/x\n"
        assert output(agent, "ls /x 2>/dev/null || echo gone") == "gone\n"


def test_seccomp_and_no_new_privileges():
    with Agent().start() as agent:
        got = status(agent)
        assert got["Seccomp"] == "2", got
        got = status(agent, "securityContext: {allowPrivilegeEscalation: false}")
        assert got["NoNewPrivs"] == "1" and got["Seccomp"] == "2", got
        # What the filter and the capabilities refuse.
        seen = output(agent, "mount -t tmpfs x /tmp 2>/dev/null || echo no mount; unshare -U true 2>/dev/null || echo no unshare; umount /proc 2>/dev/null || echo no umount; mknod /tmp/m c 1 1 2>/dev/null && cat /tmp/m | head -c1; echo .")
        assert seen == "no mount\nno unshare\nno umount\n.\n", seen


def test_privileged():
    with Agent().start() as agent:
        got = status(agent, "securityContext: {privileged: true}")
        with open("/proc/self/status") as file:
            host = int(re.search(r"CapBnd:\s+(\w+)", file.read()).group(1), 16)
        assert int(got["CapEff"], 16) == host, (got["CapEff"], hex(host))
        # A sandbox around this machine may have a filter of its own; ours is not there.
        with open("/proc/self/status") as file:
            assert got["Seccomp"] == re.search(r"Seccomp:\s+(\d)", file.read()).group(1), got


def test_masked_and_read_only_paths():
    with Agent().start() as agent:
        seen = output(agent, "for f in /proc/kcore /proc/keys /proc/timer_list /proc/interrupts; do [ -e $f ] && head -c 10 $f 2>/dev/null | wc -c; done; ls /sys/firmware /proc/scsi 2>/dev/null | grep -v : ; "
                      "echo 1 2>/dev/null > /proc/sys/kernel/panic || echo sys; echo h 2>/dev/null > /proc/sysrq-trigger || echo sysrq; "
                      "touch /sys/x 2>/dev/null || echo sysfs; mkdir /sys/fs/cgroup/memory/x 2>/dev/null || echo cgroup")
        assert re.fullmatch(r"(0\n)*sys\nsysrq\nsysfs\ncgroup\n", seen.replace("\n\n", "\n").lstrip("\n")), seen


def test_devices():
    with Agent().start() as agent:
        seen = set(output(agent, "ls /dev; head -c 4 /dev/zero | od -An -tx1; echo x > /dev/null; dd if=/dev/full of=/dev/null bs=1 count=1 2>/dev/null && echo; ls -ld /dev/stdout | grep -o /proc/self/fd/1").split())
        names = {"null", "zero", "full", "random", "urandom", "tty", "pts", "ptmx", "shm", "mqueue", "fd", "stdin", "stdout", "stderr", "core", "console"}
        assert {"null", "zero", "full", "random", "urandom", "tty", "pts", "ptmx", "shm", "fd", "stdin", "stdout", "stderr"} <= seen, seen
        assert not {each for each in seen if each.isalnum() and not each.isdigit()} - names - {"00"}, seen
        assert output(agent, "echo a > /dev/stdout; : > /dev/shm/x && echo b") == "a\nb\n"


def test_no_descriptors_of_the_hosts():
    with Agent().start() as agent:
        seen = output(agent, "ls -l /proc/self/fd | sed 1d | sed 's/.* -> //'; cat <&0 | wc -c").splitlines()
        assert seen[0] == "/dev/null" and all(each.startswith("pipe:") for each in seen[1:3]), seen
        assert len(seen) == 5 and re.search(r"(/proc/\d+/fd| 3)$", seen[3]) and seen[4] == "0", seen  # 3 is the directory that ls reads
        assert output(agent, "umask") == "0022\n"


def test_no_ignored_or_blocked_signals_of_whoever_started_the_agent():
    before = signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # as nohup does with SIGHUP, and a shell's & with SIGINT
    try:
        with Agent().start() as agent:
            # Without a shell, which ignores SIGQUIT itself.
            agent.apply(pod("p", ["cat", "/proc/self/status"], restart="Never"))
            wait_exited(agent, "p")
            seen = dict(re.findall(r"(?m)^(\w+):\t(.*)$", agent.mete("logs", "p").stdout))
            standard = (1 << 31) - 1
            assert int(seen["SigBlk"], 16) & standard == 0 and int(seen["SigIgn"], 16) & standard == 0, (seen["SigBlk"], seen["SigIgn"])
    finally:
        signal.signal(signal.SIGUSR1, before)


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
