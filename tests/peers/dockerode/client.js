// SPDX-License-Identifier: Apache-2.0
// What programs do with dockerode, against one socket: node client.js SOCKET REGISTRY. Each step says its name when it
// holds, and the first that does not ends the program.
"use strict";
const assert = require("node:assert/strict");
const { once } = require("node:events");
const { PassThrough } = require("node:stream");
const Docker = require("dockerode");

const [socketPath, registry] = process.argv.slice(2);
const docker = new Docker({ socketPath });
const SLEEPER = { Image: "busybox", Cmd: ["sleep", "1000"] };

// All that a stream gives, with both streams of a container apart.
async function bothOf(stream) {
  const out = new PassThrough();
  const errors = new PassThrough();
  docker.modem.demuxStream(stream, out, errors);
  await once(stream, "end");
  const text = (each) => (each.read() ?? "").toString();
  return [text(out), text(errors)];
}

// The objects of a build, a pull or a push, and its end.
function progressOf(stream) {
  return new Promise((done, failed) => docker.modem.followProgress(stream, (error, said) => (error ? failed(error) : done(said))));
}

// The first object of an endless stream that fits.
async function firstOf(stream, fits) {
  let text = "";
  for await (const piece of stream) {
    text += piece;
    const lines = text.split("\n");
    text = lines.pop();
    const found = lines.map((line) => JSON.parse(line)).find(fits);
    if (found) {
      stream.destroy();
      return found;
    }
  }
  throw new Error("the stream ended");
}

const steps = {
  async lists() {
    assert.equal((await docker.version()).ApiVersion, "1.51");
    const images = await docker.listImages();
    assert.ok(images.some((each) => each.RepoTags.includes("busybox:latest")), JSON.stringify(images));
    const made = await docker.createContainer({ ...SLEEPER, name: "listed", Labels: { team: "a" } });
    assert.deepEqual(await docker.listContainers(), []);
    const [row] = await docker.listContainers({ all: true, filters: { label: ["team=a"] } });
    assert.deepEqual([row.Id, row.Names, row.State], [made.id, ["/listed"], "created"]);
    await made.start();
    assert.equal((await made.inspect()).State.Running, true);
    await made.pause();
    assert.equal((await docker.listContainers())[0].State, "paused");
    await made.unpause();
    assert.equal((await docker.listContainers())[0].State, "running");
    await assert.rejects(made.remove(), { statusCode: 409 });
    await made.remove({ force: true });
    await assert.rejects(made.inspect(), { statusCode: 404, reason: "no such container" });
  },

  async attach() {
    const made = await docker.createContainer({
      Image: "busybox", Cmd: ["sh", "-c", "read line; echo got $line; echo bad >&2; exit 4"],
      OpenStdin: true, StdinOnce: true, AttachStdin: true, AttachStdout: true, AttachStderr: true,
    });
    const stream = await made.attach({ stream: true, hijack: true, stdin: true, stdout: true, stderr: true });
    const both = bothOf(stream);
    await made.start();
    stream.write("typed\n");
    assert.deepEqual(await both, ["got typed\n", "bad\n"]);
    assert.equal((await made.wait()).StatusCode, 4);
    const kept = await made.logs({ stdout: true, stderr: true });
    assert.ok(kept.toString().includes("got typed"));
    await made.remove();
  },

  async terminal() {
    const made = await docker.createContainer({ Image: "busybox", Cmd: ["sh"], Tty: true, OpenStdin: true });
    const stream = await made.attach({ stream: true, hijack: true, stdin: true, stdout: true, stderr: true });
    let seen = "";
    stream.on("data", (piece) => (seen += piece));
    await made.start();
    await made.resize({ h: 33, w: 77 });
    stream.write("stty size; exit 5\n");
    assert.equal((await made.wait()).StatusCode, 5);
    if (!stream.readableEnded) await once(stream, "end");
    assert.match(seen, /33 77/);
    await made.remove();
  },

  async run() {
    const out = new PassThrough();
    const [result, made] = await docker.run("busybox", ["sh", "-c", "echo said; exit 3"], out, { Tty: true });
    assert.equal(result.StatusCode, 3);
    assert.equal(out.read().toString(), "said\r\n");
    await made.remove();
  },

  async exec() {
    const made = await docker.createContainer(SLEEPER);
    await made.start();
    const exec = await made.exec({ Cmd: ["sh", "-c", "cat; echo err >&2; exit 6"], AttachStdin: true, AttachStdout: true, AttachStderr: true });
    const stream = await exec.start({ hijack: true, stdin: true });
    const both = bothOf(stream);
    stream.end("through\n");
    assert.deepEqual(await both, ["through\n", "err\n"]);
    assert.equal((await exec.inspect()).ExitCode, 6);
    await made.remove({ force: true });
  },

  async stats() {
    const made = await docker.createContainer(SLEEPER);
    await made.start();
    const one = await made.stats({ stream: false });
    assert.equal(one.id, made.id);
    assert.ok(one.memory_stats.usage > 0 && one.cpu_stats.system_cpu_usage > one.precpu_stats.system_cpu_usage, JSON.stringify(one));
    const times = new Set();
    await firstOf(await made.stats({ stream: true }), (each) => times.add(each.read).size === 3);
    await made.remove({ force: true });
  },

  async events() {
    const stream = await docker.getEvents({ filters: { type: ["container"], event: ["die"] } });
    const died = firstOf(stream, (each) => each.Actor.Attributes.name === "brief");
    const made = await docker.createContainer({ Image: "busybox", Cmd: ["sh", "-c", "exit 9"], name: "brief" });
    await made.start();
    const event = await died;
    assert.deepEqual([event.Action, event.id, event.Actor.Attributes.exitCode], ["die", made.id, "9"]);
    await made.remove();
  },

  async build() {
    const context = await docker.buildImage({ context: __dirname + "/context", src: ["Dockerfile", "word"] }, { t: "built:1", buildargs: { WHO: "me" } });
    const said = await progressOf(context);
    assert.ok(said.some((each) => each.stream?.startsWith("Successfully built ")), JSON.stringify(said));
    const out = new PassThrough();
    const [, made] = await docker.run("built:1", [], out, { Tty: true });
    assert.equal(out.read().toString(), "word of me\r\n");
    await made.remove();
    await docker.getImage("built:1").remove();
    await assert.rejects(docker.getImage("built:1").inspect(), { statusCode: 404 });
  },

  async pull() {
    const name = registry + "/team/box";
    await docker.getImage("busybox").tag({ repo: name, tag: "2" });
    const pushed = await progressOf(await docker.getImage(name).push({ tag: "2" }));
    assert.ok(pushed.some((each) => each.aux?.Tag === "2"), JSON.stringify(pushed));
    await docker.getImage(name + ":2").remove();
    const pulled = await progressOf(await docker.pull(name + ":2"));
    assert.match(pulled.at(-1).status, /^Status: /);
    assert.ok((await docker.getImage(name + ":2").inspect()).RepoTags.includes(name + ":2"));
    const missing = docker.pull(registry + "/team/none:1").then(progressOf);
    await assert.rejects(missing);
  },

  async files() {
    const made = await docker.createContainer(SLEEPER);
    await made.start();
    const exec = await made.exec({ Cmd: ["sh", "-c", "echo inside >/tmp/file"], AttachStdout: true });
    await bothOf(await exec.start({ hijack: true }));
    const archive = await made.getArchive({ path: "/tmp/file" });
    const parts = [];
    for await (const piece of archive) parts.push(piece);
    const tar = Buffer.concat(parts);
    assert.equal(tar.subarray(0, 4).toString(), "file");
    assert.equal(tar.subarray(512, 519).toString(), "inside\n");
    await made.putArchive(tar, { path: "/root" });
    const again = await made.exec({ Cmd: ["cat", "/root/file"], AttachStdout: true });
    assert.deepEqual(await bothOf(await again.start({ hijack: true })), ["inside\n", ""]);
    await made.remove({ force: true });
  },

  async volumes() {
    await docker.createVolume({ Name: "kept" });
    assert.ok((await docker.listVolumes()).Volumes.some((each) => each.Name === "kept"));
    await docker.getVolume("kept").remove();
  },
};

(async () => {
  for (const [name, step] of Object.entries(steps)) {
    try {
      await step();
    } catch (error) {
      console.error(name + ": " + error.stack);
      process.exit(1);
    }
    console.log(name);
  }
  process.exit(0);
})();
