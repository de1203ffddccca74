# SPDX-License-Identifier: Apache-2.0
"""An agent behind a web configuration file, with certificates of OpenSSL's, and a client of its address."""
import base64
import http.client
import os
import shutil
import socket
import ssl
import subprocess
import warnings

from mete_agent import Agent, skip, wait_for, write

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

    def sign(self, name, san, usage="serverAuth", more=(), subject=None):
        base = self.folder + "/" + name
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", base + ".key", "-out", base + ".csr", "-subj", subject or "/CN=" + name)
        with open(base + ".ext", "w") as out:
            out.write("subjectAltName=%s\nextendedKeyUsage=%s\n" % (san, usage))
        openssl("x509", "-req", "-in", base + ".csr", "-CA", self.cert, "-CAkey", self.folder + "/ca.key", "-CAcreateserial", "-days", "1",
                "-extfile", base + ".ext", "-out", base + ".crt", *more)
        return base + ".crt", base + ".key"


def bcrypt(password, cost=5):
    return crypt.crypt(password, crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=2 ** cost))


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
        wait_for("the agent to listen", self.agent.listens)
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
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=60, context=context or self.context())

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
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as raw, self.context().wrap_socket(raw, server_hostname="127.0.0.1") as tls:
            return tls.getpeercert()["serialNumber"]


def raw(port, text):
    with socket.create_connection(("127.0.0.1", port), timeout=60) as peer:
        peer.sendall(text)
        got = b""
        while True:
            more = peer.recv(65536)
            if not more:
                return got.decode(errors="replace")
            got += more
