# SPDX-License-Identifier: Apache-2.0
"""Images that are missing, in use, replaced or removed; links in images and volumes lead nowhere out of them."""
import os
import shutil
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from bystander import agent_with_bystander  # noqa: E402
from mete_agent import Agent, run_tests, stays, wait_for, write  # noqa: E402
from pods import delete, job, launch, pod, wait_exited, wait_running  # noqa: E402

# Nothing listens there, so that no registry can be asked for what is missing.
MISSING, BRIEF = "127.0.0.1:1/missing:1.0", "127.0.0.1:1/brief:1"


def made_image(agent, name, *programs):
    """The folder it was imported from, with busybox under these names."""
    root = agent.work + "/root"
    os.makedirs(root + "/bin")
    for each in programs:
        shutil.copy("/bin/busybox", root + "/bin/" + each)
    agent.mete("image", "import", root, name)
    return root


def test_an_image_that_is_not_there_waits_and_starts_soon_after_its_import():
    with agent_with_bystander() as (agent, bystander):
        agent.apply(pod("p", image=MISSING))
        waiting = wait_for("it to wait", lambda: agent.container("p")["reason"] == "ImageNotFound" and agent.container("p"))
        assert waiting["state"] == "waiting" and MISSING in waiting["message"], waiting
        assert "ImageNotFound" in agent.mete("ps").stdout
        bystander.check(["p"])
        made_image(agent, MISSING, "sleep")
        wait_running(agent, "p")
        bystander.check(["p"])
        # Removed while it runs, and wanted by a second one: again the same words.
        delete(agent, "p")
        agent.mete("rmi", MISSING)
        agent.apply(pod("p", image=MISSING))
        wait_for("it to wait again", lambda: agent.container("p")["reason"] == "ImageNotFound")
        done = agent.mete("rmi", "nothing:1", check=False)
        assert done.returncode != 0 and "nothing:1" in done.stderr, done


def test_an_image_in_use_is_not_removed_from_under_its_containers():
    with Agent().start() as agent:
        made_image(agent, BRIEF, "sleep", "ls")
        launch(agent, pod("p", image=BRIEF), "p")
        agent.mete("rmi", BRIEF, check=False)  # refused, or its layers stay until the container has ended
        stays("its files", lambda: agent.mete("exec", "p", "--", "/bin/ls", "/bin", check=False).stdout == "ls\nsleep\n", 0.5)


def test_layers_go_when_nobody_uses_them_any_more():
    with Agent().start() as agent:
        layers = lambda: set(os.listdir(agent.state + "/images/layers"))  # noqa: E731
        busybox = layers()
        root = made_image(agent, "changing:1", "busybox")

        def reimport(text):
            before = layers()
            write(root + "/version", text)
            agent.mete("image", "import", root, "changing:1")
            return (layers() - before).pop()

        first = reimport("1")
        launch(agent, pod("p", ["/bin/busybox", "sleep", "1000"], image="changing:1"), "p")
        second = reimport("2")
        third = reimport("3")
        wait_for("the layer that nothing ever ran on to go", lambda: second not in layers())
        assert first in layers() and third in layers()
        assert agent.mete("exec", "p", "--", "/bin/busybox", "cat", "/version").stdout == "1"
        # Not even when the image itself is removed, and by a new agent neither.
        agent.mete("rmi", "changing:1")
        assert first in layers()
        agent.kill()
        agent.start()
        stays("the layer in use", lambda: first in layers(), 3)
        assert agent.mete("exec", "p", "--", "/bin/busybox", "cat", "/version").stdout == "1"
        agent.mete("delete", "p")
        wait_for("the last of it to go", lambda: first not in layers())
        assert busybox <= layers(), "busybox has gone with it"


def test_rmi_and_prune_know_what_containers_use():
    with Agent().start() as agent:
        made_image(agent, BRIEF, "sleep")
        launch(agent, pod("p", image=BRIEF), "p")
        ids = agent.mete("images", "-q", "--no-trunc", BRIEF).stdout.strip()

        def check_held():
            for reference, words in ((BRIEF, "unable to remove repository reference"), (ids, "cannot be forced")):
                done = agent.mete("rmi", reference, check=False)
                assert done.returncode == 1 and "conflict: " in done.stderr and words in done.stderr and "default/p/main" in done.stderr, done
            assert BRIEF not in agent.mete("image", "prune", "-a", "-f").stdout and BRIEF in agent.mete("images", "-o", "json").stdout

        check_held()
        # Without an agent its containers go on; their records tell.
        agent.kill()
        check_held()
        agent.start()
        # By force the name alone goes.
        assert agent.mete("rmi", "-f", BRIEF).stdout == "Untagged: %s\n" % BRIEF
        assert agent.mete("images", "-q", "--no-trunc", "-f", "dangling=true").stdout == ids + "\n"
        assert agent.mete("image", "prune", "-f").stdout == "Total reclaimed space: 0B\n"
        delete(agent, "p")
        assert "deleted: " + ids in agent.mete("image", "prune", "-f").stdout


def test_an_image_removed_between_two_starts_is_not_found():
    with Agent().start() as agent:
        made_image(agent, BRIEF, "sleep")
        launch(agent, pod("p", ["sleep", "1"], image=BRIEF), "p")
        removed = agent.mete("rmi", BRIEF, check=False)
        if removed.returncode != 0:
            assert BRIEF in removed.stderr, removed  # in use: refused
            return
        own = wait_for("its next start to wait", lambda: agent.container("p")["reason"] == "ImageNotFound" and agent.container("p"))
        # Why it waits, and how it ended before, are two things.
        assert own["state"] == "waiting" and BRIEF in own["message"], own
        assert own["last"]["reason"] == "Completed" and own["last"]["exitCode"] == 0, own


def test_links_in_a_volume_lead_nowhere_out_of_it():
    with agent_with_bystander() as (agent, bystander):
        host = agent.work + "/host"
        volume = agent.work + "/volume"
        os.makedirs(host)
        os.makedirs(volume + "/real")
        for path, text in ((host + "/secret", "host secret\n"), (volume + "/real/file", "of the volume\n")):
            with open(path, "w") as out:
                out.write(text)
        os.symlink("/etc", volume + "/etc-link")
        os.symlink("/etc/hostname", volume + "/file-link")
        os.symlink(host, volume + "/absolute")
        os.symlink("../host", volume + "/relative")
        os.symlink("../../../../../../../../../../proc/1/root" + host, volume + "/deep")
        os.symlink("real", volume + "/inside")
        for sub_path in ("etc-link", "file-link", "absolute", "absolute/secret", "relative", "relative/secret", "deep", "etc-link/passwd"):
            agent.apply(job("p", "ls /m /m/; cat /m /m/secret; cat /m/passwd; true", "volumeMounts: [{name: v, mountPath: /m, subPath: %s}]" % sub_path,
                            "volumes: [{name: v, hostPath: {path: %s}}]" % volume))
            wait_for("it to end or wait", lambda: agent.container("p") and (agent.container("p")["state"] == "exited" or agent.container("p").get("message")))
            seen = agent.logs("p")
            assert "host secret" not in seen and "root:" not in seen and "hostname" not in seen, (sub_path, seen)
            assert open("/etc/hostname").read().strip() not in seen.split("\n"), (sub_path, seen)
            delete(agent, "p")
        assert open(host + "/secret").read() == "host secret\n" and os.listdir(host) == ["secret"]
        # A link that stays inside is as good as the directory.
        agent.apply(pod("p", ["cat", "/m/file"], "volumeMounts: [{name: v, mountPath: /m, subPath: inside}]", "volumes: [{name: v, hostPath: {path: %s}}]" % volume, restart="Never"))
        wait_exited(agent, "p")
        assert agent.mete("logs", "p").stdout == "of the volume\n", agent.mete("logs", "p")
        bystander.check(["p"])


def test_links_in_an_image_lead_no_mount_out_of_it():
    with agent_with_bystander() as (agent, bystander):
        root = agent.work + "/root"
        host = agent.work + "/host"
        os.makedirs(root + "/bin")
        os.makedirs(host)
        shutil.copy("/bin/busybox", root + "/bin/busybox")
        os.symlink(host, root + "/data")
        os.symlink("../../../../../../../.." + host, root + "/up")
        agent.mete("image", "import", root, "links:1")
        agent.apply(pod("p", ["/bin/busybox", "sh", "-c", "busybox touch /data/in /up/in; busybox sleep 1000"], image="links:1",
                        lines="volumeMounts: [{name: a, mountPath: /data/a}, {name: a, mountPath: /up}]", spec="volumes: [{name: a, emptyDir: {}}]"))
        wait_for("it to run or fail", lambda: agent.container("p")["state"] == "running" or agent.container("p").get("message"))
        stays("the host's folder is empty", lambda: os.listdir(host) == [], 0.3)
        assert not [each for each in agent.mounts() if host in each]
        bystander.check(["p"])


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
