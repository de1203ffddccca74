# SPDX-License-Identifier: Apache-2.0
"""`mete explain` says of every limit where it comes from, and it is what the kernel's files hold."""
import json
import sys

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from mete_agent import Agent, run_tests, wait_for  # noqa: E402
from pods import documents, launch, policy  # noqa: E402
from web_pod import side, web  # noqa: E402


def test_every_file_is_what_it_says_and_names_who_asked():
    with Agent().start() as agent:
        launch(agent, documents(web(more=side("32Mi")), policy("  pids: {max: 77}\n  cpu: {burst: 5ms}\n  memory: {onOOM: kill-process}")))
        agent.mete("update", "web", "-c", "side", "--memory", "40Mi")
        value = json.loads(agent.mete("explain", "web", "-o", "json").stdout)
        assert value["qosClass"] == "Burstable" and value["policy"]["name"] == "default/web" and value["policy"]["at"].endswith(".yaml:1:1"), value["policy"]
        main, second = value["containers"]
        seen = {}
        for settings in [value["settings"], main["settings"], second["settings"]]:
            assert len(settings) >= 4
            for each in settings:
                text = open(each["file"]).read().strip()
                assert each["found"] in (text, text.split("\n")[0].split(" ")[-1]), (each, text)
                assert each["found"] == each["expected"] and each["from"], each
                seen[each["file"].split("/")[-1]] = each["from"]
        by_file = {each["file"].split("/")[-1]: each for each in main["settings"]}
        assert by_file["pids.max"]["found"] == "77" and by_file["pids.max"]["from"] == "pids.max of policy default/web", by_file
        limit = next(each for each in second["settings"] if each["file"].endswith(("memory.limit_in_bytes", "memory.max")))
        assert limit["from"] == "limits.memory of the manifest or of `mete update`" and limit["found"] == str(40 << 20), limit
        assert main["effectiveMemory"]["of"] == main["cgroup"] and main["effectiveMemory"]["bytes"] == 64 << 20
        assert any(each["cgroup"] == value["cgroup"] and each["memoryBytes"] == 104 << 20 for each in main["above"]), main["above"]
        assert "Resized" in [each["reason"] for each in value["events"]], value["events"]
        text = agent.mete("explain", "web").stdout
        for expected in ["Pod default/web, Burstable, from ", "Policy default/web (", "the memory limit that is felt: 64.0Mi by " + main["cgroup"], "Lately\n", "Resized"]:
            assert expected in text, (expected, text)
        assert agent.mete("explain", "other", check=False).returncode == 4


def test_what_is_not_as_it_should_be_shows():
    with Agent().start() as agent:
        launch(agent, documents(web(), policy("  drift: report")))
        [container] = json.loads(agent.mete("explain", "web", "-o", "json").stdout)["containers"]
        path = next(each["file"] for each in container["settings"] if each["file"].endswith(("cpu.cfs_quota_us", "cpu.max")))
        with open(path, "w") as file:
            file.write("15000")
        agent.event("LimitDrift")
        text = agent.mete("explain", "web").stdout
        assert "(expected 20000" in text, text
        agent.mete("stop", "web")
        wait_for("its end", lambda: agent.pod("web")["phase"] == "Stopped")
        # Its cgroup goes a little after its last process.
        wait_for("its cgroup to be gone", lambda: "it has no cgroup now" in agent.mete("explain", "web").stdout)


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
