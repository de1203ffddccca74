# SPDX-License-Identifier: Apache-2.0
"""One script of docker commands for two engines, and what they say without what is new at each run: ids, times, addresses, sizes."""
import dataclasses
import os
import re
import subprocess

# In this order. What is replaced is lawful at each run: it may have another value, and it may be as long as it likes.
REPLACED = [(re.compile(pattern, re.M), new) for pattern, new in (
    (r"\b(sha256:)?[0-9a-f]{64}\b", "ID"),
    (r"\b(sha256:)?[0-9a-f]{12}\b", "ID"),
    (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z| ?[+-]\d\d:?\d\d)?( [A-Z]{3})?", "TIME"),
    (r"\b(Less than a second|About an? (minute|hour)|\d+ (second|minute|hour|day|week|month|year)s?)( ago)?", "AGO"),
    (r"\b(172|10|192)(\.\d{1,3}){3}\b", "ADDRESS"),
    (r"\b([0-9a-f]{2}:){5}[0-9a-f]{2}\b", "MAC"),
    (r"\b\d+(\.\d+)?(B|kB|MB|GB|KiB|MiB|GiB)( \(virtual \d+(\.\d+)?[kMG]?B\))?", "SIZE"),
    (r"[ \t]{2,}", "  "),  # columns are as wide as what is in them
    (r"[ \t]+$", ""),
)]


def without_what_is_new(text):
    for pattern, new in REPLACED:
        text = pattern.sub(new, text)
    return text


@dataclasses.dataclass(frozen=True)
class Said:
    code: int
    out: str
    errors: str

    def __str__(self):
        return "exit %d\n%s%s" % (self.code, self.out, "".join("  stderr: %s\n" % line for line in self.errors.splitlines()))


def read_commands(path):
    """One a line; empty lines and comments are for readers."""
    lines = [line.rstrip("\n") for line in open(path)]
    return [line for line in lines if line and not line.startswith("#")]


def run_commands(commands, socket, folder):
    """What each says, in their order. They share a folder, and docker's configuration in it."""
    os.makedirs(folder, exist_ok=True)
    # One version of the API for both engines: what the client itself leaves out of an older one is not the engine's.
    env = {**os.environ, "DOCKER_HOST": "unix://" + socket, "DOCKER_CONFIG": folder + "/.docker", "DOCKER_API_VERSION": "1.41", "DOCKER_BUILDKIT": "0",
           "TZ": "UTC", "LC_ALL": "C"}
    said = []
    for command in commands:
        try:
            done = subprocess.run(["sh", "-c", command], env=env, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=90)
            one = Said(done.returncode, *(without_what_is_new(each.decode(errors="replace").replace(folder, "FOLDER")) for each in (done.stdout, done.stderr)))
        except subprocess.TimeoutExpired:
            one = Said(-1, "", "no end in 90 seconds\n")
        said.append(one)
    return said
