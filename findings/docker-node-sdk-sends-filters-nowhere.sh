#!/bin/bash
# @docker/node-sdk 0.0.17 (May 2026, docker's own client for TypeScript): a filter of a prune, the condition of a wait and new limits of a container do
# not arrive where the engine looks for them. The engine does something else, answers 200, and the client reports success.
#
# The Engine API has filters and conditions in the query, and what an update changes in the body. The client's post() takes both, query
# first, and four calls give it the wrong one: networkPrune() makes a query of the object Filter itself ("data=[object Map]"), so that the engine, which
# ignores keys it does not know, removes all unused networks and not those with the label; systemEvents() sends "params=[object Object]",
# and every event comes, without end; containerWait() has its condition in the body, so that "next-exit" for a container that was created
# and not started, the order that misses no exit code, waits for "not-running" and is over at once with status 0; containerUpdate() and
# networkConnect() send an empty body, and the engine's error 400 is taken for the result, because no status is looked at. volumePrune(), written
# next to it, is right. And containerLogs() takes the log of a container with a terminal, which has no frames, for frames: nothing comes out.
#
# Seen on 2026-11-30 (what an engine gets of each call, query and body):
#   volumePrune: filters={"label":{"tmp=1":true}}
#   networkPrune: data=[object Map]
#   systemEvents: params=[object Object]
#   containerWait: body {"condition":"next-exit"}
#   containerUpdate: Memory=67108864; returned: {"message":"no body"}
#   networkConnect: Container=app; returned: undefined
#   containerLogs of a terminal: ""
# What helps: dockerode, or the engine's API by fetch() for these calls.
# This script fails when that changes. It needs npm with a registry, Node 20 or newer, and Python 3.
set -eu
work=$(mktemp -d)
engine=
trap '[ -z "$engine" ] || kill "$engine" 2> /dev/null || true; wait; rm -rf "$work"' EXIT
cd "$work"
echo '{"private": true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts @docker/node-sdk@0.0.17 > /dev/null 2>&1
cat > engine.py <<'EOP'
"""Answers the client's calls as an engine does, and writes what it got: the path, the query, the body."""
import http.server
import socketserver
import urllib.parse

ANSWERS = {"/events": (200, b""), "/containers/app/wait": (200, b'{"StatusCode":0}'), "/containers/tty/logs": (200, b"hello\r\nworld\r\n")}


class Engine(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def address_string(self):
        return "client"

    def log_message(self, *_):
        pass

    def answer(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size + 2)[:-2]
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        url = urllib.parse.urlparse(self.path)
        print(url.path, urllib.parse.unquote_plus(url.query), "body " + body.decode() if body else "", file=open("got", "a"))
        # These two need a body.
        empty = url.path in ("/containers/app/update", "/networks/net/connect") and not body
        status, text = (400, b'{"message":"no body"}') if empty else ANSWERS.get(url.path, (200, b"{}"))
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = answer


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


Server("engine.sock", Engine).serve_forever()
EOP
python3 engine.py &
engine=$!
for _ in $(seq 100); do [ -S engine.sock ] && break; sleep 0.1; done
cat > calls.mjs <<'EOJ'
import fs from 'node:fs';
import {Writable} from 'node:stream';
import {DockerClient, Filter} from '@docker/node-sdk';
const docker = await DockerClient.fromDockerHost(`unix:${process.cwd()}/engine.sock`);
const label = () => new Filter().add('label', 'tmp=1');
const report = async (name, call, show) => {
  fs.writeFileSync('got', '');
  const result = await call();
  const got = fs.readFileSync('got', 'utf8').trim().split(' ').slice(1).join(' ').trim();
  console.log(`${name}: ${show ? show(result, got) : got}`);
};
await report('volumePrune', () => docker.volumePrune(label()));
await report('networkPrune', () => docker.networkPrune(label()));
await report('systemEvents', async () => { for await (const _ of docker.systemEvents({filters: label()})); });
await report('containerWait', () => docker.containerWait('app', {condition: 'next-exit'}));
const returned = (result, got) => `${got}; returned: ${JSON.stringify(result)}`;
await report('containerUpdate', () => docker.containerUpdate('app', {Memory: 64 << 20}), returned);
await report('networkConnect', () => docker.networkConnect('net', {Container: 'app'}), returned);
let text = '';
const out = new Writable({write(part, _, done) { text += part; done(); }});
await report('containerLogs of a terminal', () => docker.containerLogs('tty', out, out, {stdout: true}), () => JSON.stringify(text));
await docker.close();
EOJ
timeout 60 node calls.mjs | tee found
diff found - <<'EOT'
volumePrune: filters={"label":{"tmp=1":true}}
networkPrune: data=[object Map]
systemEvents: params=[object Object]
containerWait: body {"condition":"next-exit"}
containerUpdate: Memory=67108864; returned: {"message":"no body"}
networkConnect: Container=app; returned: undefined
containerLogs of a terminal: ""
EOT
