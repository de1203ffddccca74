# SPDX-License-Identifier: Apache-2.0
"""How long TLS handshakes keep the agent's loop: its answer on the unix socket while clients do nothing but shake hands.

  handshake_lag.py [--seconds S] [--bits N]      default 5 s, an RSA key of 4096 bits, the costliest that people use

The floor is the same without handshakes, in the same run.
"""
import argparse
import http.client
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.request

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from cpu_time import by_thread  # noqa: E402
from mete_agent import Agent  # noqa: E402


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=10)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def latencies(agent, seconds):
    found = []
    connection = UnixConnection(agent.run + "/mete.sock")
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        begin = time.monotonic()
        connection.request("GET", "/healthz")
        connection.getresponse().read()
        found.append(1000 * (time.monotonic() - begin))
        time.sleep(0.001)
    return sorted(found)


def report(name, found):
    at = lambda share: found[min(len(found) - 1, int(share * len(found)))]  # noqa: E731
    print("%-24s %6d answers: median %.2f ms, 90 %% %.2f ms, 99 %% %.2f ms, slowest %.2f ms" % (name, len(found), at(0.5), at(0.9), at(0.99), found[-1]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--bits", type=int, default=4096)
    arguments = parser.parse_args()
    with Agent() as agent:
        key = agent.work + "/key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:%d" % arguments.bits, "-nodes", "-keyout", key, "-out", agent.work + "/cert.pem", "-days", "2",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        with open(agent.work + "/web.yml", "w") as out:
            out.write("tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n")
        context = ssl.create_default_context(cafile=agent.work + "/cert.pem")
        agent.opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context))
        agent.start("--web-config", agent.work + "/web.yml")
        host, port = agent.address.rsplit(":", 1)
        report("without handshakes", latencies(agent, arguments.seconds))
        stop = threading.Event()
        done = [0]

        def shake():
            while not stop.is_set():
                with socket.create_connection((host, int(port)), timeout=10) as raw, context.wrap_socket(raw, server_hostname=host):
                    done[0] += 1

        clients = [threading.Thread(target=shake) for _ in range(2)]
        before = by_thread(agent.process.pid)
        for client in clients:
            client.start()
        found = latencies(agent, arguments.seconds)
        stop.set()
        for client in clients:
            client.join()
        after = by_thread(agent.process.pid)
        report("with %d handshakes" % done[0], found)
        print("CPU by thread, ms a handshake: " + ", ".join("%s %.2f" % (name, 1000 * (after[name] - before.get(name, 0)) / max(1, done[0])) for name in sorted(after)))


if __name__ == "__main__":
    main()
