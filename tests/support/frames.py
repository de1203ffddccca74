# SPDX-License-Identifier: Apache-2.0
"""Ethernet frames that a container should not send, and who hears them. Run as a program in a network namespace: `send DEVICE HEX...`,
`hear DEVICE SECONDS` (one frame a line)."""
import socket
import struct
import sys
import time

ALL = 0x0003
BROADCAST = b"\xff" * 6


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ether(source, to, kind, payload):
    return to + source + struct.pack("!H", kind) + payload


def ip4(source, to, payload, protocol=17):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 1, 0, 64, protocol, 0, socket.inet_aton(source), socket.inet_aton(to))
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def udp(port, data):
    return struct.pack("!HHHH", 4000, port, 8 + len(data), 0) + data


def arp(sender_mac, sender, target_mac, target, operation=2):
    return struct.pack("!HHBBH6s4s6s4s", 1, 0x0800, 6, 4, operation, sender_mac, socket.inet_aton(sender), target_mac, socket.inet_aton(target))


def ip6(source, to, payload, following=58):
    return struct.pack("!IHBB", 6 << 28, len(payload), following, 255) + socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, to) + payload


def icmp6(source, to, kind, body):
    message = struct.pack("!BBH", kind, 0, 0) + body
    pseudo = socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, to) + struct.pack("!IHBB", len(message), 0, 0, 58)
    return ip6(source, to, message[:2] + struct.pack("!H", checksum(pseudo + message)) + message[4:])


def advertisement(target, link_mac):
    """Of a neighbour: flags override and solicited."""
    return struct.pack("!I", 0x60000000) + socket.inet_pton(socket.AF_INET6, target) + b"\x02\x01" + link_mac


def router_advertisement(link_mac):
    return struct.pack("!BBHII", 64, 0, 1800, 0, 0) + b"\x01\x01" + link_mac


def main(word, device, *rest):
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL))
    wire.bind((device, 0))
    if word == "send":
        for each in rest:
            wire.send(bytes.fromhex(each))
        return
    end = time.monotonic() + float(rest[0])
    print("ready", flush=True)
    while time.monotonic() < end:
        wire.settimeout(max(0.01, end - time.monotonic()))
        try:
            frame, where = wire.recvfrom(2000)
        except OSError:
            continue
        if where[2] != 4:  # PACKET_OUTGOING
            print(frame.hex(), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
