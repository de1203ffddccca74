# SPDX-License-Identifier: Apache-2.0
"""The agent's own alerts, without a Prometheus: a webhook, and Debian's Alertmanager with the configuration of dashboards/. What suffers is
told once; what works at its quota, reads, writes and sleeps is not told at all. Windows and waits are 15 times shorter than in the table."""
import json
import os
import ssl
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from alert_exercises import HEALTHY, TIMES, check  # noqa: E402
from alertmanager_peer import Alertmanager, Webhook  # noqa: E402
from event_time import time_of  # noqa: E402
from mete_agent import SOURCE, Agent, run_tests, wait_for, write  # noqa: E402
from pods import job, pod, wait_exited, wait_running  # noqa: E402
from web_site import Authority, basic  # noqa: E402


def configured(agent, receivers, more=""):
    """agent.yaml for a test: a second between readings and between messages of one group."""
    path = agent.work + "/agent.yaml"
    write(path, "alerts:\n  enabled: true\n  interval: 1s\n  groupInterval: 1s\n  speed: %d\n%s%s" % (TIMES, receivers, more))
    return path


def webhooks(*hooks, more=""):
    return "  webhooks:\n" + "".join("  - {url: %s%s}\n" % (each.url, more) for each in hooks)


def alerts_of(agent):
    return json.loads(agent.mete("alerts", "-o", "json").stdout)


def kill_once(agent, name):
    agent.apply(job(name, "exec dd if=/dev/zero of=/dev/null bs=64M count=1", "resources: {limits: {memory: 16Mi}}", main="hog"))
    wait_exited(agent, name)
    return time_of(next(each for each in agent.events("OOMKilled") if each["pod"] == "default/" + name)["time"])


def test_what_suffers_is_told_and_what_works_is_not():
    with Agent() as agent, Alertmanager(agent.work) as alertmanager, Webhook() as hook:
        agent.start("--config", configured(agent, webhooks(hook) + "  alertmanagers: [{url: 'http://%s'}]\n" % alertmanager.address))
        both = [hook, alertmanager.webhook]
        begin = time.monotonic()
        for each in HEALTHY.values():
            agent.apply(each)
        agent.mete("apply", "-f", SOURCE + "/config/examples/throttled.yaml")
        wait_running(agent, "throttled", *HEALTHY)

        # The CPU exercise.
        for told in both:
            first = wait_for("the throttling to be told", lambda: told.firing(alertname="MeteThrottlingHurts"), 240, 0.1)  # noqa: B023 - called here
            assert {labels["pod"] for _, labels in first} == {"throttled"}, first
        assert [each["labels"]["pod"] for each in alerts_of(agent) if each["labels"]["alertname"] == "MeteThrottlingHurts"] == ["throttled"]
        assert "its CPU quota ends before its work does" in agent.mete("alerts").stdout
        [(_, message)] = [each for each in hook.told if each[1]["commonLabels"].get("alertname") == "MeteThrottlingHurts"]
        assert message["version"] == "4" and message["groupLabels"]["pod"] == "throttled" and "%" in message["commonAnnotations"]["numbers"], message

        # One kill, before anything of the container was read: one alert, one message.
        killed = kill_once(agent, "once")
        told_at, _ = wait_for("the kill to be told", lambda: hook.firing(pod="once"), 60, 0.005)[0]
        wait_for("the kill to be told by the Alertmanager", lambda: alertmanager.webhook.firing(pod="once"), 60, 0.05)
        print("     from the event of the kill to the webhook: %.1f ms" % (1000 * (told_at - killed)))

        # The memory exercise: kills in a loop are told as a loop, and what follows from it is held back.
        agent.mete("apply", "-f", SOURCE + "/config/examples/oom.yaml")
        for told in both:
            wait_for("the loop to be told", lambda: told.firing(alertname="MeteOomLoop", pod="oom"), 240, 0.1)  # noqa: B023 - called here
        prints = [{each["fingerprint"] for _, message in list(told.told) for each in message["alerts"] if each["labels"]["alertname"] == "MeteOomLoop"}
                  for told in both]
        assert prints[0] == prints[1] and len(prints[0]) == 1, prints
        wait_for("its kills to be held back", lambda: [each for each in alerts_of(agent) if each["labels"].get("pod") == "oom" and each.get("inhibited")], 60, 0.2)

        # Ten minutes of the healthy ones, in the time of the rules.
        wait_for("ten minutes", lambda: time.monotonic() - begin > 600 / TIMES, 600, 0.5)
        for told in both:
            check(told)
        assert agent.metric("mete_alerts", state="firing") >= 2
        assert agent.metric("mete_alerts_sent_total", receiver=hook.url) >= 3 and not agent.metric("mete_alerts_failed_total")
        reasons = {each["fields"]["alert"] for each in agent.events("AlertFiring")}
        assert {"MeteThrottlingHurts", "MeteOomKill", "MeteOomLoop"} <= reasons, reasons

        # What has ended is told.
        agent.mete("delete", "throttled")
        for told in both:
            wait_for("the end of the throttling to be told", lambda: told.resolved(alertname="MeteThrottlingHurts"), 120, 0.2)  # noqa: B023 - called here
        wait_for("the end of the kill to be told", lambda: hook.resolved(pod="once"), 120, 0.2)
        assert len(hook.resolved(pod="once")) == 1 and len(hook.firing(pod="once")) == 1, hook.told


def test_a_restart_of_the_agent_neither_ends_nor_repeats_an_alert():
    with Agent() as agent, Webhook() as hook:
        config = configured(agent, webhooks(hook))
        agent.start("--config", config)
        kill_once(agent, "once")
        wait_for("the kill to be told", lambda: hook.firing(pod="once"), 60, 0.05)
        wait_for("what was told to be kept", lambda: '"firing":["' in open(agent.state + "/alerts.json").read(), 60, 0.05)
        agent.kill()
        begin = time.time()
        agent.start("--config", config)
        assert [each["state"] for each in alerts_of(agent) if each["labels"].get("pod") == "once"] == ["firing"]
        ended, _ = wait_for("its end to be told", lambda: hook.resolved(pod="once"), 180, 0.1)[0]
        # Not before the new agent has looked as long as the rule looks back: ten minutes.
        assert ended - begin >= 600 / TIMES, ended - begin
        assert len(hook.firing(pod="once")) == 1 and len(hook.resolved(pod="once")) == 1, hook.told
        # A kill after it is told as ever.
        kill_once(agent, "again")
        wait_for("the next kill to be told", lambda: hook.firing(pod="again"), 60, 0.05)


def test_a_receiver_that_does_not_answer_is_tried_again():
    with Agent() as agent, Webhook() as hook, Webhook() as healthy:
        hook.answer = 503
        agent.start("--config", configured(agent, webhooks(hook, healthy)))
        kill_once(agent, "once")
        wait_for("the other to be told", lambda: healthy.firing(pod="once"), 60, 0.02)
        event = agent.event("AlertsNotSent", receiver=hook.url)
        assert "found status 503" in event["message"], event
        wait_for("three attempts", lambda: hook.refused >= 3, 60, 0.1)
        assert len(agent.events("AlertsNotSent")) == 1 and agent.metric("mete_alerts_failed_total", receiver=hook.url) >= 3
        hook.answer = 200
        wait_for("it to be told", lambda: hook.firing(pod="once") or hook.told, 120, 0.1)
        agent.event("AlertsSentAgain", receiver=hook.url)
        assert len(healthy.firing(pod="once")) == 1


def test_tls_and_passwords():
    with Agent() as agent:
        authority = Authority(agent.work + "/ca")
        cert, key = authority.sign("hook", "IP:127.0.0.1")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        write(agent.work + "/password", "secret\n")
        write(agent.work + "/token", "abc.def\n")
        with Webhook(context, basic("mete", "secret")) as by_password, Webhook(context, "Bearer abc.def") as by_token, Webhook(context) as unknown:
            receivers = ("  webhooks:\n  - {url: '%s', caFile: ca/ca.crt, username: mete, passwordFile: password}\n  - {url: '%s', caFile: ca/ca.crt, tokenFile: token}\n"
                         "  - {url: '%s'}\n" % (by_password.url, by_token.url, unknown.url))
            agent.start("--config", configured(agent, receivers))
            kill_once(agent, "once")
            for hook in (by_password, by_token):
                wait_for("the kill to be told", lambda: hook.firing(pod="once"), 60, 0.05)  # noqa: B023 - called here
                assert hook.refused == 0
            # A certificate that no authority of the system has signed.
            event = agent.event("AlertsNotSent", receiver=unknown.url)
            assert "certificate verify failed" in event["message"] and not unknown.told, event


def test_what_is_wrong_is_said_at_the_start():
    wrong = {
        "  webhooks: [{url: 'ftp://x/'}]\n": 'alerts.webhooks[0].url: found "ftp://x/"',
        "  webhooks: [{url: 'http://x:99999/'}]\n": "alerts.webhooks[0].url: found",
        "  webhooks: [{url: 'https://x/', caFile: /no/such}]\n": "caFile /no/such",
        "  webhooks: [{url: 'http://x/', username: a}]\n": "username",
        "  webhooks: [{url: 'http://x/', tokenFile: /no/such}]\n": "/no/such",
        "  disable: [MeteOmKill]\n": 'alerts.disable: found "MeteOmKill", expected one of Mete',
        "  bounds: [{alert: MeteOomKill, value: cpu_usage, bound: 1}]\n": "alerts.bounds: MeteOomKill has no condition",
        "  labels: {'a-b': x}\n": "alerts.labels",
        "  interval: 1ms\n": "interval",
    }
    with Agent() as agent:
        for text, message in wrong.items():
            path = agent.work + "/agent.yaml"
            write(path, "alerts:\n  enabled: true\n" + text)
            done = agent.start("--config", path, wait=False).process.wait(60)
            log = agent.log_text().replace('\\"', '"')
            assert done == 1 and message in log.splitlines()[-1], (text, log)
            os.unlink(agent.log)


def test_without_alerts_there_are_none():
    with Agent().start() as agent:
        done = agent.mete("alerts", check=False)
        assert done.returncode == 4 and "--alerts" in done.stderr, done
        assert agent.metric("mete_alerts") is None
    with Agent().start("--alerts") as agent:
        assert agent.mete("alerts").stdout == "Nothing is alerted.\n"
        agent.apply(pod("web"))
        wait_running(agent, "web")
        kill_once(agent, "once")
        agent.event("AlertFiring", alert="MeteOomKill")
        answer = json.loads(agent.get("/api/v1/alerts"))
        assert answer["status"] == "success" and [each["labels"]["pod"] for each in answer["data"]["alerts"]] == ["once"], answer


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
