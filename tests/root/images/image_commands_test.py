# SPDX-License-Identifier: Apache-2.0
"""save, load, import, history, inspect, images, rmi and prune: docker's words over the store, without an agent."""
import io
import json
import os
import subprocess
import sys
import tarfile

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from archives import write_tar  # noqa: E402
from mete_agent import run_tests  # noqa: E402
from registries import Image, Store, digest  # noqa: E402

BASE, TOP = {"bin/sh": b"a program\n" * 1000, "etc/release": b"1\n"}, {"app": b"one"}


def loaded(store, name, *layers, created="2020-01-01T00:00:00Z", labels=None):
    image = Image(*layers)
    config = json.loads(image.config)
    config["created"] = created
    config["config"]["Labels"] = labels or {}
    image.config = json.dumps(config).encode()
    store.mete("load", "-i", image.archive(store.work + "/archive.tar", name))
    return store.images()[name]["id"]


def lines(store, *words, **more):
    return store.mete(*words, **more).stdout.splitlines()


def test_save_and_load_again():
    with Store() as here, Store() as there:
        loaded(here, "app:1", BASE, TOP)
        loaded(here, "base:1", BASE)
        here.mete("tag", "app:1", "app:2")
        path = here.work + "/saved.tar"
        here.mete("save", "-o", path, "app:1", "base:1", "app:2")
        with tarfile.open(path) as tar:
            names = tar.getnames()
            saved = json.load(tar.extractfile("manifest.json"))
            index = json.load(tar.extractfile("index.json"))
            for name in names:
                if name.startswith("blobs/sha256/"):
                    assert digest(tar.extractfile(name).read()) == "sha256:" + name.rsplit("/", 1)[1]
        assert len(names) == len(set(names)), names  # the base once
        assert [each["RepoTags"] for each in saved] == [["app:1", "app:2"], ["base:1"]], saved
        assert [each["annotations"]["io.containerd.image.name"] for each in index["manifests"]] == [
            "docker.io/library/app:1", "docker.io/library/app:2", "docker.io/library/base:1"], index
        assert lines(there, "load", "-i", path) == ["Loaded image: app:1", "Loaded image: app:2", "Loaded image: base:1"]
        assert there.files("app:2") == {**BASE, **TOP}
        # What was saved and loaded is saved in the same bytes, wherever.
        there.mete("save", "-o", there.work + "/again.tar", "app:1", "base:1", "app:2")
        assert open(path, "rb").read() == open(there.work + "/again.tar", "rb").read()
        # By its id there is no name; on a pipe, too.
        image = there.images()["app:1"]["id"]
        done = subprocess.run(there.words("save", image[:12]), stdout=subprocess.PIPE, check=True)
        with tarfile.open(fileobj=io.BytesIO(done.stdout)) as tar:
            assert json.load(tar.extractfile("manifest.json"))[0]["RepoTags"] is None and "repositories" not in tar.getnames()


def test_a_save_that_fails_leaves_no_file():
    with Store() as store:
        loaded(store, "app:1", BASE)
        path = store.work + "/saved.tar"
        with open(path, "w") as out:
            out.write("old")
        done = store.mete("save", "-o", path, "app:1", "nothing:1", check=False)
        assert done.returncode == 4 and "No such image: nothing:1" in done.stderr, done
        # A layer is gone: the archive is half written by then.
        layer = store.state + "/images/layers/" + store.layers()[0]
        os.rename(layer, layer + ".away")
        assert store.mete("save", "-o", path, "app:1", check=False).returncode == 1
        assert open(path).read() == "old" and sorted(os.listdir(store.work)) == ["archive.tar", "saved.tar", "state"], os.listdir(store.work)


def test_import_of_a_root_file_system():
    with Store() as store:
        path = write_tar(store.work + "/root.tar", [("bin/", b""), ("bin/sh", b"x"), ("etc/", b""), ("etc/passwd", b"app:x:7:8::/:/bin/sh\n")])
        changes = ['CMD ["/bin/sh", "-c", "id"]', "ENV A=1 B='two words'", "ENV A=3", "EXPOSE 80 53/udp", "LABEL k=v", "USER app", "WORKDIR srv", "workdir www",
                   "VOLUME /data", "STOPSIGNAL SIGINT", "ENTRYPOINT exec app"]
        words = [word for each in changes for word in ("-c", each)]
        (said,) = lines(store, "import", *words, "-m", "made by hand", path, "made:1")
        config = json.loads(store.mete("image", "inspect", "made:1").stdout)[0]["Config"]
        assert said == "sha256:" + store.images()["made:1"]["id"]
        assert config == {"Cmd": ["/bin/sh", "-c", "id"], "Env": ["A=3", "B=two words"], "ExposedPorts": {"80/tcp": {}, "53/udp": {}}, "Labels": {"k": "v"},
                          "User": "app", "WorkingDir": "/srv/www", "Volumes": {"/data": {}}, "StopSignal": "SIGINT",
                          "Entrypoint": ["/bin/sh", "-c", "exec app"]}, config
        assert lines(store, "history", "--format", "{{.Comment}}|{{.ID}}", "made:1") == ["made by hand|" + said[7:19]]
        # By a pipe, compressed, without a name.
        done = subprocess.run("gzip -c %s | %s" % (path, " ".join(store.words("import", "-"))), shell=True, capture_output=True, text=True, check=True)
        assert done.stdout.startswith("sha256:") and store.mete("images", "-q", "--no-trunc", "-f", "dangling=true").stdout == done.stdout
        for change, word in (("RUN x", "RUN"), ("ENV A", "NAME=VALUE"), ("CMD", "no value"), ("ENV A='b", "without its end")):
            failed = store.mete("import", "-c", change, path, "bad:1", check=False)
            assert failed.returncode == 1 and word in failed.stderr and '"%s"' % change in failed.stderr, failed
        assert "bad:1" not in store.images()


def test_the_list_has_dockers_columns_filters_and_formats():
    with Store() as store:
        old = loaded(store, "127.0.0.1:5000/team/old:1", BASE, created="2019-01-01T00:00:00Z", labels={"tier": "front"})
        new = loaded(store, "new:2", BASE, TOP, created="2021-06-01T00:00:00Z", labels={"tier": "back", "x": ""})
        heads, *rows = store.mete("images").stdout.splitlines()
        assert heads.split() == ["REPOSITORY", "TAG", "IMAGE", "ID", "CREATED", "SIZE"], heads
        assert [each.split()[:3] for each in rows] == [["new", "2", new[:12]], ["127.0.0.1:5000/team/old", "1", old[:12]]], rows
        assert "years ago" in rows[0] and rows[0].endswith("kB"), rows
        assert lines(store, "images", "-q") == [new[:12], old[:12]]
        assert lines(store, "images", "-q", "--no-trunc") == ["sha256:" + new, "sha256:" + old]
        assert "DIGEST" in lines(store, "images", "--digests")[0]

        def found(*filters, name=()):
            return lines(store, "images", "--format", "{{.Repository}}", *[word for each in filters for word in ("--filter", each)], *name)

        assert found("label=tier") == ["new", "127.0.0.1:5000/team/old"]
        assert found("label=tier=back") == found("label=x") == found("since=127.0.0.1:5000/team/old:1") == ["new"]
        assert found("before=new:2") == found("reference=*/*/old") == found("reference=*/*/old:*") == ["127.0.0.1:5000/team/old"]
        assert found("before=%s" % new[:12]) == ["127.0.0.1:5000/team/old"]
        assert found("dangling=true") == [] and len(found("dangling=false")) == 2
        assert found(name=["new"]) == found(name=["new:2"]) == found(name=["n*"]) == ["new"] and found(name=["new:3"]) == []
        for bad in ("colour=red", "dangling=maybe", "label", "since=nothing"):
            done = store.mete("images", "--filter", bad, check=False)
            assert done.returncode == 2 and bad in done.stderr, done
        rows = [json.loads(each) for each in lines(store, "images", "--format", "json")]
        assert rows[0]["Repository"] == "new" and rows[0]["ID"] == new[:12] and rows[0]["CreatedAt"] == "2021-06-01 00:00:00 +0000 UTC", rows
        assert lines(store, "images", "--format", "table {{.Tag}}\\t{{.ID}}")[0].split() == ["TAG", "IMAGE", "ID"]
        for bad in ("{{range .}}", "{{.Nothing}}", "{{.ID", "{{.ID | nosuch}}"):
            done = store.mete("images", "--format", bad, check=False)
            assert done.returncode == 2 and "--format" in done.stderr, done


def test_history_and_inspect():
    with Store() as store:
        image = Image(BASE, TOP)
        config = json.loads(image.config)
        long = "/bin/sh -c #(nop) ADD file:" + "a" * 64 + " in / "
        config["history"] = [{"created": "2020-01-01T00:00:00Z", "created_by": long}, {"created": "2020-01-02T00:00:00Z", "created_by": "ENV A=b", "empty_layer": True},
                             {"created": "2020-01-03T00:00:00Z", "created_by": "COPY\tapp /", "comment": "buildkit"}]
        image.config = json.dumps(config).encode()
        store.mete("load", "-i", image.archive(store.work + "/a.tar", "app:1"))
        store.mete("tag", "app:1", "team/app:2")
        own = digest(image.config)
        rows = [json.loads(each) for each in lines(store, "history", "--format", "json", "app:1")]
        assert [each["ID"] for each in rows] == [own[7:19], "<missing>", "<missing>"], rows
        assert [each["CreatedBy"] for each in rows] == ["COPY app /", "ENV A=b", long[:44] + "…"], rows
        assert [each["Size"] for each in rows] == ["3B", "0B", "10kB"], rows
        assert lines(store, "history", "--no-trunc", "-q", "app:1") == [own, "<missing>", "<missing>"]
        assert lines(store, "history", "--no-trunc", "--no-human", "--format", "{{.CreatedSince}} {{.Size}} {{.CreatedBy}}", "app:1")[2] == "2020-01-01T00:00:00Z 10002 " + long
        (seen,) = json.loads(store.mete("image", "inspect", own[7:15]).stdout)
        assert seen["Id"] == own and seen["RepoTags"] == ["app:1", "team/app:2"] and seen["RootFS"]["Layers"] == [digest(each) for each in image.tars], seen
        assert seen["Config"] == config["config"] and seen["Os"] == "linux" and seen["Size"] == 10005, seen
        assert lines(store, "image", "inspect", "-f", "{{.Id}} {{.Config.Cmd}} {{json .Config.Env}}", "app:1") == [own + ' [/bin/sh] ["A=b"]']
        done = store.mete("image", "inspect", "app:1", "nothing", check=False)
        assert done.returncode == 4 and "No such image: nothing" in done.stderr and json.loads(done.stdout)[0]["Id"] == own, done


def test_rmi_untags_first_and_deletes_with_the_last_name():
    with Store() as store:
        loaded(store, "base:1", BASE)
        app = loaded(store, "app:1", BASE, TOP)
        store.mete("tag", "app:1", "app:2")
        store.mete("tag", "app:1", "other/app:1")
        assert lines(store, "rmi", "app:2") == ["Untagged: app:2"]
        done = store.mete("rmi", app[:12], check=False)
        assert done.returncode == 1 and "conflict: unable to delete %s (must be forced) - image is referenced in multiple repositories" % app[:12] in done.stderr, done
        said = lines(store, "rmi", "-f", app[:12])
        # Its own layer goes; that of the base stays and is not named.
        assert said[:3] == ["Untagged: app:1", "Untagged: other/app:1", "Deleted: sha256:" + app] and len(said) == 4, said
        assert len(store.layers()) == 1 and list(store.images()) == ["base:1"]
        done = store.mete("rmi", "nothing:1", "base:1", check=False)
        assert done.returncode == 4 and "No such image: nothing:1" in done.stderr and "Untagged: base:1" in done.stdout, done
        assert store.mete("rmi", "-f", "nothing:1").returncode == 0
        assert store.layers() == [] and os.listdir(store.state + "/images/documents") == []


def test_prune():
    with Store() as store:
        loaded(store, "old:1", BASE, created="2019-01-01T00:00:00Z")
        loaded(store, "keep:1", BASE, TOP, created="2021-01-01T00:00:00Z", labels={"keep": "1"})
        nameless = Image({"x": b"y"})
        store.mete("load", "-i", nameless.archive(store.work + "/archive.tar", "gone:1"))
        store.mete("tag", "gone:1", "a:1")
        store.mete("rmi", "a:1")
        store.mete("rmi", "gone:1")
        path = write_tar(store.work + "/root.tar", [("bin/", b""), ("bin/x", b"12345")])
        made = store.mete("import", path).stdout.strip()
        asked = store.mete("image", "prune", input="n\n")
        assert "This will remove all dangling images" in asked.stdout and "Total" not in asked.stdout, asked
        said = store.mete("image", "prune", input="y\n").stdout
        assert "Deleted Images:\ndeleted: %s\n" % made in said and said.endswith("Total reclaimed space: 5B\n"), said
        assert store.mete("image", "prune", "-f").stdout == "Total reclaimed space: 0B\n"
        assert "old:1" not in store.mete("image", "prune", "-a", "-f", "--filter", "until=2018-01-01").stdout
        assert "untagged: old:1\n" in store.mete("image", "prune", "-a", "-f", "--filter", "label!=keep").stdout
        assert list(store.images()) == ["keep:1"]
        assert "untagged: keep:1\n" in store.mete("image", "prune", "-a", "-f", "--filter", "until=24h", "--filter", "label=keep=1").stdout
        assert store.layers() == []


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
