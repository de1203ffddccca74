# SPDX-License-Identifier: Apache-2.0
"""`mete build`: the four lines of every newcomer, each instruction, the cache, limits, secrets, kill -9, and contexts of strangers."""
import io
import json
import os
import re
import signal
import subprocess
import sys
import tarfile
import time

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from builds import FOUR_LINES, Builder, write_files  # noqa: E402
from mete_agent import Agent, run_tests, wait_for  # noqa: E402
from registries import DockerRegistry  # noqa: E402

SERVER = {"bin/amd64/httpserver": ("#!/bin/sh\necho serving on $MY_SERVICE_PORT\n", 0o755)}


def refused(done, *words):
    assert done.returncode == 1, done
    assert all(each in done.stderr for each in words), done.stderr


def ids(done):
    return re.findall(r"^ ---> ([0-9a-f]{12})$", done.stdout, re.M)


def test_the_four_lines():
    with Builder() as builder:
        done = builder.build(FOUR_LINES, SERVER, name="cncamp/httpserver:v1.0")
        lines = done.stdout.splitlines()
        assert [each for each in lines if each.startswith("Step ")] == [
            "Step 1/4 : FROM ubuntu", "Step 2/4 : ENV MY_SERVICE_PORT=80", "Step 3/4 : ADD bin/amd64/httpserver /httpserver",
            "Step 4/4 : ENTRYPOINT /httpserver"], lines
        image = builder.images()["cncamp/httpserver:v1.0"]
        assert lines[-2:] == ["Successfully built " + image["id"][:12], "Successfully tagged cncamp/httpserver:v1.0"], lines
        assert ids(done)[-1] == image["id"][:12]
        config = builder.config("cncamp/httpserver:v1.0")
        assert config["Entrypoint"] == ["/bin/sh", "-c", "/httpserver"] and config["Env"][-1] == "MY_SERVICE_PORT=80", config
        changes = builder.changes("cncamp/httpserver:v1.0")
        assert list(changes) == ["httpserver"] and changes["httpserver"]["mode"] == 0o755 and changes["httpserver"]["owner"] == (0, 0), changes
        assert re.search(r"^cncamp/httpserver +v1.0 +" + image["id"][:12], builder.mete("images").stdout, re.M)
        assert builder.left() == []


def test_a_pod_runs_what_was_built():
    with Agent().start() as agent:
        context = agent.work + "/context"
        write_files(context, {"Dockerfile": FOUR_LINES.replace("FROM ubuntu", "FROM busybox"), **SERVER})
        agent.mete("build", "-t", "cncamp/httpserver:v1.0", context)
        agent.apply("apiVersion: v1\nkind: Pod\nmetadata: {name: server}\nspec: {restartPolicy: Never, containers: [{name: main, image: cncamp/httpserver:v1.0}]}\n")
        wait_for("it to have served", lambda: agent.logs("server") == "serving on 80\n")


def test_what_was_built_is_pushed_and_one_layer_travels():
    with DockerRegistry() as registry, Builder() as builder:
        first, second = (registry.host + "/cncamp/httpserver:v1." + each for each in "01")
        builder.build(FOUR_LINES, SERVER, name=first)
        builder.mete("push", first)
        _, manifest = registry.manifest("cncamp/httpserver", "v1.0")
        assert manifest["config"]["digest"] == "sha256:" + builder.images()[first]["id"], "what is pushed is what was built"
        before = registry.stored()
        builder.build(FOUR_LINES, {"bin/amd64/httpserver": ("#!/bin/sh\necho two\n", 0o755)}, name=second)
        done = builder.mete("push", second)
        assert done.stdout.count(": Layer already exists") == 1 and done.stdout.count(": Pushed") == 1, done
        assert len(set(registry.stored()) - set(before)) == 3, "a layer, a configuration, a manifest"


def test_steps_that_are_known_are_not_done_again():
    dockerfile = "FROM ubuntu\nCOPY a /a\nRUN cat /a > /b && echo ran\nENV X=y\nRUN echo $X > /c\n"
    with Builder() as builder:
        context = builder.context({"Dockerfile": dockerfile, "a": "one"})
        first = builder.build_in(context)
        assert first.stdout.count("Using cache") == 0 and "Running in" in first.stdout, first.stdout
        again = builder.build_in(context)
        assert again.stdout.count("Using cache") == 4 and "Running in" not in again.stdout, again.stdout
        assert ids(first) == ids(again)
        # Neither the time nor the owner of a file is looked at; its mode and its content are.
        os.utime(context + "/a", (1, 1))
        os.chown(context + "/a", 5, 5)
        assert builder.build_in(context).stdout.count("Using cache") == 4
        os.chmod(context + "/a", 0o600)
        assert builder.build_in(context).stdout.count("Using cache") == 0, "the mode is part of the layer, on which all the rest stands"
        os.chmod(context + "/a", 0o644)
        assert builder.build_in(context).stdout.count("Using cache") == 4
        with open(context + "/a", "w") as out:
            out.write("two")
        assert builder.build_in(context).stdout.count("Using cache") == 0
        assert builder.tree()["b"]["content"] == b"two"
        # A changed instruction: from there on. An argument: from its first use.
        with open(context + "/Dockerfile", "w") as out:
            out.write(dockerfile.replace("X=y", "X=z"))
        assert builder.build_in(context).stdout.count("Using cache") == 2
        assert builder.build_in(context, "--no-cache").stdout.count("Using cache") == 0
        # Layers of the cache outlive the image, and the store's removal of what no image has.
        builder.mete("rmi", "made")
        assert builder.build_in(context).stdout.count("Using cache") == 4
        assert builder.left() == []


def test_arguments_and_the_cache():
    dockerfile = "FROM ubuntu\nARG V=1\nRUN echo one\nRUN echo $V $HTTP_PROXY > /v\n"
    with Builder() as builder:
        builder.build(dockerfile)
        assert builder.tree()["v"]["content"] == b"1\n"
        assert builder.build(dockerfile, None, "--build-arg", "HTTP_PROXY=http://p").stdout.count("Using cache") == 3
        done = builder.build(dockerfile, None, "--build-arg", "V=2", "--build-arg", "OTHER=x")
        assert builder.tree()["v"]["content"] == b"2\n"
        assert "[Warning] One or more build-args [OTHER] were not consumed" in done.stdout, done.stdout


def test_stages_and_targets():
    dockerfile = """FROM ubuntu AS tools
RUN echo tool > /tool && mkdir /deep && echo x > /deep/x && chown 1000:1001 /deep/x
FROM ubuntu AS unused
RUN false
FROM scratch
COPY --from=tools /tool /bin/
COPY --from=0 /deep /deep/
COPY --from=ubuntu /etc/release /release
CMD ["/bin/tool"]
"""
    with Builder() as builder:
        done = builder.build(dockerfile)
        assert "Step 7/7" in done.stdout and "false" not in done.stdout, "a stage that nothing needs is not built: " + done.stdout
        tree = builder.tree()
        assert sorted(tree) == ["bin", "bin/tool", "deep", "deep/x", "release"], sorted(tree)
        assert tree["deep/x"]["owner"] == (1000, 1001), "of a stage owners are kept"
        builder.build(dockerfile, None, "--target", "tools")
        assert builder.tree()["tool"]["content"] == b"tool\n"
        refused(builder.build(dockerfile, None, "--target", "none", check=False), "--target", '"none"')


def test_copy_as_it_is_written():
    files = {"one": "1", "two.txt": "2", "dir/a": ("a", 0o640), "dir/sub/b": "b", "dir/link -> a": "", "outward -> /dir/a": "", "exec": ("x", 0o4755)}
    dockerfile = """FROM ubuntu
WORKDIR /work/deep
COPY one .
COPY one renamed
COPY one two.txt /several/
COPY dir /copied
COPY dir /etc
COPY *.txt /glob/
COPY ["one", "/a b/c"]
COPY --chown=app:staff one /owned/new/one
COPY --chown=7 one /owned/seven
COPY --chmod=600 one /mode
COPY outward /outward
COPY exec /exec
COPY one /var/run/through
COPY --exclude=sub --exclude=link dir /excluded
COPY <<A <<"B" /docs/
text $PATH
A
text $PATH
B
"""
    with Builder() as builder:
        builder.build(dockerfile, files)
        tree = builder.tree()
        content = lambda path: tree[path]["content"]  # noqa: E731
        assert content("work/deep/one") == b"1" and content("work/deep/renamed") == b"1"
        assert content("several/one") == b"1" and content("several/two.txt") == b"2" and content("glob/two.txt") == b"2"
        assert content("copied/a") == b"a" and tree["copied/a"]["mode"] == 0o640 and content("copied/sub/b") == b"b" and tree["copied/link"]["content"] == "a"
        assert content("etc/sub/b") == b"b" and tree["etc"]["mode"] == 0o755 and "etc/passwd" in tree
        assert content("a b/c") == b"1"
        assert tree["owned/new/one"]["owner"] == (1000, 50) and tree["owned/new"]["owner"] == (1000, 50) and tree["owned/seven"]["owner"] == (7, 7)
        assert tree["mode"]["mode"] == 0o600 and tree["exec"]["mode"] == 0o4755
        assert content("outward") == b"a" and tree["outward"]["kind"] == "file", "a link is followed within the context"
        assert content("run/through") == b"1" and tree["var/run"]["kind"] == "link"
        assert sorted(each for each in tree if each.startswith("excluded")) == ["excluded", "excluded/a"]
        assert content("docs/B") == b"text $PATH\n" and b"/usr/local/sbin" in content("docs/A")


def test_add_unpacks_archives_and_copy_does_not():
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, mode in (("in/file", 0o640), ("in/set", 0o4755)):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.uid, entry.gid, entry.mtime = 3, mode, 12, 13, 1_000_000
            tar.addfile(entry, io.BytesIO(b"abc"))
        for name, target in (("in/link", "file"), ("in/hard", "in/file")):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = (tarfile.SYMTYPE, target) if name.endswith("link") else (tarfile.LNKTYPE, target)
            tar.addfile(entry)
    with Builder() as builder:
        builder.build("FROM ubuntu\nADD any.name /x\nCOPY any.name /y\nADD plain /z/\n", {"any.name": packed.getvalue(), "plain": "text"})
        tree = builder.tree()
        assert tree["x/in/file"]["owner"] == (12, 13) and tree["x/in/file"]["mode"] == 0o640 and tree["x/in/set"]["mode"] == 0o4755
        assert tree["x/in/link"]["content"] == "file" and tree["x/in/hard"]["content"] == b"abc"
        assert tree["y"]["content"] == packed.getvalue() and tree["z/plain"]["content"] == b"text"
        refused(builder.build("FROM ubuntu\nADD a /x\n", {"a": b"BZh9" + b"x" * 600}, check=False), "bzip2")


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
USER root
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


def test_dockerignore_is_kept():
    files = {"a.md": "", "keep.md": "", "src/b.md": "", "src/c.o": "", "src/d.c": "", "secret/key": "", "secret/public": "", ".dockerignore":
             "# comment\n*.md\n!keep.md\n**/*.o\nsecret\n!secret/public\nDockerfile\n.dockerignore\n"}
    with Builder() as builder:
        builder.build("FROM scratch\nCOPY . /\n", files)
        assert sorted(each for each, what in builder.tree().items() if what["kind"] == "file") == ["keep.md", "secret/public", "src/b.md", "src/d.c"], builder.tree()
        refused(builder.build("FROM ubuntu\nCOPY a.md /\n", files, check=False), 'found no "a.md"', ".dockerignore", "Dockerfile:2:")


def test_contexts_of_strangers_lead_nowhere():
    with Builder() as builder:
        outside = builder.work + "/outside"
        with open(outside, "w") as out:
            out.write("the host's")
        up = "../" * 20 + outside[1:]
        for source, files in (("up", {"up -> " + up: ""}), ("absolute", {"absolute -> " + outside: ""}), ("dir/x", {"dir -> /": ""}),
                              ("fifo/../../outside", {}), ("../outside", {})):
            done = builder.build("FROM ubuntu\nCOPY %s /got\n" % source, files, check=False)
            assert done.returncode == 1 and "the host's" not in done.stdout, (source, done)
        done = builder.build(None, {"Dockerfile -> " + outside: ""}, check=False)
        assert done.returncode == 1 and "host" not in done.stderr, done
        # What an image's links say is true within the image.
        builder.build("FROM ubuntu\nRUN ln -s %s /way && ln -s / /root-link\nCOPY a /way\nCOPY a /root-link/tmp/b\nWORKDIR /root-link/tmp/c\n" % outside, {"a": "mine"})
        assert open(outside).read() == "the host's"
        assert builder.tree()["tmp/b"]["content"] == b"mine" and builder.tree()["tmp/c"]["kind"] == "folder"


def archive(*items):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content, more in items:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            for key, value in more.items():
                setattr(entry, key, value)
            tar.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def piped(builder, data, *options):
    done = subprocess.run(builder.words(*builder.options("-t", "made", *options, "-")), input=data, capture_output=True, env=builder.environment, timeout=300)
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def test_a_context_on_standard_input():
    with Builder() as builder:
        dockerfile = ("Dockerfile", b"FROM ubuntu\nCOPY a /a\n", {})
        done = piped(builder, archive(dockerfile, ("a", b"x", {"mode": 0o640, "uid": 9})))
        assert done.returncode == 0, done
        assert builder.changes()["a"] == {"kind": "file", "mode": 0o640, "owner": (0, 0), "content": b"x"}
        assert piped(builder, b"FROM ubuntu\nENV A=b\n").returncode == 0 and "A=b" in builder.config()["Env"], "a Dockerfile alone"
        refused(piped(builder, b"FROM ubuntu\nCOPY a /a\n"), "found no context")
        assert piped(builder, archive(("sub/x.docker", b"FROM ubuntu\nENV X=y\n", {})), "-f", "sub/x.docker").returncode == 0
        outside = builder.work + "/outside"
        link = {"type": tarfile.SYMTYPE, "linkname": builder.work}
        for items in ([("../outside", b"x", {})], [("/" + outside, b"x", {}), dockerfile], [("way", b"", link), ("way/outside", b"x", {}), dockerfile],
                      [("way", b"", {**link, "type": tarfile.LNKTYPE}), dockerfile], [("Dockerfile", b"", {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"})]):
            piped(builder, archive(*items))
            assert not os.path.exists(outside), items
        refused(piped(builder, archive(dockerfile)[:700]), "standard input")
        refused(piped(builder, archive(dockerfile, ("a", b"", {"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 3}))), 'found no "a"')
        assert builder.left() == []


def test_a_layer_cannot_hide_what_is_below():
    with Builder() as builder:
        refused(builder.build("FROM ubuntu\nCOPY a /etc/.wh.passwd\n", {"a": ""}, check=False), ".wh.passwd")
        refused(builder.build("FROM ubuntu\nRUN touch /etc/.wh..wh..opq\n", check=False), ".wh..wh..opq")


def test_the_same_input_gives_the_same_image():
    dockerfile = "FROM ubuntu\nCOPY a /a\nRUN echo x > /b && mkdir /c && ln /b /c/d\n"
    found = set()
    for day in (1, 2):
        with Builder(base=False) as builder:
            root = builder.context({"bin/sh": ("", 0o755)})
            subprocess.run(["cp", "/bin/busybox", root + "/bin/sh"], check=True)
            for name in ("mkdir", "ln"):
                os.symlink("sh", root + "/bin/" + name)
            for folder, folders, files in os.walk(root):
                for each in [*folders, *files, "."]:
                    os.utime(folder + "/" + each, (1_000_000, 1_000_000), follow_symlinks=False)
            builder.mete("image", "import", root, "ubuntu")
            context = builder.context({"Dockerfile": dockerfile, "a": "x"})
            os.utime(context + "/a", (1_600_000_000 + day, 1_600_000_000 + day))
            builder.environment["SOURCE_DATE_EPOCH"] = "1500000000"
            builder.build_in(context)
            found.add(builder.images()["made:latest"]["id"])
            assert builder.document()["created"] == "2017-07-14T02:40:00Z"
            time.sleep(1.1 if day == 1 else 0)  # another second: the times of files would differ
    assert len(found) == 1, found


def test_kill_at_any_moment():
    dockerfile = "FROM ubuntu\nCOPY a /a\nRUN echo started; sleep 600\n"
    with Builder() as builder:
        for stop in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
            context = builder.context({"Dockerfile": dockerfile, "a": str(stop)})
            process = subprocess.Popen(builder.words(*builder.options("-t", "made", context)), stdout=subprocess.PIPE, text=True, env=builder.environment)
            wait_for("RUN to run", lambda: process.stdout.readline() == "started\n")
            assert builder.groups(), "it has a cgroup"
            process.send_signal(stop)
            process.wait()
            process.stdout.close()
            wait_for("all of it to be gone", lambda: builder.left() == [])
            assert "made:latest" not in builder.images()
        # The guard is killed with it: the next build does its work.
        process = subprocess.Popen(builder.words(*builder.options("-t", "made", context)), stdout=subprocess.PIPE, text=True, env=builder.environment)
        wait_for("RUN to run", lambda: process.stdout.readline() == "started\n")
        children = [int(each) for each in open("/proc/%d/task/%d/children" % (process.pid, process.pid)).read().split()]
        guard = [each for each in children if open("/proc/%d/comm" % each).read().startswith("mete-build-guar")]
        assert len(guard) == 1, children
        os.kill(guard[0], signal.SIGKILL)
        process.kill()
        process.wait()
        process.stdout.close()
        assert builder.left(), "nobody has cleaned up"
        builder.build("FROM ubuntu\nENV A=b\n")
        assert builder.left() == []


def test_two_builds_at_once_share_their_layers():
    with Builder() as builder:
        context = builder.context({"Dockerfile": "FROM ubuntu\nCOPY a /a\nRUN sleep 0.3; echo x > /x\n", "a": "x" * 100_000})
        many = [subprocess.Popen(builder.words(*builder.options("-t", "made:%d" % i, context)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=builder.environment)
                for i in range(3)]
        ends = [(each.communicate(), each.returncode) for each in many]
        assert all(code == 0 for _, code in ends), ends
        assert len([each for each in builder.images() if each.startswith("made:")]) == 3 and builder.left() == []


def test_triggers_of_a_base_image():
    with Builder() as builder:
        builder.build("FROM ubuntu\nONBUILD COPY a /a\nONBUILD ENV T=1\n", name="parent")
        assert "a" not in builder.tree("parent")
        done = builder.build("FROM parent\nENV B=c\n", {"a": "x"})
        assert "# Executing 2 build triggers" in done.stdout and builder.tree()["a"]["content"] == b"x"
        assert "T=1" in builder.config()["Env"] and "OnBuild" not in builder.config()


def test_add_fetches_urls():
    import http.server  # noqa: PLC0415
    import threading  # noqa: PLC0415

    class Files(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_GET(self):
            body = b"downloaded"
            self.send_response(200 if self.path.startswith("/file") else 404)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Last-Modified", "Thu, 01 Jan 2015 00:00:00 GMT")
            self.end_headers()
            self.wfile.write(body)

    with Builder() as builder, http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = "http://127.0.0.1:%d/file" % server.server_port
        sum_ = "sha256:" + __import__("hashlib").sha256(b"downloaded").hexdigest()
        builder.build("FROM ubuntu\nADD --checksum=%s %s?x=y /into/\nADD %s /renamed\n" % (sum_, url, url))
        assert builder.tree()["into/file"]["mode"] == 0o600 and builder.tree()["renamed"]["content"] == b"downloaded"
        assert builder.build("FROM ubuntu\nADD %s /renamed\n" % url).returncode == 0
        refused(builder.build("FROM ubuntu\nADD --checksum=%s %s /x\n" % (sum_.replace("a", "b"), url), check=False), "found the digest " + sum_)
        refused(builder.build("FROM ubuntu\nADD %s /x\n" % url.replace("file", "none"), check=False), "404")
        server.shutdown()


def test_options_of_the_command():
    with Builder() as builder:
        done = builder.build("FROM ubuntu\nLABEL a=b\n", None, "--label", "c=d e", "--iidfile", builder.work + "/id", "-q", "-t", "second:2")
        identity = builder.images()["made:latest"]["id"]
        assert done.stdout == "sha256:%s\n" % identity == open(builder.work + "/id").read() + "\n", done
        assert builder.images()["second:2"]["id"] == identity and builder.config()["Labels"] == {"a": "b", "c": "d e"}
        machine = builder.document()["architecture"]
        builder.build("FROM ubuntu\n", None, "--platform", "linux/" + machine)
        for what, options, words in (
                ("FROM ubuntu\n", ["--platform", "linux/s390"], ["linux/s390", machine]), ("FROM 127.0.0.1:1/none\n", [], ["127.0.0.1:1"]),
                ("FROM ubuntu\n", ["--network", "bridge"], ["--network"]), ("FROM ubuntu\n", ["--memory", "x"], ['"x"']),
                ("FROM ubuntu\nCOPY --parents a /\n", [], ["--parents"]), ("FROM ubuntu\nADD git@x:y.git /\n", [], ["git"]), ("FRM x\n", [], ["FRM", "^^^"]),
                ("FROM ubuntu\nENV A=%s\n" % ("x" * 1_000_000) + "".join("ENV B%d=$A\n" % i for i in range(6)), [], ["a configuration of"]),
                ("FROM ubuntu\n", ["-f", "/nothing"], ["/nothing"])):
            refused(builder.build(what, None, *options, check=False), *words)
        done = builder.build("FROM ubuntu\nENV NO=name\n", None, "-q", name=None)
        assert builder.build("FROM %s\nENV ON=it\n" % done.stdout.strip()[7:20]).returncode == 0 and "NO=name" in builder.config()["Env"], "by its id"
        builder.build("FROM ubuntu\n")
        assert builder.left() == []


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
