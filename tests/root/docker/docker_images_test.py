# SPDX-License-Identifier: Apache-2.0
"""Which images docker's clients list and save."""
import io
import json
import sys
import tarfile
import time

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from docker_api import Docker  # noqa: E402
from mete_agent import Agent, run_tests  # noqa: E402


def commit(docker, name):
    """An image of that name, made later than those that are there."""
    time.sleep(1.1)
    docker.run("made", ["sh", "-c", "date > /made"])
    docker.ask("POST", "/containers/made/wait")
    repository, tag = name.split(":")
    assert docker.ask("POST", "/commit", container="made", repo=repository, tag=tag).status == 201
    docker.remove("made")


def listed(docker, **filters):
    answer = docker.ask("GET", "/images/json", filters=json.dumps(filters))
    assert answer.status == 200, answer
    return sorted(name for row in answer.json() for name in row["RepoTags"])


def saved(docker, *names):
    answer = docker.ask("GET", "/images/get?" + "&".join("names=" + each for each in names))
    assert answer.status == 200, answer
    with tarfile.open(fileobj=io.BytesIO(answer.body)) as archive:
        return sorted(name for each in json.load(archive.extractfile("manifest.json")) for name in each["RepoTags"] or [])


def test_images_are_listed_by_their_time_and_their_name():
    with Agent().start("--network", "none") as agent:
        docker = Docker(agent)
        commit(docker, "shop/first:1")
        commit(docker, "shop/second:2")
        assert listed(docker, before=["shop/second:2"]) == ["busybox:latest", "shop/first:1"]
        assert listed(docker, since=["busybox"]) == ["shop/first:1", "shop/second:2"]
        assert listed(docker, since=["busybox"], before=["shop/second:2"]) == ["shop/first:1"]
        assert listed(docker, before=["busybox"]) == listed(docker, since=["shop/second:2"]) == []
        for word in ("before", "since"):
            refused = docker.ask("GET", "/images/json", filters=json.dumps({word: ["nosuch:1"]}))
            assert refused.status == 404 and "nosuch:1" in refused.message, refused
        assert listed(docker, reference=["shop/*"]) == listed(docker, reference=["shop/[fs]*:?"]) == ["shop/first:1", "shop/second:2"]
        assert listed(docker, reference=["*"]) == ["busybox:latest"]


def test_a_repository_is_saved_whole_and_an_id_without_a_name():
    with Agent().start("--network", "none") as agent:
        docker = Docker(agent)
        commit(docker, "shop:1")
        for tag in ("latest", "2"):
            assert docker.ask("POST", "/images/busybox/tag", repo="shop", tag=tag).status == 201
        assert saved(docker, "shop") == ["shop:1", "shop:2", "shop:latest"]
        assert saved(docker, "shop:1") == ["shop:1"]
        assert saved(docker, docker.get("/images/shop:1/json")["Id"]) == []
        refused = docker.ask("GET", "/images/nosuch/get")
        assert refused.status == 404 and "nosuch" in refused.message, refused
        agent.mete("save", "-o", agent.work + "/shop.tar", "shop")
        with tarfile.open(agent.work + "/shop.tar") as archive:
            assert sorted(name for each in json.load(archive.extractfile("manifest.json")) for name in each["RepoTags"]) == ["shop:1", "shop:2", "shop:latest"]


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
