# SPDX-License-Identifier: Apache-2.0
"""Debian's Alertmanager with the configuration of dashboards/, and a webhook that remembers what it was told and when."""
import http.server
import json
import re
import shutil
import subprocess
import threading
import time
import urllib.request

from child_process import stop
from mete_agent import free_port, skip, wait_for
from promql import DASHBOARDS


class Webhook:
    """`told`: (seconds since 1970, message) of each. While `answer` is another status than 200, that is answered and nothing taken."""

    def __init__(self, tls=None, authorization=None):
        """`tls`: an ssl.SSLContext. `authorization`: the header without which a message is refused."""
        told = self.told = []
        self.answer = 200
        self.refused = 0
        webhook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):  # noqa: N802 - the library's name
                now = time.time()
                message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status = 401 if authorization not in (None, self.headers.get("Authorization")) else webhook.answer
                if status == 200:
                    told.append((now, message))
                else:
                    webhook.refused += 1
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), Handler)
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.url = "%s://127.0.0.1:%d/" % ("https" if tls else "http", self.server.server_address[1])
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def firing(self, **labels):
        """(time, labels) of every alert that a message called firing."""
        return self.alerts("firing", labels)

    def resolved(self, **labels):
        return self.alerts("resolved", labels)

    def alerts(self, status, labels):
        return [(when, each["labels"]) for when, message in list(self.told) for each in message["alerts"]
                if each["status"] == status and labels.items() <= each["labels"].items()]


class Alertmanager:
    """The routes and inhibitions of the file; mail is left out, and waits are a second, or `wait` before the first message."""

    def __init__(self, folder, wait="1s"):
        if shutil.which("prometheus-alertmanager") is None:
            skip("needs Debian's package prometheus-alertmanager")
        self.webhook = Webhook()
        with open(DASHBOARDS + "/prometheus/alertmanager.yml") as file:
            text = file.read()
        text = re.sub(r"  email_configs:\n(    .*\n|  - to:.*\n)+", "", text)
        text, waits = re.subn(r"(group_wait|group_interval): \w+", lambda found: "%s: %s" % (found[1], wait if found[1] == "group_wait" else "1s"), text)
        text, urls = re.subn(r"url: http://127\.0\.0\.1:9095/", "url: " + self.webhook.url, text)
        assert waits == 3 and urls == 2 and "email" not in text, text
        path = folder + "/alertmanager.yml"
        with open(path, "w") as out:
            out.write(text)
        self.address = "127.0.0.1:%d" % free_port()
        self.log = open(folder + "/alertmanager.log", "w")
        self.process = subprocess.Popen(
            ["prometheus-alertmanager", "--config.file=" + path, "--storage.path=" + folder + "/alertmanager", "--web.listen-address=" + self.address,
             "--cluster.listen-address=", "--log.level=warn"], stdout=self.log, stderr=self.log, cwd=folder)

    def __enter__(self):
        try:
            wait_for("the Alertmanager to be ready", self.ready, 120, 0.1)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        stop(self.process)
        self.webhook.close()
        self.log.close()

    def ready(self):
        assert self.process.poll() is None, "the Alertmanager ended: " + open(self.log.name).read()
        try:
            with urllib.request.urlopen("http://%s/-/ready" % self.address, timeout=60) as answer:
                return answer.status == 200
        except OSError:
            return False

    def inhibited(self):
        """Labels of the alerts that are held back at present."""
        with urllib.request.urlopen("http://%s/api/v2/alerts?inhibited=true" % self.address, timeout=60) as answer:
            return [each["labels"] for each in json.load(answer) if each["status"]["inhibitedBy"]]
