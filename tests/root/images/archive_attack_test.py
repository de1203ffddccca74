# SPDX-License-Identifier: Apache-2.0
"""Archives that attack, and commands that are interrupted: nothing outside the store is touched, no half image is left, and memory is bounded."""
import contextlib
import gzip
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import time

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
import archives  # noqa: E402
from amounts import amount, chance  # noqa: E402
from leftovers import unmount_below  # noqa: E402
from mete_agent import run_tests  # noqa: E402
from registries import Image, Store, digest  # noqa: E402

MB = 1 << 20


def member(name, kind=tarfile.REGTYPE, target="", content=b"", mode=0o644, device=(0, 0)):
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname, entry.mode, entry.size = kind, target, mode, len(content)
    entry.devmajor, entry.devminor = device
    return entry, content


def layer_of(*members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for entry, content in members:
            tar.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def image_of(*tars):
    image = Image(*[{} for _ in tars])
    for before, after in zip(list(image.tars), tars):
        image.config = image.config.replace(digest(before).encode(), digest(after).encode(), 1)
    image.tars, image.blobs = list(tars), [gzip.compress(each, 1, mtime=0) for each in tars]
    return image


class Guarded(Store):
    """A store with a file beside it that no archive may reach."""

    def __init__(self):
        super().__init__()
        self.secret = self.work + "/secret"
        os.mkdir(self.secret)
        with open(self.secret + "/file", "w") as out:
            out.write("of the machine")
        self.before = os.stat(self.secret + "/file")

    def check_outside(self):
        now = os.stat(self.secret + "/file")
        assert os.listdir(self.secret) == ["file"] and open(self.secret + "/file").read() == "of the machine"
        assert (now.st_mode, now.st_uid, now.st_nlink, now.st_mtime_ns) == (self.before.st_mode, self.before.st_uid, self.before.st_nlink, self.before.st_mtime_ns)

    def check_nothing_half(self):
        """All layers belong to images, and nothing is in between."""
        left = {each: os.listdir(self.state + "/images/" + each) for each in ("tmp", "incoming")}
        assert left == {"tmp": [], "incoming": []}, left
        used = set()
        for name in self.images():
            used |= {os.path.basename(each) for each in self.inspected(name)}
        assert set(self.layers()) <= used, (self.layers(), used)

    def inspected(self, name):
        return self.mete("image", "inspect", "-f", "{{.GraphDriver.Data.LowerDir}}", name).stdout.strip().split(":")


def test_no_entry_leads_out_of_a_layer():
    with Guarded() as store:
        out = store.secret
        up = "../" * 12 + out.lstrip("/")
        cases = {
            "a link out, written through": [member("l", tarfile.SYMTYPE, out), member("l/file", content=b"taken")],
            "a relative link out": [member("l", tarfile.SYMTYPE, up), member("l/file", content=b"taken"), member("l/new", content=b"x")],
            "an absolute name": [member(out + "/file", content=b"taken")],
            "dots": [member(up + "/file", content=b"taken")],
            "a hard link to a file outside": [member("h", tarfile.LNKTYPE, out + "/file"), member("h", content=b"taken")],
            "a hard link by dots": [member("h", tarfile.LNKTYPE, up + "/file")],
            "a hard link through a link": [member("l", tarfile.SYMTYPE, out), member("h", tarfile.LNKTYPE, "l/file"), member("h", content=b"taken", mode=0o777)],
            "a whiteout through a link": [member("l", tarfile.SYMTYPE, out), member("l/.wh.file")],
            "an opaque mark through a link": [member("l", tarfile.SYMTYPE, out), member("l/.wh..wh..opq")],
            "a folder in place of a link": [member("l", tarfile.SYMTYPE, out), member("l", tarfile.DIRTYPE, mode=0o777), member("l/file", content=b"taken")],
            "links of links": [member("a", tarfile.SYMTYPE, "b"), member("b", tarfile.SYMTYPE, "../../../../" + out), member("a/file", content=b"taken")],
            "a device": [member("sda", tarfile.BLKTYPE, device=(8, 0)), member("mem", tarfile.CHRTYPE, device=(1, 1))],
            "whiteouts of nothing": [member(".wh.")], "whiteouts of the parent": [member("d/.wh..")], "of its parent": [member("d/.wh...")],
        }
        for what, members in cases.items():
            tar = layer_of(*members)
            path = archives.of_crane(store.work + "/a.tar", image_of(tar), "bad:1")
            for words in (["load", "-i", path], ["image", "import", path, "bad:1"]):
                done = store.mete(*words, check=False)
                assert done.returncode in (0, 1) and len(done.stderr.splitlines()) <= 1, (what, done)
                store.check_outside()
                for base, folders, files in os.walk(store.state + "/images/layers"):
                    for each in folders + files:
                        assert not os.path.ismount(base + "/" + each)
                        assert os.lstat(base + "/" + each).st_rdev == 0, (what, each)  # a whiteout is 0:0
            if "bad:1" in store.images():
                store.mete("rmi", "-f", "bad:1")
            with open(store.work + "/rootfs.tar", "wb") as file:
                file.write(tar)
            store.mete("import", store.work + "/rootfs.tar", "bad:2", check=False)
            store.check_outside()


def test_no_name_in_the_archive_itself_leads_out():
    with Guarded() as store:
        image = Image({"bin/sh": b"x"})
        layer = archives.hex_of(image.tars[0]) + ".tar"
        for name in (store.secret + "/file", "../" * 12 + store.secret.lstrip("/") + "/file"):
            for entries in ([(layer, name)], [(layer, image.tars[0]), (name, b"taken")]):
                manifest = archives.manifest_json("config.json", [layer], "bad:1")
                path = archives.write_tar(store.work + "/a.tar", [*entries, ("config.json", image.config), ("manifest.json", manifest)])
                store.mete("load", "-i", path, check=False)
                store.check_outside()
        # manifest.json itself, and what it names, as links out.
        for link in ("manifest.json", "config.json"):
            entries = [(layer, image.tars[0]), ("config.json", image.config), ("manifest.json", archives.manifest_json("config.json", [layer], "bad:1"))]
            path = archives.write_tar(store.work + "/a.tar", [(name, store.secret + "/file" if name == link else content) for name, content in entries])
            done = store.mete("load", "-i", path, check=False)
            assert done.returncode == 1 and "of the machine" not in done.stderr, done
        assert store.images() == {} and os.listdir(store.state + "/images/tmp") == []


def limited(store, *words):
    """Runs it and gives its result and the most memory that it had, in bytes."""
    process = subprocess.Popen(store.words(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=store.environment)
    out, error = process.stdout.read(), process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, out, error, usage.ru_maxrss * 1024


def many_entries(path, number, kind=tarfile.REGTYPE):
    """A tar of empty files or folders, made quickly: one header, with other names and sums."""
    entry = tarfile.TarInfo("f" * 12)
    entry.type, entry.mtime = kind, 1_000_000
    header = bytearray(entry.tobuf(tarfile.USTAR_FORMAT))
    with gzip.open(path, "wb", 1) as out:
        for i in range(number):
            header[0:12] = b"%04d/%07d" % (i // 1000, i)
            header[148:156] = b" " * 8
            header[148:156] = b"%06o\0 " % sum(header)
            out.write(header)
        out.write(bytes(1024))


def test_many_entries_take_little_memory():
    number = amount("ENTRIES", 100_000, 1_000_000)
    with Guarded() as store:
        many_entries(store.work + "/many.tar.gz", 1000)
        _, _, _, few = limited(store, "import", store.work + "/many.tar.gz", "few:1")
        many_entries(store.work + "/many.tar.gz", number)
        code, out, error, most = limited(store, "import", store.work + "/many.tar.gz", "many:1")
        assert code == 0 and out.startswith("sha256:"), (code, error)
        assert most < few + 32 * MB, (few, most)
        # The same many names where an archive of images is expected.
        code, _, error, most = limited(store, "load", "-i", store.work + "/many.tar.gz")
        assert code == 1 and "root file system" in error and most < few + 32 * MB, (code, error, few, most)
        # Folders, whose times are set at the end.
        many_entries(store.work + "/many.tar.gz", number // 4, tarfile.DIRTYPE)
        code, out, error, most = limited(store, "import", store.work + "/many.tar.gz", "folders:1")
        assert code == 0 and most < few + 16 * MB, (code, error, few, most)
        (layer,) = store.inspected("folders:1")
        for i in (0, number // 8, number // 4 - 1):
            assert os.stat("%s/%04d/%07d" % (layer, i // 1000, i)).st_mtime == 1_000_000, i


def test_many_images_take_the_memory_of_one():
    with Guarded() as store:
        image = Image({"bin/sh": b"x"})
        config = image.config[:-1] + b', "history": [' + b",".join([b'{"comment": "%s"}' % (b"x" * 1000)] * 3000) + b"]}"  # 3 MB
        layer = archives.hex_of(image.tars[0]) + ".tar"

        def archive(number):
            one = json.loads(archives.manifest_json("config.json", [layer], "app:1"))
            return archives.write_tar(store.work + "/a.tar", [("manifest.json", json.dumps(one * number).encode()), ("config.json", config), (layer, image.tars[0])])

        _, _, _, few = limited(store, "load", "-i", archive(1))
        code, out, error, most = limited(store, "load", "-i", archive(40))
        assert code == 0 and out == "Loaded image: app:1\n" * 40 and most < few + 32 * MB, (code, error, few, most)
        done = store.mete("load", "-i", archive(5000), check=False)
        assert done.returncode == 1 and "5000 images" in done.stderr, done


def test_a_bomb_of_zeros_ends_at_the_disk():
    with Guarded() as store:
        os.makedirs(store.state)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "mete-test", store.state], check=True)
        try:
            store.mete("load", "-i", archives.of_crane(store.work + "/good.tar", Image({"bin/sh": b"x"}), "good:1"))
            # 1 GiB of zeros in 1 MB: as one file, as a layer's blob, and as the archive.
            head = tarfile.TarInfo("zeros")
            head.size = 1024 * MB
            with gzip.open(store.work + "/bomb.tar.gz", "wb", 1) as out:
                out.write(head.tobuf(tarfile.USTAR_FORMAT))
                for _ in range(1024):
                    out.write(bytes(MB))
                out.write(bytes(1024))
            with open(store.work + "/bomb.tar.gz", "rb") as file:
                blob = file.read()
            image = Image({})
            manifest = archives.manifest_json("config.json", ["layer"], "bad:1")
            path = archives.write_tar(store.work + "/a.tar", [("layer", blob), ("config.json", image.config), ("manifest.json", manifest)])
            for words in (["import", store.work + "/bomb.tar.gz", "bad:1"], ["image", "import", store.work + "/bomb.tar.gz", "bad:1"], ["load", "-i", path]):
                code, _, error, most = limited(store, *words)
                assert code == 1 and "free" in error and len(error.splitlines()) == 1, (words, code, error)
                assert most < 64 * MB, (words, most)
                store.check_nothing_half()
            # A sparse file says less than it is; a disk that others fill is the kernel's word.
            with open(store.state + "/filler", "wb", buffering=0) as out, contextlib.suppress(OSError):
                while out.write(bytes(4096)):
                    pass
            done = store.mete("load", "-i", archives.of_crane(store.work + "/b.tar", Image({"bin/x": os.urandom(MB)}), "bad:1"), check=False)
            assert done.returncode == 1 and len(done.stderr.splitlines()) == 1, done
            os.remove(store.state + "/filler")
            assert list(store.images()) == ["good:1"]
            store.mete("load", "-i", store.work + "/b.tar")
            store.check_nothing_half()
        finally:
            unmount_below(store.state)


def test_a_kill_at_any_moment_leaves_no_half_image():
    moments = chance()
    with Guarded() as store:
        images = [Image({"bin/sh": b"x" * 1000, **{"f%d/%d" % (n, i): os.urandom(2000) for i in range(150)}}, {"top%d" % n: b"y"}) for n in range(2)]
        paths = [archives.of_docker(store.work + "/%d.tar" % n, each, "app:%d" % n) for n, each in enumerate(images)]
        begun = time.monotonic()
        store.mete("load", "-i", paths[0])
        store.mete("image", "import", paths[1], "app:1")
        whole = (time.monotonic() - begun) / 2
        complete = {name: store.files(name) for name in ("app:0", "app:1")}
        store.mete("rmi", "-f", "app:0", "app:1")
        killed = 0
        for _ in range(amount("KILLS", 40, 1000)):
            n = moments.randrange(2)
            words = moments.choice((["load", "-i", paths[n]], ["image", "import", paths[n], "app:%d" % n]))
            begun = time.monotonic()
            process = subprocess.Popen(store.words(*words), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=store.environment)
            try:
                process.wait(moments.uniform(0, whole * 1.2))
                whole = min(whole, time.monotonic() - begun)  # it was measured beside other programs
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
                killed += 1
            for name in store.images():
                assert store.files(name) == complete[name], name
            if moments.random() < 0.5:
                store.mete("rmi", "-f", "app:0", "app:1")
        assert killed > 5, killed
        # The next change removes what was left.
        store.mete("load", "-i", paths[0])
        store.mete("rmi", "app:0")
        store.mete("rmi", "-f", "app:1")
        assert store.layers() == [] and os.listdir(store.state + "/images/tmp") == [] and os.listdir(store.state + "/images/documents") == []


def test_twenty_at_once_are_one_image():
    with Guarded() as store:
        image = Image({"bin/sh": b"x" * 1000, **{"d/%d" % i: os.urandom(1000) for i in range(50)}}, {"top": b"y"})
        path = archives.of_new_docker(store.work + "/a.tar", image, "app:1")
        words = [["load", "-i", path], ["image", "import", path, "app:1"]]
        running = [subprocess.Popen(store.words(*words[i % 2]), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=store.environment)
                   for i in range(20)]
        said = [each.communicate()[0] for each in running]
        assert [each.returncode for each in running] == [0] * 20, said
        assert list(store.images()) == ["app:1"] and len(store.layers()) == 2
        assert len(store.files("app:1")) == 52
        store.check_nothing_half()


def test_a_pipe_that_ends_early_is_no_image():
    with Guarded() as store:
        path = archives.of_docker(store.work + "/a.tar", Image({"bin/sh": b"x" * 100_000}), "app:1")
        with open(path, "rb") as file:
            data = file.read()
        for size in (0, 100, 512, 20_000, len(data) - 20_000, len(data) // 2):
            done = subprocess.run(store.words("load"), input=data[:size], capture_output=True, env=store.environment)
            assert done.returncode == 1 and len(done.stderr.splitlines()) == 1, (size, done)
        assert store.images() == {} and store.layers() == [] and os.listdir(store.state + "/images/tmp") == []


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
