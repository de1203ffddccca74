# SPDX-License-Identifier: Apache-2.0
"""The manual pages: mandoc and groff have nothing to say against them, and all commands and flags are in them."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from mete_agent import BIN, SOURCE, run_tests, skip_case  # noqa: E402

PAGES = ["mete.1", "mete-agent.8", "mete-oci.8", "mete-agent.yaml.5"]


class Pages:
    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        subprocess.run([BIN + "/mete", "man", self.folder.name], check=True, env={**os.environ, "SOURCE_DATE_EPOCH": "1790000000"})
        assert sorted(os.listdir(self.folder.name)) == sorted(PAGES)
        return self

    def __exit__(self, *unused):
        self.folder.cleanup()

    def path(self, page):
        return self.folder.name + "/" + page

    def text(self, page):
        with open(self.path(page)) as file:
            return file.read()


def need(program):
    if shutil.which(program) is None:
        skip_case("needs " + program)


def test_mandoc_finds_nothing():
    need("mandoc")
    with Pages() as pages:
        for page in PAGES:
            done = subprocess.run(["mandoc", "-Tlint", "-Wstyle", pages.path(page)], capture_output=True, text=True)
            assert done.returncode == 0 and not done.stdout, done.stdout


def test_groff_finds_nothing():
    need("man")
    with Pages() as pages:
        for page in PAGES:
            done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", pages.path(page)], capture_output=True, text=True,
                                  env={**os.environ, "LC_ALL": "C.UTF-8", "MANROFFSEQ": "", "MANWIDTH": "80"})
            assert done.returncode == 0 and not done.stderr, (page, done.stderr)


def words(text):
    return text.replace("\\-", "-").replace("\\&", "")


def help_of(*command):
    return subprocess.run([BIN + "/" + command[0], *command[1:], "--help"], check=True, capture_output=True, text=True).stdout


def test_every_command_and_flag_is_there():
    with Pages() as pages:
        one, agent, oci = words(pages.text("mete.1")), words(pages.text("mete-agent.8")), words(pages.text("mete-oci.8"))
        commands = re.findall(r"(?m)^  ([a-z]+) ", help_of("mete").split("Subcommands:")[1])
        assert len(commands) > 20
        for command in commands:
            assert re.search(r'(?m)^\.SS "mete %s\b' % command, one), command
            for flag in set(re.findall(r"(?m)^  (?:-\w,)?(--[a-z-]+)", help_of("mete", command))) - {"--help"}:
                assert flag in (agent if command == "agent" else one), (command, flag)
        for command in re.findall(r"(?m)^  ([a-z]+) ", help_of("mete-oci").split("commands:")[1].split("mete-oci COMMAND")[0]):
            assert re.search(r'(?m)^\.SS "mete-oci %s\b' % command, oci), command
            for flag in re.findall(r"(?m)^  (?:-\w, |    )(--[a-z-]+)", help_of("mete-oci", command)):
                assert flag in oci, (command, flag)


def test_every_value_is_of_a_kind_that_completion_knows():
    with open(SOURCE + "/agent/cli/reference/completion.cpp") as file:
        kinds = set(re.findall(r'\{"([^"]+)", Source::k', file.read()))
    assert {"POD", "FILE"} <= kinds, kinds
    with Pages() as pages:
        for page in ("mete.1", "mete-agent.8"):
            values = re.findall(r"(?m)^\\fB(?:-\w, )?--[a-z-]+ (.*)\\fR$", words(pages.text(page)))
            assert len(values) > 5, page
            strange = [each for each in values if each != each.lower() and not set(each.split("|")) <= kinds]
            assert not strange, "%s: type_name() of these options names no kind of completion.cpp: %s" % (page, strange)


def test_every_field_of_agent_yaml_is_there():
    with Pages() as pages:
        page = words(pages.text("mete-agent.yaml.5"))
        for path in ("export.maxCgroups", "machine.reserve.memory", "machine.outOfMemory.pressure.full", "web.configFile"):
            assert re.search(r"(?m)^\\fB%s \(.*\)\\fR\n\S" % re.escape(path), page), path
        assert not re.search(r"(?m)^\\fB.*\\fR\n(\.|$)", page), "a field without a word"


def test_the_date_is_that_of_the_source():
    with Pages() as pages:
        assert pages.text("mete.1").startswith('.TH METE 1 2026-09-21 "mete '), pages.text("mete.1")[:60]


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
