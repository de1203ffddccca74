# SPDX-License-Identifier: Apache-2.0
"""Images travel to and from registries: Debian's docker-registry (plain, TLS, passwords), skopeo as the other client, kill -9 on the way."""
import json
import os
import shutil
import subprocess
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from mete_agent import clean_up, run_tests, skip_case, wait_for  # noqa: E402
from registries import DockerRegistry, Image, LyingRegistry, Store, digest  # noqa: E402

BASE = {"bin/sh": b"a program\n" * 1000, "etc/release": b"1\n"}


def loaded(store, name, *layers):
    """An image made here and imported."""
    store.mete("image", "import", Image(*layers).archive(store.work + "/archive.tar", name), name)
    return store.images()[name]


def test_an_image_goes_to_a_registry_and_comes_back():
    with DockerRegistry() as registry, Store() as here, Store() as there:
        name = registry.host + "/cncamp/httpserver:v1.0"
        loaded(here, name, BASE, {"httpserver": b"one"})
        done = here.mete("push", name)
        lines = done.stdout.splitlines()
        assert lines[0] == "The push refers to repository [%s/cncamp/httpserver]" % registry.host, done
        assert sum(each.endswith(": Pushed") for each in lines) == 2, done
        sum_, manifest = registry.manifest("cncamp/httpserver", "v1.0")
        assert lines[-1].startswith("v1.0: digest: %s size: " % sum_), (lines, sum_)
        done = there.mete("pull", name)
        lines = done.stdout.splitlines()
        assert lines[0] == "v1.0: Pulling from cncamp/httpserver" and sum(each.endswith(": Pull complete") for each in lines) == 2, done
        assert lines[-3:] == ["Digest: " + sum_, "Status: Downloaded newer image for " + name, name], done
        assert there.files(name) == {**BASE, "httpserver": b"one"}
        assert there.images()[name]["id"] == manifest["config"]["digest"].split(":")[1]
        assert "Image is up to date for " + name in there.mete("pull", name).stdout
        assert there.mete("pull", "-q", name).stdout == name + "\n"
        # By its digest, too.
        by_digest = "%s/cncamp/httpserver@%s" % (registry.host, sum_)
        assert there.mete("pull", "-q", by_digest).stdout == by_digest + "\n"
        assert there.images()[by_digest]["id"] == there.images()[name]["id"]


def test_only_what_is_missing_travels():
    with DockerRegistry() as registry, Store() as here, Store() as there:
        first, second = registry.host + "/app:1", registry.host + "/app:2"
        loaded(here, first, BASE, {"app": b"one"})
        here.mete("push", first)
        there.mete("pull", first)
        before = registry.stored()
        loaded(here, second, BASE, {"app": b"two"})
        done = here.mete("push", second)
        assert done.stdout.count(": Layer already exists") == 1 and done.stdout.count(": Pushed") == 1, done
        new = {each: size for each, size in registry.stored().items() if each not in before}
        assert len(new) == 3 and sum(new.values()) < 3000, (new, before)  # a layer, a configuration, a manifest
        done = there.mete("pull", second)
        assert done.stdout.count(": Already exists") == 1 and done.stdout.count(": Pull complete") == 1, done
        # The same image under another name: nothing but the documents, and the very same ones.
        other = registry.host + "/team/other:1"
        there.mete("tag", second, other)
        before = registry.stored()
        done = there.mete("push", other)
        assert done.stdout.count(": Mounted from app") == 2, done
        assert registry.manifest("team/other", "1") == registry.manifest("app", "2")
        assert registry.stored() == before
        assert there.mete("push", other).stdout.count(": Layer already exists") == 2


def test_another_registry_gets_the_same_bytes():
    with DockerRegistry() as registry, DockerRegistry() as second, Store() as here, Store() as there:
        name = registry.host + "/app:1"
        loaded(here, name, BASE, {"app": b"one"})
        here.mete("push", name)
        there.mete("pull", name)
        there.mete("tag", name, second.host + "/copy:1")
        assert there.mete("push", second.host + "/copy:1").stdout.count(": Pushed") == 2
        assert second.manifest("copy", "1") == registry.manifest("app", "1")
        # The first is gone: the layers are packed anew, the same way that they were packed before.
        shutil.rmtree(second.work + "/data")
        registry.process.kill()
        registry.process.wait()
        assert there.mete("push", second.host + "/copy:1").stdout.count(": Pushed") == 2
        assert second.manifest("copy", "1")[1]["layers"] == json.loads(open(
            "%s/images/documents/%s.json" % (there.state, json.load(open("%s/images/images/%s.json" % (
                there.state, (second.host + "/copy:1").replace("/", "+"))))["manifest"].split(":")[1])).read())["layers"]


def skopeo(*words):
    if shutil.which("skopeo") is None:
        skip_case("no skopeo")
    done = subprocess.run(["skopeo", "--insecure-policy", *words], capture_output=True, text=True)
    assert done.returncode == 0, (words, done)
    return done.stdout


def test_skopeo_reads_what_mete_pushed_and_the_reverse():
    with DockerRegistry() as registry, Store() as here, Store() as there:
        name = registry.host + "/app:1"
        loaded(here, name, BASE, {"app": b"one"})
        here.mete("push", name)
        skopeo("copy", "--src-tls-verify=false", "docker://" + name, "oci:%s/layout:1" % here.work)
        there.mete("image", "import", here.work + "/layout", "copied:1")
        assert there.files("copied:1") == {**BASE, "app": b"one"}
        Image(BASE, {"app": b"by skopeo"}).archive(here.work + "/saved.tar", "x:1")
        other = registry.host + "/theirs:1"
        skopeo("copy", "--dest-tls-verify=false", "docker-archive:%s/saved.tar" % here.work, "docker://" + other)
        there.mete("pull", other)
        assert there.files(other) == {**BASE, "app": b"by skopeo"}


def certificate(folder):
    """An authority, and a server's certificate of it for 127.0.0.1."""
    os.makedirs(folder)

    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=test ca",
            "-days", "2")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=registry")
    with open(folder + "/more", "w") as out:
        out.write("subjectAltName=IP:127.0.0.1\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-out", "server.crt", "-days", "2", "-extfile", "more")


def test_tls_with_an_own_authority_and_passwords():
    with Store() as here, Store() as there:
        keys = here.work + "/keys"
        certificate(keys)
        with DockerRegistry(tls=(keys + "/server.crt", keys + "/server.key"), users={"me": "secret word"}) as registry:
            name = registry.host + "/app:1"
            loaded(here, name, BASE)
            done = here.mete("push", name, check=False)
            assert done.returncode == 1 and "certificate" in done.stderr, done
            folder = "/etc/mete/certs.d/" + registry.host
            os.makedirs(folder)
            try:
                shutil.copy(keys + "/ca.crt", folder)
                done = here.mete("push", name, check=False)
                assert done.returncode == 1 and "authentication required" in done.stderr, done
                done = here.mete("login", "-u", "me", "--password-stdin", registry.host, input="wrong\n", check=False)
                assert done.returncode == 1 and "not accepted" in done.stderr, done
                assert not os.path.exists(here.work + "/docker/config.json")
                done = here.mete("login", "-u", "me", "--password-stdin", registry.host, input="secret word\n")
                assert done.stdout.endswith("Login Succeeded\n"), done
                assert os.stat(here.work + "/docker/config.json").st_mode & 0o777 == 0o600
                here.mete("push", name)
                # Docker's file, and a helper program in it.
                shutil.copytree(here.work + "/docker", there.work + "/docker")
                there.mete("pull", name)
                there.mete("rmi", name)
                helper = there.work + "/docker-credential-test"
                with open(helper, "w") as out:
                    out.write("#!/bin/sh\nread server\n[ \"$1 $server\" = \"get %s\" ] || { echo credentials not found; exit 1; }\n"
                              "echo '{\"Username\": \"me\", \"Secret\": \"secret word\"}'\n" % registry.host)
                os.chmod(helper, 0o755)
                there.environment["PATH"] = there.work + ":" + os.environ["PATH"]
                with open(there.work + "/docker/config.json", "w") as out:
                    json.dump({"credHelpers": {registry.host: "test"}}, out)
                there.mete("pull", name)
                assert here.mete("logout", registry.host).stdout == "Removing login credentials for %s\n" % registry.host
                assert here.mete("logout", registry.host).stdout == "Not logged in to %s\n" % registry.host
                assert here.mete("push", name, check=False).returncode == 1
            finally:
                clean_up([folder], [])
                for each in ("/etc/mete/certs.d", "/etc/mete"):
                    if os.path.isdir(each) and not os.listdir(each):
                        os.rmdir(each)


def test_mirrors_come_first_and_blocked_ones_are_not_asked():
    with LyingRegistry() as mirror, Store() as here:
        image = Image(BASE)
        mirror.add(image, "latest")
        config = here.work + "/agent.yaml"
        with open(config, "w") as out:
            out.write("registries:\n  mirrors: [{registry: docker.io, hosts: ['127.0.0.1:1', '%s']}]\n" % mirror.host)
        done = here.mete("pull", "--config", config, "busybox")
        assert done.stdout.splitlines()[:2] == ["Using default tag: latest", "latest: Pulling from library/busybox"], done
        assert done.stdout.endswith("\ndocker.io/library/busybox:latest\n"), done
        assert here.images()["busybox:latest"]["id"] == digest(image.config).split(":")[1]
        assert mirror.asked("/v2/library/busybox/manifests/latest")
        with open(config, "w") as out:
            out.write("registries: {blocked: [docker.io]}\n")
        done = here.mete("pull", "--config", config, "other", check=False)
        assert done.returncode == 1 and "registries.blocked" in done.stderr, done


def slow(registry, release):
    """Gives half of each layer, and the rest when the file `release` is there."""
    def blob(handler, name, data):
        if len(data) < 2000:
            return False
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data[:len(data) // 2])
        handler.wfile.flush()
        wait_for("the other half to be asked for", lambda: os.path.exists(release))
        handler.wfile.write(data[len(data) // 2:])
        return True
    registry.blob = blob


def test_a_pull_that_is_killed_leaves_no_image_and_the_next_one_goes_on():
    with LyingRegistry() as registry, Store() as here:
        name = registry.add(Image({"one": os.urandom(200)}, {"two": os.urandom(100_000)}), "1")
        release = here.work + "/release"
        slow(registry, release)
        pull = subprocess.Popen(here.words("pull", name), env=here.environment, stdout=subprocess.DEVNULL)
        wait_for("the small layer", lambda: os.path.isdir(here.state + "/images/layers") and len(here.layers()) == 1)
        wait_for("half of the other", lambda: [each for each in os.listdir(here.state + "/images/incoming") if not each.endswith(".lock")])
        pull.kill()
        pull.wait()
        assert here.images() == {}
        whole = here.layers()
        open(release, "w").close()
        done = here.mete("pull", name)
        assert done.stdout.count(": Already exists") == 1 and done.stdout.count(": Pull complete") == 1, done
        assert set(whole) < set(here.layers()) and os.listdir(here.state + "/images/incoming") == []
        # And what nobody goes on with is removed with the next image.
        os.unlink(release)
        other = registry.add(Image({"three": os.urandom(100_000)}), "2")
        pull = subprocess.Popen(here.words("pull", other), env=here.environment, stdout=subprocess.DEVNULL)
        wait_for("half of it", lambda: len(os.listdir(here.state + "/images/incoming")) == 2)
        pull.kill()
        pull.wait()
        here.mete("rmi", name)
        assert here.layers() == [] and os.listdir(here.state + "/images/incoming") == []
        open(release, "w").close()


def test_pulls_of_one_image_share_the_work():
    with LyingRegistry() as registry, Store() as here:
        image = Image({"one": os.urandom(300)}, {"two": os.urandom(50_000)})
        name = registry.add(image, "1")
        release = here.work + "/release"
        slow(registry, release)
        pulls = [subprocess.Popen(here.words("pull", "-q", name), env=here.environment, stdout=subprocess.PIPE, text=True) for _ in range(8)]
        wait_for("all to have asked", lambda: len(registry.asked("/manifests/1")) == 8)
        open(release, "w").close()
        for each in pulls:
            assert each.communicate(timeout=120)[0] == name + "\n" and each.returncode == 0
        assert [len(registry.asked(digest(each))) for each in image.blobs] == [1, 1]
        assert os.listdir(here.state + "/images/incoming") == []


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
