# SPDX-License-Identifier: Apache-2.0
"""Every path of the source tree that the pages and the comments name exists, and so does every link between the pages.

What counts as a path of the source tree:
- in backticks: a first folder of the tree (`runtime/cgroup/`), or a source file (`abilities.h`), which may leave out leading folders.
  {h,cpp} names each of both, and a word in capitals (SUBJECT.cpp) or <in angles> stands for any name;
- in comments: PATH/FILE.h, .cpp or .py that begins with a folder of the tree;
- links: [text](path#heading).
"""
import fnmatch
import itertools
import os
import re
import subprocess
import sys

SOURCE = os.path.realpath(os.path.dirname(__file__) + "/..")
PAGES = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "tests/README.md", "docs/*.md"]
# In these a single folder such as `pods/` is one of the source tree; elsewhere it may be one of a bundle or of the machine.
ABOUT_THE_TREE = {"ARCHITECTURE.md", "CONTRIBUTING.md"}
OF_OTHERS = {"tools/cgroup/iocost_coef_gen.py"}  # in the kernel's sources
SOURCE_FILE = re.compile(r"\.(h|cpp|py|ts|cmake|md)$|(^|/)CMakeLists\.txt$")
IN_COMMENT = re.compile(r"(?<![\w/.$}-])((?:config|runtime|collectors|enforcers|agent|tests|cmake|dashboards|tools)/[\w/.-]*\w\.(?:h|cpp|py|md|ts))\b(?![\w/])")


class Tree:
    """The files and folders of the source tree. A name may leave out the folders at its beginning."""

    def __init__(self, files):
        self.files = set(files)
        self.folders = {"/".join(parts[:count]) for parts in (name.split("/") for name in files) for count in range(1, len(parts))}
        self.top = {folder for folder in self.folders if "/" not in folder}

    def has(self, name):
        whole = name.split("/")[0] in self.top
        exact, wild = name.rstrip("/"), re.sub(r"<\w+>|(?<![A-Za-z0-9])[A-Z]+(?=[._/])", "*", name.rstrip("/"))
        among = self.folders if name.endswith("/") else self.files | self.folders
        if exact in among or any(each.endswith("/" + exact) for each in among if not whole):
            return True
        patterns = [wild] if whole else [wild, "*/" + wild]
        return "*" in wild and any(fnmatch.fnmatchcase(each, pattern) for each in among for pattern in patterns)


def alternatives(word):
    """a.{h,cpp} -> a.h and a.cpp"""
    parts = [part[1:-1].split(",") if part.startswith("{") else [part] for part in re.split(r"(\{[^}]*\})", word)]
    return ["".join(each) for each in itertools.product(*parts)]


def is_source_path(word, tree, page):
    if re.search(r"[^\w/.<>{},*-]", word) or word.startswith(("/", "-", ".")) or word in OF_OTHERS:
        return False
    first = word.split("/")[0]
    if "/" in word and first in tree.top:
        return True
    if word.startswith("_") or first.isupper():  # the end of a name; a folder of the machine (STATE/pods)
        return False
    if word.endswith("/"):
        return page in ABOUT_THE_TREE
    return bool(SOURCE_FILE.search(word)) and word not in ("X.cpp", "SUBJECT.cpp", "NAME.cpp")


def faults_of_page(page, text, tree):
    prose = re.sub(r"```.*?```", lambda block: "\n" * block.group().count("\n"), text, flags=re.S)
    for number, line in enumerate(prose.split("\n"), 1):
        if line.startswith("    "):
            continue
        for word in re.findall(r"`([^`\s]+)`", line):
            if is_source_path(word, tree, page):
                for each in alternatives(word):
                    if not tree.has(each):
                        yield "%s:%d: `%s`: found no such file or folder" % (page, number, each)


def headings(text):
    prose = re.sub(r"```.*?```", "", text, flags=re.S)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in re.findall(r"^#+ (.*)$", prose, re.M)}


def faults_of_links(page, text, tree, read):
    for target in re.findall(r"\]\(([^)\s]+)\)", text.replace("\n", " ")):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, heading = target.partition("#")
        to = os.path.normpath(os.path.join(os.path.dirname(page), path)) if path else page
        if to != page and to not in tree.files and to not in tree.folders:
            yield "%s: link to %s: found no such file" % (page, target)
        elif heading and heading not in headings(text if to == page else read(to)):
            yield "%s: link to %s: found no such heading" % (page, target)


def faults_of_comments(name, text, tree):
    mark = "#" if name.endswith((".py", ".txt", ".cmake")) else "//"
    for number, line in enumerate(text.split("\n"), 1):
        comment = line.partition(mark)[2] if mark in line and not line.startswith("#include") else ""
        for word in IN_COMMENT.findall(comment):
            if word not in OF_OTHERS and not tree.has(word):
                yield "%s:%d: %s: found no such file" % (name, number, word)


def tracked():
    # The tests run as root on a checkout that may belong to another user, whom git would not trust.
    git = subprocess.run(["git", "-c", "safe.directory=" + SOURCE, "-C", SOURCE, "ls-files", "-z", "--cached", "--others", "--exclude-standard"], capture_output=True, text=True)
    names = [name for name in git.stdout.split("\0") if name]
    if git.returncode != 0:  # an archive of the source has no .git
        for folder, folders, files in os.walk(SOURCE):
            folders[:] = [each for each in folders if each not in ("build", ".git", "node_modules")]
            names += [os.path.relpath(os.path.join(folder, each), SOURCE) for each in files]
    return [name for name in names if os.path.exists(os.path.join(SOURCE, name))]


def check_itself():
    """The rules find what is wrong, and nothing else."""
    tree = Tree(["agent/pods/pod.h", "agent/pods/pod.cpp", "docs/a.md", "runtime/cgroup/memory.h"])
    for text, wrong in [("`agent/pods/pod.{h,cpp}`, `pod.h`, `cgroup/memory.h`, `pods/`, `agent/pods/NAME.cpp`, `pids.max`, `/proc/x.h`", 0),
                        ("`agent/pod.h`", 1), ("`agent/pods/pod.{h,py}`", 1), ("`gone.h`", 1), ("`pots/`", 1), ("`memory/cgroup.h`", 1),
                        ("```\n`gone.h`\n```", 0), ("`runtime/NAME/memory.h` `runtime/<folder>/x.h`", 1), ("`STATE/pods/`, `_test.py`", 0)]:
        found = list(faults_of_page("ARCHITECTURE.md", text, tree))
        assert len(found) == wrong, (text, found)
    assert len(list(faults_of_comments("a.h", "// see agent/pods/pod.h, agent/pod.h\nint a = 1;  // runtime/cgroup/memory.cpp\n", tree))) == 2
    page = "# One two\n[x](docs/a.md#b), [y](#one-two), [z](#three), [v](docs/b.md), [w](https://x/y)"
    assert len(list(faults_of_links("R.md", page, tree, lambda _: "## B"))) == 2


def main():
    check_itself()
    names = tracked()
    tree = Tree(names)

    def read(name):
        with open(os.path.join(SOURCE, name), encoding="utf-8", errors="replace") as file:
            return file.read()

    faults = []
    pages = [name for name in names if any(fnmatch.fnmatchcase(name, page) for page in PAGES)]
    for page in pages:
        text = read(page)
        faults += list(faults_of_page(page, text, tree)) + list(faults_of_links(page, text, tree, read))
    sources = [name for name in names if re.search(r"\.(h|cpp|py|cmake)$|CMakeLists\.txt$", name) and name != "tests/doc_paths_test.py"]
    for name in sources:
        faults += faults_of_comments(name, read(name), tree)
    print("\n".join(faults))
    print("%d pages and %d source files, %d paths that are not there" % (len(pages), len(sources), len(faults)))
    sys.exit(1 if faults or len(pages) < 8 or not sources else 0)


if __name__ == "__main__":
    main()
