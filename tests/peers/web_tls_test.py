# SPDX-License-Identifier: Apache-2.0
"""TLS by a web configuration file: versions, client certificates, certificates that change, handshakes that stall or are cut."""
import concurrent.futures
import json
import os
import shutil
import socket
import ssl
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from mete_agent import run_tests, write  # noqa: E402
from web_site import Authority, Site, raw  # noqa: E402


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
        with socket.create_connection(("127.0.0.1", site.port), timeout=60) as peer, site.context().wrap_socket(peer, server_hostname="127.0.0.1", suppress_ragged_eofs=False) as tls:
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
        assert site.get() == (200, "ok\n"), "it waits for those that stall"
        for each in stalled:
            each.close()
        assert site.get() == (200, "ok\n")


def test_versions_and_ciphers():
    with Site("  min_version: TLS13\n") as site:
        assert site.get()[0] == 200
        assert site.refused(site.context(most=ssl.TLSVersion.TLSv1_2))
    with Site("  max_version: TLS12\n  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]\n  curve_preferences: [CurveP384]\n") as site:
        with socket.create_connection(("127.0.0.1", site.port), timeout=60) as peer, site.context().wrap_socket(peer, server_hostname="127.0.0.1") as tls:
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
            # Once for what was written, and once more where its time is that of the reading, so that it is read again.
            assert before < len(site.agent.events("WebConfigRefused")) <= before + 2, (broken, site.agent.events())
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


def test_a_request_that_comes_with_the_end_of_the_handshake():
    """In one segment with it, cut in the middle of a record, and byte by byte."""
    with Site() as site:
        for most in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            for cut in (None, 40, -10, 1):
                came, goes = ssl.MemoryBIO(), ssl.MemoryBIO()
                client = site.context(most=most).wrap_bio(came, goes, server_hostname="127.0.0.1")
                with socket.create_connection(("127.0.0.1", site.port), timeout=60) as raw:
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


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
