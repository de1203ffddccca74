#!/bin/bash
# aardvark-dns 1.4.0 (Debian 12, the names of podman's networks): a name in capitals does not exist, and an address may be kept for a day.
#
# DNS names are the same in capitals and in small letters (RFC 4343), and some resolvers send them in mixed letters on purpose, so that a forged
# answer can be told from a true one. Aardvark-dns compares bytes: "web" has an address, "WEB" and "wEb" get NXDOMAIN, which is an answer for all types,
# and which a resolver may keep. The second fact: each address comes with a TTL of 86400 s. A container gets another address
# when it is made again, and aardvark-dns knows that at once (its file is read again at SIGHUP), but a cache inside a container or before it
# was told to keep the old one for a day. glibc keeps nothing, so that neither shows until somebody adds a cache or a resolver of that kind.
#
# Seen with aardvark-dns 1.4.0-3 of Debian 12 (bookworm), on 2026-11-29:
#   web: 10.99.0.2, for 86400 s
#   WEB: NXDOMAIN
#   wEb: NXDOMAIN
#   web after it was made again: 10.99.0.7, for 86400 s
# What helps: names in small letters only, and caches with a bound of their own (dnsmasq's max-cache-ttl).
# This script fails when that changes. It needs Debian 12, apt-get and root (a network namespace of its own).
set -eu
if [ "${1:-}" != inside ]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  script=$(realpath "$0")
  cd "$work"
  apt-get download -q aardvark-dns=1.4.0-3 > /dev/null 2>&1
  dpkg -x aardvark-dns_*.deb root
  unshare --net --pid --fork --kill-child "$script" inside | tee seen
  diff seen - <<'EOF'
web: 10.99.0.2, for 86400 s
WEB: NXDOMAIN
wEb: NXDOMAIN
web after it was made again: 10.99.0.7, for 86400 s
EOF
  exit
fi
ip link set lo up
ip addr add 10.99.0.1/24 dev lo
ask() {  # a name, what to call it
  python3 - "$1" "$2" <<'EOF'
import socket
import struct
import sys

name, title = sys.argv[1:]
asked = bytes([len(name)]) + name.encode() + b"\0" + struct.pack("!HH", 1, 1)
query = struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0) + asked
for turn in range(50):
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.settimeout(0.2)
    client.connect(("10.99.0.1", 53))
    try:
        client.send(query)
        answer = client.recv(512)
        break
    except OSError:
        continue
code = answer[3] & 15
if code == 3:
    print("%s: NXDOMAIN" % title)
else:
    ttl, size = struct.unpack("!IH", answer[-10:-4])
    print("%s: %s, for %d s" % (title, socket.inet_ntoa(answer[-4:]), ttl))
EOF
}
mkdir config
printf '10.99.0.1\n0123456789ab 10.99.0.2  web\n' > config/network
root/usr/lib/podman/aardvark-dns --config "$PWD/config" -p 53 run > log 2>&1 &
for name in web WEB wEb; do ask "$name" "$name"; done
printf '10.99.0.1\nba9876543210 10.99.0.7  web\n' > config/network
kill -HUP "$(cat config/aardvark.pid)"  # it has left the shell by a fork
for _ in $(seq 50); do ask web web | grep -q 10.99.0.7 && break; sleep 0.1; done
ask web "web after it was made again"
