# SPDX-License-Identifier: Apache-2.0
"""The same script on two OCI runtimes below the same client: the first is the control. What the control cannot do on this
machine is said and not counted as passed; what it can do, the other must do, and be seen to do alike."""
import subprocess
import time
import traceback


class Done:
    """A command that has ended."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def __repr__(self):
        return "code %d, stdout %r, stderr %r" % (self.code, self.out[-1500:], self.err[-1500:])


def call(command, check=True, text=None, seconds=300, env=None, cwd=None):
    done = subprocess.run(command, input=text, stdin=subprocess.DEVNULL if text is None else None, capture_output=True, text=True, timeout=seconds,
                          errors="replace", env=env, cwd=cwd)
    done = Done(done.returncode, done.stdout, done.stderr)
    if check and done.code != 0:
        raise AssertionError("%s: %r" % (" ".join(each[:60] for each in command[-12:]), done))
    return done


def same(what, found, expected):
    if found != expected:
        raise AssertionError("%s: found %r, expected %r" % (what, found, expected))


def has(what, text, *parts):
    for part in parts:
        if part not in text:
            raise AssertionError("%s: found %r, expected %r in it" % (what, text[-3000:], part))


def different(control, other):
    """What two observations differ in, one line each; of texts, the lines."""
    if isinstance(control, str) and isinstance(other, str):
        before, after = control.splitlines(), other.splitlines()
        return ["control only: " + each for each in before if each not in after] + ["here only: " + each for each in after if each not in before]
    return [] if control == other else ["control saw %r, here it is %r" % (control, other)]


class Comparison:
    """`client` has use(runtime), clean() (ends everything that a case made) and leftovers() (what is there all the same)."""

    def __init__(self, client, control, subject, only=()):
        self.client, self.control, self.subject, self.only = client, control, subject, only
        self.passed, self.skipped, self.failed = 0, 0, 0

    def _try(self, runtime, case):
        """(what was seen, None), or (None, the error)."""
        self.client.use(runtime)
        seen, error = None, None
        try:
            seen = case(self.client)
        except (AssertionError, subprocess.SubprocessError, OSError, KeyError, IndexError, ValueError) as found:
            error = "%s: %s" % (type(found).__name__, found) if not isinstance(found, AssertionError) else str(found)
            if not error:
                error = traceback.format_exc().splitlines()[-2].strip()
        self.client.clean()
        return seen, error

    def run(self, case):
        name = "%s: %s" % (self.client.name, case.__name__.replace("_", " "))
        if self.only and not any(each in name for each in self.only):
            return
        began = time.monotonic()
        expected, error = self._try(self.control, case)
        if error:
            self.skipped += 1
            print("SKIP %s: %s itself cannot do it here: %s" % (name, self.control.name, error), flush=True)
            _, error = self._try(self.subject, case)
            print("     (%s: %s)" % (self.subject.name, error or "does it"), flush=True)
            self.client.told += self.client.leftovers()
            return
        middle = time.monotonic()
        seen, error = self._try(self.subject, case)
        wrong = [error] if error else different(expected, seen)
        left = self.client.leftovers()
        self.client.told += left
        wrong += ["left behind: " + each for each in left]
        if wrong:
            self.failed += 1
            print("FAIL %s: %s" % (name, "\n     ".join(wrong)), flush=True)
            return
        self.passed += 1
        print("ok   %-70s %5.1f s, %s %5.1f s" % (name, time.monotonic() - middle, self.control.name, middle - began), flush=True)
