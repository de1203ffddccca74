#!/bin/bash
# systeminformation 5.33.26 (npm, November 2026): the network bytes of a container are those of one of its networks, and its requests to docker's socket
# are no HTTP, so that an engine that reads them strictly has no containers.
#
# The engine has one entry of "networks" for each network of a container; `docker stats` adds them up. dockerContainerStats() assigns in its loop where
# it adds for block devices, so that netIO has the entry that stands last. Of a container in a front and a back network, as compose projects have
# them, it may be the one without traffic. The second: what follows GET is "http:/containers/json", a scheme and no host. RFC 9112 has a path or a
# whole URI there, and the URI of http needs a host (RFC 9110, 4.2.1). Go's net/http, which docker and podman are built on, takes the path of it; others
# say 400 or 404, and any error becomes an empty answer: no containers, and nothing in the log. A proxy before the socket is enough.
#
# Seen on 2026-11-30 (podman 4.3.1+ds1-8+deb12u1+b3 as an engine in Go; Node 20.20):
#   netIO of eth0 1000/2000 and eth1 30/40, of which networks has both: rx 30, wx 40
#   blockIO of two devices, 100/200 and 10/20: r 110, w 220
#   request: GET http:/containers/json HTTP/1.0
#   podman's answer to GET http:/info HTTP/1.0: 200
#   containers of an engine that answers 400: [], error: none
# What helps: the sum over `networks` of the same answer. An engine can take the path of such a target.
# This script fails when that changes. It needs Debian 12 with apt-get and Python 3, npm with a registry, Node 20 or newer, and root.
set -eu
work=$(mktemp -d)
trap 'kill $(jobs -p) 2> /dev/null || true; wait; rm -rf "$work"' EXIT
cd "$work"
apt-get download -q podman=4.3.1+ds1-8+deb12u1+b3 libsubid4 libgpgme11 libassuan0 libdevmapper1.02.1 runc=1.1.5+ds1-1+deb12u1 conmon=2.1.6+ds1-1 > /dev/null 2>&1
for file in *.deb; do dpkg -x "$file" root; done
echo '{"private": true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts systeminformation@5.33.26 > /dev/null 2>&1
cat > engine.py <<'EOP'
"""An engine with one container, at the socket engine.sock; and one that takes no target but a path or a URI, at strict.sock."""
import json
import socketserver
import threading

NAME = "c" * 64
STATS = {
    "id": NAME,
    "networks": {"eth0": {"rx_bytes": 1000, "tx_bytes": 2000}, "eth1": {"rx_bytes": 30, "tx_bytes": 40}},
    "blkio_stats": {"io_service_bytes_recursive": [
        {"major": 8, "minor": 0, "op": "read", "value": 100}, {"major": 8, "minor": 0, "op": "write", "value": 200},
        {"major": 8, "minor": 16, "op": "read", "value": 10}, {"major": 8, "minor": 16, "op": "write", "value": 20}]},
}
LIST = [{"Id": NAME, "Names": ["/app"], "Image": "app:1", "ImageID": "sha256:" + NAME, "Command": "app", "Created": 1, "Ports": [], "Mounts": [], "State": "running"}]


class Engine(socketserver.StreamRequestHandler):
    def handle(self):
        line = self.rfile.readline().decode().strip()
        while self.rfile.readline().strip():
            pass
        print(line, file=open("got", "a"))
        target = line.split(" ")[1]
        if self.server.strict and not target.startswith("/") and "://" not in target:
            status, answer = "400 Bad Request", {"message": "no request target"}
        else:
            status = "200 OK"
            answer = STATS if "/stats" in target else {"Id": NAME} if NAME in target else LIST
        self.wfile.write(("HTTP/1.0 %s\r\nContent-Type: application/json\r\n\r\n" % status + json.dumps(answer)).encode())


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


for path in ("strict.sock", "engine.sock"):
    server = Server(path, Engine)
    server.strict = path == "strict.sock"
    threading.Thread(target=server.serve_forever).start()
EOP
python3 engine.py &
mkdir home
HOME="$work/home" LD_LIBRARY_PATH="$work/root/usr/lib/x86_64-linux-gnu:$work/root/lib/x86_64-linux-gnu" PATH="$work/root/usr/bin:$work/root/usr/sbin:$PATH" \
  unshare --mount sh -c 'mount -t tmpfs tmpfs /run && exec podman "$@"' podman --root "$work/data" --runroot "$work/run" --tmpdir "$work/tmp" --storage-driver vfs --cgroup-manager cgroupfs --runtime runc \
  --events-backend file system service --time 60 "unix://$work/podman.sock" > podman.log 2>&1 &
for _ in $(seq 100); do [ -S engine.sock ] && [ -S podman.sock ] && break; sleep 0.2; done
cat > ask.js <<'EOJ'
const si = require('systeminformation');
(async () => {
  if (process.argv[2] === 'strict') {
    let error = 'none';
    const list = await si.dockerContainers(true).catch((thrown) => { error = thrown.message; });
    return console.log(`containers of an engine that answers 400: ${JSON.stringify(list)}, error: ${error}`);
  }
  const [{netIO, blockIO, networks}] = await si.dockerContainerStats('c'.repeat(64));
  const both = Object.keys(networks).length === 2 ? 'both' : 'not both';
  console.log(`netIO of eth0 1000/2000 and eth1 30/40, of which networks has ${both}: rx ${netIO.rx}, wx ${netIO.wx}`);
  console.log(`blockIO of two devices, 100/200 and 10/20: r ${blockIO.r}, w ${blockIO.w}`);
})();
EOJ
{
  DOCKER_SOCKET=engine.sock node ask.js
  rm -f got
  DOCKER_SOCKET=strict.sock node ask.js strict > strict
  echo "request: $(sed 's/?.*all=[a-z01]*//' got | head -1)"
  echo "podman's answer to GET http:/info HTTP/1.0: $(python3 -c '
import socket
client = socket.socket(socket.AF_UNIX)
client.connect("podman.sock")
client.sendall(b"GET http:/info HTTP/1.0\r\n\r\n")
print(client.recv(100).decode().split()[1])')"
  cat strict
} | tee found
diff found - <<'EOT'
netIO of eth0 1000/2000 and eth1 30/40, of which networks has both: rx 30, wx 40
blockIO of two devices, 100/200 and 10/20: r 110, w 220
request: GET http:/containers/json HTTP/1.0
podman's answer to GET http:/info HTTP/1.0: 200
containers of an engine that answers 400: [], error: none
EOT
