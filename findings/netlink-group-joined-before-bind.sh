#!/bin/bash
# Linux 6.1 (Debian 12) and 6.18: a netlink socket that joins a multicast group by NETLINK_ADD_MEMBERSHIP before it is bound hears nothing
# of the kernel's news, without an error.
#
# netlink(7) says that bind(2) is optional for who lets the kernel choose the port id, and setsockopt returns 0: getsockname shows the group
# as joined. But joining does not bind. The socket's port id stays 0, the kernel's own is 0 as well, and the kernel sends no news to the
# port that they come from. So a program that joins first and asks for a dump only when news arrive waits for ever; one that asks for
# anything first is bound by that sendmsg(2) and hears everything, which is why the order of two lines decides and most examples work.
#
# Seen with user-mode-linux 6.1um4+b13 of Debian 12 (bookworm), Linux 6.1.176, and by the same program on 6.18, on 2026-11-29:
#   joined, not bound: groups 1, port chosen no, news heard no
#   joined, then a request sent: groups 1, port chosen yes, news heard yes
#   bound, then joined: groups 1, port chosen yes, news heard yes
# What helps: bind with port id 0 right after socket(2), before any membership.
# This script fails when that changes. It needs Debian 12, apt-get, a C compiler and no root: it starts a user mode kernel.
set -eu
kernel=6.1um4+b13
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get download -q "user-mode-linux=$kernel" > /dev/null 2>&1
dpkg -x user-mode-linux_*.deb root
mkdir system

cat > init.c <<'EOC'
#include <linux/netlink.h>
#include <linux/reboot.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <unistd.h>

enum { kJoined, kRequested, kBound, kAll };

static int opened(int how) {
  const int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
  struct sockaddr_nl any;
  memset(&any, 0, sizeof any);
  any.nl_family = AF_NETLINK;
  if (how == kBound) bind(fd, (struct sockaddr*)&any, sizeof any);
  int group = RTNLGRP_LINK;
  if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0) perror("join");
  if (how == kRequested) {
    struct {
      struct nlmsghdr head;
      struct rtgenmsg family;
    } request;
    memset(&request, 0, sizeof request);
    request.head.nlmsg_len = sizeof request;
    request.head.nlmsg_type = RTM_GETADDR;
    request.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    sendto(fd, &request, sizeof request, 0, (struct sockaddr*)&any, sizeof any);
    char answer[65536];
    struct pollfd ready = {fd, POLLIN, 0};
    while (poll(&ready, 1, 200) > 0) recv(fd, answer, sizeof answer, 0);
  }
  return fd;
}

int main(void) {
  int fds[kAll];
  for (int how = 0; how < kAll; ++how) fds[how] = opened(how);
  struct ifreq loopback;
  memset(&loopback, 0, sizeof loopback);
  strcpy(loopback.ifr_name, "lo");
  loopback.ifr_flags = IFF_UP;
  if (ioctl(socket(AF_INET, SOCK_DGRAM, 0), SIOCSIFFLAGS, &loopback) != 0) perror("up");
  static const char* const names[kAll] = {"joined, not bound", "joined, then a request sent", "bound, then joined"};
  for (int how = 0; how < kAll; ++how) {
    struct sockaddr_nl own;
    socklen_t size = sizeof own;
    getsockname(fds[how], (struct sockaddr*)&own, &size);
    struct pollfd ready = {fds[how], POLLIN, 0};
    printf("%s: groups %u, port chosen %s, news heard %s\n", names[how], own.nl_groups, own.nl_pid != 0 ? "yes" : "no",
           poll(&ready, 1, 500) > 0 ? "yes" : "no");
  }
  fflush(stdout);
  if (getpid() == 1) reboot(LINUX_REBOOT_CMD_POWER_OFF);
  return 0;
}
EOC
cc -static -Os -o system/init init.c
(cd system && echo init | cpio -o -H newc 2> /dev/null | gzip) > initramfs

seen=$(timeout 60 ./root/usr/bin/linux.uml mem=128M initrd="$PWD/initramfs" rdinit=/init con=null con0=null,fd:1 quiet panic=-1 2> /dev/null |
  tr -d '\r' | grep -a ': groups')
echo "$seen"
[ "$seen" = "joined, not bound: groups 1, port chosen no, news heard no
joined, then a request sent: groups 1, port chosen yes, news heard yes
bound, then joined: groups 1, port chosen yes, news heard yes" ]
