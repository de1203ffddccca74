# SPDX-License-Identifier: Apache-2.0
"""`mete build`: RUN, its mounts, network and limits."""
import json
import re
import subprocess
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from builds import Builder, refused  # noqa: E402
from mete_agent import run_tests  # noqa: E402


def test_run_and_what_it_leaves():
    dockerfile = """FROM ubuntu
RUN ["/bin/sh", "-c", "echo exec > /exec"]
RUN rm /etc/release && rm -r /usr && mkdir /usr && echo x > /usr/new && ln /exec /hard && ln -s exec /soft
RUN <<EOF
echo a > /doc
echo b >> /doc
EOF
RUN <<EOF
#!/bin/cat
itself
EOF
RUN cat <<EOF > /fed
fed $((1+1))
EOF
USER app
WORKDIR /tmp
RUN id -u > /tmp/user; id -g >> /tmp/user; id -G >> /tmp/user; pwd >> /tmp/user; echo $HOME >> /tmp/user
RUN grep ^Groups: /proc/self/status > /tmp/groups
USER app:50
RUN grep ^Groups: /proc/self/status >> /tmp/groups
USER 4321:9
RUN grep ^Groups: /proc/self/status > /tmp/other
USER root
RUN grep ^Groups: /proc/self/status > /tmp/roots
SHELL ["/bin/sh", "-e", "-c"]
RUN true
RUN hostname > /hostname; cat /proc/1/comm > /pid1
"""
    with Builder() as builder:
        done = builder.build(dockerfile)
        assert "itself\n" in done.stdout and " ---> Running in " in done.stdout
        assert re.search(r"^ ---> Used [0-9.]+ s of CPU", done.stdout, re.M), done.stdout
        tree = builder.tree()
        content = lambda path: tree[path]["content"]  # noqa: E731
        assert content("exec") == b"exec\n" and content("hard") == b"exec\n" and content("soft") == "exec"
        assert "etc/release" not in tree and sorted(each for each in tree if each.startswith("usr")) == ["usr", "usr/new"]
        assert content("doc") == b"a\nb\n" and content("fed") == b"fed 2\n"
        assert content("tmp/user") == b"1000\n1001\n1001 50\n/tmp\n/home/app\n", content("tmp/user")
        # The own group is among the others (CVE-2022-36109).
        groups = [set(line.split()[1:]) for each in ("groups", "other", "roots") for line in content("tmp/" + each).decode().splitlines()]
        assert groups == [{"1001", "50"}, {"50"}, {"9"}, {"0"}], groups
        assert content("hostname") == b"build\n"
        assert not [each for each in tree if each.split("/")[0] in ("proc", "sys", "dev") or each in ("etc/hosts", "etc/resolv.conf")], "mount points are no part of a layer"
        history = builder.document()["history"]
        filled = [each for each in history if not each.get("empty_layer")]
        assert len(filled) == len(builder.document()["rootfs"]["diff_ids"]) == len(builder.record()["layers"]), history
        assert [each for each in history if each.get("created_by", "").endswith("true")][0]["empty_layer"], "nothing changed"


def test_a_run_that_fails_leaves_no_image_and_keeps_what_was_done():
    with Builder() as builder:
        done = builder.build("FROM ubuntu\nRUN echo first\nRUN echo told && exit 7\n", check=False)
        refused(done, "Dockerfile:3: RUN: the command '/bin/sh -c echo told && exit 7' returned a non-zero code: 7", "7\n   2 | RUN echo first\n   3 | RUN echo told && exit 7\n     | ^^^")
        assert "told\n" in done.stdout
        assert "made:latest" not in builder.images() and builder.left() == []
        assert builder.build("FROM ubuntu\nRUN echo first\n").stdout.count("Using cache") == 1
        refused(builder.build("FROM ubuntu\nRUN [\"/nothing\"]\n", check=False), "/nothing")
        quiet = builder.build("FROM ubuntu\nRUN echo told >&2; false\n", None, "-q", check=False)
        refused(quiet, "told", "returned a non-zero code: 1")
        assert quiet.stdout == ""


def test_mounts_of_a_run():
    dockerfile = """FROM ubuntu AS other
RUN echo other > /file
FROM ubuntu
RUN --mount=type=bind,target=/ctx cat /ctx/a > /from-context && ! touch /ctx/x 2>/dev/null && ! test -e /ctx/hidden
RUN --mount=target=/ctx/deep/f,source=a,rw echo changed >> /ctx/deep/f && cat /ctx/deep/f > /changed
RUN --mount=from=other,source=/file,target=/other cat /other > /from-other
RUN --mount=type=cache,target=/cache echo x >> /cache/lines
RUN --mount=type=cache,target=/cache,sharing=locked cat /cache/lines > /cached
RUN --mount=type=tmpfs,target=/scratch,size=1m echo x > /scratch/x && grep /scratch /proc/mounts > /scratched
RUN --mount=type=secret,id=key cat /run/secrets/key | tail -c 3 > /tail && stat -c %a /run/secrets/key >> /tail
RUN --mount=type=secret,id=key,env=KEY test "$KEY" = top-secret
RUN --mount=type=secret,id=none ! test -e /run/secrets/none
"""
    with Builder() as builder:
        secret = builder.work + "/key"
        with open(secret, "w") as out:
            out.write("top-secret")
        files = {"a": "context\n", "hidden": "x", ".dockerignore": "hidden\nDockerfile\n"}
        builder.build(dockerfile, files, "--secret", "id=key,src=" + secret)
        tree = builder.tree()
        for path, content in (("from-context", b"context\n"), ("changed", b"context\nchanged\n"), ("from-other", b"other\n"), ("cached", b"x\n"),
                              ("tail", b"ret400\n")):
            assert tree[path]["content"] == content, (path, tree[path])
        assert "size=1024k" in tree["scratched"]["content"].decode()
        for path in ("ctx", "cache", "scratch", "run/secrets", "other"):
            assert path not in tree, path
        # The secret is in no file of the store, and no part of what a step is known by.
        found = subprocess.run(["grep", "-rl", "top-secret", builder.state], capture_output=True, text=True).stdout.split()
        assert [each for each in found if "documents" not in each] == [] and "top-secret=" not in json.dumps(builder.document()), found
        with open(secret, "w") as out:
            out.write("changed-secret")
        assert builder.build(dockerfile.split("RUN --mount=type=secret,id=key,env")[0], files, "--secret", "id=key,src=" + secret).stdout.count("Using cache") > 5
        refused(builder.build("FROM ubuntu\nRUN --mount=type=secret,id=x,required=true true\n", check=False), 'no secret "x"')


def test_a_device_node_is_not_kept_and_said_so():
    with Builder() as builder:
        done = builder.build("FROM ubuntu\nRUN mknod /null c 1 3 && echo x > /x\nRUN mknod /a b 7 0 && mknod /b c 1 3\n")
        assert "[Warning] device node /null: not kept, layers have none" in done.stdout, done.stdout
        assert "and 1 more: not kept" in done.stdout, done.stdout
        assert "x" in builder.tree() and not {"null", "a", "b"} & set(builder.tree())
        assert "Warning" not in builder.build("FROM ubuntu\nRUN echo x > /x; rm /etc/release\n").stdout


def test_variables_in_the_mounts_of_a_run():
    dockerfile = """FROM ubuntu AS other
RUN echo other > /file
FROM ubuntu
ARG D=dir
ENV T=/in F=file
WORKDIR /work
RUN --mount=type=bind,source=$D,target=$T/${D} cat /in/dir/a > /first
RUN --mount=source=/${D}/a,target=rel-$D cat /work/rel-dir > /second
RUN --mount=from=other,source=/$F,target=/o cat /o > /third
RUN --mount=type=cache,id=c-$D,target=$T/cache echo x >> /in/cache/lines
RUN --mount=type=cache,id=c-dir,target=/c cat /c/lines > /fourth
"""
    with Builder() as builder:
        files = {"dir/a": "context\n", "more/a": "other one\n"}
        context = builder.context({**files, "Dockerfile": dockerfile})
        build = lambda *options: builder.mete(*builder.options("-t", "made", *options, context))  # noqa: E731
        build()
        tree = builder.tree()
        contents = [tree[path]["content"] for path in ("first", "second", "third", "fourth")]
        assert contents == [b"context\n", b"context\n", b"other\n", b"x\n"], contents
        # What a variable names is part of what the step is known by.
        assert build().stdout.count("Using cache") >= 6
        with open(context + "/dir/a", "w") as out:
            out.write("changed\n")
        build()
        assert builder.tree()["first"]["content"] == b"changed\n"
        builder.build("FROM ubuntu\nARG D\nRUN --mount=source=$D,target=/in cat /in/a > /first\n", files, "--build-arg", "D=dir")
        builder.build("FROM ubuntu\nARG D\nRUN --mount=source=$D,target=/in cat /in/a > /first\n", files, "--build-arg", "D=more")
        assert builder.tree()["first"]["content"] == b"other one\n"
        refused(builder.build("FROM ubuntu\nENV D=none\nRUN --mount=source=$D,target=/x true\n", files, check=False), 'found no "none" in the context')
        refused(builder.build("FROM ubuntu\nENV D=none\nRUN --mount=from=$D,target=/x true\n", files, check=False), "found a variable in from=$D")


def test_a_build_without_a_network_and_within_its_limits():
    with Builder() as builder:
        builder.build("FROM ubuntu\nRUN ls /sys/class/net > /links\n", None, "--network", "none")
        assert builder.tree()["links"]["content"] == b"lo\n", "loopback alone"
        builder.build("FROM ubuntu\nRUN --network=none ls /sys/class/net > /links2\n")
        assert builder.tree()["links2"]["content"] == b"lo\n"
        hungry = "FROM ubuntu\nRUN dd if=/dev/zero of=/dev/shm/x bs=1M count=40 && echo not reached\n"
        done = builder.build(hungry, None, "--memory", "24m", check=False)
        refused(done, "returned a non-zero code: 137", "no memory left")
        done = builder.build("FROM ubuntu\nRUN dd if=/dev/zero of=/dev/shm/x bs=1M count=16\n", None, "--memory", "64m", "--cpus", "0.5")
        used = re.search(r"---> Used .*, ([0-9.]+) MiB of memory", done.stdout)
        assert used and 16 <= float(used.group(1)) <= 64, done.stdout
        assert builder.left() == []


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
