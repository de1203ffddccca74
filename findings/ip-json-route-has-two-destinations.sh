#!/bin/bash
# iproute2 6.1.0 (Debian 12): in `ip -j route` and `ip -j nexthop` an entry with an encapsulation has the keys "dst", "tos" and "id" twice, and a
# reader of JSON gets the tunnel's: the route leads to another network, the nexthop has another number.
#
# Lightweight tunnels (`encap ip`, `encap ip6`) put the outer header into the route itself; overlays use them to have one device for all
# nodes. The JSON writes the outer header's fields among those of the route, under the same names. RFC 8259 asks for unique names, and leaves
# others to the reader: jq, Python and JavaScript keep the last without a word. A program that lists the routes of a node, to compare them with
# those it wants, does not find the network, takes it for missing, and finds a route to a host that nobody made. Routes of more than one way, whose
# encapsulation stands within "nexthops", are right, and so is the text without -j.
#
# Seen on 2026-11-30 (iproute2 6.1.0-3, jq 1.6, Python 3.11, Node 20.20; Linux 6.18):
#   ip route: 10.4.0.0/24 encap ip id 77 src 10.0.0.1 dst 10.0.0.9 ttl 7 tos 4 tos 0x10 dev v0 scope link
#   ip -j route, jq: dst 10.0.0.9, tos 0x10
#   ip -j route, python3: dst 10.0.0.9, tos 0x10
#   ip -j route, node: dst 10.0.0.9, tos 0x10
#   ip -j -6 route, jq: dst fd00::9
#   ip -j nexthop, of number 5: id 77
#   ip -j route, two ways: dst 10.5.0.0/24
# What helps: netlink (RTM_GETROUTE, where the outer header is an attribute of its own), a reader that keeps the first of two, or the text.
# This script fails when that changes. It needs Debian 12 with apt-get, jq, Python 3, Node, and root. All of it is in a network namespace of its own.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get download -q iproute2=6.1.0-3 > /dev/null 2>&1
dpkg -x iproute2_*.deb root
cat > see.sh <<'EOS'
set -eu
here() { root/bin/ip "$@"; }
here link add v0 type veth peer name v1
here link set v0 up
here link set v1 up
here addr add 10.0.0.1/24 dev v0
here -6 addr add fd00::1/64 dev v0 nodad
here route add 10.4.0.0/24 tos 0x10 encap ip id 77 src 10.0.0.1 dst 10.0.0.9 ttl 7 tos 4 dev v0
here route add 10.5.0.0/24 nexthop encap ip id 77 dst 10.0.0.9 dev v0 nexthop encap ip id 78 dst 10.0.0.10 dev v0
here -6 route add fd02::/64 encap ip6 id 77 dst fd00::9 dev v0
here nexthop add id 5 encap ip id 77 dst 10.0.0.9 dev v0
said="$(here route | grep 10.4.0.0 | tr -s ' ' | sed 's/ $//')"
echo "ip route: $said"
here -j route > routes
echo "ip -j route, jq: $(jq -r '.[] | select(.id == 77) | "dst \(.dst), tos \(.tos)"' routes)"
echo "ip -j route, python3: $(python3 -c '
import json
for route in json.load(open("routes")):
    if route.get("id") == 77:
        print("dst %(dst)s, tos %(tos)s" % route)')"
echo "ip -j route, node: $(node -e '
for (const route of JSON.parse(require("fs").readFileSync("routes")))
  if (route.id === 77) console.log(`dst ${route.dst}, tos ${route.tos}`)')"
echo "ip -j -6 route, jq: $(here -j -6 route | jq -r '.[] | select(.encap) | "dst \(.dst)"')"
echo "ip -j nexthop, of number 5: $(here -j nexthop | jq -r '.[] | "id \(.id)"')"
echo "ip -j route, two ways: $(jq -r '.[] | select(.nexthops) | "dst \(.dst)"' routes)"
EOS
unshare --net bash see.sh | tee found
diff found - <<'EOT'
ip route: 10.4.0.0/24 encap ip id 77 src 10.0.0.1 dst 10.0.0.9 ttl 7 tos 4 tos 0x10 dev v0 scope link
ip -j route, jq: dst 10.0.0.9, tos 0x10
ip -j route, python3: dst 10.0.0.9, tos 0x10
ip -j route, node: dst 10.0.0.9, tos 0x10
ip -j -6 route, jq: dst fd00::9
ip -j nexthop, of number 5: id 77
ip -j route, two ways: dst 10.5.0.0/24
EOT
