# SPDX-License-Identifier: Apache-2.0
"""`mete build`: the four lines of every newcomer, stages, the cache, options, kill -9."""
import os
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from builds import FOUR_LINES, Builder, ids, refused, write_files  # noqa: E402
from mete_agent import Agent, run_tests, wait_for  # noqa: E402
from registries import DockerRegistry  # noqa: E402

SERVER = {"bin/amd64/httpserver": ("#!/bin/sh\necho serving on $MY_SERVICE_PORT\n", 0o755)}


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
