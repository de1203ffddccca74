#!/bin/bash
# iptables-translate 1.8.9 (Debian 12, nft 1.0.6): a rule that sets some bits of a connection's mark becomes one that changes nothing, a rule that saves
# some bits one that clears all others, and hours that were UTC become those of whoever loads the rule.
#
# Several programs share one mark (an overlay's, a proxy's, a service mesh's bits), therefore the masks: CONNMARK --set-mark 1/0xff writes the
# lowest byte. It is translated to "ct mark xor 0x1 and 0xffffff00", which is the wrong order, and "and" binds more tightly in nft: the kernel gets
# mark ^ (1 & 0xffffff00), that is the mark itself. MARK, without CONN, comes out right. --save-mark and --restore-mark with a mask replace those bits
# only, by iptables' manual: ctmark = (ctmark & ~ctmask) ^ (nfmark & nfmask). The translation leaves out the first half, and the bits of the
# others become 0. The time match has UTC unless --kerneltz is there; nft's "meta hour" is the zone of the process that loads it. Nothing warns of
# any of it: the tool writes a comment for what it cannot translate, and these are whole rules that nft takes.
#
# Seen on 2026-11-30 (iptables 1.8.9-2, nftables 1.0.6-2+deb12u2; what nft -c --debug=netlink has for the kernel, and iptables' manual beside it):
#   MARK --set-mark 0x1/0xff: mark = (mark & 0xffffff00) ^ 1; manual: the same
#   CONNMARK --set-mark 0x1/0xff: ctmark = (ctmark & 0xffffffff) ^ 0; manual: (ctmark & 0xffffff00) ^ 1
#   CONNMARK --save-mark --mask 0xff: ctmark = (mark & 0xff) ^ 0; manual: (ctmark & 0xffffff00) ^ (mark & 0xff)
#   CONNMARK --restore-mark --mask 0xff: mark = (ctmark & 0xff) ^ 0; manual: (mark & 0xffffff00) ^ (ctmark & 0xff)
#   time --timestart 09:00 --timestop 17:00, loaded with TZ=Asia/Tokyo: 00:00 to 08:00 UTC
#   warnings: 0
# What helps: rules of CONNMARK with a mask and of time written by hand: ct mark set ct mark and 0xffffff00 or 0x1.
# This script fails when that changes. It needs Debian 12 with iptables, nftables and Python 3, and root. It is in a network namespace of its own.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
for want in iptables=1.8.9-2 nftables=1.0.6-2+deb12u2; do
  has=$(dpkg-query -W -f '${Version}' "${want%%=*}" 2> /dev/null || true)
  [ "$has" = "${want#*=}" ] || { echo "needs $want, has ${has:-none}"; exit 1; }
done
cat > see.py <<'EOP'
import re
import subprocess

warned = 0


def run(words, **more):
    return subprocess.run(words, check=True, capture_output=True, text=True, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "TZ": "UTC"} | more)


def bytecode(rule, **more):
    """What nft would send for iptables' rule, one instruction a line."""
    global warned
    said = run(["iptables-translate", "-t", "mangle", "-A", "PREROUTING", *rule.split()])
    translation = re.fullmatch(r"nft '(.*)'\n", said.stdout).group(1)
    warned += len(said.stderr)
    return run(["nft", "-c", "--debug=netlink", translation], **more).stdout


def assigned(rule):
    code = bytecode(rule)
    source, mask, bits, target = re.search(
        r"\[ (meta load|ct load) mark => reg 1 \]\s*\[ bitwise reg 1 = \( reg 1 & (\w+) \) \^ (\w+) \]\s*\[ (meta|ct) set mark with reg 1 \]", code).groups()
    names = {"meta": "mark", "ct": "ctmark"}
    return "%s = (%s & %#x) ^ %d" % (names[target], names[source.split()[0]], int(mask, 16), int(bits, 16))


run(["nft", "add table ip mangle; add chain ip mangle PREROUTING { type filter hook prerouting priority -150; }"])
for rule, manual in (("MARK --set-mark 0x1/0xff", "the same"), ("CONNMARK --set-mark 0x1/0xff", "(ctmark & 0xffffff00) ^ 1"),
                     ("CONNMARK --save-mark --mask 0xff", "(ctmark & 0xffffff00) ^ (mark & 0xff)"),
                     ("CONNMARK --restore-mark --mask 0xff", "(mark & 0xffffff00) ^ (ctmark & 0xff)")):
    print("%s: %s; manual: %s" % (rule, assigned("-j " + rule), manual))
# The kernel counts the seconds of a UTC day. nft shows registers as they lie in memory: the number's bytes are turned on a little-endian machine.
hours = "-m time --timestart 09:00 --timestop 17:00 -j ACCEPT"
ends = [int.from_bytes(int(end, 16).to_bytes(4, "little"), "big") for end in re.findall(r"cmp [gl]te reg 1 (\w+)", bytecode(hours, TZ="Asia/Tokyo"))]
print("time --timestart 09:00 --timestop 17:00, loaded with TZ=Asia/Tokyo: %s UTC" % " to ".join("%02d:%02d" % divmod(end // 60, 60) for end in ends))
print("warnings: %d" % warned)
EOP
unshare --net python3 see.py | tee found
diff found - <<'EOT'
MARK --set-mark 0x1/0xff: mark = (mark & 0xffffff00) ^ 1; manual: the same
CONNMARK --set-mark 0x1/0xff: ctmark = (ctmark & 0xffffffff) ^ 0; manual: (ctmark & 0xffffff00) ^ 1
CONNMARK --save-mark --mask 0xff: ctmark = (mark & 0xff) ^ 0; manual: (ctmark & 0xffffff00) ^ (mark & 0xff)
CONNMARK --restore-mark --mask 0xff: mark = (ctmark & 0xff) ^ 0; manual: (mark & 0xffffff00) ^ (ctmark & 0xff)
time --timestart 09:00 --timestop 17:00, loaded with TZ=Asia/Tokyo: 00:00 to 08:00 UTC
warnings: 0
EOT
