# SPDX-License-Identifier: Apache-2.0
"""What the commands of `mete` do with pods, and what they print."""
import json
import os
import re
import subprocess
import sys
import threading

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from mete_agent import BIN, SOURCE, Agent, run_tests, stays, wait_for, write  # noqa: E402
from pods import documents, is_running, launch, pod, wait_running  # noqa: E402


RESOURCES = "resources: {requests: {cpu: 250m, memory: 24Mi}, limits: {cpu: 300m, memory: 40Mi}}"


def test_apply_diff_and_delete():
    with Agent().start() as agent:
        path = agent.work + "/p.yaml"
        write(path, pod("p"))
        assert agent.mete("diff", "-f", path, check=False).returncode == 1
        assert agent.mete("apply", "--dry-run", "-f", path).stdout == "Pod default/p created (dry run)\n" and not agent.pods()
        assert agent.mete("apply", "-f", path).stdout == "Pod default/p created\n"
        pid = wait_running(agent, "p")["pid"]
        assert agent.mete("apply", "-f", path).stdout == "Pod default/p unchanged\n"
        done = agent.mete("diff", "-f", path, check=False)
        assert (done.returncode, done.stdout) == (0, ""), done
        # Other words for the same: nothing is restarted.
        write(path, "# a comment\n" + pod("p"))
        agent.mete("apply", "-f", path)
        stays("the same process", lambda: agent.container("p")["pid"] == pid, 0.3)
        write(path, pod("p", ["sleep", "2000"]))
        done = agent.mete("diff", "-f", path, check=False)
        assert done.returncode == 1 and re.search(r"(?m)^- .*1000", done.stdout) and re.search(r"(?m)^\+ .*2000", done.stdout), done
        assert agent.mete("apply", "-f", path).stdout == "Pod default/p configured\n  Pod default/p: is replaced by a new one\n"
        wait_for("the new one to run", lambda: is_running(agent, "p") and (agent.container("p") or {}).get("pid", pid) != pid)
        assert json.loads(agent.mete("apply", "-f", path, "-o", "json").stdout)["results"] == [{"object": "Pod default/p", "action": "unchanged"}]
        # A folder, and several documents.
        os.mkdir(agent.work + "/folder")
        write(agent.work + "/folder/a.yaml", documents(pod("a"), pod("b")))
        write(agent.work + "/folder/c.yml", pod("c", metadata=", namespace: other"))
        assert agent.mete("apply", "-f", agent.work + "/folder").stdout.split("\n")[:3] == ["Pod default/a created", "Pod default/b created", "Pod other/c created"]
        wait_running(agent, "a", "b", "other/c")
        assert agent.mete("delete", "other/c", "a").stdout == "Pod other/c deleted\nPod default/a deleted\n"
        assert agent.mete("delete", "-f", path).stdout == "Pod default/p deleted\n"
        wait_for("them to be gone", lambda: [each["name"] for each in agent.pods()] == ["b"])
        done = agent.mete("delete", "-f", path, check=False)
        assert done.returncode == 4 and "default/p" in done.stderr, done
        # What was applied is there again after the agent's death.
        agent.kill()
        agent.start()
        assert is_running(agent, "b")


def test_a_manifest_is_taken_without_the_flag():
    with Agent().start() as agent:
        path = agent.work + "/p.yaml"
        write(path, pod("p"))
        assert agent.mete("validate", path).stdout == "Pod default/p is right\n"
        assert agent.mete("diff", path, check=False).returncode == 1
        assert agent.mete("apply", path).stdout == "Pod default/p created\n"
        assert agent.mete("delete", path).stdout == "Pod default/p deleted\n"
        # A pod may be called like a file that is not there.
        done = agent.mete("delete", "q.yaml", check=False)
        assert done.returncode == 4 and "default/q.yaml" in done.stderr, done


def test_logs_say_why_a_container_has_not_started():
    with Agent().start() as agent:
        agent.apply(pod("p", image="127.0.0.1:1/missing:1.0"))
        wait_for("it to wait", lambda: agent.container("p")["reason"] == "ImageNotFound")
        done = agent.mete("logs", "p", check=False)
        assert done.returncode == 4 and done.stdout == "", done
        assert "has not started: ImageNotFound" in done.stderr and "missing:1.0" in done.stderr, done


def test_an_image_without_a_date_has_no_age():
    with Agent().start() as agent:
        folder = agent.state + "/images/images"
        [record] = [each for each in os.listdir(folder) if "busybox" in each]
        with open(folder + "/" + record) as file:
            value = json.load(file)
        write(folder + "/" + record, json.dumps(dict(value, created=0)))
        assert "N/A" in agent.mete("images").stdout.splitlines()[1], agent.mete("images").stdout
        assert json.loads(agent.mete("images", "-o", "json").stdout)["images"][0]["createdAt"] == ""


def test_schemas_are_those_of_the_files():
    for kind in ("pod", "policy", "agent"):
        done = subprocess.run([BIN + "/mete", "schema", kind], capture_output=True, text=True)
        with open(__file__.rsplit("/", 3)[0] + "/config/schema/%s.schema.json" % kind) as file:
            assert done.returncode == 0 and done.stdout == file.read(), kind


def test_a_full_disk_below_standard_output_is_told():
    with open("/dev/full", "w") as full:
        done = subprocess.run([BIN + "/mete", "schema", "pod"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1 and "standard output" in done.stderr and "No space left" in done.stderr, done
    with subprocess.Popen([BIN + "/mete", "schema", "pod"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as early:
        early.stdout.close()  # who has read enough is no failure
        assert early.stderr.read() == ""


def test_events_are_listed_and_followed():
    with Agent().start() as agent:
        follower = agent.begin("events", "-f", "-o", "json", stdout=subprocess.PIPE)
        lines = []
        threading.Thread(target=lambda: lines.extend(follower.stdout), daemon=True).start()
        launch(agent, pod("p"), "p")
        wait_for("the follower to see it", lambda: any('"Started"' in each for each in list(lines)))
        agent.mete("delete", "p")
        wait_for("the follower to see its end", lambda: any('"Deleted"' in each for each in list(lines)))
        assert follower.poll() is None
        follower.terminate()
        follower.wait()
        events = [json.loads(each) for each in lines]
        reasons = [each["reason"] for each in events if each.get("pod") == "default/p"]
        assert [each for each in reasons if each != "NotEnforced"] == ["Created", "Started", "Terminating", "Exited", "Deleted"], reasons
        table = agent.mete("events").stdout.splitlines()
        assert len([each for each in table if "default/p" in each]) == len([each for each in agent.events() if each.get("pod") == "default/p"]), table
        assert all(re.match(r"\d{4}-\S+Z (Normal |Warning) \w+ \S+: ", each) for each in table), table


def test_what_is_printed_as_a_table_comes_as_yaml_too():
    with Agent().start() as agent:
        launch(agent, pod("p"), "p")
        assert "name: p\n" in agent.mete("ps", "-o", "yaml").stdout
        assert "name: busybox" in agent.mete("images", "-o", "yaml").stdout
        assert "name: default/p/main\n" in agent.mete("top", "-b", "-n", "1", "-o", "yaml").stdout, "top -o yaml"
        yaml = agent.mete("events", "-o", "yaml").stdout
        assert re.search(r"(?m)^(- )?\s*reason: Created$", yaml), yaml


def test_lists_are_printed_as_asked():
    with Agent().start() as agent:
        launch(agent, pod("p", lines=RESOURCES), "p")
        table = agent.mete("ps").stdout.splitlines()
        assert table[0].split() == ["NAMESPACE", "NAME", "READY", "STATUS", "RESTARTS", "OOMS", "AGE"] and table[1].split()[:5] == ["default", "p", "1/1", "Running", "0"], table
        wide = agent.mete("ps", "-o", "wide").stdout.splitlines()
        assert wide[0].split()[7:] == ["IP", "QOS", "IMAGES", "CGROUP", "SOURCE"] and "<none>" in wide[1] and "Burstable" in wide[1] and agent.parent in wide[1], wide
        assert json.loads(agent.mete("ps", "p", "-o", "json").stdout)["pods"][0]["name"] == "p"
        assert "phase: Running\n" in agent.mete("inspect", "p").stdout
        assert json.loads(agent.mete("inspect", "p", "-o", "json").stdout)["containers"][0]["limits"]["memoryBytes"] == 40 << 20
        top = agent.mete("top", "-b", "-n", "1").stdout.splitlines()
        assert top[0].split()[:4] == ["NAME", "STATE", "CPU%", "LIMIT%"], top
        [row] = [each.split() for each in top if each.startswith("default/p/main ")]
        assert row[1] == "running" and row[3] == "30", top
        assert agent.mete("top", "-b", "-n", "2", "-d", "1").stdout.count("NAME ") == 2
        shown = json.loads(agent.mete("top", "-b", "-n", "1", "-o", "json").stdout)
        [row] = [each for each in shown["cgroups"] if each["name"] == "default/p/main"]
        assert row["pids"] == 1 and row["effectiveMemoryLimitBytes"] == 40 << 20, row
        images = agent.mete("images").stdout
        assert "busybox" in images and json.loads(agent.mete("images", "-o", "json").stdout), images
        assert re.fullmatch(r"mete \d+\.\d+\.\d+\S*\n", agent.mete("version").stdout)
        assert agent.mete("ps", "-o", "nonsense", check=False).returncode == 2
        # A reader that goes away early is no failure.
        assert subprocess.run("%s/mete --state %s --run %s ps | true" % (BIN, agent.state, agent.run), shell=True, stderr=subprocess.PIPE).stderr == b""


def test_every_command_has_help_with_examples():
    def help_of(*words):
        done = subprocess.run([BIN + "/mete", *words, "--help"], capture_output=True, text=True)
        assert done.returncode == 0 and done.stderr == "", (words, done)
        return done.stdout
    commands = re.findall(r"(?m)^  ([\w-]+)  ", help_of().split("Subcommands:")[1])
    wanted = "agent apply delete diff validate ps top events logs metrics stats inspect exec stop start update explain advise kill oom image images network rmi schema convert completion version get scale rollout attach cp describe port-forward wait pull push tag login logout alerts save load import history commit export run rm build create restart pause unpause rename port info system volume builder search".split()
    assert sorted(commands) == sorted(wanted), commands
    # Only what the first word names is registered, which the table has to know.
    table = re.findall(r'\{"([^"]+)",', open(SOURCE + "/agent/cli/command_table.cpp").read())
    assert sorted(" ".join(table).split()) == sorted([*set(wanted) - {"completion"}, "build-for-agent", "pull-for-agent", "mount-for-agent"]), table
    without = []
    for command in [[each] for each in commands] + [["image", "import"], ["image", "ls"], ["image", "rm"], ["image", "prune"], ["image", "history"], ["image", "inspect"], ["oom", "ls"], ["oom", "show"], ["network", "create"], ["network", "ls"], ["network", "inspect"], ["network", "rm"], ["network", "prune"], ["network", "connect"], ["network", "disconnect"], ["volume", "create"], ["volume", "ls"], ["volume", "inspect"], ["volume", "rm"], ["volume", "prune"], ["system", "df"], ["system", "prune"]]:
        text = help_of(*command)
        if "Examples:\n  mete " not in text:
            without.append(" ".join(command))
    assert not without, "no examples in the help of: " + ", ".join(without)


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
