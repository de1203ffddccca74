# SPDX-License-Identifier: Apache-2.0
"""The mounts of a random config.json (oci_random.py)."""


class RandomMounts:
    """Of RandomConfig: `choose`, `place`, `kinds` and `looked_at` are its."""

    # The mounts that clients always give, then others.
    def mounts(self):
        choose = self.choose
        mounts = []
        if choose.often(0.95):
            mounts.append(self.mount("/proc", "proc", "proc", choose.one([], ["nosuid", "noexec", "nodev"])))
        if choose.often(0.85):
            mounts.append(self.mount("/dev", "tmpfs", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]))
            if choose.often(0.8):
                mounts.append(self.mount("/dev/pts", "devpts", "devpts", ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]))
            if choose.often(0.7):
                mounts.append(self.mount("/dev/shm", "tmpfs", "shm", ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]))
            if choose.often(0.6) and ("ipc" in self.kinds or "user" not in self.kinds):
                mounts.append(self.mount("/dev/mqueue", "mqueue", "mqueue", ["nosuid", "noexec", "nodev"]))
        if choose.often(0.6) and (self.own("network") or "user" not in self.kinds):
            mounts.append(self.mount("/sys", "sysfs", "sysfs", ["nosuid", "noexec", "nodev", *choose.one([], ["ro"])]))
            if choose.often(0.5):
                mounts.append(self.mount("/sys/fs/cgroup", "cgroup", "cgroup", ["nosuid", "noexec", "nodev", "relatime", *choose.one([], ["ro"])]))
        for _ in range(choose.one(0, 0, 1, 2, 3)):
            mounts.append(self.tmpfs() if choose.often(0.4) else self.bind())
        return mounts

    def mount(self, where, kind, source, options):
        return {"destination": where, "type": kind, "source": source, "options": options}

    def attributes(self):
        pairs = [("ro", "rw"), ("nosuid", "suid"), ("nodev", "dev"), ("noexec", "exec"), ("noatime", "relatime", "strictatime"), ("nodiratime", "diratime")]
        chosen = [self.choose.one(*each) for each in self.choose.some(pairs)]
        self.choose.random.shuffle(chosen)
        return chosen

    def where(self, *places):
        place = self.choose.one(*places)
        if place not in self.looked_at:
            self.looked_at.append(place)
        return place

    def tmpfs(self):
        data = self.choose.some(["size=%dk" % self.choose.one(64, 1024, 8192), "mode=%s" % self.choose.one("755", "1777", "0700")])
        options = self.attributes() + data
        self.choose.random.shuffle(options)
        return self.mount(self.where("/tmp", "/run", "/new", "/new/deep/er", "/data", "/data/in", "/link/x", "/mnt"), "tmpfs", "tmpfs", options)

    def bind(self):
        choose = self.choose
        source, file = choose.one(("folder", False), ("folder", False), ("file", True), ("limited", False), ("nest", False))
        options = [choose.one("bind", "rbind"), *self.attributes()]
        if choose.often(0.3):
            options.append(choose.one("private", "rprivate", "slave", "rslave", "shared", "rshared", "unbindable", "runbindable"))
        if choose.often(0.2):
            options.append(choose.one("rro", "rnoexec", "rnosuid", "rnodev"))
        where = self.where("/etc/hosts", "/data/file", "/run/x/file", "/new/file", "/etc/link") if file else self.where("/mnt", "/data", "/vol", "/run/a/b", "/link", "/tmp/z")
        for below in ("inner", "file") if not file else ():
            self.looked_at.append(where + "/" + below)
        return self.mount(where, choose.one("bind", "bind", "none", ""), self.place.sources + "/" + source, options)
