# SPDX-License-Identifier: Apache-2.0
"""Archives of images in every tool's form are read, by `load` and `image import`; what is none of them is refused and no root file system."""
import os
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
import archives  # noqa: E402
from archives import ELSEWHERE, HERE, descriptor, index, of_oci, write_tar  # noqa: E402
from mete_agent import run_tests, skip_case  # noqa: E402
from registries import INDEX, Image, Store, digest  # noqa: E402

BASE, TOP = {"bin/sh": b"a program\n" * 100, "etc/release": b"1\n"}, {"app": b"one"}


def check_files(store, name):
    assert store.files(name) == {**BASE, **TOP}, store.files(name)


def refused(store, path, *words):
    for command in (["load", "-i", path], ["image", "import", path, "refused:1"]):
        done = store.mete(*command, check=False)
        assert done.returncode == 1 and len(done.stderr.splitlines()) == 1 and all(each in done.stderr for each in words), (command, done)
    assert "refused:1" not in store.images() and os.listdir(store.state + "/images/tmp") == [], store.images()


def test_every_form_is_read():
    for form in (archives.of_docker, archives.of_podman, archives.of_crane, archives.of_jib, archives.with_any_names, archives.of_new_docker):
        with Store() as store:
            image = Image(BASE, TOP)
            path = form(store.work + "/a.tar", image, "app:1", "app:2")
            done = store.mete("load", "-i", path)
            assert done.stdout == "Loaded image: app:1\nLoaded image: app:2\n", (form, done)
            assert {each["id"] for each in store.images().values()} == {digest(image.config)[7:]}, form
            check_files(store, "app:1")
            # The same layers, compressed as a whole, by a pipe and by the other command.
            with open(archives.compressed(path), "rb") as file:
                assert store.mete("load", "-q", stdin=file).stdout == "", form
            store.mete("image", "import", path, "other:1")
            check_files(store, "other:1")
            assert len(store.layers()) == 2, (form, store.layers())


def test_a_layer_that_comes_twice_is_a_link_in_the_archive():
    with Store() as store:
        again = Image(BASE, TOP, BASE)
        store.mete("load", "-i", archives.of_docker(store.work + "/a.tar", again, "app:1"))
        check_files(store, "app:1")
        assert len(store.layers()) == 2, store.layers()


def test_an_image_without_a_name_is_named_by_its_id():
    with Store() as store:
        image = Image(BASE, TOP)
        path = archives.of_docker(store.work + "/a.tar", image)
        said = "Loaded image ID: %s\n" % digest(image.config)
        assert store.mete("load", "-i", path).stdout == said
        assert store.mete("images", "-q", "--no-trunc", "-f", "dangling=true").stdout == digest(image.config) + "\n"
        # A name takes it over; loaded again it is the named one.
        store.mete("tag", digest(image.config)[7:19], "app:1")
        assert store.mete("load", "-i", path).stdout == said
        assert list(store.images()) == ["app:1"], store.images()


def test_several_images_of_one_archive():
    with Store() as store:
        one, two, other = Image(BASE), Image(BASE, TOP), Image(BASE, TOP, command=("/other",))
        blobs = [*one.blobs, one.config, one.manifest, *two.blobs, two.config, two.manifest, other.config, other.manifest]
        inner = index(descriptor(two.manifest, platform=HERE), descriptor(other.manifest, platform=ELSEWHERE))
        nested = index(descriptor(inner, INDEX))
        outer = index(descriptor(one.manifest, name="one:1", platform=HERE), descriptor(nested, INDEX, name="two:1"))
        path = of_oci(store.work + "/a.tar", outer, *blobs, inner, nested, mode="w:gz")
        assert store.mete("load", "-i", path).stdout == "Loaded image: one:1\nLoaded image: two:1\n"
        check_files(store, "two:1")
        assert store.files("one:1") == BASE
        store.mete("image", "import", path, "two:1")
        done = store.mete("image", "import", path, "three:1", check=False)
        assert done.returncode == 1 and "several images" in done.stderr and "one:1" in done.stderr, done
        # A layout's tag alone chooses, too, but is no name.
        tags = of_oci(store.work + "/b.tar", index(descriptor(one.manifest, name="v1"), descriptor(two.manifest, name="v2")), *blobs)
        store.mete("image", "import", tags, "app:v2")
        check_files(store, "app:v2")
        assert store.mete("load", "-i", tags).stdout.count("Loaded image ID: ") == 2


def test_an_image_for_other_machines_alone_is_refused():
    with Store() as store:
        image = Image(BASE)
        path = of_oci(store.work + "/a.tar", index(descriptor(image.manifest, platform=ELSEWHERE)), *image.blobs, image.config, image.manifest)
        refused(store, path, ELSEWHERE, HERE)


def test_zstd_layers():
    image = archives.zstd_packed(Image(BASE, TOP))
    if image is None:
        skip_case("no zstd")
    with Store() as store:
        store.mete("load", "-i", archives.of_crane(store.work + "/a.tar", image, "app:1"))
        store.mete("load", "-i", of_oci(store.work + "/b.tar", index(descriptor(image.manifest, name="app:2")), *image.blobs, image.config, image.manifest))
        check_files(store, "app:1")
        check_files(store, "app:2")


def test_what_is_not_understood_is_refused():
    with Store() as store:
        image = Image(BASE, TOP)
        layers = [(archives.hex_of(each) + ".tar.gz", each) for each in image.blobs]
        config = ("config.json", image.config)
        cases = [
            ([*layers, config], "layers without a file that lists them"),  # jib's, without its manifest
            ([(archives.hex_of(b"1") + "/", b""), (archives.hex_of(b"1") + "/layer.tar", image.tars[0])], "layers without a file that lists them"),
            ([*layers, config, ("manifest.json", b"{}")], "manifest.json", "no list of images"),
            ([*layers, config, ("manifest.json", b"[]")], "empty list"),
            ([*layers, config, ("manifest.json", b"[7]")], "manifest.json", "no list of images"),
            ([*layers, config, ("repositories", b"{}")], "repositories without manifest.json"),
            ([*archives.blob_entries(*image.blobs)], "layers without a file that lists them"),
            ([*archives.blob_entries(*image.blobs), ("index.json", index())], "index.json without oci-layout"),
            ([*archives.blob_entries(*image.blobs), ("oci-layout", b"{}")], "oci-layout without index.json"),
            ([config, ("rootfs/", b""), ("rootfs/bin/", b"")], "bundle"),
            ([*layers[:1], config, ("manifest.json", archives.manifest_json("config.json", [each for each, _ in layers], "a:1"))], "No such file"),
            ([*layers, config, ("manifest.json", archives.manifest_json("config.json", [layers[1][0], layers[0][0]], "a:1"))], "diff_id"),
            ([*layers, config, ("manifest.json", archives.manifest_json("config.json", ["../../etc/passwd"] * 2, "a:1"))], "No such file"),
        ]
        for entries, *words in cases:
            refused(store, write_tar(store.work + "/a.tar", entries), "/a.tar", *words)
        # As a folder, too.
        os.makedirs(store.work + "/folder")
        for name, content in [*layers, config]:
            with open(store.work + "/folder/" + name, "wb") as out:
                out.write(content)
        refused(store, store.work + "/folder")
        assert store.layers() == []


def test_a_root_file_system_stays_one():
    with Store() as store:
        for entries in ([("bin/", b""), ("bin/sh", b"x"), ("manifest.json", b"{}")], [("hello", b"x")], [("data/", b""), ("data/x.tar.gz", b"x")]):
            path = write_tar(store.work + "/a.tar", entries)
            store.mete("image", "import", path, "root:1")
            files = {name: content for name, content in entries if not name.endswith("/")}
            assert store.files("root:1") == files, entries
            done = store.mete("load", "-i", path, check=False)
            assert done.returncode == 1 and "root file system" in done.stderr and "mete import" in done.stderr, done
        # Whoever says that it is one is believed; but there is nothing that a whiteout could hide.
        path = write_tar(store.work + "/b.tar", [("manifest.json", b"{}")])
        store.mete("import", path, "root:2")
        assert store.files("root:2") == {"manifest.json": b"{}"}
        done = store.mete("import", write_tar(store.work + "/c.tar", [("etc/", b""), ("etc/.wh.passwd", b"")]), "root:3", check=False)
        assert done.returncode == 1 and "etc/.wh.passwd" in done.stderr and "whiteout" in done.stderr, done


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
