# SPDX-License-Identifier: Apache-2.0
"""`mete build`: COPY and ADD, .dockerignore, and contexts of strangers."""
import io
import os
import subprocess
import sys
import tarfile

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from builds import Builder, refused  # noqa: E402
from mete_agent import run_tests  # noqa: E402


def archive(*items):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content, more in items:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            for key, value in more.items():
                setattr(entry, key, value)
            tar.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def piped(builder, data, *options):
    done = subprocess.run(builder.words(*builder.options("-t", "made", *options, "-")), input=data, capture_output=True, env=builder.environment, timeout=300)
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def test_copy_as_it_is_written():
    files = {"one": "1", "two.txt": "2", "dir/a": ("a", 0o640), "dir/sub/b": "b", "dir/link -> a": "", "outward -> /dir/a": "", "exec": ("x", 0o4755)}
    dockerfile = """FROM ubuntu
WORKDIR /work/deep
COPY one .
COPY one renamed
COPY one two.txt /several/
COPY dir /copied
COPY dir /etc
COPY *.txt /glob/
COPY ["one", "/a b/c"]
COPY --chown=app:staff one /owned/new/one
COPY --chown=7 one /owned/seven
COPY --chmod=600 one /mode
COPY outward /outward
COPY exec /exec
COPY one /var/run/through
COPY --exclude=sub --exclude=link dir /excluded
COPY <<A <<"B" /docs/
text $PATH
A
text $PATH
B
"""
    with Builder() as builder:
        builder.build(dockerfile, files)
        tree = builder.tree()
        content = lambda path: tree[path]["content"]  # noqa: E731
        assert content("work/deep/one") == b"1" and content("work/deep/renamed") == b"1"
        assert content("several/one") == b"1" and content("several/two.txt") == b"2" and content("glob/two.txt") == b"2"
        assert content("copied/a") == b"a" and tree["copied/a"]["mode"] == 0o640 and content("copied/sub/b") == b"b" and tree["copied/link"]["content"] == "a"
        assert content("etc/sub/b") == b"b" and tree["etc"]["mode"] == 0o755 and "etc/passwd" in tree
        assert content("a b/c") == b"1"
        assert tree["owned/new/one"]["owner"] == (1000, 50) and tree["owned/new"]["owner"] == (1000, 50) and tree["owned/seven"]["owner"] == (7, 7)
        assert tree["mode"]["mode"] == 0o600 and tree["exec"]["mode"] == 0o4755
        assert content("outward") == b"a" and tree["outward"]["kind"] == "file", "a link is followed within the context"
        assert content("run/through") == b"1" and tree["var/run"]["kind"] == "link"
        assert sorted(each for each in tree if each.startswith("excluded")) == ["excluded", "excluded/a"]
        assert content("docs/B") == b"text $PATH\n" and b"/usr/local/sbin" in content("docs/A")


def test_add_unpacks_archives_and_copy_does_not():
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, mode in (("in/file", 0o640), ("in/set", 0o4755)):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.uid, entry.gid, entry.mtime = 3, mode, 12, 13, 1_000_000
            tar.addfile(entry, io.BytesIO(b"abc"))
        for name, target in (("in/link", "file"), ("in/hard", "in/file")):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = (tarfile.SYMTYPE, target) if name.endswith("link") else (tarfile.LNKTYPE, target)
            tar.addfile(entry)
    with Builder() as builder:
        builder.build("FROM ubuntu\nADD any.name /x\nCOPY any.name /y\nADD plain /z/\n", {"any.name": packed.getvalue(), "plain": "text"})
        tree = builder.tree()
        assert tree["x/in/file"]["owner"] == (12, 13) and tree["x/in/file"]["mode"] == 0o640 and tree["x/in/set"]["mode"] == 0o4755
        assert tree["x/in/link"]["content"] == "file" and tree["x/in/hard"]["content"] == b"abc"
        assert tree["y"]["content"] == packed.getvalue() and tree["z/plain"]["content"] == b"text"
        refused(builder.build("FROM ubuntu\nADD a /x\n", {"a": b"BZh9" + b"x" * 600}, check=False), "bzip2")


def test_add_fetches_urls():
    import http.server  # noqa: PLC0415
    import threading  # noqa: PLC0415

    class Files(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_GET(self):
            body = b"downloaded"
            self.send_response(200 if self.path.startswith("/file") else 404)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Last-Modified", "Thu, 01 Jan 2015 00:00:00 GMT")
            self.end_headers()
            self.wfile.write(body)

    with Builder() as builder, http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = "http://127.0.0.1:%d/file" % server.server_port
        sum_ = "sha256:" + __import__("hashlib").sha256(b"downloaded").hexdigest()
        builder.build("FROM ubuntu\nADD --checksum=%s %s?x=y /into/\nADD %s /renamed\n" % (sum_, url, url))
        assert builder.tree()["into/file"]["mode"] == 0o600 and builder.tree()["renamed"]["content"] == b"downloaded"
        assert builder.build("FROM ubuntu\nADD %s /renamed\n" % url).returncode == 0
        refused(builder.build("FROM ubuntu\nADD --checksum=%s %s /x\n" % (sum_.replace("a", "b"), url), check=False), "found the digest " + sum_)
        refused(builder.build("FROM ubuntu\nADD %s /x\n" % url.replace("file", "none"), check=False), "404")
        server.shutdown()


def test_dockerignore_is_kept():
    files = {"a.md": "", "keep.md": "", "src/b.md": "", "src/c.o": "", "src/d.c": "", "secret/key": "", "secret/public": "", ".dockerignore":
             "# comment\n*.md\n!keep.md\n**/*.o\nsecret\n!secret/public\nDockerfile\n.dockerignore\n"}
    with Builder() as builder:
        builder.build("FROM scratch\nCOPY . /\n", files)
        assert sorted(each for each, what in builder.tree().items() if what["kind"] == "file") == ["keep.md", "secret/public", "src/b.md", "src/d.c"], builder.tree()
        refused(builder.build("FROM ubuntu\nCOPY a.md /\n", files, check=False), 'found no "a.md"', ".dockerignore", "Dockerfile:2:")


def test_contexts_of_strangers_lead_nowhere():
    with Builder() as builder:
        outside = builder.work + "/outside"
        with open(outside, "w") as out:
            out.write("the host's")
        up = "../" * 20 + outside[1:]
        for source, files in (("up", {"up -> " + up: ""}), ("absolute", {"absolute -> " + outside: ""}), ("dir/x", {"dir -> /": ""}),
                              ("fifo/../../outside", {}), ("../outside", {})):
            done = builder.build("FROM ubuntu\nCOPY %s /got\n" % source, files, check=False)
            assert done.returncode == 1 and "the host's" not in done.stdout, (source, done)
        done = builder.build(None, {"Dockerfile -> " + outside: ""}, check=False)
        assert done.returncode == 1 and "host" not in done.stderr, done
        # What an image's links say is true within the image.
        builder.build("FROM ubuntu\nRUN ln -s %s /way && ln -s / /root-link\nCOPY a /way\nCOPY a /root-link/tmp/b\nWORKDIR /root-link/tmp/c\n" % outside, {"a": "mine"})
        assert open(outside).read() == "the host's"
        assert builder.tree()["tmp/b"]["content"] == b"mine" and builder.tree()["tmp/c"]["kind"] == "folder"


def test_a_context_on_standard_input():
    with Builder() as builder:
        dockerfile = ("Dockerfile", b"FROM ubuntu\nCOPY a /a\n", {})
        done = piped(builder, archive(dockerfile, ("a", b"x", {"mode": 0o640, "uid": 9})))
        assert done.returncode == 0, done
        assert builder.changes()["a"] == {"kind": "file", "mode": 0o640, "owner": (0, 0), "content": b"x"}
        assert piped(builder, b"FROM ubuntu\nENV A=b\n").returncode == 0 and "A=b" in builder.config()["Env"], "a Dockerfile alone"
        refused(piped(builder, b"FROM ubuntu\nCOPY a /a\n"), "found no context")
        assert piped(builder, archive(("sub/x.docker", b"FROM ubuntu\nENV X=y\n", {})), "-f", "sub/x.docker").returncode == 0
        outside = builder.work + "/outside"
        link = {"type": tarfile.SYMTYPE, "linkname": builder.work}
        for items in ([("../outside", b"x", {})], [("/" + outside, b"x", {}), dockerfile], [("way", b"", link), ("way/outside", b"x", {}), dockerfile],
                      [("way", b"", {**link, "type": tarfile.LNKTYPE}), dockerfile], [("Dockerfile", b"", {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"})]):
            piped(builder, archive(*items))
            assert not os.path.exists(outside), items
        # docker's client may leave out the last padding and the end mark; a file or a header is whole.
        whole = archive(("a", b"x", {}), dockerfile)
        assert piped(builder, whole[:1536 + len(dockerfile[1])]).returncode == 0 and "a" in builder.changes()
        for size in (1536 + len(dockerfile[1]) - 1, 1536, 1500):
            refused(piped(builder, whole[:size]), "standard input")
        refused(piped(builder, archive(dockerfile, ("a", b"", {"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 3}))), 'found no "a"')
        assert builder.left() == []


def test_a_layer_cannot_hide_what_is_below():
    with Builder() as builder:
        refused(builder.build("FROM ubuntu\nCOPY a /etc/.wh.passwd\n", {"a": ""}, check=False), ".wh.passwd")
        refused(builder.build("FROM ubuntu\nRUN touch /etc/.wh..wh..opq\n", check=False), ".wh..wh..opq")


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
