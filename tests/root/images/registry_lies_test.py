# SPDX-License-Identifier: Apache-2.0
"""A registry that lies, breaks off or asks without end: nothing becomes visible, the error says what was wrong, and no login goes astray."""
import gzip
import json
import os
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from mete_agent import run_tests  # noqa: E402
from registries import INDEX, MANIFEST, Image, LyingRegistry, Store, basic, digest, layer_tar, machine  # noqa: E402


def refused(store, name, *words):
    """A pull that fails, says why, and leaves nothing."""
    done = store.mete("pull", name, check=False)
    assert done.returncode in (1, 4), done
    for each in words:
        assert each in done.stderr, (each, done)
    assert store.images() == {} and store.layers() == [] and os.listdir(store.state + "/images/incoming") == [], done
    return done


def changed(registry, image, tag, change):
    """The image with another manifest under this tag."""
    document = json.loads(json.dumps(image.document))
    change(document)
    data = json.dumps(document).encode()
    registry.manifests[tag] = data
    return "%s/app:%s" % (registry.host, tag)


def test_what_is_not_what_was_promised_is_refused():
    with LyingRegistry() as registry, Store() as store:
        image = Image({"file": b"content" * 100})
        name = registry.add(image, "1")
        layer = digest(image.blobs[0])
        right = registry.blobs[layer]
        # Another content of the same length, a longer and a shorter one.
        registry.blobs[layer] = gzip.compress(layer_tar({"file": b"CONTENT" * 100}), 6, mtime=0).ljust(len(right), b"\0")[:len(right)]
        refused(store, name, layer)
        registry.blobs[layer] = right + b"more"
        refused(store, name, layer, "more than %d bytes" % len(right))
        # A tar other than the configuration says: the blob's digest is right.
        other = Image({"file": b"another"})
        registry.add(other, "other")
        lie = changed(registry, image, "lie", lambda it: it.update(layers=other.document["layers"]))
        refused(store, lie, "diff_id")
        # A configuration of another digest.
        registry.blobs[digest(image.config)], kept = image.config.replace(b"2020", b"2021"), registry.blobs[digest(image.config)]
        registry.blobs[layer] = right
        refused(store, name, digest(image.config), "expected")
        registry.blobs[digest(image.config)] = kept
        # Sizes and types in the manifest.
        size = changed(registry, image, "size", lambda it: it["layers"][0].update(size=len(right) - 1))
        refused(store, size, "more than")
        size = changed(registry, image, "huge", lambda it: it["config"].update(size=10 ** 12))
        refused(store, size, "at most")
        kind = changed(registry, image, "type", lambda it: it["layers"][0].update(mediaType="application/x-unknown"))
        refused(store, kind, "application/x-unknown")
        kind = changed(registry, image, "number", lambda it: it.update(layers=it["layers"] * 2))
        refused(store, kind, "found 2 layers")
        registry.manifests["index"] = registry.manifests["1"]
        registry.types["index"] = INDEX
        refused(store, registry.host + "/app:index", "expected one type")
        registry.manifests["html"], registry.types["html"] = b"<html>", "text/html"
        refused(store, registry.host + "/app:html", "manifest")
        # A digest in the name is a promise, too.
        wrong = "sha256:" + "0" * 64
        registry.manifests[wrong] = image.manifest
        refused(store, "%s/app@%s" % (registry.host, wrong), wrong)
        done = refused(store, registry.host + "/app:none", "not found", "MANIFEST_UNKNOWN")
        assert done.returncode == 4
        # After all of that it is still to be had.
        store.mete("pull", name)


def test_the_manifest_of_this_machine_is_taken_from_an_index():
    with LyingRegistry() as registry, Store() as store:
        image = Image({"file": b"ours"})
        registry.add(image, "plain")

        def index(*platforms):
            return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [
                {"mediaType": MANIFEST, "digest": digest(image.manifest) if machine_ == machine() else "sha256:" + "1" * 64, "size": len(image.manifest),
                 "platform": {"os": "linux", "architecture": machine_}} for machine_ in platforms]}).encode()

        registry.manifests["many"] = index("s390x", machine())
        done = store.mete("pull", registry.host + "/app:many")
        assert "Digest: " + digest(registry.manifests["many"]) in done.stdout, done
        store.mete("rmi", registry.host + "/app:many")
        registry.manifests["other"] = index("s390x")
        refused(store, registry.host + "/app:other", "linux/s390x")


def test_a_transfer_that_breaks_off_goes_on_where_it_was():
    with LyingRegistry() as registry, Store() as store:
        image = Image({"file": os.urandom(300_000)})
        name = registry.add(image, "1")
        ranges = []

        def cut(handler, blob, data):
            if len(data) < 1000:
                return False
            begin = 0
            if "Range" in handler.headers:
                begin = int(handler.headers["Range"].split("=")[1].rstrip("-"))
            ranges.append(begin)
            handler.send_response(206 if begin else 200)
            handler.send_header("Content-Length", str(len(data) - begin))
            if begin:
                handler.send_header("Content-Range", "bytes %d-%d/%d" % (begin, len(data) - 1, len(data)))
            handler.end_headers()
            handler.wfile.write(data[begin:begin + 120_000])
            handler.wfile.flush()
            handler.close_connection = True
            return True

        registry.blob = cut
        store.mete("pull", name)
        assert len(ranges) >= 3 and ranges == sorted(set(ranges)) and ranges[0] == 0, ranges
        assert store.files(name)["file"] == gzip.decompress(image.blobs[0])[512:512 + 300_000]
        store.mete("rmi", name)

        # One that never gets further than its half is given up.
        def stuck(handler, blob, data):
            if len(data) < 1000:
                return False
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(data)))
            handler.end_headers()
            handler.wfile.write(data[:1000])
            handler.wfile.flush()
            handler.close_connection = True
            return True

        registry.blob = stuck
        refused(store, name, "in 6 attempts")


def test_an_answer_without_an_end_is_ended():
    with LyingRegistry() as registry, Store() as store:
        image = Image({"file": os.urandom(1000)})
        name = registry.add(image, "1")

        def endless(handler, *_):
            handler.send_response(200)
            handler.send_header("Content-Type", MANIFEST)
            handler.end_headers()
            handler.close_connection = True
            try:
                while True:
                    handler.wfile.write(b" " * 65536)
            except OSError:
                return True

        registry.blob = lambda handler, blob, data: blob == digest(image.blobs[0]) and endless(handler)
        refused(store, name, digest(image.blobs[0]))
        registry.blob = None
        registry.refuse = lambda handler: "manifests" in handler.path and endless(handler)
        refused(store, name, "more than 4194304 bytes")


def test_a_login_is_told_to_no_other_host():
    with LyingRegistry() as registry, LyingRegistry() as other, Store() as store:
        image = Image({"file": b"content" * 50})
        name = registry.add(image, "1")
        other.add(image, "1")
        secret = basic("me", "secret")

        def guarded(handler):
            if handler.headers.get("Authorization") != secret:
                handler.answer(401, b"{}", Www_Authenticate='Basic realm="r"')
                return True
            if "blobs" in handler.path:
                handler.answer(307, b"", Location="http://%s%s" % (other.host, handler.path))
                return True
            return False

        registry.refuse = guarded
        with open(store.work + "/logins.json", "w") as out:
            json.dump({"auths": {registry.host: {"username": "me", "password": "secret"}}}, out)
        store.mete("pull", "--authfile", store.work + "/logins.json", name)
        assert len(other.requests) >= 2 and not any("Authorization" in each[2] for each in other.requests), other.requests
        assert any(each[2].get("Authorization") == secret for each in registry.requests)
        # A redirect that leads around in a circle.
        store.mete("rmi", name)
        registry.refuse = lambda handler: "blobs" in handler.path and not handler.answer(302, b"", Location=handler.path)
        refused(store, name, "redirects")


def test_who_asks_without_end_is_told_once():
    with LyingRegistry() as registry, Store() as store:
        name = registry.add(Image({"file": b"x"}), "1")
        registry.refuse = lambda handler: not handler.answer(401, b"{}", Www_Authenticate='Basic realm="r"')
        refused(store, name, "authentication required")
        with open(store.work + "/logins.json", "w") as out:
            json.dump({"auths": {registry.host: {"username": "me", "password": "secret"}}}, out)
        begun = len(registry.requests)
        done = store.mete("pull", "--authfile", store.work + "/logins.json", name, check=False)
        assert done.returncode == 1 and "not accepted" in done.stderr and len(registry.requests) - begun == 2, (done, registry.requests[begun:])
        registry.refuse = lambda handler: not handler.answer(401, b"{}")
        refused(store, name, "without a challenge")
        # Tokens: given, and then not accepted.
        def tokens(handler):
            if handler.path.startswith("/token"):
                return not handler.answer(200, b'{"token": "abc"}')
            return not handler.answer(401, b"{}", Www_Authenticate='Bearer realm="http://%s/token",service="s"' % registry.host)
        registry.refuse = tokens
        begun = len(registry.requests)
        refused(store, name, "unauthorized")
        assert len(registry.requests) - begun <= 4, registry.requests[begun:]
        # And where they are accepted, one token serves all requests of a repository.
        def fair(handler):
            if handler.path.startswith("/token"):
                return not handler.answer(200, b'{"token": "abc", "expires_in": 300}')
            if handler.headers.get("Authorization") == "Bearer abc":
                return False
            return not handler.answer(401, b"{}", Www_Authenticate='Bearer realm="http://%s/token",service="s"' % registry.host)
        registry.refuse = fair
        begun = len(registry.requests)
        store.mete("pull", name)
        asked = [each[1] for each in registry.requests[begun:] if each[1].startswith("/token")]
        assert asked == ["/token?scope=repository%3Aapp%3Apull&service=s"], asked


def test_a_busy_registry_is_asked_again():
    with LyingRegistry() as registry, Store() as store:
        name = registry.add(Image({"file": b"x"}), "1")
        seen = []

        def busy(handler):
            seen.append(time.monotonic())
            return len(seen) < 3 and not handler.answer(429, b'{"errors": [{"code": "TOOMANYREQUESTS", "message": "slow down"}]}')

        registry.refuse = busy
        store.mete("pull", name)
        store.mete("rmi", name)
        registry.refuse = lambda handler: not handler.answer(503, b"")
        refused(store, name, "503")


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
