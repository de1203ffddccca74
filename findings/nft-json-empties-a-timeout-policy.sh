#!/bin/bash
# nftables 1.0.6 (Debian 12): a ruleset that `nft -j list ruleset` wrote and `nft -j -f` reads again has a connection timeout policy without timeouts,
# and a set that no longer merges; the code is 0 both times.
#
# The JSON of libnftables is made for programs: firewalls, tools that save a host's rules and put them back. The policy of a "ct timeout" is written right;
# when it is read every entry is dropped, so that the rule that sets the policy stands, and connections live as long as the kernel's
# defaults say. auto-merge of a set is not written at all, and an address inside a range of the set, which it took before, is refused then. The text form
# keeps both. Upstream corrected the policy in 2023; Debian 12 has it as below.
#
# Seen on 2026-11-30 (nftables 1.0.6-2+deb12u2; the counter is one of packets whose connection has 1 to 10 s left, the first one's has no time yet):
#   read as text: unreplied : 5, replied : 6; counted of 4 packets: 3; an address inside a range: added
#   written as JSON: "unreplied": 5, "replied": 6
#   read as JSON, code 0: no timeouts; counted of 4 packets: 0; an address inside a range: refused
# What helps: the text form for what is read again.
# This script fails when that changes. It needs Debian 12 with apt-get, python3, and root; it works in a network namespace of its own.
set -eu
if [ "${1:-}" != inside ]; then
  script=$(realpath "$0")
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  cd "$work"
  apt-get download -q nftables=1.0.6-2+deb12u2 libnftables1=1.0.6-2+deb12u2 > /dev/null 2>&1
  for file in *.deb; do dpkg -x "$file" root; done
  PATH="$work/root/usr/sbin:$PATH" LD_LIBRARY_PATH="$work/root/usr/lib/x86_64-linux-gnu" unshare -n bash "$script" inside
  exit
fi

cat > rules.nft <<'EOT'
table ip t {
  ct timeout short {
    protocol udp
    policy = { unreplied : 5, replied : 6 }
  }
  set networks {
    type ipv4_addr
    flags interval
    auto-merge
    elements = { 10.0.0.0/24 }
  }
  chain first {
    type filter hook output priority 0
    udp dport 4000 ct timeout set "short"
  }
  chain second {
    type filter hook output priority 10
    udp dport 4000 ct expiration 1s-10s counter
  }
}
EOT
ip link set lo up
look() {
  python3 - <<'EOP'
import socket
import time
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
    for _ in range(4):
        sender.sendto(b"x", ("127.0.0.1", 4000))
        time.sleep(0.2)
EOP
  local policy counted
  policy=$(nft list ct timeout ip t short | sed -n 's/.*policy = { *\([^}]*[^ }]\) *}.*/\1/p')
  counted=$(nft list chain ip t second | sed -n 's/.*counter packets \([0-9]*\).*/\1/p')
  echo "${policy:-no timeouts}; counted of 4 packets: $counted; an address inside a range: $(
    nft add element ip t networks '{ 10.0.0.5 }' 2> /dev/null && echo added || echo refused)"
}
nft -f rules.nft
nft -s -j list ruleset > rules.json
{
  echo "read as text: $(look)"
  echo "written as JSON: $(sed -n 's/.*"policy": {\("unreplied[^}]*\)}.*/\1/p' rules.json)"
  nft flush ruleset
  code=0
  nft -j -f rules.json || code=$?
  echo "read as JSON, code $code: $(look)"
} | tee seen
diff seen - <<'EOT'
read as text: unreplied : 5, replied : 6; counted of 4 packets: 3; an address inside a range: added
written as JSON: "unreplied": 5, "replied": 6
read as JSON, code 0: no timeouts; counted of 4 packets: 0; an address inside a range: refused
EOT
