#!/bin/bash
# CNI's plugins 1.1.1 (Debian 12): DEL of a container whose network namespace has gone gives its address free and leaves its masquerade rule and chain in the
# machine, for ever. Whoever gets the address next is masqueraded, in a network without ipMasq, too.
#
# The specification has a runtime call DEL for a container that is dead, with an empty CNI_NETNS or the path of what was there, and a plugin then free all
# that it can and succeed. bridge and ptp ask the namespace for the addresses whose rules they have to remove. Without a namespace they return
# before that, with code 0, although the result of ADD, which is part of the request since version 0.4.0, has the addresses. host-local has released them by
# then, so that a second DEL finds nothing, and CHECK has nobody to ask about. Each such death (a reboot of the runtime, an end that the runtime did not
# expect) is a chain more, and a rule more that the first packet of each connection of the machine is compared with.
#
# Seen with containernetworking-plugins 1.1.1+ds1-3+b5 and iptables 1.8.9-2 of Debian 12 (bookworm), on 2026-11-30 (Linux 6.18):
#   bridge: namespace there: DEL 0, rules 0, chains 0, addresses 0
#   bridge: namespace gone, path given: DEL 0, rules 1, chains 1, addresses 0
#   bridge: namespace gone, no path: DEL 0, rules 1, chains 1, addresses 0
#   ptp: namespace gone, no path: DEL 0, rules 1, chains 1, addresses 0
#   20 such lives: rules 20, chains 20, addresses 0
#   a new network without ipMasq, before: 10.9.0.2 is seen as 10.9.0.2
#   the same after one such death with 10.9.0.2: 10.9.0.2 is seen as 192.0.2.1
# What helps: a mount or a descriptor that holds the namespace until DEL is done; after a reboot, tables that nobody restored from a file.
# This script fails when that changes. It needs Debian 12 with apt-get, python3, iproute2 and root; it works in network and mount namespaces of its own.
set -eu
if [ "${1:-}" != inside ]; then
  script=$(realpath "$0")
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  cd "$work"
  apt-get download -q containernetworking-plugins=1.1.1+ds1-3+b5 iptables=1.8.9-2 libxtables12=1.8.9-2 libnftnl11=1.2.4-2 libmnl0=1.0.4-3 > /dev/null 2>&1
  for file in *.deb; do dpkg -x "$file" root; done
  mkdir bin
  for name in iptables ip6tables; do ln -s "$work/root/usr/sbin/xtables-nft-multi" "bin/$name"; done
  PATH="$work/bin:$PATH" XTABLES_LIBDIR="$work/root/usr/lib/x86_64-linux-gnu/xtables" LD_LIBRARY_PATH="$work/root/usr/lib/x86_64-linux-gnu" \
    unshare --net --mount --propagation private bash "$script" inside
  exit
fi

mount -t tmpfs tmpfs /run
export CNI_PATH="$PWD/root/usr/lib/cni" CNI_IFNAME=eth0 CNI_CONTAINERID=one
echo 1 > /proc/sys/net/ipv4/ip_forward
ip link set lo up
ip netns add outside
ip link add out type veth peer name eth0 netns outside
ip address add 192.0.2.1/30 dev out
ip link set out up
ip -n outside address add 192.0.2.2/30 dev eth0
ip -n outside link set eth0 up
ip -n outside route add 10.9.0.0/24 via 192.0.2.1

# configuration PLUGIN MASQUERADE
configuration() {
  echo '{"cniVersion": "1.0.0", "name": "'"$1"'", "type": "'"$1"'", "bridge": "br0", "isGateway": true, "ipMasq": '"$2"',
         "ipam": {"type": "host-local", "subnet": "10.9.0.0/24", "dataDir": "/run/addresses", "routes": [{"dst": "0.0.0.0/0"}]}}'
}
# add PLUGIN MASQUERADE: a namespace "inside" with the device, and the file "request" for DEL, with the result of ADD.
add() {
  ip netns add inside
  configuration "$1" "$2" | CNI_COMMAND=ADD CNI_NETNS=/run/netns/inside "$CNI_PATH/$1" > result
  configuration "$1" "$2" | python3 -c 'import json, sys; print(json.dumps({**json.load(sys.stdin), "prevResult": json.load(open("result"))}))' > request
}
delete() {  # delete PLUGIN NAMESPACE
  CNI_COMMAND=DEL CNI_NETNS=$2 "$CNI_PATH/$1" < request
}
left() {
  iptables -t nat -S > rules
  echo "rules $(grep -c '^-A POSTROUTING' rules || true), chains $(grep -c '^-N' rules || true), addresses $(find /run/addresses -name '10.*' | wc -l)"
}
fresh() {
  iptables -t nat -F
  iptables -t nat -X
  rm -rf /run/addresses
  ip link delete br0 2> /dev/null || true
}
seen_as() {
  ip netns exec outside timeout 20 python3 -c '
import socket
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("192.0.2.2", 5000))
open("ready", "w")
print(server.recvfrom(10)[1][0])' > source &
  local server=$!
  until [ -e ready ]; do sleep 0.1; done
  rm ready
  ip netns exec inside python3 -c '
import socket, time
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
    for _ in range(5):
        sender.sendto(b"x", ("192.0.2.2", 5000))
        time.sleep(0.3)'
  wait "$server"
  echo "$(python3 -c 'import json; print(json.load(open("result"))["ips"][0]["address"].split("/")[0])') is seen as $(cat source)"
}
{
  add bridge true
  code=0; delete bridge /run/netns/inside || code=$?
  ip netns delete inside
  echo "bridge: namespace there: DEL $code, $(left)"
  fresh
  add bridge true
  ip netns delete inside
  code=0; delete bridge /run/netns/inside || code=$?
  echo "bridge: namespace gone, path given: DEL $code, $(left)"
  for plugin in bridge ptp; do
    fresh
    add $plugin true
    ip netns delete inside
    code=0; delete $plugin "" || code=$?
    echo "$plugin: namespace gone, no path: DEL $code, $(left)"
  done
  fresh
  for CNI_CONTAINERID in $(seq 20); do
    add bridge true
    ip netns delete inside
    delete bridge ""
  done
  echo "20 such lives: $(left)"

  fresh
  add bridge false
  echo "a new network without ipMasq, before: $(seen_as)"
  delete bridge /run/netns/inside
  ip netns delete inside
  fresh
  add bridge true
  ip netns delete inside
  delete bridge ""
  rm -rf /run/addresses
  ip link delete br0
  add bridge false
  echo "the same after one such death with 10.9.0.2: $(seen_as)"
} | tee seen
diff seen - <<'EOT'
bridge: namespace there: DEL 0, rules 0, chains 0, addresses 0
bridge: namespace gone, path given: DEL 0, rules 1, chains 1, addresses 0
bridge: namespace gone, no path: DEL 0, rules 1, chains 1, addresses 0
ptp: namespace gone, no path: DEL 0, rules 1, chains 1, addresses 0
20 such lives: rules 20, chains 20, addresses 0
a new network without ipMasq, before: 10.9.0.2 is seen as 10.9.0.2
the same after one such death with 10.9.0.2: 10.9.0.2 is seen as 192.0.2.1
EOT
