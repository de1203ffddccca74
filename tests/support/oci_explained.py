# SPDX-License-Identifier: Apache-2.0
"""Why a container of mete-oci is not what it is with runc or crun: rows of docs/mete-oci.md, each with what it explains of a comparison."""
import os
import re

from mete_agent import SOURCE


def plain(path):
    """Where it leads to in the image (Place)."""
    return re.sub("^/link(/|$)", r"/data\1", path).replace("/etc/link", "/data/file")


class Difference:
    """One key of what was seen, where no peer that could make the container saw the same as mete-oci. `config`: the config.json; what a runtime
    did not see is None."""

    def __init__(self, config, key, own, runc, crun):
        self.config, self.key, self.own, self.runc, self.crun = config, key, own, runc, crun
        self.linux, self.process = config["linux"], config["process"]
        self.place = key.rsplit(" ", 1)[1] if " /" in key else None

    def flags(self):
        """Of statvfs, of what is seen of a file system."""
        words = self.own.split()
        return int(words[1], 16) if len(words) == 2 else 0

    def is_about(self, *starts):
        return self.key.startswith(starts)

    def below(self, *places):
        """The place is one of these or below one, also through the link of the image."""
        own = plain(self.place or "")
        return any(own == each or own.startswith(each.rstrip("/") + "/") for each in map(plain, places))

    def mount(self):
        """What the configuration mounts there last. The table of mounts has also what others cover."""
        found = [each for each in self.config["mounts"] if self.below(each["destination"])]
        if self.is_about("mount"):
            found = [each for each in found if plain(each["destination"]) == plain(self.place)] or found
        return found[-1] if found else {"destination": "", "source": "", "options": [], "type": ""}

    def has_namespace(self, kind):
        return any(each["type"] == kind for each in self.linux["namespaces"])


def no_dev(it):
    mounted = any(each["destination"] == "/dev" for each in it.config["mounts"])
    return not mounted and (it.below("/dev") or it.key == "mount points")


def above_shared(it):
    return it.is_about("mount") and it.own + "shared" in (it.runc, it.crun) and len([each for each in it.config["mounts"] if it.below(each["destination"])]) > 1


def covered_by_link(it):
    """A read-only tmpfs, then a mount of its place: runc makes that read-only, mete-oci where it has another name."""
    if not it.is_about("mount", "system", "access"):
        return False
    mounts = it.config["mounts"]
    read_only = [number for number, each in enumerate(mounts) if each["type"] == "tmpfs" and "ro" in each["options"] and it.below(each["destination"])]
    return any(plain(later["destination"]) == plain(mounts[first]["destination"]) for first in read_only for later in mounts[first + 1:])


def device_rules(it):
    """Without tun, which runc adds, and the console, which crun adds, these are the same."""
    rules = [None if each is None else set(re.findall(r"[abc] \S+ \w+", re.sub(r"c (10:200|5:1) \w+", "", each))) for each in (it.own, it.runc, it.crun)]
    if it.key == "text /dev/fuse":
        return it.own == "EPERM"
    return it.key == "control devices.list" and any(each is not None and each in (rules[0], {"a *:* rwm"}) for each in rules[1:])


def masked_file(it):
    return it.is_about("system", "path", "mount", "access", "text") and it.below(*it.linux.get("maskedPaths", []))


def hierarchies_shown(it):
    return it.below("/sys/fs/cgroup") and it.is_about("path", "options", "access")


def newer_fields(it):
    return (it.key in ("scheduler", "nice") and "scheduler" in it.process or it.key == "io priority" and "ioPriority" in it.process or
            it.key in ("personality", "machine") and "personality" in it.linux)


def time_offsets(it):
    return it.is_about("clock ") and it.own == str(it.linux.get("timeOffsets", {}).get(it.key.split()[1], {}).get("secs"))


def domain_name(it):
    return it.key == "domain name" and it.own == it.config.get("domainname")


NAMES = {"nosuid": 2, "nodev": 4, "noexec": 8, "noatime": 0x400, "nodiratime": 0x800}


def attributes_of_source(it):
    """What the source has (Place) and no option names stays."""
    if not it.is_about("mount", "system") or not it.mount()["source"].endswith(("/limited", "/nest")):
        return False
    options = it.mount()["options"]
    has = {"noexec", "nosuid", "nodev", "noatime"} if it.mount()["source"].endswith("/limited") else {"nodev"} if "/inner" in it.place else set()
    undone = {"noexec": "exec", "nosuid": "suid", "nodev": "dev", "noatime": "relatime strictatime"}
    kept = {each for each in has if not set(undone[each].split()) & set(options)}
    return all(NAMES[each] & it.flags() for each in kept) if it.key.startswith("system") else all(each in it.own for each in kept)


def obeyed(it):
    """mete-oci does what the options name; the peers do not."""
    of_trees = {"slave", "rslave", "shared", "rshared", "unbindable", "runbindable", "private", "rprivate", "rro", "rnoexec", "rnosuid", "rnodev"}
    special = [each for each in it.config["mounts"] if each["source"].startswith("/") and (it.has_namespace("user") or of_trees & set(each["options"]))]
    if it.key == "mount points" or it.below(*(each["destination"] + "/inner" for each in special)):
        if any(each["source"].endswith("/nest") for each in special):
            return True
    if it.is_about("path", "text", "access") and {"unbindable", "runbindable"} & set(it.mount()["options"]):
        return it.own.startswith(("81a4", "41ed")) if it.is_about("path") else it.own not in ("ENOENT", "EACCES", "---")
    if not it.is_about("mount", "system") or not it.mount()["source"].endswith(("/folder", "/file", "/nest", "/limited")) or not it.has_namespace("user"):
        return False
    return all(bit & it.flags() if it.key.startswith("system") else name in it.own for name, bit in NAMES.items() if name in it.mount()["options"])


def below_read_only(it):
    """Mounts below, and crun's missing attributes of proc."""
    if not it.below(*it.linux.get("readonlyPaths", [])):
        return False
    return it.is_about("access") and "w" not in it.own or it.is_about("mount") and re.search(r"\bro\b", it.own) or it.is_about("system") and it.flags() & 1 != 0


def root_propagation(it):
    wanted = it.linux.get("rootfsPropagation", "").lstrip("r")
    sources = [each["source"] for each in it.config["mounts"] if each["source"].startswith("/")]
    if wanted == "shared" and it.place and sources.count(it.mount()["source"]) > 1:
        return True  # with the others what is mounted on one of two binds appears on the other, and at the source
    nested = [each["destination"] for each in it.config["mounts"] if each["source"].endswith("/nest") and "rbind" in each["options"]]
    if wanted == "unbindable" and nested and (it.key == "mount points" or it.below(*(each + "/inner" for each in nested))):
        return all(each + "/inner" in it.own.split() for each in map(plain, nested)) if it.key == "mount points" else it.own != "ENOENT"
    return it.is_about("mount /") and it.own.split()[-1] in (wanted, "master")


def no_line_in_passwd(it):
    return it.is_about("environment") and it.own == "HOME=/"


def device_in_user_namespace(it):
    return it.has_namespace("user") and it.below("/dev") and it.is_about("mount", "system")


def tmpfs_mode(it):
    """A mode that is named is there."""
    if not it.is_about("access", "names", "path") or it.mount()["type"] != "tmpfs":
        return False
    modes = [int(each[5:], 8) for each in it.mount()["options"] if each.startswith("mode=")]
    return not modes or not it.is_about("path") or plain(it.place) != plain(it.mount()["destination"]) or it.own.startswith("%x " % (0o40000 | modes[-1]))


def queues_in_user_namespace(it):
    return it.has_namespace("user") and it.key == "path /dev/mqueue" and it.own.endswith(" 0:0")


def folder_of_hook(it):
    return it.key == "hook-createContainer" and it.own.split("\n")[1:] == ((it.runc or it.crun).split("\n"))[1:]


def unknown_call(it):
    return it.key == "call a call nobody knows" and it.own == "ENOSYS"


def image_modes(it):
    return it.is_about("made in the image") and it.own.split()[1] in ("40755", "100644")


def dev_core(it):
    return it.key == "path /dev/core" and it.own == "ENOENT" or it.key == "names /dev" and "core" not in it.own.split()


# The first cell of the row, what it explains.
ROWS = {
    "no mount on `/dev`": no_dev,
    "device rules that nobody asked for": device_rules,
    "a masked file": masked_file,
    "a mount on top of a shared one, without a propagation option": above_shared,
    "`/sys/fs/cgroup` of cgroup v1": hierarchies_shown,
    "`scheduler`, `ioPriority`, `personality`": newer_fields,
    "`timeOffsets`": time_offsets,
    "`domainname`": domain_name,
    "bind of a source with ro, nosuid, nodev, noexec, without an option": attributes_of_source,
    "a bind with mounts below it, or options, in a user namespace or beside options for all of its tree": obeyed,
    "mounts below a read-only path": below_read_only,
    "`rootfsPropagation`": root_propagation,
    "HOME, user without a line in passwd": no_line_in_passwd,
    "devices bound into a user namespace": device_in_user_namespace,
    "`/dev/mqueue` in a user namespace": queues_in_user_namespace,
    "working directory of a `createContainer` hook": folder_of_hook,
    "tmpfs without `mode`": tmpfs_mode,
    "a read-only tmpfs that a later mount covers": covered_by_link,
    "calls newer than a seccomp profile whose default is ERRNO": unknown_call,
    "a place for a mount, made in the image": image_modes,
    "`/dev/core`": dev_core,
}


# What mete-oci says when it refuses a configuration that one of the others takes.
REFUSALS = {
    "a place for a mount below a read-only bind, missing": "make (directory|file) .*: Read-only file system",
    "a read-only tmpfs that a later mount covers": "change the mount /(link|data)/",
}


def explained_refusal(said):
    return next((row for row, words in REFUSALS.items() if re.search(words, said)), None)


def explanation(difference):
    """The row, or None."""
    for row, explains in ROWS.items():
        if explains(difference):
            return row
    return None


def rows_that_are_missing():
    with open(os.path.join(SOURCE, "docs/mete-oci.md")) as file:
        text = file.read()
    return [row for row in (*ROWS, *REFUSALS) if "\n| %s |" % row not in text]
