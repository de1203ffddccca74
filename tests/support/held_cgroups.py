# SPDX-License-Identifier: Apache-2.0
"""Cgroups that others made, held by a policy."""
from pods import policy_for

# Python's, for Foreign.run(): takes so many MiB with a pause in seconds after each, and keeps them.
GROW = "a = []\nimport time\nfor i in range(%d):\n    a.append(bytearray(b'x') * (1 << 20))\n    time.sleep(%s)\ntime.sleep(1000)"


def cgroup_policy(path, spec, name="foreign"):
    """`path` may be a pattern."""
    return policy_for('{cgroups: ["%s"]}' % path, spec, name)


def hold(agent, path, spec):
    agent.apply(cgroup_policy(path, spec))


def let_go(agent):
    """Of whatever the policy holds: its name is what is deleted by."""
    agent.mete("delete", "-f", "-", text=cgroup_policy("/none", "  pids: {max: 1}"))


# Nobody may kill it, and it wants more than there is.
UNKILLABLE = "open('/proc/self/oom_score_adj', 'w').write('-1000')\n" + GROW % (100, "0.001")


def may_be_unkillable():
    """Whether oom_score_adj may be lowered: that needs CAP_SYS_RESOURCE."""
    try:
        with open("/proc/self/oom_score_adj", "r+") as own:
            before = own.read()
            own.write("-1000")
            own.seek(0)
            own.write(before)
    except OSError:
        return False
    return True
