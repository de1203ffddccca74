# SPDX-License-Identifier: Apache-2.0
"""A container that eats memory, and the policy that holds it."""
from cgroups import MiB
from pods import documents, pod, policy


def hog(command, spec, name="hog", memory="64Mi", cpu="10m", restart="Never", grace=0, more=""):
    """`command` is the shell's; `spec`: the policy's, indented by two; `more`: a line of the pod's spec."""
    resources = "resources: {requests: {cpu: %s}, limits: {memory: %s}}" % (cpu, memory)
    return documents(pod(name, command, resources, more, restart=restart, grace=grace, main=name), policy(spec, name))


def eat(count, pause=None, awk="awk", unit=MiB):
    """A shell's command that takes so many units of anonymous memory, one by one, and keeps them: awk keeps what it appends. `pause`: seconds
    after each unit. `unit`: bytes, a power of two. Without a path busybox would run awk as another shell: `awk` is then a path."""
    # A shell keeps the time: to fork a process as large as awk's takes long where each of its pages costs something (user mode Linux). For the
    # same reason the units are plain copies, each page of which is touched once: what is put together of two texts is copied twice.
    wait = ' "mkfifo /tmp/never 2>/dev/null; exec 3<>/tmp/never; while :; do read -t %s x <&3; echo; done" | getline;' % pause if pause else ""
    return """%s 'BEGIN { s = "x"; while (length(s) < %d) s = s s; for (i = 0; i < %d; ++i) { a[i] = s;%s } while (1) system("sleep 99999") }'""" % (awk, unit, count, wait)


def read_for_ever(count, twice=False, unit=MiB):
    """A shell's command that writes a file of so many units and reads it again and again."""
    loop = "while :; do cat /tmp/big > /dev/null; done"
    return "dd if=/dev/zero of=/tmp/big bs=%d count=%d 2>/dev/null; %s" % (unit, count, loop + " & " + loop if twice else loop)
