# SPDX-License-Identifier: Apache-2.0
"""A config.json of an enemy: whatever it says, mete-oci neither dies nor hangs; it does it, or says in one line why not, and then nothing is
left of the attempt. What a person would get wrong is in oci_input_root_test.cpp."""
import copy
import json
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from mete_agent import SLOW, run_tests  # noqa: E402
from oci_bundle import Oci  # noqa: E402

LONGEST = 60 * SLOW  # seconds


def attempt(oci, text, refused=None):
    """Runs a config.json given as text. `refused`: True when it must be, False when it must not be."""
    bundle = oci.write()
    with open(bundle + "/config.json", "w") as file:
        file.write(text)
    began = time.monotonic()
    done = oci.oci("run", "--bundle", bundle, "one", check=False)
    shown = "%s...: %r" % (text[:300], done)
    assert time.monotonic() - began < LONGEST, "took %.0f s: %s" % (time.monotonic() - began, shown)
    assert 0 <= done.code < 128, "died: " + shown
    if done.err:
        assert done.err.startswith("mete-oci: ") and len(done.err) < 10_000, shown
    if refused is not None:
        assert (done.code == 1 and done.err.startswith("mete-oci: ")) == refused, shown
    assert oci.leftovers() == [], (shown, oci.leftovers())
    return done


def with_value(oci, path, value):
    """The good configuration with one value replaced; a path like "process.args" or "linux.resources.pids"."""
    config = copy.deepcopy(oci.config)
    config["root"]["path"] = oci.rootfs
    config["process"]["args"] = ["true"]
    config["linux"]["cgroupsPath"] = oci.parent + "/one"
    place = config
    *folders, last = path.split(".")
    for each in folders:
        place = place.setdefault(each, {})
    place[last] = value
    return json.dumps(config)


NO_CONFIGURATIONS = ["", " ", "[]", "7", '"text"', "{", "[" * 100_000, '{"a":' * 100_000, "[" * 1000 + "]" * 1000, "\0" * 1000, "nan", '{"ociVersion": 1e999}',
                     '{"args": -1e999}', '{"pids": {"limit": 1e400}}', "{" + '"a":1,' * 200_000 + '"b":}', '{"ociVersion":"' + "x" * 1_000_000 + '"']


def test_the_files_that_come_later():
    """`exec --process` and `update --resources`, as file and on standard input: the container goes on as it was."""
    with Oci() as oci:
        oci.started()
        file = oci.work + "/given.json"
        for text in NO_CONFIGURATIONS:
            with open(file, "w") as out:
                out.write(text)
            with open(file) as given:
                calls = [oci.oci("exec", "--process", file, "one", check=False), oci.oci("update", "--resources", file, "one", check=False),
                         oci.oci("update", "--resources", "-", "one", check=False, stdin=given)]
            for done, code in zip(calls, (255, 1, 1)):
                assert done.code == code and done.err.startswith("mete-oci: ") and len(done.err) < 10_000, (text[:100], done)
        assert oci.status() == "running", oci.status()
        assert oci.oci("exec", "one", "echo", "fine").out == "fine\n"  # the control, and the container's life


def test_text_that_is_no_configuration():
    with Oci() as oci:
        attempt(oci, with_value(oci, "annotations.fine", "yes"), refused=False)  # the control
        good = with_value(oci, "annotations.fine", "yes")
        for text in NO_CONFIGURATIONS + ["\ufeff" + good + "}", good + good, good[:-1], good.replace("true", "tru"), "{}", "null"]:
            attempt(oci, text, refused=True)
        twice = good[:-1] + ', "process": {"args": ["/bin/sh", "-c", "echo second"], "cwd": "/", "user": {"uid": 0, "gid": 0}}}'
        attempt(oci, twice)


def test_each_value_of_the_wrong_kind():
    with Oci() as oci:
        config = json.loads(with_value(oci, "annotations", {"a": "b"}))
        paths = [path for path in paths_of(config) if path not in ("process.args", "root")]
        for path in paths:
            for value in (None, [], {}, "", "text", -1, 1 << 63, 1.5, True, [[]], [None], {"": None}, "\u0000"):
                attempt(oci, with_value(oci, path, value))


def paths_of(value, prefix=""):
    found = []
    for key, below in value.items():
        found.append(prefix + key)
        if isinstance(below, dict):
            found += paths_of(below, prefix + key + ".")
    return found


def test_numbers_and_texts_out_of_range():
    with Oci() as oci:
        for path, values in (
                ("process.oomScoreAdj", (-1001, 1001, 1 << 40)), ("process.rlimits", ([{"type": "RLIMIT_NONE", "soft": 1, "hard": 1}], [{"type": "RLIMIT_CORE", "soft": 5, "hard": 1}],
                 [{"type": "RLIMIT_CORE", "soft": -1, "hard": 1}])),
                ("hostname", ("x" * 65, "x" * 1_000_000)), ("linux.cgroupsPath", ("/", "..", "/..", "a/../../..", "/" + "x/" * 3000, "/" + "y" * 300, "/a\n/b", "//", "/.")),
                ("linux.namespaces", ([{"type": "pid"}, {"type": "pid"}], [{"type": "none"}], [{"type": "network", "path": "/etc/passwd"}], [{"type": "mount", "path": "/nothing"}],
                                      [{"type": "pid", "path": "/proc/self/ns/net"}])),
                ("linux.uidMappings", ([{"containerID": 0, "hostID": 0, "size": 1}], [{"containerID": 0, "hostID": 0, "size": 0}])),
                ("linux.devices", ([{"path": "/dev/x", "type": "z", "major": 1, "minor": 3}], [{"path": "relative", "type": "c", "major": 1, "minor": 3}],
                                   [{"path": "/dev/x", "type": "c", "major": -1, "minor": 3}], [{"path": "/dev/x/../../../..", "type": "c", "major": 1, "minor": 3}])),
                ("linux.resources.pids", ({"limit": -2 ** 63}, {"limit": "many"})), ("linux.resources.memory", ({"limit": 1}, {"limit": -5}, {"limit": 1 << 62, "swap": 1})),
                ("linux.resources.cpu", ({"quota": 1}, {"period": 1}, {"shares": 1 << 63}, {"cpus": "0-999999"}, {"cpus": "x"}, {"mems": "77"}, {"quota": -77})),
                ("linux.seccomp", ({"defaultAction": "SCMP_ACT_NONE"}, {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_PDP11"]},
                                   {"defaultAction": "SCMP_ACT_ALLOW", "flags": ["SECCOMP_FILTER_FLAG_NONE"]},
                                   {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 9, "value": 1, "op": "SCMP_CMP_EQ"}]}]},
                                   {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1 << 20}]})),
                ("linux.rootfsPropagation", ("upwards",)), ("process.cwd", ("", "relative", "/etc/passwd", "/" + "x/" * 3000)),
                ("hooks", ({"prestart": [{"path": "relative"}]}, {"createRuntime": [{"path": "/no/such"}]}, {"createRuntime": [{"path": "/bin/sleep", "args": ["sleep", "60"], "timeout": 1}]},
                           {"createRuntime": [{"path": "/bin/true", "timeout": -1}]})),
                ("process.capabilities", ({"bounding": ["CAP_NONE"]}, {"effective": ["CAP_CHOWN"]}, {"ambient": ["CAP_CHOWN"]}))):
            for value in values:
                attempt(oci, with_value(oci, path, value))


def test_lists_that_are_long():
    with Oci() as oci:
        seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ERRNO",
                                                                   "args": [{"index": 0, "value": number, "op": "SCMP_CMP_EQ"}]} for number in range(20_000)]}
        for path, value in (("process.args", ["true"] + ["x" * 100] * 30_000), ("process.args", ["true", "x" * 5_000_000]), ("process.args", ["x" * 5_000_000]), ("process.args", []),
                            ("process.args", [""]), ("process.env", ["A%d=b" % number for number in range(100_000)]), ("process.env", ["no equals", "=x", "", "A=" + "y" * 200_000]),
                            ("annotations", {"key%d" % number: "v" * 100 for number in range(50_000)}), ("linux.seccomp", seccomp),
                            ("linux.seccomp", {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["chmod"] * 100_000, "action": "SCMP_ACT_ERRNO"}]}),
                            ("linux.maskedPaths", ["/proc/kcore"] * 2000), ("linux.maskedPaths", ["/" + "d/" * 2500]), ("linux.readonlyPaths", ["/proc/sys"] * 500),
                            ("linux.uidMappings", [{"containerID": number, "hostID": number, "size": 1} for number in range(1000)]),
                            ("process.user", {"uid": 0, "gid": 0, "additionalGids": list(range(70_000))}),
                            ("linux.resources.devices", [{"allow": True, "type": "c", "major": number, "minor": 1, "access": "rwm"} for number in range(1000)]),
                            ("mounts", oci.config["mounts"] + [{"destination": "/tmp/m%d" % number, "type": "tmpfs", "source": "tmpfs"} for number in range(1500)])):
            attempt(oci, with_value(oci, path, value))


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
