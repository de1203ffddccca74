# SPDX-License-Identifier: Apache-2.0
"""The exercise that everybody does who learns what an image is: upper, lower, merged and work by hand, and the same seen through a container
(`mete diff`, `commit`, `export`). What is copied and what is allocated is seen in blocks."""
import contextlib
import io
import json
import os
import stat
import subprocess
import sys
import tarfile

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from leftovers import clean_up, unmount_below  # noqa: E402
from mete_agent import Agent, run_tests, skip_case, wait_for, work_folder  # noqa: E402
from pods import delete, job, launch, pod, wait_exited, wait_running  # noqa: E402

MB = 1 << 20


def write(path, data):
    with open(path, "w") as out:
        out.write(data)


def read(path):
    with open(path) as file:
        return file.read()


@contextlib.contextmanager
def overlay():
    """The folder that holds lower, upper, work and merged, which is mounted."""
    folder = work_folder("mete-overlay-")
    try:
        for each in ("lower", "upper", "work", "merged"):
            os.mkdir(folder + "/" + each)
        write(folder + "/lower/in_both", "from lower")
        write(folder + "/upper/in_both", "from upper")
        write(folder + "/lower/in_lower", "from lower")
        write(folder + "/upper/in_upper", "from upper")
        os.mkdir(folder + "/lower/folder")
        write(folder + "/lower/folder/file", "from lower")
        options = "lowerdir={0}/lower,upperdir={0}/upper,workdir={0}/work".format(folder)
        done = subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, folder + "/merged"], capture_output=True, text=True)
        if done.returncode != 0:
            skip_case("no overlay here: " + done.stderr.strip())
        yield folder
    finally:
        unmount_below(folder)
        clean_up([folder], [])


def is_whiteout(path):
    info = os.lstat(path)
    return stat.S_ISCHR(info.st_mode) and info.st_rdev == 0


def blocks(path):
    """Bytes that are allocated."""
    return os.stat(path).st_blocks * 512


def test_upper_lower_merged_and_work_by_hand():
    with overlay() as at:
        assert sorted(os.listdir(at + "/merged")) == ["folder", "in_both", "in_lower", "in_upper"]
        assert read(at + "/merged/in_both") == "from upper" and read(at + "/merged/in_lower") == "from lower"
        # What is written goes to upper; lower stays as it was.
        write(at + "/merged/in_lower", "changed")
        write(at + "/merged/new", "new")
        assert read(at + "/lower/in_lower") == "from lower" and read(at + "/upper/in_lower") == "changed"
        assert read(at + "/upper/new") == "new" and not os.path.exists(at + "/lower/new")
        # What was in upper alone is simply gone; what is in lower is hidden by a whiteout.
        os.remove(at + "/merged/in_upper")
        os.remove(at + "/merged/in_both")
        assert not os.path.lexists(at + "/upper/in_upper")
        assert is_whiteout(at + "/upper/in_both") and read(at + "/lower/in_both") == "from lower"
        assert sorted(os.listdir(at + "/merged")) == ["folder", "in_lower", "new"]
        # A folder that is removed and made anew shows nothing of the one below.
        os.remove(at + "/merged/folder/file")
        os.rmdir(at + "/merged/folder")
        os.mkdir(at + "/merged/folder")
        assert os.listdir(at + "/merged/folder") == []
        assert os.getxattr(at + "/upper/folder", "trusted.overlay.opaque") == b"y"


def changed_in(agent, name, script, *more):
    """The lines of `mete diff` after a script ran in a container of busybox, which still runs."""
    launch(agent, pod(name, script + "; touch /tmp/done; exec sleep 1000"), name)
    wait_for("the script to end", lambda: "A /tmp/done" in agent.mete("diff", name, *more).stdout)
    return [each for each in agent.mete("diff", name, *more).stdout.splitlines() if each not in ("A /tmp/done", "C /tmp")]


def test_diff_tells_what_a_container_changed():
    with Agent().start() as agent:
        # Nothing at first: the places of mounts are the launcher's.
        launch(agent, pod("idle"), "idle")
        assert agent.mete("diff", "idle").stdout == ""
        # What no pod is called is an image.
        assert json.loads(agent.mete("inspect", "busybox").stdout)[0]["RepoTags"] == ["busybox:latest"]
        assert json.loads(agent.mete("inspect", "idle", "-o", "json").stdout)["name"] == "idle"
        assert agent.mete("inspect", "neither", check=False).returncode == 4
        script = """echo x >> /etc/passwd; rm /etc/group; mkdir -p /srv/a; echo 1 > /srv/a/b; echo 2 > /srv/gone; rm /srv/gone
                    rm -r /var; mkdir /var; touch /var/new; ln -s /etc/passwd /link; chmod 700 /root; rm /bin/vi"""
        assert changed_in(agent, "p", script) == ["C /bin", "D /bin/vi", "C /etc", "D /etc/group", "C /etc/passwd", "A /link", "C /root", "A /srv", "A /srv/a",
                                                  "A /srv/a/b", "C /var", "A /var/new"]
        assert "D /bin/vi" in agent.mete("diff", "p", "-c", "main").stdout
        assert agent.mete("diff", "p", "-c", "other", check=False).returncode == 4
        for words in (["diff"], ["diff", "p", "idle"], ["diff", "p", "-f", "x.yaml"]):
            assert agent.mete(*words, check=False).returncode == 2, words
        # The upper folder itself has the kernel's forms of it.
        upper = agent.container("p")["directory"] + "/diff"
        assert is_whiteout(upper + "/etc/group") and os.getxattr(upper + "/var", "trusted.overlay.opaque") == b"y"
        # Also of one that has ended.
        agent.apply(job("ended", "echo 1 > /made"))
        wait_exited(agent, "ended")
        assert agent.mete("diff", "ended").stdout == "A /made\n"


def seen_in(agent, image, script):
    agent.apply(job("look", script, image=image))
    wait_exited(agent, "look")
    text = agent.logs("look")
    delete(agent, "look")
    return text


def test_commit_makes_an_image_of_it():
    with Agent().start() as agent:
        changed_in(agent, "p", "echo x >> /etc/passwd; rm /etc/group; rm -r /var; mkdir /var; touch /var/new; chmod 4755 /bin/busybox")
        made = agent.mete("commit", "-m", "patched", "-a", "me", "-c", 'CMD ["/bin/cat", "/etc/passwd"]', "p", "patched:1").stdout.strip()
        rows = agent.mete("history", "--no-trunc", "--format", "{{.ID}} {{.Comment}}", "patched:1").stdout.splitlines()
        assert rows[0] == made + " patched" and len(rows) == 2, rows
        script = "ls -l /etc/group; ls /var; tail -n 1 /etc/passwd; test -u /bin/busybox && echo setuid"
        assert seen_in(agent, "patched:1", script).splitlines()[-3:] == ["new", "x", "setuid"]
        assert agent.mete("image", "inspect", "-f", "{{.Author}} {{json .Config.Cmd}}", "patched:1").stdout == 'me ["/bin/cat","/etc/passwd"]\n'
        # The layer has no places of mounts, and a container that changed nothing adds no layer.
        layer = agent.state + "/images/layers/" + made_layers(agent, "patched:1")[0]
        assert sorted(os.listdir(layer)) == ["bin", "etc", "tmp", "var"] and sorted(os.listdir(layer + "/etc")) == ["group", "passwd"]
        launch(agent, pod("idle", image="patched:1"), "idle")
        agent.mete("commit", "idle", "same:1")
        assert made_layers(agent, "same:1") == made_layers(agent, "patched:1")
        # It goes through an archive and back.
        saved = agent.work + "/saved.tar"
        agent.mete("save", "-o", saved, "patched:1")
        agent.mete("rmi", "-f", "patched:1", "same:1")
        assert agent.mete("load", "-i", saved).stdout == "Loaded image: patched:1\n"
        assert seen_in(agent, "patched:1", script).splitlines()[-3:] == ["new", "x", "setuid"]
        # Its image is gone: nothing tells what the new one would run.
        agent.mete("import", saved, "busybox")
        done = agent.mete("commit", "p", "bad:1", check=False)
        assert done.returncode == 1 and "busybox" in done.stderr and "mete export" in done.stderr, done
        done = agent.mete("commit", "-c", "RUN x", "idle", "bad:1", check=False)
        assert done.returncode == 1 and "RUN" in done.stderr and "bad:1" not in agent.mete("images").stdout, done


def made_layers(agent, name):
    with open("%s/images/images/%s.json" % (agent.state, name)) as file:
        return json.load(file)["layers"]


def test_export_is_the_whole_tree():
    with Agent().start() as agent:
        changed_in(agent, "p", "echo x > /etc/passwd; rm /etc/group; mkdir /srv; ln -s busybox /bin/mine")
        agent.mete("export", "-o", agent.work + "/out.tar", "p")
        piped = subprocess.run(agent.words("export", "p"), stdout=subprocess.PIPE, check=True).stdout
        with tarfile.open(agent.work + "/out.tar") as tar, tarfile.open(fileobj=io.BytesIO(piped)) as other:
            names = tar.getnames()
            assert names == other.getnames()
            assert tar.extractfile("etc/passwd").read() == b"x\n" and tar.getmember("bin/mine").linkname == "busybox" and tar.getmember("srv").isdir()
            assert "etc/group" not in names and not [each for each in names if ".wh." in each], names
            assert tar.getmember("bin/busybox").mode == 0o755 and tar.getmember("tmp").mode == 0o1777
        assert not [each for each in open("/proc/self/mounts") if agent.state + "/images/tmp" in each], "the merged tree is still mounted"
        agent.mete("import", "-c", 'CMD ["/bin/sh"]', agent.work + "/out.tar", "flat:1")
        assert seen_in(agent, "flat:1", "cat /etc/passwd; ls /bin/mine") == "x\n/bin/mine\n"


def test_blocks_are_allocated_when_they_are_written():
    with overlay() as at:
        # Allocate on demand: a hole costs nothing, whatever its size; what is written costs what it has.
        with open(at + "/merged/sparse", "wb") as out:
            out.truncate(64 * MB)
        assert os.stat(at + "/upper/sparse").st_size == 64 * MB and blocks(at + "/upper/sparse") < MB
        with open(at + "/merged/sparse", "r+b") as out:
            out.seek(32 * MB)
            out.write(os.urandom(MB))
            os.fsync(out.fileno())
        assert MB <= blocks(at + "/upper/sparse") < 2 * MB, blocks(at + "/upper/sparse")


def test_a_lower_file_is_copied_when_it_is_first_written():
    with overlay() as at:
        with open(at + "/lower/big", "wb") as out:
            out.write(os.urandom(4 * MB))
        os.sync()
        # Reading copies nothing, and neither do metadata of others.
        assert len(open(at + "/merged/big", "rb").read()) == 4 * MB
        assert not os.path.lexists(at + "/upper/big")
        # The first byte copies the whole file (its data: metacopy is off).
        before = blocks(at + "/lower/big")
        with open(at + "/merged/big", "r+b") as out:
            out.write(b"x")
            os.fsync(out.fileno())
        assert blocks(at + "/upper/big") >= 4 * MB and blocks(at + "/lower/big") == before
        assert open(at + "/lower/big", "rb").read(1) != b"" and open(at + "/upper/big", "rb").read(1) == b"x"


def test_containers_of_one_image_share_its_blocks():
    with Agent().start() as agent:
        launch(agent, pod("one"), "one")
        launch(agent, pod("two"), "two")
        uppers = [agent.container(each)["directory"] + "/diff" for each in ("one", "two")]

        def allocated(folder):
            return sum(os.lstat(base + "/" + each).st_blocks * 512 for base, _, files in os.walk(folder) for each in files)

        assert [allocated(each) for each in uppers] == [0, 0]
        agent.mete("exec", "one", "--", "/bin/sh", "-c", "chmod 711 /bin/busybox")
        assert allocated(uppers[0]) >= os.stat("/bin/busybox").st_size and allocated(uppers[1]) == 0
        wait_running(agent, "two")


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
