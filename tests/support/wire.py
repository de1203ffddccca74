# SPDX-License-Identifier: Apache-2.0
"""What passes on the cables of a Cluster's switch."""
import socket
import struct

ALL = 0x0003
SO_RCVBUFFORCE = 33
UDP = 17


class Packet:
    """An IPv4 packet between two machines."""

    def __init__(self, frame):
        self.frame = frame
        ip = frame[14:]
        self.source, self.to = socket.inet_ntoa(ip[12:16]), socket.inet_ntoa(ip[16:20])
        self.protocol = ip[9]
        transport = ip[4 * (ip[0] & 15):]
        self.port = struct.unpack("!H", transport[2:4])[0] if self.protocol == UDP else 0
        self.payload = transport[8:] if self.protocol == UDP else transport


class Wire:
    """Hears every frame that a port of the switch has taken or given, from here on."""

    def __init__(self, switch):
        with switch.entered():
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
        self.socket.setblocking(False)

    def frames(self):
        """All since the last time."""
        heard = []
        while True:
            try:
                heard.append(self.socket.recv(4000))
            except BlockingIOError:
                return heard

    @staticmethod
    def between(frames, *hosts):
        """Those of IPv4 that go from one of these machines to another one of them."""
        addresses = {each.address for each in hosts}
        packets = [Packet(each) for each in frames if each[12:14] == b"\x08\x00"]
        return [each for each in packets if each.source in addresses and each.to in addresses]
