# SPDX-License-Identifier: Apache-2.0
"""`mete build`: stages that do not need each other are built side by side; caches that they share; the cgroups that go with the build."""
import os
import re
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from builds import Builder, refused  # noqa: E402
from mete_agent import run_tests  # noqa: E402

# Each of two RUN waits for the other: one after another neither would end but by its own limit.
MEET = "RUN --mount=type=cache,id=meet,target=/meet touch /meet/%s && for i in $(seq 300); do [ -e /meet/%s ] && break; sleep 0.1; done; [ -e /meet/%s ]\n"


def meet(own, other):
    return MEET % (own, other, other)


def test_stages_meet_and_say_whose_lines_are_whose():
    dockerfile = ("FROM ubuntu AS left\n" + meet("l", "r") + "RUN echo from-left && echo from-left > /left\n"
                  "FROM ubuntu\n" + meet("r", "l") + "RUN echo from-right && echo from-right > /right\n"
                  "FROM ubuntu AS last\nCOPY --from=left /left /\nCOPY --from=1 /right /\n")
    with Builder() as builder:
        done = builder.build(dockerfile)
        tree = builder.tree()
        assert tree["left"]["content"] == b"from-left\n" and tree["right"]["content"] == b"from-right\n"
        lines = done.stdout.splitlines()
        for each in ("[left] Step 3/9 : RUN echo from-left && echo from-left > /left", "[left] from-left", "[stage-1] Step 6/9 : RUN echo from-right && echo from-right > /right",
                     "[stage-1] from-right", "[last] Step 9/9 : COPY --from=1 /right /"):
            assert each in lines, done.stdout
        assert all(re.match(r"\[(left|stage-1|last)\] |Successfully ", each) for each in lines), done.stdout
        assert builder.build(dockerfile).stdout.count("Using cache") == 6
        assert builder.left() == []
        alone = builder.build("FROM ubuntu AS a\nRUN echo x > /x\nFROM a\nRUN echo y > /y\n").stdout
        assert "\nStep 4/4 : RUN echo y > /y\n" in alone, "a chain has nothing to tell apart: " + alone


def test_the_image_is_the_same_as_one_after_another():
    dockerfile = ("FROM ubuntu AS a\nRUN echo a > /a\nENV A=1\nFROM ubuntu AS b\nRUN echo b > /b && chmod 4755 /b\nFROM ubuntu AS same\nRUN echo a > /a\n"
                  "FROM b AS c\nCOPY --from=a /a /from-a\nCOPY --from=same /a /from-same\nLABEL x=y\n")
    os.environ["SOURCE_DATE_EPOCH"] = "1000000"
    try:
        with Builder() as builder:
            builder.build(dockerfile)
            at_once = builder.record()["id"]
            builder.mete("rmi", "made")
            builder.mete("builder", "prune", "-a", "-f")
            for stage in ("a", "b", "same", "c"):
                done = builder.build(dockerfile, None, "--target", stage, name="made")
                assert stage != "a" or "Using cache" not in done.stdout
            assert builder.record()["id"] == at_once
    finally:
        del os.environ["SOURCE_DATE_EPOCH"]


def test_the_error_of_one_stage_ends_the_others():
    dockerfile = ("FROM ubuntu AS fails\n" + meet("f", "w") + "RUN exit 7\n"
                  "FROM ubuntu AS waits\n" + meet("w", "f") + "RUN sleep 1000\n"
                  "FROM ubuntu\nCOPY --from=fails /etc/release /a\nCOPY --from=waits /etc/release /b\n")
    with Builder() as builder:
        begin = time.monotonic()
        refused(builder.build(dockerfile, check=False), "returned a non-zero code: 7", "RUN exit 7")
        assert time.monotonic() - begin < 500, "the other stage was waited for"
        assert builder.left() == []
        # One that waits for a cache ends, too.
        held = ("FROM ubuntu AS holds\nRUN --mount=type=cache,id=one,target=/one,sharing=locked --mount=type=cache,id=meet2,target=/meet "
                "touch /meet/h && sleep 2 && exit 3\n"
                "FROM ubuntu AS waits\nRUN --mount=type=cache,id=meet2,target=/meet for i in $(seq 300); do [ -e /meet/h ] && break; sleep 0.1; done\n"
                "RUN --mount=type=cache,id=one,target=/one,sharing=locked echo not-reached > /x\n"
                "FROM ubuntu\nCOPY --from=holds /etc/release /a\nCOPY --from=waits /etc/release /b\n")
        done = builder.build(held, check=False)
        refused(done, "returned a non-zero code: 3")
        assert builder.left() == []


def test_caches_are_shared_locked_and_private():
    alone = "RUN --mount=type=cache,id=c,target=/c,sharing=locked mkdir /c/in || exit 9; sleep 0.3; rm -r /c/in; echo %s >> /c/all; cp /c/all /all\n"
    dockerfile = "FROM ubuntu AS a\n" + alone % "a" + "FROM ubuntu AS b\n" + alone % "b" + "FROM ubuntu\nCOPY --from=a /all /a\nCOPY --from=b /all /b\n"
    with Builder() as builder:
        builder.build(dockerfile)
        tree = builder.tree()
        assert {len(tree[each]["content"]) for each in ("a", "b")} == {2, 4}, "one after the other in one cache"
        twice = ("FROM ubuntu\nRUN --mount=type=cache,id=c,target=/c,sharing=locked --mount=type=cache,id=c,target=/d,sharing=locked "
                 "cat /c/all /d/all > /x\n")
        builder.build(twice)
        assert len(builder.tree()["x"]["content"]) == 8, "one cache in two places does not wait for itself"
        own = "RUN --mount=type=cache,id=p,target=/p,sharing=private --mount=type=cache,id=meet,target=/meet touch /p/%s /meet/%s && " \
              "for i in $(seq 300); do [ -e /meet/%s ] && break; sleep 0.1; done; ls /p > /seen; touch /meet/%s-looked; " \
              "for i in $(seq 300); do [ -e /meet/%s-looked ] && break; sleep 0.1; done\n"
        builder.build("FROM ubuntu AS a\n" + own % ("a", "a", "b", "a", "b") + "FROM ubuntu AS b\n" + own % ("b", "b", "a", "b", "a") +
                      "FROM ubuntu\nCOPY --from=a /seen /a\nCOPY --from=b /seen /b\n")
        tree = builder.tree()
        assert (tree["a"]["content"], tree["b"]["content"]) == (b"a\n", b"b\n"), "each had its own"


def groups_named(path):
    return [mount + path for mount in ("/sys/fs/cgroup", "/sys/fs/cgroup/memory", "/sys/fs/cgroup/unified") if os.path.isdir(mount + path)]


def test_the_parent_cgroup_goes_when_builds_have_made_it():
    with Builder() as builder:
        context = builder.context({"Dockerfile": "FROM ubuntu\nRUN cat /proc/self/cgroup\n"})
        inner = builder.parent + "/deeper/parent"
        for mount in ("/sys/fs/cgroup/unified", "/sys/fs/cgroup/memory", "/sys/fs/cgroup"):
            if os.path.exists(mount + "/cgroup.procs"):
                os.makedirs(mount + builder.parent, exist_ok=True)
        builder.mete("build", "--no-cache", "--cgroup-parent", inner, context)
        assert groups_named(builder.parent), "it was there before"
        assert groups_named(builder.parent + "/deeper") == []
        two = builder.context({"Dockerfile": "FROM ubuntu AS a\nRUN true\nFROM ubuntu AS b\nRUN true\nFROM ubuntu\nCOPY --from=a /etc/release /a\n"
                                             "COPY --from=b /etc/release /b\n"})
        builder.mete("build", "--no-cache", "--cgroup-parent", inner, two)
        builder.mete("build", "--no-cache", "--cgroup-parent", builder.parent + "/failed",
                     builder.context({"Dockerfile": "FROM ubuntu\nRUN false\n"}), check=False)
        assert groups_named(builder.parent + "/deeper") + groups_named(builder.parent + "/failed") == []
        assert groups_named(builder.parent)


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
