#!/bin/bash
# CNI's plugins 1.1.1 (Debian 12): a bridge network with IPv4 addresses alone carries IPv6 of each container to each other, and grows with the square.
#
# bridge leaves IPv6 on in a container that gets no address of it. The kernel then gives eth0 an address of the link, and sends for it, unasked,
# reports of the groups that it hears (MLD), a look whether somebody else has the address (DAD) and questions for a router (RS): all to groups, which a
# bridge without a querier sends to each of its ports. So the start of one container wakes all others, and the packets are the square of the
# containers. None of them can use a byte of that: the network has no address of IPv6 and no router.
#
# Seen with containernetworking-plugins 1.1.1+ds1-3+b5 of Debian 12 (bookworm), on 2026-11-30 (Linux 6.18), 100 containers whose programs send nothing:
#   as the plugin makes them: received by the first 603 packets
#   with net.ipv6.conf.default.disable_ipv6=1 in the namespace before ADD: received by the first 12 packets
# What helps: that setting, or addrgenmode none for the devices.
# This script fails when that changes. It needs Debian 12 with apt-get, iproute2 and root; it works in network and mount namespaces of its own.
set -eu
if [ "${1:-}" != inside ]; then
  script=$(realpath "$0")
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  cd "$work"
  apt-get download -q containernetworking-plugins=1.1.1+ds1-3+b5 > /dev/null 2>&1
  dpkg -x containernetworking-plugins_*.deb root
  unshare --net --mount --propagation private bash "$script" inside
  exit
fi

mount -t tmpfs tmpfs /run
export CNI_PATH="$PWD/root/usr/lib/cni" CNI_IFNAME=eth0
containers=100
configuration='{"cniVersion": "1.0.0", "name": "net", "type": "bridge", "bridge": "br0", "ipam": {"type": "host-local", "subnet": "10.9.0.0/16", "dataDir": "/run/addresses"}}'

received() {  # by the first of them, when nothing has come for three seconds
  local before=-1 now=0
  while [ "$now" != "$before" ]; do
    before=$now
    sleep 3
    now=$(ip netns exec c1 cat /proc/net/dev | awk '$1 == "eth0:" {print $3}')
  done
  echo "$now"
}
all() {  # all SETTING: of IPv6 in a namespace before it is connected; empty: as it is
  for i in $(seq $containers); do
    ip netns add "c$i"
    [ -z "$1" ] || ip netns exec "c$i" sh -c "echo 1 > /proc/sys/net/ipv6/conf/$1"
    echo "$configuration" | CNI_COMMAND=ADD CNI_CONTAINERID="c$i" CNI_NETNS="/run/netns/c$i" "$CNI_PATH/bridge" > /dev/null
  done
  echo "$(received)"
  for i in $(seq $containers); do
    echo "$configuration" | CNI_COMMAND=DEL CNI_CONTAINERID="c$i" CNI_NETNS="/run/netns/c$i" "$CNI_PATH/bridge"
    ip netns delete "c$i"
  done
  ip link delete br0
}
plain=$(all "")
off=$(all default/disable_ipv6)
echo "as the plugin makes them: received by the first $plain packets"
echo "with net.ipv6.conf.default.disable_ipv6=1 in the namespace before ADD: received by the first $off packets"
# Each of the others sends seven; how many of them come before its own address is there differs.
if [ "$plain" -lt $((4 * containers)) ] || [ "$off" -gt 50 ]; then
  echo "changed: expected at least $((4 * containers)) packets, and with the setting at most 50" >&2
  exit 1
fi
