# SPDX-License-Identifier: Apache-2.0
"""Other OCI runtimes for agents: those of the machine, mete-oci as one more, and some that fail."""
import os

from mete_agent import BIN, Agent, with_config

# crun 1.8 refuses a machine that has controllers of both versions: it is shown one where v2 has none.
CRUN = """#!/bin/sh
exec unshare -m --propagation slave sh -c 'mountpoint -q /sys/fs/cgroup/unified && mount -t tmpfs tmpfs /sys/fs/cgroup/unified; exec /usr/bin/crun "$@"' crun "$@"
"""
# The log of a call is the word after --log, its name that of the first word that is no option's.
BROKEN = {
    "failing": "echo '{\"level\":\"warning\",\"msg\":\"no\"}' > $log; echo '{\"level\":\"error\",\"msg\":\"the moon is \\\"full\\\"\"}' >> $log; exit 1",
    "silent": "exit 3",
    "hanging": "test $call = create && exec sleep 1000; exit 0",
    "lying": "test $call = create && echo 1 > $pid_file; exit 0",
    "mute": "exit 0",
    "half": "if [ $call = create ]; then sleep 1000 & echo $! > $pid_file; exit 0; fi; test $call = delete && exit 0; exit 1",
}
SCRIPT = """#!/bin/sh
while [ $# -gt 0 ]; do
  case $1 in
    --root|--log-format|--bundle) shift;;
    --log) log=$2; shift;;
    --pid-file) pid_file=$2; shift;;
    create|start|delete) call=$1;;
  esac
  shift
done
echo $call >> %s
%s
"""


def write_program(path, text):
    with open(path, "w") as out:
        out.write(text)
    os.chmod(path, 0o755)


def runtime_class(name):
    return "apiVersion: node.k8s.io/v1\nkind: RuntimeClass\nmetadata: {name: %s}\nhandler: %s\n" % (name, name)


class RuntimesAgent(Agent):
    """Its RuntimeClasses are named as their handlers."""

    def start_with_runtimes(self, *more):
        names = ["own", "crun"] + sorted(BROKEN)
        write_program(self.work + "/crun", CRUN)
        for name, text in BROKEN.items():
            write_program(self.work + "/" + name, SCRIPT % (self.work + "/calls-" + name, text))
        lines = ["- {name: own, path: %s}" % (BIN + "/mete-oci")] + ["- {name: %s, path: %s/%s}" % (name, self.work, name) for name in names[1:]]
        lines.append("- {name: gone, path: /nowhere/runtime}")
        self.start(*with_config(self, "runtimes:\n%s\n" % "\n".join(lines)), *more)
        self.apply("---\n".join(runtime_class(name) for name in names + ["runc", "gone", "uninstalled"]))
        return self

    def start(self, *more, **how):
        self.options = more or getattr(self, "options", ())
        return super().start(*self.options, **how)

    def calls(self, name):
        try:
            return open(self.work + "/calls-" + name).read().split()
        except FileNotFoundError:
            return []
