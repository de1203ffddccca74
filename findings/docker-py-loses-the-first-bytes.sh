#!/bin/bash
# python3-docker 5.0.3 (docker-py, Debian 12): what a command of exec writes is lost without an error when it arrives together with the head of the answer.
#
# For an answer that becomes a stream (101 UPGRADED of POST /exec/ID/start, and of attach) docker-py lets http.client read the head through a
# buffered reader, and then reads the stream from the socket below that reader. Bytes that the reader has taken with the head are never
# looked at. An engine sends the head first and the command's output later, so it works; but a quick command and a busy machine put both into
# one read of the client, and exec_start() returns nothing, or what follows the first bytes. Docker's own client, written in Go, reads
# the rest of its buffer first. The longer the output, the less shows: only its beginning is lost.
#
# Seen on 2026-11-29 (python3-docker 5.0.3-1, Python 3.11.2 of Debian 12) with an engine that answers with one frame "hello\n":
#   head, a pause, output: b'hello\n'
#   head and output in one piece: b''
#   head and the first frame in one piece, the second frame later: b'two\n'
# What helps: an engine that holds back the output until the client has read the head.
# This script fails when that changes. It needs Debian 12 and apt-get; the engine is a socket in a temporary folder.
set -eu
work=$(mktemp -d)
trap 'kill $(jobs -p) 2> /dev/null || true; wait; rm -rf "$work"' EXIT
cd "$work"
apt-get download -q python3-docker=5.0.3-1 python3-requests=2.28.1+dfsg-1 python3-urllib3=1.26.12-1+deb12u4 python3-websocket=1.2.3-1 \
  python3-charset-normalizer=3.0.1-2 python3-chardet=5.1.0+dfsg-2 python3-idna=3.3-1+deb12u1 python3-certifi=2022.9.24-1 python3-six=1.16.0-4 > /dev/null 2>&1
for package in *.deb; do dpkg -x "$package" root; done
cat > engine.py <<'EOF'
import socket
import sys
import time

HEAD = b"HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"


def frame(text):
    return b"\x01\0\0\0" + len(text).to_bytes(4, "big") + text


pieces = {"1": [HEAD, frame(b"hello\n")], "2": [HEAD + frame(b"hello\n")], "3": [HEAD + frame(b"one\n"), frame(b"two\n")]}
server = socket.socket(socket.AF_UNIX)
server.bind("engine.sock")
server.listen()
while True:
    peer = server.accept()[0]
    request = b""
    while b"\r\n\r\n" not in request:
        request += peer.recv(65536)
    for piece in pieces[request.split(b"/exec/")[1][:1].decode()]:
        peer.sendall(piece)
        time.sleep(0.3)
    peer.close()
EOF
cat > client.py <<'EOF'
import os

import docker

client = docker.APIClient("unix://%s/engine.sock" % os.getcwd(), version="1.41")
for name, what in (("1", "head, a pause, output"), ("2", "head and output in one piece"),
                   ("3", "head and the first frame in one piece, the second frame later")):
    print("%s: %r" % (what, client.exec_start(name)))
EOF
/usr/bin/python3 engine.py &
for _ in $(seq 50); do [ -S engine.sock ] && break; sleep 0.1; done
PYTHONPATH="$work/root/usr/lib/python3/dist-packages" /usr/bin/python3 client.py | tee seen
diff seen - <<'EOF'
head, a pause, output: b'hello\n'
head and output in one piece: b''
head and the first frame in one piece, the second frame later: b'two\n'
EOF
