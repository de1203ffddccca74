# SPDX-License-Identifier: Apache-2.0
"""What a test makes outside of its own process, and how it is removed however the test ends.

A test registers each folder and each cgroup that it makes. A process beside the test (the janitor) waits for the test's end: it has
the reading end of a pipe whose writing end only the test has. When the pipe ends, the janitor removes what is still registered, so
that also a test that was killed with SIGKILL, as ctest does after a timeout, leaves nothing behind."""
import os
import shutil
import signal
import subprocess
import time


def cgroup_mounts():
    mounts = []
    for line in open("/proc/self/mounts"):
        _, where, kind, *_ = line.split()
        if kind in ("cgroup", "cgroup2"):
            mounts.append(where)
    return mounts


def cgroup_folders(path):
    """The folders of this cgroup and of all below it, in all hierarchies; the deepest first."""
    found = [folder for mount in cgroup_mounts() for folder, _, _ in os.walk(mount + path)]
    return sorted(found, key=len, reverse=True)


def mounts_below(folder):
    """The deepest first."""
    with open("/proc/self/mountinfo") as file:
        points = [line.split()[4] for line in file]
    return sorted((each for each in points if each == folder or each.startswith(folder + "/")), key=len, reverse=True)


def unmount_below(folder):
    for each in mounts_below(folder):
        subprocess.run(["umount", "-l", each], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def processes_naming(folder):
    """Those whose command line names something in the folder: agents, shims and daemons of a test have such a path in it."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % pid, "rb") as file:
                named = os.fsencode(folder) + b"/" in file.read()
        except OSError:
            continue
        if named and int(pid) != os.getpid():
            found.append(int(pid))
    return found


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        pass


def write(path, text):
    try:
        with open(path, "w") as file:
            file.write(text)
    except OSError:
        pass


def kill_in(folder):
    """The processes of one cgroup. The freezer of cgroup v1 keeps who is to die until it thaws."""
    if os.path.exists(folder + "/freezer.state"):
        write(folder + "/freezer.state", "THAWED")
    try:
        with open(folder + "/cgroup.procs") as file:
            for pid in file.read().split():
                kill(int(pid))
    except OSError:
        pass  # gone meanwhile


def remove_cgroup(path, seconds=30):
    """With all that is below it and all that runs in it."""
    end = time.monotonic() + seconds
    while True:
        folders = cgroup_folders(path)
        for folder in folders:
            kill_in(folder)
            try:
                os.rmdir(folder)
            except OSError:
                pass
        if not folders or time.monotonic() > end:
            return not folders
        time.sleep(0.01)


def remove_folder(folder, seconds=30):
    """Or a file; with the processes that were started for it and what is mounted there."""
    end = time.monotonic() + seconds
    while (found := processes_naming(folder)) and time.monotonic() < end:
        for pid in found:
            kill(pid)
        time.sleep(0.01)
    unmount_below(folder)
    if os.path.isfile(folder):
        os.unlink(folder)
    shutil.rmtree(folder, ignore_errors=True)


def remove(made):
    """`made`: pairs of a kind and a path. Processes first: some of them make cgroups and mounts."""
    for kind, path in made:
        for pid in processes_naming(path) if kind == "folder" else []:
            kill(pid)
    for kind, path in made:
        if kind == "cgroup":
            remove_cgroup(path)
    for kind, path in made:
        if kind == "folder":
            remove_folder(path)


class Register:
    def __init__(self):
        self.pipe, self.owner = None, None

    def say(self, sign, kind, path):
        if self.owner != os.getpid():  # the first word of this process; a child that was forked has a janitor of its own
            self.pipe, self.owner = start_janitor(), os.getpid()
        os.write(self.pipe, ("%s%s %s\n" % (sign, kind, path)).encode())


def start_janitor():
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        # Twice, so that it is nobody's child when whoever ends the test ends the test's children, too.
        os.setsid()
        if os.fork() == 0:
            os.close(writing)
            work_as_janitor(reading)
        os._exit(0)
    os.close(reading)
    os.waitpid(child, 0)
    return writing


def work_as_janitor(reading):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    nothing = os.open("/dev/null", os.O_RDWR)
    for descriptor in (0, 1, 2):  # whoever reads the test's output must see its end
        os.dup2(nothing, descriptor)
    made = []
    with os.fdopen(reading) as words:
        for line in words:
            kind, path = line[1:].rstrip("\n").split(" ", 1)
            if line[0] == "+":
                made.append((kind, path))
            elif (kind, path) in made:
                made.remove((kind, path))
    remove(made)
    os._exit(0)


REGISTER = Register()


def made_folder(path):
    REGISTER.say("+", "folder", path)


def made_cgroup(path):
    REGISTER.say("+", "cgroup", path)


def clean_up(folders=(), cgroups=()):
    """Removes what is there of them, and forgets them."""
    made = [("folder", each) for each in folders] + [("cgroup", each) for each in cgroups]
    remove(made)
    for kind, path in made:
        REGISTER.say("-", kind, path)
