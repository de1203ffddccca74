# SPDX-License-Identifier: Apache-2.0
"""`mete search` and the API's GET /images/search: Docker Hub's form of a search, the catalog of a plain registry, and one that has neither."""
import json
import sys
import urllib.parse

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from docker_api import Docker  # noqa: E402
from mete_agent import Agent, run_tests  # noqa: E402
from registries import DockerRegistry, Image, LyingRegistry, Store  # noqa: E402

RESULTS = [{"name": "team/few", "description": "a\nb", "star_count": 2, "is_official": False, "is_automated": True},
           {"name": "web", "description": "x" * 60, "star_count": 70, "is_official": True, "is_automated": False}]


def with_search(registry):
    """As Docker Hub answers."""
    def answer(handler):
        if not handler.path.startswith("/v1/search"):
            return False
        handler.answer(200, json.dumps({"num_results": 2, "results": RESULTS}).encode())
        return True
    registry.refuse = answer


def test_a_registry_that_has_a_search():
    with LyingRegistry() as registry, Store() as store:
        with_search(registry)
        done = store.mete("search", registry.host + "/web")
        lines = done.stdout.splitlines()
        assert lines[0].split() == ["NAME", "DESCRIPTION", "STARS", "OFFICIAL"], lines
        assert lines[1].split() == [registry.host + "/web", "x" * 44 + "…", "70", "[OK]"], lines
        assert lines[2].split() == [registry.host + "/team/few", "a", "b", "2"], lines
        asked = urllib.parse.parse_qs(urllib.parse.urlparse(registry.asked("/v1/search")[-1][1]).query)
        assert asked["q"] == ["web"], asked
        rows = store.mete("search", "--no-trunc", "--filter", "stars=3", "--format", "{{.Name}} {{.StarCount}} {{.Description}}", registry.host + "/web").stdout
        assert rows == "%s/web 70 %s\n" % (registry.host, "x" * 60), rows
        assert store.mete("search", "--limit", "1", "--format", "{{.Name}}", registry.host + "/web").stdout == registry.host + "/web\n"
        assert store.mete("search", "-f", "is-automated=true", "--format", "{{.Name}}", registry.host + "/x").stdout == registry.host + "/team/few\n"
        for words in (["--limit", "0", "a"], ["--filter", "name=x", "a"], [""]):
            assert store.mete("search", *words, check=False).returncode == 2, words


def test_a_plain_registry_gives_its_catalog():
    with DockerRegistry() as registry, Store() as store:
        for name in ("team/app", "team/other", "application"):
            whole = "%s/%s:1" % (registry.host, name)
            store.mete("image", "import", Image({"a": name.encode()}).archive(store.work + "/archive.tar", whole), whole)
            store.mete("push", whole)
        names = store.mete("search", "--format", "{{.Name}}", registry.host + "/APP").stdout.split()
        assert sorted(names) == [registry.host + "/application", registry.host + "/team/app"], names
        assert len(store.mete("search", "--format", "{{.Name}}", registry.host + "/").stdout.split()) == 3


def test_pages_end_and_a_registry_that_has_nothing_is_an_error():
    with LyingRegistry() as registry, Store() as store:
        done = store.mete("search", registry.host + "/web", check=False)
        assert done.returncode == 1 and "neither /v1/search nor /v2/_catalog" in done.stderr, done

        def same_page_for_ever(handler):
            if "_catalog" not in handler.path:
                return False
            handler.answer(200, b'{"repositories":["web"]}', Link='</v2/_catalog?last=web&n=1>; rel="next"')
            return True
        registry.refuse = same_page_for_ever
        assert store.mete("search", "--format", "{{.Name}}", registry.host + "/web").stdout == registry.host + "/web\n"
        assert len(registry.asked("_catalog")) <= 4, registry.requests


def test_the_api_searches():
    with Agent() as agent, LyingRegistry() as registry:
        with_search(registry)
        agent.start()
        docker = Docker(agent)
        found = docker.get("/images/search", term=registry.host + "/web", limit=1, filters=json.dumps({"is-official": ["true"]}))
        assert found == [{**RESULTS[1], "name": registry.host + "/web"}], found
        registry.refuse = None
        answer = docker.ask("GET", "/images/search", term=registry.host + "/web")
        assert answer.status == 500 and "neither /v1/search" in answer.message, answer.body
        assert docker.ask("GET", "/images/search", term="").status == 400
        assert docker.ask("GET", "/images/search", term="a", filters=json.dumps({"color": ["red"]})).status == 400


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
