# SPDX-License-Identifier: Apache-2.0
"""Basic authentication by a web configuration file."""
import concurrent.futures
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from mete_agent import run_tests  # noqa: E402
from web_site import Site, basic, bcrypt  # noqa: E402


def test_basic_authentication():
    users = {"alice": bcrypt("wonder: land"), "bob": bcrypt("b", 6)}
    with Site(tls=False, users=users) as site:
        assert site.get(authorization=basic("alice", "wonder: land")) == (200, "ok\n")
        assert site.get(authorization=basic("bob", "b")) == (200, "ok\n")
        for wrong in (None, basic("alice", "b"), basic("bob", "wonder: land"), basic("carol", "b"), basic("", ""), basic("alice", ""), "Bearer x", "Basic",
                      basic("bob", "b\0c"), basic("alice", users["alice"])):
            status, body = site.get("/metrics", authorization=wrong)
            assert (status, body) == (401, "Unauthorized\n"), (wrong, status, body)
        connection = site.connection()
        connection.request("GET", "/")
        assert connection.getresponse().getheader("WWW-Authenticate") == "Basic"
        assert site.agent.pods() == [], "the unix socket asks nobody"
        assert 'mete_agent_http_refused_total{reason="auth"}' in site.get("/metrics", basic("bob", "b"))[1]
        # Another password holds from the next request on, also on a connection that is open.
        connection = site.connection()
        def ask(password):
            connection.request("GET", "/healthz", headers={"Authorization": basic("bob", password)})
            answer = connection.getresponse()
            answer.read()
            return answer.status
        assert ask("b") == 200
        site.configure(users={"bob": bcrypt("c")})
        assert (ask("b"), ask("c")) == (401, 200)


def test_checking_passwords_does_not_stall_the_loop():
    with Site(tls=False, users={"alice": bcrypt("right", 13)}) as site:  # half a second each
        begin = time.monotonic()
        assert site.get(authorization=basic("alice", "right"))[0] == 200
        one = time.monotonic() - begin
        assert one > 0.1, "this machine is too fast for this test: %.3f s" % one
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            guesses = [pool.submit(site.get, "/healthz", basic("alice", "guess %d" % i)) for i in range(8)]
            known = []
            while not all(each.done() for each in guesses):
                begin = time.monotonic()
                assert site.get(authorization=basic("alice", "right"))[0] == 200
                known.append(time.monotonic() - begin)
                time.sleep(0.02)
            assert {each.result()[0] for each in guesses} == {401}
        known.sort()
        # Who waited for a guess would wait for several times as long as one takes.
        assert len(known) > 3 and known[len(known) // 2] < one, (one, known)


def test_agent_yaml_names_the_file_too():
    with Site(users={"prometheus": bcrypt("secret")}, by_agent_yaml=True) as site:
        assert site.get()[0] == 401
        assert site.get(authorization=basic("prometheus", "secret"))[0] == 200


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
