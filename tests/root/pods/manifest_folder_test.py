# SPDX-License-Identifier: Apache-2.0
"""The folder of manifests that the agent watches: what is no manifest, what is half written, linked, replaced or gone."""
import contextlib
import os
import shutil
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from bystander import agent_with_bystander, as_nobody, messages  # noqa: E402
from mete_agent import BIN, run_tests, stays, wait_for, write  # noqa: E402
from pods import container, documents, job, pod, wait_exited, wait_gone, wait_running  # noqa: E402


def test_what_is_no_file_in_the_folder_is_told_and_harms_nobody():
    with agent_with_bystander() as (agent, bystander):
        os.mkdir(agent.work + "/d")
        os.rename(agent.work + "/d", agent.manifests + "/directory.yaml")
        wait_for("an event about the directory", lambda: any("directory.yaml" in each for each in messages(agent)))
        os.symlink("loop.yaml", agent.work + "/loop.yaml")
        os.rename(agent.work + "/loop.yaml", agent.manifests + "/loop.yaml")
        wait_for("an event about the loop", lambda: any("loop.yaml" in each for each in messages(agent)))
        bystander.check()
        # One that is hidden or of another kind of name is nobody's business.
        names = (".hidden.yaml", "notes.txt", "backup.yaml~")
        for name in names:
            write(agent.manifests + "/" + name, "{{{ no yaml")
        # An event about what came after them says that the agent has seen them.
        write(agent.manifests + "/last.yaml", "{{{ no yaml")
        wait_for("an event about the last", lambda: any("last.yaml" in each for each in messages(agent)))
        assert not [each for each in messages(agent) if any(name in each for name in names)], messages(agent)
        bystander.check()
        agent.kill()
        agent.start()
        bystander.check()


def test_names_and_words_that_are_no_text_harm_nobody():
    with agent_with_bystander() as (agent, bystander):
        for name in (b"bad-\xff\xfe.yaml", b"line\nbreak.yaml", b"escape\x1b[31m.yaml"):
            path = os.fsencode(agent.manifests) + b"/" + name
            before = len(agent.events("ManifestError"))
            with open(path, "w") as out:
                out.write("kind: Pot\n")
            wait_for("an event about %s" % name, lambda: len(agent.events("ManifestError")) > before)  # noqa: B023 - called here
            # The same name with a right manifest: the source is shown with the pod.
            with open(path, "w") as out:
                out.write(pod("p"))
            wait_running(agent, "p")
            assert agent.mete("ps", "-o", "wide").returncode == 0 and "\x1b" not in agent.mete("ps", "-o", "wide").stdout + agent.mete("events").stdout
            os.unlink(path)
            wait_gone(agent, "p")
            bystander.check()
        # A kill's victim says who it is in words of its own.
        agent.apply(job("oom", "exec dd if=/dev/zero of=/dev/null bs=64M count=1 \"$(printf 'conv=\\377')\"", "resources: {limits: {memory: 16Mi}}"))
        wait_exited(agent, "oom")
        assert agent.get("/healthz") == "ok\n"
        agent.events()
        bystander.check(["oom"])


def test_a_fifo_in_the_folder_does_not_stop_the_agent():
    with agent_with_bystander() as (agent, bystander):
        os.mkfifo(agent.work + "/fifo")
        os.rename(agent.work + "/fifo", agent.manifests + "/fifo.yaml")
        try:
            stays("the agent answers", lambda: agent.get("/healthz") == "ok\n", 0.5)
            wait_for("an event about it", lambda: any("fifo.yaml" in each for each in messages(agent)))
            bystander.check()
        finally:
            # Lets an agent that waits in open() go on, so that this test ends.
            with contextlib.suppress(OSError):
                os.close(os.open(agent.manifests + "/fifo.yaml", os.O_WRONLY | os.O_NONBLOCK))
            os.unlink(agent.manifests + "/fifo.yaml")


def check_link_to_a_manifest(name, link):
    with agent_with_bystander() as (agent, bystander):
        os.mkdir(agent.work + "/elsewhere")
        write(agent.work + "/elsewhere/it.yaml", pod(name))
        link(agent.work + "/elsewhere/it.yaml", agent.manifests + "/it.yaml")
        wait_running(agent, name)
        bystander.check([name])


def test_a_link_to_a_manifest_counts_as_one():
    check_link_to_a_manifest("linked", os.symlink)


def test_a_second_name_of_a_manifest_counts_as_one():
    check_link_to_a_manifest("hard", os.link)


def test_a_file_nobody_may_read():
    with agent_with_bystander() as (agent, bystander):
        secret = agent.work + "/secret.yaml"
        write(secret, pod("p"))
        os.chmod(secret, 0o000)
        os.chmod(agent.work, 0o755)
        done = as_nobody([BIN + "/mete", "validate", "-f", secret])
        assert done.returncode == 1 and secret in done.stderr and "Permission denied" in done.stderr, done
        # root reads it all the same.
        os.rename(secret, agent.manifests + "/secret.yaml")
        wait_running(agent, "p")
        bystander.check(["p"])


def test_a_half_written_manifest_is_an_error_until_the_rest_is_there():
    with agent_with_bystander() as (agent, bystander):
        path = agent.manifests + "/p.yaml"
        with open(path, "w") as out:
            out.write(pod("p")[:pod("p").index("image:")] + "ima")
            out.flush()
            bystander.stays(0.3)
        wait_for("an event", lambda: any(path in each for each in messages(agent, "ManifestError")))
        bystander.check()
        with open(path, "w") as out:
            out.write(pod("p"))
        wait_running(agent, "p")
        bystander.check(["p"])


def test_a_running_pod_goes_on_when_its_manifest_breaks():
    with agent_with_bystander() as (agent, bystander):
        path = agent.manifests + "/bystander.yaml"
        for text in ("{{{", pod("bystander").replace("image:", "imgae:"), "kind: Pod", documents(pod("bystander", ["sleep", "7"]), "kind: Pot\napiVersion: v1\n")):
            before = len(agent.events())
            write(path, text)
            wait_for("an event", lambda: any(path in each for each in messages(agent)[before:]))  # noqa: B023 - called here
            bystander.check()
        agent.kill()
        agent.start()
        bystander.check()
        write(path, pod("bystander"))
        bystander.stays(0.5)
        os.unlink(path)
        wait_for("it to be deleted", lambda: not agent.pods())


def test_the_folder_removed_and_made_again():
    with agent_with_bystander() as (agent, _):
        shutil.rmtree(agent.manifests)
        wait_for("its pods to go", lambda: not agent.pods())
        os.mkdir(agent.manifests)
        write(agent.manifests + "/p.yaml", pod("p"))
        wait_running(agent, "p")


def test_another_folder_in_the_folders_place():
    # As a deployment swaps folders.
    with agent_with_bystander() as (agent, _):
        os.rename(agent.manifests, agent.manifests + ".old")
        os.mkdir(agent.manifests)
        write(agent.manifests + "/q.yaml", pod("q"))
        wait_for("the pods of the folder put in its place", lambda: [each["name"] for each in agent.pods()] == ["q"])


def test_a_file_rewritten_fifty_times_ends_with_its_last_version():
    with agent_with_bystander() as (agent, bystander):
        path = agent.manifests + "/p.yaml"
        for version in range(50):
            text = pod("p", ["sleep", "%d" % (1000 + version)])
            if version % 2:
                write(path, text)
            else:
                with open(path, "w") as out:
                    out.write(text)
            time.sleep(0.002 * (version % 10))

        def last_version():
            container = agent.container("p")
            return container and container["state"] == "running" and "1049" in open("/proc/%d/cmdline" % container["pid"]).read()
        wait_for("the last version to run", last_version)
        stays("the last version", last_version, 0.5)
        bystander.check(["p"])


def test_a_pod_of_many_containers():
    with agent_with_bystander() as (agent, bystander):
        count = 60
        write(agent.manifests + "/many.yaml", pod("many", main="c0", more="".join(container("c%d" % i) for i in range(1, count))))
        wait_running(agent, "many")
        assert len(agent.pod("many")["containers"]) == count
        bystander.check(["many"])
        os.unlink(agent.manifests + "/many.yaml")
        wait_gone(agent, "many")
        bystander.check()


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
