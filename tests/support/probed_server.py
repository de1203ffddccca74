# SPDX-License-Identifier: Apache-2.0
"""A server on the machine's loopback, or on that of a container, that answers probes as a test wants."""
import socket
import ssl
import struct
import threading
import time

from own_network import CLONE_NEWNET, libc

RESET = object()  # an answer: the connection is reset


def http_answer(status, body="fine", *headers):
    lines = ["HTTP/1.1 %d Said" % status, "Content-Length: %d" % len(body), *headers]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def frame(kind, flags, stream, payload):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def grpc_answer(status):
    """What a gRPC server says of its health: settings, headers, message, trailers (names and values as they are, in no table)."""
    def literal(name, value):
        return bytes([0, len(name)]) + name + bytes([len(value)]) + value
    return (frame(4, 0, 0, b"") + frame(4, 1, 0, b"") + frame(1, 4, 1, b"\x88" + literal(b"content-type", b"application/grpc"))
            + frame(0, 0, 1, bytes([0, 0, 0, 0, 2, 8, status])) + frame(1, 5, 1, literal(b"grpc-status", b"0")))


class ProbedServer:
    """`answer`: the bytes; None: it takes the request and does not answer. `flaps`: every other answer is a 503. `pause`: seconds before
    each half of an answer. `inside`: a process whose network namespace it listens in, and the port."""

    def __init__(self, tls=None, begin=b"GET ", inside=None):
        self.answer, self.flaps, self.pause, self.requests, self.kept = http_answer(200), False, 0, [], []
        self.begin, self.context = begin, None
        if tls:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*tls)
        self.socket = self.listen(*inside) if inside else socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    @staticmethod
    def listen(pid, port):
        made = []

        def there():  # a thread that ends with it: what it makes stays in that namespace
            with open("/proc/%d/ns/net" % pid) as space:
                assert libc.setns(space.fileno(), CLONE_NEWNET) == 0, space.name
            made.append(socket.create_server(("127.0.0.1", port), backlog=64))
        thread = threading.Thread(target=there)
        thread.start()
        thread.join()
        return made[0]

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def serve(self):
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve_one, args=(peer,), daemon=True).start()

    def serve_one(self, peer):
        try:
            if self.context:
                peer = self.context.wrap_socket(peer, server_side=True)
            got = peer.recv(65536)
            if not got:  # a connection alone
                return
            if got.startswith(b"GET "):
                while b"\r\n\r\n" not in got:
                    got += peer.recv(65536)
            self.requests.append(got.decode("latin-1"))
            answer = self.answer
            if answer is None:
                self.kept.append(peer)
                return
            if self.flaps and len(self.requests) % 2:
                answer = http_answer(503)
            if answer is RESET:
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                peer.close()
                return
            for part in (answer[:len(answer) // 2], answer[len(answer) // 2:]) if self.pause else (answer,):
                time.sleep(self.pause)
                peer.sendall(part)
            peer.shutdown(socket.SHUT_WR)
            while peer.recv(65536):
                pass
            peer.close()
        except OSError:
            pass
