# SPDX-License-Identifier: Apache-2.0
"""Ethernet frames that a container should not send, and who hears them. Run as a program in a network namespace: `send DEVICE HEX...`,
`hear DEVICE SECONDS` (one frame a line)."""
import ctypes
import os
import signal
import socket
import struct
import subprocess
import sys
import time

ALL = 0x0003
LIBC = ctypes.CDLL(None)
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


def crc32c(data):
    total = 0xffffffff
    for each in data:
        total ^= each
        for _ in range(8):
            total = total >> 1 ^ (0x82f63b78 if total & 1 else 0)
    return total ^ 0xffffffff


def sctp_init(port):
    """How an association begins (RFC 9260)."""
    chunk = struct.pack("!BBHIIHHI", 1, 0, 20, 1, 65535, 1, 1, 1)
    head = struct.pack("!HHI", 4000, port, 0)
    return head + struct.pack("<I", crc32c(head + bytes(4) + chunk)) + chunk


def is_sctp_to(frame, port):
    """Also: its checksum is right."""
    if frame[12:14] != b"\x08\x00" or frame[23] != 132:
        return False
    packet = frame[14 + 4 * (frame[14] & 15):14 + struct.unpack("!H", frame[16:18])[0]]
    whole = packet[:8] + bytes(4) + packet[12:]
    return struct.unpack("!H", packet[2:4])[0] == port and struct.pack("<I", crc32c(whole)) == packet[8:12]


def advertisement(target, link_mac):
    """Of a neighbour: flags override and solicited."""
    return struct.pack("!I", 0x60000000) + socket.inet_pton(socket.AF_INET6, target) + b"\x02\x01" + link_mac


def router_advertisement(link_mac):
    return struct.pack("!BBHII", 64, 0, 1800, 0, 0) + b"\x01\x01" + link_mac


class Ear:
    """Hears what arrives at a device of the network of a process."""

    def __init__(self, pid, device="eth0", seconds=20):
        self.process = subprocess.Popen(["nsenter", "-t", str(pid), "-n", sys.executable, os.path.realpath(__file__), "hear", device, str(seconds)],
                                        stdout=subprocess.PIPE, text=True, preexec_fn=lambda: LIBC.prctl(1, signal.SIGKILL))
        assert self.process.stdout.readline() == "ready\n"

    def until(self, is_last):
        """All frames up to the one that is the last."""
        heard = []
        for line in self.process.stdout:
            heard.append(bytes.fromhex(line.strip()))
            if is_last(heard[-1]):
                self.process.kill()
                return heard
        raise AssertionError("the last frame was not heard among %d" % len(heard))


def send(pid, device, *frames):
    subprocess.run(["nsenter", "-t", str(pid), "-n", sys.executable, os.path.realpath(__file__), "send", device, *[each.hex() for each in frames]], check=True)


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
