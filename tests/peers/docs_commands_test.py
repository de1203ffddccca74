# SPDX-License-Identifier: Apache-2.0
"""The commands of the documentation: each `mete` and `mete-oci` line of it names commands and flags that there are. The completion of
mete says which these are, and the test that completion is right is another one."""
import glob
import re
import shlex
import subprocess
import sys

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from mete_agent import BIN, SOURCE, run_tests  # noqa: E402

# lecture.md is written by the test that runs its commands.
PAGES = sorted(set(glob.glob(SOURCE + "/docs/*.md")) - {SOURCE + "/docs/lecture.md"}) + [SOURCE + "/README.md", SOURCE + "/dashboards/README.md", SOURCE + "/dashboards/RUNBOOKS.md"]


def commands(page):
    """(line number, words) of each command, in blocks and in `code`, up to what a shell takes for itself."""
    for number, line in enumerate(open(page), 1):
        found = re.findall(r"`((?:mete|mete-oci) [^`]+)`", line)
        code = re.match(r"(?:    |\s*[$#] )\s*(?:[A-Z_]+=\S+ )*((?:mete|mete-oci) [^#]*)", line)
        for text in found + ([code.group(1)] if code else []):
            if re.match(r"mete-oci = ", text):  # a key of another program's settings
                continue
            for part in re.split(r"[;|<>]|&&", text):
                part = re.sub(r"\$\(.*", "", part)
                words = [word for word in shlex.split(part, comments=True) if word not in ("...", "[...]")]
                if words and words[0] in ("mete", "mete-oci"):
                    yield number, words


def offered(words):
    done = subprocess.run([BIN + "/mete", "complete", "--", *words], capture_output=True, text=True, check=True)
    return {line.split("\t")[0] for line in done.stdout.splitlines()}


KNOWN = {}


def options_after(path):
    if path not in KNOWN:
        KNOWN[path] = offered([*path, "-"]) | {"-h", "--help"}
    return KNOWN[path]


def commands_after(path):
    key = path + ("",)
    if key not in KNOWN:
        KNOWN[key] = offered(key)
    return KNOWN[key]


def is_place_holder(word):
    return re.sub("[^A-Za-z]", "", word).isupper()


def faults(words):
    path, before = (words[0],), ""
    for word in words[1:]:
        options = options_after(path)  # those of the program stand before and after its command
        if word == "--":  # a container's own command has flags of its own
            break
        if path == ("mete", "convert") and word == "docker":  # the line that it takes is docker's
            break
        if word.startswith("--"):
            if word.split("=")[0] not in options:
                yield "%s has no flag %s" % (" ".join(path), word)
        elif re.match(r"-[A-Za-z]", word):
            for letter in letters(word, options):
                yield "%s has no flag -%s" % (" ".join(path), letter)
        elif takes_a_value(path, before) or is_place_holder(word):
            pass
        elif word in commands_after(path) and len(path) < 3:
            path += (word,)
        elif len(path) == 1:
            yield "%s has no command %s" % (path[0], word)
            return
        before = word


def letters(word, options):
    """Those that are no flags. What follows a flag with a value, as in -n1, is the value."""
    return [letter for letter in re.match(r"-([A-Za-z]+)", word).group(1) if "-" + letter not in options]


def takes_a_value(path, before):
    """Whether the word after this one is its value: then no command may stand there."""
    return before.startswith("-") and "=" not in before and not (len(path) == 1 and commands_after(path) <= offered([*path, before, ""]))


def test_every_command_of_the_documentation_is_one():
    checked, wrong = 0, []
    for page in PAGES:
        for number, words in commands(page):
            checked += 1
            wrong += ["%s:%d: %s (%s)" % (page[len(SOURCE) + 1:], number, fault, " ".join(words)) for fault in faults(words)]
    assert not wrong, "\n".join(wrong)
    print("     %d commands" % checked)
    assert checked > 100, checked


def test_a_wrong_one_is_found():
    assert list(faults(["mete", "aply", "x.yaml"])) == ["mete has no command aply"]
    assert list(faults(["mete", "logs", "web", "--folow"])) == ["mete logs has no flag --folow"]
    assert list(faults(["mete", "exec", "-ix", "web"])) == ["mete exec has no flag -x"]
    assert list(faults(["mete", "image", "import", "--nothing"])) == ["mete image import has no flag --nothing"]
    assert list(faults(["mete-oci", "run", "--bundel", "x"])) == ["mete-oci run has no flag --bundel"]
    assert not list(faults(["mete", "--run", "/tmp/x", "exec", "-it", "web", "--", "sh", "--norc"]))


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
