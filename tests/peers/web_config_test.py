# SPDX-License-Identifier: Apache-2.0
"""TLS and basic authentication by a web configuration file, with certificates of OpenSSL's and a real Prometheus."""
import base64
import concurrent.futures
import http.client
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
import warnings

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from mete_agent import Agent, free_port, run_tests, skip, wait_for  # noqa: E402

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import crypt  # bcrypt of the same libcrypt; hashes of other programs stand in the unit tests


def openssl(*args):
    if shutil.which("openssl") is None:
        skip("needs Debian's openssl")
    done = subprocess.run(["openssl", *args], capture_output=True, text=True)
    assert done.returncode == 0, "openssl %s: %s" % (" ".join(args), done.stderr)
    return done.stdout


class Authority:
    """A CA in a folder of its own, and what it signs."""

    def __init__(self, folder, name="mete test CA"):
        self.folder = folder
        os.makedirs(folder)
        self.cert = folder + "/ca.crt"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", folder + "/ca.key", "-out", self.cert,
                "-days", "2", "-subj", "/CN=" + name, "-addext", "basicConstraints=critical,CA:TRUE")

    def sign(self, name, san, usage="serverAuth", more=()):
        base = self.folder + "/" + name
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", base + ".key", "-out", base + ".csr", "-subj", "/CN=" + name)
        with open(base + ".ext", "w") as out:
            out.write("subjectAltName=%s\nextendedKeyUsage=%s\n" % (san, usage))
        openssl("x509", "-req", "-in", base + ".csr", "-CA", self.cert, "-CAkey", self.folder + "/ca.key", "-CAcreateserial", "-days", "1",
                "-extfile", base + ".ext", "-out", base + ".crt", *more)
        return base + ".crt", base + ".key"


def bcrypt(password, cost=5):
    return crypt.crypt(password, crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=2 ** cost))


def write(path, text):
    """As a person's editor or a renewer does: as a whole."""
    with open(path + ".new", "w") as out:
        out.write(text)
    os.rename(path + ".new", path)


def basic(user, password):
    return "Basic " + base64.b64encode(("%s:%s" % (user, password)).encode()).decode()


class Site:
    """An agent behind a web configuration file, and a client of its address."""

    def __init__(self, more="", tls=True, users=None, by_agent_yaml=False):
        self.by_agent_yaml = by_agent_yaml
        self.agent = Agent()
        self.folder = self.agent.work + "/web"
        os.makedirs(self.folder)
        self.ca = Authority(self.folder + "/ca")
        self.ca.sign("server", "IP:127.0.0.1,DNS:localhost")
        self.path = self.folder + "/web.yml"
        self.tls = tls
        self.configure(more, users)

    def configure(self, more="", users=None):
        text = "tls_server_config:\n  cert_file: ca/server.crt\n  key_file: ca/server.key\n" + more if self.tls else ""
        if users:
            text += "basic_auth_users:\n" + "".join("  %s: %s\n" % each for each in users.items())
        write(self.path, text)

    def __enter__(self):
        said = ["--web-config", self.path]
        if self.by_agent_yaml:
            write(self.folder + "/agent.yaml", "web: {configFile: web.yml}\n")
            said = ["--config", self.folder + "/agent.yaml"]
        self.agent.start(*said, wait=False)
        def listening():
            assert self.agent.process.poll() is None, self.agent.log_text()
            found = re.findall(r"(https?)://([0-9.:]+)/metrics, state", self.agent.log_text())
            if found:
                self.agent.scheme, self.agent.address = found[-1]
            return found
        wait_for("the agent to listen", listening)
        assert self.agent.scheme == ("https" if self.tls else "http")
        return self

    def __exit__(self, kind, error, trace):
        self.agent.__exit__(kind, error, trace)

    @property
    def port(self):
        return int(self.agent.address.rsplit(":", 1)[1])

    def context(self, ca=None, client=None, most=None):
        context = ssl.create_default_context(cafile=ca or self.ca.cert)
        if client:
            context.load_cert_chain(*client)
        if most:
            context.maximum_version = most
        return context

    def connection(self, context=None):
        if not self.tls:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=20, context=context or self.context())

    def get(self, path="/healthz", authorization=None, context=None):
        """Status and body."""
        connection = self.connection(context)
        try:
            connection.request("GET", path, headers={"Authorization": authorization} if authorization else {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def refused(self, context):
        """The handshake, or with TLS 1.3 what follows it, fails."""
        try:
            found = self.get(context=context)
        except (ssl.SSLError, ConnectionError, http.client.RemoteDisconnected):
            return True
        raise AssertionError("answered %s" % (found,))

    def serial(self):
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as raw, self.context().wrap_socket(raw, server_hostname="127.0.0.1") as tls:
            return tls.getpeercert()["serialNumber"]


def raw(port, text):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as peer:
        peer.sendall(text)
        got = b""
        while True:
            more = peer.recv(65536)
            if not more:
                return got.decode(errors="replace")
            got += more


def test_tls_and_plain_http_to_it():
    with Site() as site:
        assert site.get() == (200, "ok\n")
        status, body = site.get("/metrics")
        assert status == 200 and "mete_agent_build_info" in body, body[:500]
        assert raw(site.port, b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").startswith("HTTP/1.1 400 "), "plain HTTP to the TLS port"
        assert "HTTPS" in raw(site.port, b"GET /metrics HTTP/1.0\r\n\r\n")
        other = Authority(site.folder + "/other", "somebody else")
        assert site.refused(site.context(ca=other.cert))
        assert site.get("/sd")[1] and json.loads(site.get("/sd")[1])[0]["labels"]["__scheme__"] == "https"
        # The unix socket speaks plain HTTP to its owner.
        assert site.agent.pods() == []
        # One connection, many requests, also of a body in pieces.
        connection = site.connection()
        for path in ("/healthz", "/metrics", "/nothing", "/metrics"):
            connection.request("GET", path)
            answer = connection.getresponse()
            assert answer.read() and answer.status == (404 if path == "/nothing" else 200), path
        connection.close()
        with concurrent.futures.ThreadPoolExecutor(100) as pool:
            assert all(status == 200 and text.count("mete_agent_build_info{") == 1 for status, text in pool.map(lambda _: site.get("/metrics"), range(100)))
        # HTTP/1.0: the body's end is a TLS end, so that it cannot be cut unseen.
        with socket.create_connection(("127.0.0.1", site.port), timeout=10) as peer, site.context().wrap_socket(peer, server_hostname="127.0.0.1", suppress_ragged_eofs=False) as tls:
            tls.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
            got = b""
            while True:
                more = tls.recv(65536)
                if not more:
                    break
                got += more
            assert b"\r\n\r\n" in got and got.endswith(b"\n"), got[-200:]


def test_a_handshake_that_stalls_holds_up_nobody():
    with Site() as site:
        stalled = [socket.create_connection(("127.0.0.1", site.port)) for _ in range(100)]
        for each in stalled[:50]:
            each.sendall(b"\x16\x03\x01")
        begin = time.monotonic()
        assert site.get() == (200, "ok\n")
        assert time.monotonic() - begin < 2
        for each in stalled:
            each.close()
        assert site.get() == (200, "ok\n")


def test_versions_and_ciphers():
    with Site("  min_version: TLS13\n") as site:
        assert site.get()[0] == 200
        assert site.refused(site.context(most=ssl.TLSVersion.TLSv1_2))
    with Site("  max_version: TLS12\n  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]\n  curve_preferences: [CurveP384]\n") as site:
        with socket.create_connection(("127.0.0.1", site.port), timeout=10) as peer, site.context().wrap_socket(peer, server_hostname="127.0.0.1") as tls:
            assert tls.cipher()[:2] == ("ECDHE-ECDSA-AES256-GCM-SHA384", "TLSv1.2"), tls.cipher()
        other = site.context(most=ssl.TLSVersion.TLSv1_2)
        other.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
        assert site.refused(other)


def mutual(site, auth, sans=""):
    site.configure("  client_ca_file: clients/ca.crt\n  client_auth_type: %s\n%s" % (auth, sans))


def test_mutual_tls():
    site = Site()
    clients = Authority(site.folder + "/clients", "clients")
    scraper = clients.sign("scraper", "DNS:scraper.example,IP:192.0.2.7,email:a@b.example,URI:spiffe://x/y", "clientAuth")
    other = clients.sign("other", "DNS:other.example", "clientAuth")
    server_only = clients.sign("server", "DNS:scraper.example", "serverAuth")
    stranger = Authority(site.folder + "/stranger", "stranger").sign("scraper", "DNS:scraper.example", "clientAuth")
    mutual(site, "RequireAndVerifyClientCert")
    with site:
        assert site.refused(site.context())
        assert site.refused(site.context(client=stranger))
        assert site.refused(site.context(client=server_only))
        assert site.get(context=site.context(client=scraper))[0] == 200
        assert site.get(context=site.context(client=other))[0] == 200
        for name in ("scraper.example", "192.0.2.7", "a@b.example", "spiffe://x/y"):
            mutual(site, "RequireAndVerifyClientCert", '  client_allowed_sans: ["nobody", "%s"]\n' % name)
            assert site.get(context=site.context(client=scraper))[0] == 200, name
            assert site.refused(site.context(client=other)), name
            assert site.refused(site.context(client=stranger)), name
        mutual(site, "VerifyClientCertIfGiven")
        assert site.get()[0] == 200
        assert site.get(context=site.context(client=scraper))[0] == 200
        assert site.refused(site.context(client=stranger))
        mutual(site, "RequireAnyClientCert")
        assert site.refused(site.context())
        assert site.get(context=site.context(client=stranger))[0] == 200
        mutual(site, "RequireAnyClientCert", "  client_allowed_sans: [scraper.example]\n")
        assert site.get(context=site.context(client=stranger))[0] == 200
        assert site.refused(site.context(client=other))
        mutual(site, "RequestClientCert")
        assert site.get()[0] == 200
        assert site.get(context=site.context(client=stranger))[0] == 200


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
        assert len(known) > 10 and known[len(known) // 2] < one / 4, (one, known)


def test_certificates_are_taken_when_they_change():
    with Site() as site:
        first = site.serial()
        # Two files are changed one after the other: between that they do not fit, and the old ones stay.
        site.ca.sign("next", "IP:127.0.0.1")
        shutil.copy(site.folder + "/ca/next.crt", site.folder + "/ca/x")
        os.rename(site.folder + "/ca/x", site.folder + "/ca/server.crt")
        assert site.serial() == first
        refused = site.agent.events("WebConfigRefused")
        assert len(refused) == 1 and "does not belong to the certificate" in refused[0]["message"] and "ca/server.key" in refused[0]["message"], refused
        assert site.serial() == first and len(site.agent.events("WebConfigRefused")) == 1, "told once"
        shutil.copy(site.folder + "/ca/next.key", site.folder + "/ca/server.key")
        second = site.serial()
        assert second != first
        assert len(site.agent.events("WebConfigChanged")) == 1
        # What is broken, empty or gone changes nothing, and opens nothing.
        good = open(site.path).read()
        for broken in ("", "tls_server_config: {}\n", "tls_server_conf: {}\n", "a: [", good.replace("server.crt", "none.crt"), good.replace("server.key", "ca.crt"),
                       good + "  min_version: TLS99\n"):
            before = len(site.agent.events("WebConfigRefused"))
            write(site.path, broken)
            assert site.serial() == second, broken
            assert raw(site.port, b"GET / HTTP/1.0\r\n\r\n").startswith("HTTP/1.1 400"), broken
            assert len(site.agent.events("WebConfigRefused")) == before + 1, (broken, site.agent.events())
        os.unlink(site.path)
        assert site.serial() == second
        write(site.path, good)
        assert site.serial() == second
        # In place and at once twice, within one tick of the file system's clock.
        for name in ("server", "next"):
            for end in (".crt", ".key"):
                with open(site.folder + "/ca/" + name + end, "rb") as source, open(site.folder + "/ca/server" + end, "r+b") as out:
                    data = source.read()
                    out.write(data)
                    out.truncate(len(data))
        assert site.get()[0] == 200


def start_wrong(text, files=None):
    """The agent's last words, with this web configuration."""
    with Agent() as agent:
        path = agent.work + "/web.yml"
        if text is not None:
            write(path, text)
        for name, content in (files or {}).items():
            write(agent.work + "/" + name, content)
        agent.start("--web-config", path, wait=False)
        code = agent.process.wait(20)
        assert code == 1, (code, agent.log_text())
        assert not os.path.exists("/sys/fs/cgroup/cpu" + agent.parent), "it has made a cgroup"
        lines = agent.log_text().strip().splitlines()
        assert len(lines) == 1, lines
        return lines[0].replace(agent.work, "WORK")


def test_a_request_that_comes_with_the_end_of_the_handshake():
    """In one segment with it, cut in the middle of a record, and byte by byte."""
    with Site() as site:
        for most in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            for cut in (None, 40, -10, 1):
                came, goes = ssl.MemoryBIO(), ssl.MemoryBIO()
                client = site.context(most=most).wrap_bio(came, goes, server_hostname="127.0.0.1")
                with socket.create_connection(("127.0.0.1", site.port), timeout=10) as raw:
                    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    while True:
                        try:
                            client.do_handshake()
                            break
                        except ssl.SSLWantReadError:
                            raw.sendall(goes.read())
                            came.write(raw.recv(65536))
                    client.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                    last = goes.read()
                    parts = [last] if cut is None else [last[i:i + 1] for i in range(len(last))] if cut == 1 else [last[:cut], last[cut:]]
                    for part in parts:
                        raw.sendall(part)
                        time.sleep(0.001 if cut == 1 else 0.02)
                    answer = b""
                    while b"\r\n\r\nok\n" not in answer:
                        try:
                            answer += client.read(65536)
                        except ssl.SSLWantReadError:
                            data = raw.recv(65536)
                            assert data, (most, cut, answer)
                            came.write(data)
                assert answer.startswith(b"HTTP/1.1 200"), (most, cut, answer)


def test_agent_yaml_names_the_file_too():
    with Site(users={"prometheus": bcrypt("secret")}, by_agent_yaml=True) as site:
        assert site.get()[0] == 401
        assert site.get(authorization=basic("prometheus", "secret"))[0] == 200


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
        assert agent.process.wait(20) == 1
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
    if shutil.which("prometheus") is None:
        skip("needs prometheus of Debian's package prometheus")
    with Site(users={"prometheus": bcrypt("correct horse", 10)}) as site:
        folder = site.folder + "/prometheus"
        os.makedirs(folder)
        with open(folder + "/prometheus.yml", "w") as out:
            out.write(PROMETHEUS % {"port": site.port, "ca": site.ca.cert})
        port = free_port()
        log = open(folder + "/log", "w")
        process = subprocess.Popen(["prometheus", "--config.file=" + folder + "/prometheus.yml", "--storage.tsdb.path=" + folder + "/data",
                                    "--web.listen-address=127.0.0.1:%d" % port, "--log.level=warn"], stdout=log, stderr=log, cwd=folder)
        try:
            def api(path):
                try:
                    with urllib.request.urlopen("http://127.0.0.1:%d/api/v1/%s" % (port, path), timeout=10) as answer:
                        return json.load(answer)["data"]
                except OSError:
                    assert process.poll() is None, open(folder + "/log").read()
                    return None
            target = wait_for("a target that is up", lambda: next((each for each in api("targets")["activeTargets"] if each["health"] != "unknown"), None), 60, 0.2)
            assert target["health"] == "up" and target["lastError"] == "", target
            assert target["scrapeUrl"] == "https://localhost:%d/metrics" % site.port, target
            assert target["discoveredLabels"]["__meta_mete_machine"] == socket.gethostname(), target
            found = wait_for("a sample", lambda: api("query?query=mete_agent_build_info")["result"], 20, 0.2)
            assert found[0]["metric"]["instance"] == "localhost:%d" % site.port, found
            # A new certificate and a new password: the scrapes go on with the one, and fail for want of the other.
            site.ca.sign("server", "IP:127.0.0.1,DNS:localhost")
            time.sleep(3)
            assert api("targets")["activeTargets"][0]["health"] == "up", api("targets")
            site.configure(users={"prometheus": bcrypt("another")})
            down = wait_for("the target to be down", lambda: next((each for each in api("targets")["activeTargets"] if each["health"] == "down"), None), 20, 0.2)
            assert "401" in down["lastError"], down
        finally:
            process.terminate()
            process.wait(20)
            log.close()


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
