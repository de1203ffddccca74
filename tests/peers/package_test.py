# SPDX-License-Identifier: Apache-2.0
"""The Debian package: what is in it, what lintian says, and its life under a systemd: installed, upgraded while a container runs, removed,
purged. tests/vm/package_vm_test.py does the same on a Debian of its own."""
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from deb import as_next_version, build_deb  # noqa: E402
from mete_agent import BIN, SOURCE, need_root, run_tests, skip_case, wait_for, work_folder  # noqa: E402
from leftovers import clean_up  # noqa: E402
from pods import pod  # noqa: E402
from systemd_machine import SystemdMachine  # noqa: E402

# Of a manager of containers.
MORE = "AUDIT_WRITE IPC_LOCK KILL NET_RAW SYSLOG SYS_RESOURCE".split()


def fields(deb):
    text = subprocess.run(["dpkg-deb", "-f", deb], check=True, capture_output=True, text=True).stdout
    return dict(re.findall(r"(?m)^([A-Z][\w-]+): (.*)$", text))


def contents(deb):
    """{path: (mode, owner)}"""
    lines = subprocess.run(["dpkg-deb", "-c", deb], check=True, capture_output=True, text=True).stdout.splitlines()
    return {line.split()[5][1:].rstrip("/"): tuple(line.split()[:2]) for line in lines}


def test_its_version_is_that_of_the_programs():
    declared = re.search(r"project\(mete VERSION (\S+)", open(SOURCE + "/CMakeLists.txt").read()).group(1)
    assert fields(DEB)["Version"] == declared + "-1" and os.path.basename(DEB).startswith("mete_%s-1_" % declared), (DEB, fields(DEB))
    for program in ("mete", "mete-oci"):
        said = subprocess.run([BIN + "/" + program, "--version"], check=True, capture_output=True, text=True).stdout
        assert "version " + declared in said, said


def test_what_is_in_it():
    there = contents(DEB)
    for path, mode in [("/usr/bin/mete", "-rwxr-xr-x"), ("/usr/bin/mete-oci", "-rwxr-xr-x"), ("/usr/libexec/mete/mete-shim", "-rwxr-xr-x"),
                       ("/etc/mete/agent.yaml", "-rw-r--r--"), ("/etc/mete/manifests", "drwxr-xr-x"), ("/etc/default/mete", "-rw-r--r--"),
                       ("/lib/systemd/system/mete.service", "-rw-r--r--"), ("/usr/lib/sysusers.d/mete.conf", "-rw-r--r--"),
                       ("/usr/lib/tmpfiles.d/mete.conf", "-rw-r--r--"), ("/usr/share/man/man1/mete.1.gz", "-rw-r--r--"),
                       ("/usr/share/man/man8/mete-agent.8.gz", "-rw-r--r--"), ("/usr/share/man/man8/mete-oci.8.gz", "-rw-r--r--"),
                       ("/usr/share/man/man5/mete-agent.yaml.5.gz", "-rw-r--r--"), ("/usr/share/bash-completion/completions/mete-oci", "-rw-r--r--"),
                       ("/usr/share/zsh/vendor-completions/_mete", "-rw-r--r--"), ("/usr/share/fish/vendor_completions.d/mete.fish", "-rw-r--r--"),
                       ("/usr/share/doc/mete/copyright", "-rw-r--r--"), ("/usr/share/doc/mete/changelog.Debian.gz", "-rw-r--r--"),
                       ("/usr/share/mete/dashboards/grafana/pods.json", "-rw-r--r--"), ("/usr/share/mete/schema/pod.schema.json", "-rw-r--r--")]:
        assert there.get(path) == (mode, "root/root"), (path, there.get(path))
    strange = [path for path in there if re.search(r"node_modules|\.ts$|__pycache__|/test", path)]
    assert not strange, strange
    conffiles = subprocess.run(["dpkg-deb", "-I", DEB, "conffiles"], check=True, capture_output=True, text=True).stdout
    assert sorted(conffiles.split()) == ["/etc/default/mete", "/etc/mete/agent.yaml"], conffiles
    depends = fields(DEB)["Depends"]
    assert "libc6 (>=" in depends and "libstdc++6" in depends and "libcurl4 (>=" in depends, depends


def test_its_settings_are_right_and_its_service_too():
    root = WORK + "/unpacked"
    subprocess.run(["dpkg-deb", "-x", DEB, root], check=True)
    done = subprocess.run([root + "/usr/bin/mete", "agent", "--config", root + "/etc/mete/agent.yaml", "--state", WORK + "/s", "--run", WORK + "/r", "--rollback"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done
    if shutil.which("systemd-analyze"):
        # By itself: there its ExecStart= is none.
        with open(root + "/lib/systemd/system/mete.service") as unit:
            text = unit.read()
        with open(WORK + "/mete.service", "w") as unit:
            unit.write(text.replace("/usr/bin/mete", root + "/usr/bin/mete"))
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", WORK + "/mete.service"], capture_output=True, text=True)
        said = [line for line in done.stderr.splitlines() if "mete.service" in line]
        assert done.returncode == 0 and not said, said


def test_lintian_has_nothing_to_say():
    if shutil.which("lintian") is None:
        skip_case("needs lintian")
    done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error,warning", "--info", DEB], capture_output=True, text=True)
    assert done.returncode == 0 and not re.search(r"(?m)^[EW]:", done.stdout), done.stdout + done.stderr


def prepare(machine):
    """/var/lib is on no overlay: an image's layers are one."""
    kept = machine.work + "/var-lib"
    os.makedirs(kept)
    shutil.copytree("/var/lib/dpkg", kept + "/dpkg", symlinks=True)
    machine.mount("-t", "tmpfs", "mete", machine.root + "/var/lib")
    shutil.copytree(kept, machine.root + "/var/lib", symlinks=True, dirs_exist_ok=True)
    if os.path.exists(machine.root + "/usr/sbin/policy-rc.d"):  # images of containers forbid services by it
        os.remove(machine.root + "/usr/sbin/policy-rc.d")
    shutil.copy(DEB, machine.root + "/mete/old.deb")
    shutil.copy(NEW, machine.root + "/mete/new.deb")
    shutil.copy(SOURCE + "/tools/busybox-image", machine.root + "/mete/")
    with open(machine.root + "/mete/pod.yaml", "w") as file:
        file.write(pod("web", "trap exit TERM; while :; do sleep 0.1; done"))


# What a package may leave: its own diary, and what others made meanwhile.
OTHERS = r"^/(mete|tmp|run|dev|proc|sys|root)(/|$)|^/var/(lib/(dpkg|systemd|private|dbus)|log|cache|tmp)(/|$)|^/etc/(\.updated|machine-id|group-?|gshadow-?|\.pwd\.lock|ld\.so\.cache)$|^/usr/share/info/dir"


def files(machine):
    """What is in the machine and not in the host: in the layer above it, where folders of both are, too, and in /var/lib."""
    found = set()
    for top, prefix in ((machine.upper + "/up", ""), (machine.root + "/var/lib", "/var/lib")):
        for folder, folders, names in os.walk(top):
            found |= {prefix + os.path.join(folder, each)[len(top):] for each in folders + names}
    return {path for path in found if not re.search(OTHERS, path) and os.path.lexists(machine.root + path) and not os.path.isdir(path)}


def test_its_life_under_systemd():
    if not os.path.exists("/lib/systemd/systemd"):
        skip_case("needs Debian's systemd")
    with SystemdMachine("package", prepare, MORE) as machine:
        before = files(machine)

        def run(script, good=True):
            done = machine.run("export DEBIAN_FRONTEND=noninteractive; " + script)
            assert not good or done.returncode == 0, (script, done, machine.run("systemctl status --no-pager mete.service").stdout[-3000:])
            return done.stdout.strip()

        # systemd-sysusers and other relations are not looked for here: this machine's dpkg has what the host has.
        run("dpkg --force-depends -i old.deb")
        assert run("systemctl is-enabled mete; systemctl is-active mete") == "enabled\nactive"
        assert run("stat -c '%A %U:%G' /run/mete/mete.sock") == "srw-rw---- root:mete"
        run("./busybox-image mete /var/lib/mete && mete apply pod.yaml")
        main = wait_for("the pod", lambda: re.search(r"pid: (\d+)", run("mete inspect web")))
        agent = run("systemctl show -p MainPID --value mete")
        run("dpkg --force-depends -i new.deb")
        assert run("systemctl is-active mete") == "active" and run("systemctl show -p MainPID --value mete") != agent
        wait_for("it to be adopted", lambda: main.group(0) in run("mete inspect web"))
        assert re.search(r"restarts: 0\b", run("mete inspect web")), run("mete inspect web")
        # Its agent is killed: systemd starts the next.
        run("systemctl kill -s KILL --kill-whom=main mete")
        wait_for("another agent", lambda: "web" in run("mete ps", good=False))
        assert main.group(0) in run("mete inspect web")
        # Stopped, its containers go on; removed, they end.
        run("systemctl stop mete; kill -0 " + main.group(1))
        run("systemctl start mete && dpkg -r mete")
        assert machine.run("kill -0 " + main.group(1)).returncode != 0, "the container still runs"
        assert run("find /sys/fs/cgroup -type d -name 'mete' | wc -l") == "0", run("find /sys/fs/cgroup -type d -name 'mete*'")
        assert run("ls /etc/mete/agent.yaml /var/lib/mete/applied") == "/etc/mete/agent.yaml\n\n/var/lib/mete/applied:\nPod.default.web.yaml"
        # It comes back as it was.
        run("dpkg --force-depends -i new.deb")
        wait_for("the pod", lambda: re.search(r"pid: (\d+)", run("mete inspect web", good=False)))
        run("dpkg -P mete")
        assert run("find /sys/fs/cgroup -type d -name 'mete' | wc -l") == "0"
        assert run("getent group mete; ls -d /run/mete /var/lib/mete /etc/mete 2>/dev/null", good=False) == ""
        left = files(machine) - before
        assert not left, sorted(left)[:50]
        assert "mete" not in run("dpkg -l | grep -w mete; mount | grep /run/mete; ps -e -o comm | grep -w mete", good=False)


def main():
    need_root()
    global WORK, DEB, NEW
    WORK = work_folder("mete-deb-")
    try:
        DEB = build_deb(WORK)
        NEW = as_next_version(DEB, WORK)
        run_tests(sys.modules[__name__])
    finally:
        clean_up([WORK])


if __name__ == "__main__":
    main()
