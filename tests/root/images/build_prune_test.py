# SPDX-License-Identifier: Apache-2.0
"""`mete builder prune` and the API's POST /build/prune: what goes, what stays, docker's words."""
import json
import os
import re
import subprocess
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from builds import Builder  # noqa: E402
from docker_api import Docker  # noqa: E402
from mete_agent import Agent, run_tests  # noqa: E402

STEPS = "FROM ubuntu\nRUN echo %s > /a && dd if=/dev/zero of=/big bs=1k count=200\nRUN --mount=type=cache,id=c,target=/c echo kept > /c/x\n"


def kept(builder):
    folder = builder.state + "/images/build/"
    return {name: sorted(os.listdir(folder + name)) for name in ("cache", "kept", "mounts") if os.path.isdir(folder + name)}


def test_dangling_steps_go_and_all_with_a():
    with Builder() as builder:
        builder.build(STEPS % "old")
        builder.build(STEPS % "new")  # the first image has lost its name, and is gone
        layers = builder.layers()
        before = kept(builder)
        assert len(before["kept"]) == 2 and len(before["mounts"]) == 1, before
        refused_word = builder.mete("builder", "prune", "-f", "--filter", "label=x", check=False)
        assert refused_word.returncode == 2 and "until=" in refused_word.stderr, refused_word
        assert "Total reclaimed space: 0B" in builder.mete("builder", "prune", "-f", "--filter", "until=1h").stdout
        done = builder.mete("builder", "prune", "-f")
        assert re.fullmatch(r"Deleted build cache objects:\n[0-9a-f]{25}\n\nTotal reclaimed space: 20[0-9]\.?[0-9]*kB\n", done.stdout), done.stdout
        assert len(builder.layers()) == len(layers) - 1 and len(kept(builder)["mounts"]) == 1
        assert builder.build(STEPS % "new").stdout.count("Using cache") == 2, "what an image has stays known"
        asked = builder.mete("builder", "prune", "-a", input="n\n")
        assert asked.stdout == "WARNING! This will remove all build cache.\nAre you sure you want to continue? [y/N] ", asked.stdout
        builder.mete("builder", "prune", "-a", input="y\n")
        assert kept(builder) == {"cache": [], "kept": [], "mounts": []}, kept(builder)
        assert builder.tree()["a"]["content"] == b"new\n", "the image is whole"
        assert builder.build(STEPS % "new").stdout.count("Using cache") == 0


def test_a_build_that_runs_keeps_its_own():
    with Builder() as builder:
        context = builder.context({"Dockerfile": "FROM ubuntu\nRUN echo first > /first\nRUN --mount=type=cache,id=c,target=/c touch /c/begun && "
                                                 "for i in $(seq 300); do [ -e /c/go ] && break; sleep 0.1; done; ls /c > /seen\n"})
        running = subprocess.Popen(builder.words(*builder.options("-t", "made", context)), env=builder.environment, stdout=subprocess.DEVNULL)
        mounts = builder.state + "/images/build/mounts"
        begun = None
        while begun is None:
            assert running.poll() is None
            begun = next((mounts + "/" + each for each in (os.listdir(mounts) if os.path.isdir(mounts) else []) if os.path.exists(mounts + "/" + each + "/begun")), None)
            time.sleep(0.02)
        builder.mete("builder", "prune", "-a", "-f")
        open(begun + "/go", "w").close()
        assert running.wait() == 0
        tree = builder.tree()
        assert tree["first"]["content"] == b"first\n" and tree["seen"]["content"] == b"begun\ngo\n"


def test_the_api_prunes():
    with Agent() as agent:
        agent.start()
        with Builder(base=False) as builder:
            builder.state = agent.state
            root = builder.context({"etc/release": "1\n"})
            builder.mete("image", "import", root, "ubuntu")
            builder.build("FROM ubuntu\nCOPY x /x\n", {"x": "y" * 5000})
            builder.mete("rmi", "made")
            docker = Docker(agent)
            kept_all = docker.post("/build/prune", filters=json.dumps({"until": ["1h"]})).json()
            assert kept_all == {"CachesDeleted": None, "SpaceReclaimed": 0}, kept_all
            pruned = docker.post("/build/prune").json()
            assert len(pruned["CachesDeleted"]) == 1 and pruned["SpaceReclaimed"] >= 5000, pruned
            docker.post("/build/prune", expect=(400,), filters=json.dumps({"id": ["x"]}))


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
