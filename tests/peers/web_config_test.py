# SPDX-License-Identifier: Apache-2.0
"""A web configuration file that is wrong, its headers and rate limit, and a real Prometheus that discovers and scrapes what is behind it."""
import os
import socket
import sys

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from mete_agent import Agent, run_tests, stays, wait_for, write  # noqa: E402
from prometheus_peer import Prometheus  # noqa: E402
from web_site import Authority, Site, bcrypt, openssl  # noqa: E402


def start_wrong(text, files=None):
    """The agent's last words, with this web configuration."""
    with Agent() as agent:
        path = agent.work + "/web.yml"
        if text is not None:
            write(path, text)
        for name, content in (files or {}).items():
            write(agent.work + "/" + name, content)
        agent.start("--web-config", path, wait=False)
        code = agent.process.wait(60)
        assert code == 1, (code, agent.log_text())
        assert not os.path.exists("/sys/fs/cgroup/cpu" + agent.parent), "it has made a cgroup"
        lines = agent.log_text().strip().splitlines()
        assert len(lines) == 1, lines
        return lines[0].replace(agent.work, "WORK")


def test_a_wrong_file_and_the_agent_does_not_start():
    assert "web.yml: No such file" in start_wrong(None)
    assert "WORK/web.yml:1:1: tls_server_conf: unknown field, did you mean `tls_server_config`?" in start_wrong("tls_server_conf: {}\n")
    assert "(and 1 more)" in start_wrong("a: 1\nb: 2\n")
    assert "WORK/none.crt: No such file" in start_wrong("tls_server_config: {cert_file: none.crt, key_file: none.key}\n")
    said = start_wrong("tls_server_config: {cert_file: c.crt, key_file: c.key}\n", {"c.crt": "nonsense", "c.key": "nonsense"})
    assert "cert_file WORK/c.crt: found no certificate that can be read, expected PEM text" in said, said
    assert "no bcrypt hash" in start_wrong("basic_auth_users: {alice: secret}\n")


def test_a_key_with_a_pass_phrase_is_an_error_and_no_question():
    with Agent() as agent:
        ca = Authority(agent.work + "/ca")
        cert, key = ca.sign("server", "IP:127.0.0.1")
        openssl("ec", "-in", key, "-aes256", "-passout", "pass:x", "-out", key + ".locked")
        write(agent.work + "/web.yml", "tls_server_config: {cert_file: %s, key_file: %s.locked}\n" % (cert, key))
        agent.start("--web-config", agent.work + "/web.yml", wait=False)
        assert agent.process.wait(60) == 1
        assert "found no key that can be read" in agent.log_text() and "without a pass phrase" in agent.log_text(), agent.log_text()


def test_what_strangers_ask_for_makes_no_series():
    with Site(tls=False) as site:
        for method, path, status in (("POST", "/stranger/1", 405), ("GET", "/stranger/2", 404), ("PUT", "/metrics", 405), ("GET", "/mete/v1/stranger", 403)):
            connection = site.connection()
            connection.request(method, path)
            answer = connection.getresponse()
            assert answer.status == status, (path, answer.status)
            assert status != 405 or answer.getheader("Allow") == "GET, HEAD"
            connection.close()
        text = site.get("/metrics")[1]
        assert "stranger" not in text and 'handler="other"' in text, text


def test_headers_and_rate_limit():
    site = Site(tls=False)
    write(site.path, "http_server_config: {http2: true, headers: {X-Frame-Options: deny, Strict-Transport-Security: max-age=1}}\nrate_limit: {interval: 1h, burst: 5}\n")
    with site:
        seen = []
        for _ in range(7):
            connection = site.connection()
            connection.request("GET", "/healthz")
            answer = connection.getresponse()
            seen.append(answer.status)
            assert answer.getheader("X-Frame-Options") == "deny" and answer.getheader("Strict-Transport-Security") == "max-age=1"
            connection.close()
        assert seen == [200] * 5 + [429] * 2, seen


PROMETHEUS = """global: {scrape_interval: 1s}
scrape_configs:
- job_name: mete
  http_sd_configs:
  - url: https://localhost:%(port)d/sd
    refresh_interval: 5s
    basic_auth: {username: prometheus, password: "correct horse"}
    tls_config: {ca_file: %(ca)s}
  basic_auth: {username: prometheus, password: "correct horse"}
  tls_config: {ca_file: %(ca)s}
"""


def test_prometheus_discovers_and_scrapes_over_tls_with_a_password():
    with Site(users={"prometheus": bcrypt("correct horse", 10)}) as site:
        with Prometheus(site.agent, PROMETHEUS % {"port": site.port, "ca": site.ca.cert}) as prometheus:
            api = prometheus.api
            target = wait_for("a target that is up", lambda: next((each for each in api("targets")["activeTargets"] if each["health"] != "unknown"), None), 120, 0.2)
            assert target["health"] == "up" and target["lastError"] == "", target
            assert target["scrapeUrl"] == "https://localhost:%d/metrics" % site.port, target
            assert target["discoveredLabels"]["__meta_mete_machine"] == socket.gethostname(), target
            found = wait_for("a sample", lambda: api("query", query="mete_agent_build_info")["result"], 120, 0.2)
            assert found[0]["metric"]["instance"] == "localhost:%d" % site.port, found
            # A new certificate and a new password: the scrapes go on with the one, and fail for want of the other.
            site.ca.sign("server", "IP:127.0.0.1,DNS:localhost")
            stays("the target is up", lambda: api("targets")["activeTargets"][0]["health"] == "up", 3)
            site.configure(users={"prometheus": bcrypt("another")})
            down = wait_for("the target to be down", lambda: next((each for each in api("targets")["activeTargets"] if each["health"] == "down"), None), 120, 0.2)
            assert "401" in down["lastError"], down


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
