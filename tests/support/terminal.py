# SPDX-License-Identifier: Apache-2.0
"""A program on a pseudo-terminal, typed to and read from as a person does."""
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time


class Terminal:
    def __init__(self, command, rows=40, columns=120, env=None):
        self.master, slave = pty.openpty()
        self.resize(rows, columns)

        def take_terminal():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, preexec_fn=take_terminal, env=env)
        os.close(slave)
        self.text = ""   # all that was said
        self.at = 0      # up to where expect() has looked

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.master, text.encode())

    def _read(self, seconds):
        ready, _, _ = select.select([self.master], [], [], max(seconds, 0))
        if not ready:
            return True
        try:
            data = os.read(self.master, 65536)
        except OSError:  # EIO: nobody has the other end any more
            return False
        self.text += data.decode(errors="replace").replace("\r", "")
        return bool(data)

    def expect(self, pattern, seconds=60):
        """The match of a regular expression in what is said from here on."""
        end = time.monotonic() + seconds
        while True:
            match = re.compile(pattern, re.M).search(self.text, self.at)
            if match:
                self.at = match.end()
                return match
            left = end - time.monotonic()
            if left <= 0 or not self._read(left):
                raise AssertionError("expected %r on the terminal, found %r" % (pattern, self.text[self.at:][-2000:]))

    def ask(self, command, pattern, seconds=60):
        """Types a line until what it prints matches: a terminal's size, for one, comes a little after its program."""
        end = time.monotonic() + seconds
        while True:
            self.type(command + "\n")
            try:
                return self.expect(pattern, 1)
            except AssertionError:
                if time.monotonic() > end or self.process.poll() is not None:
                    raise

    def resize_to(self, rows, columns):
        """Until the program inside says so: whoever passes the size on may not listen yet when it changes first."""
        for _ in range(10):
            self.resize(rows + 1, columns)
            time.sleep(0.05)
            self.resize(rows, columns)
            self.type("stty size\n")
            try:
                return self.expect("^%d %d$" % (rows, columns), 1)
            except AssertionError:
                pass
        raise AssertionError("the size did not become %d %d: %r" % (rows, columns, self.text[-500:]))

    def wait(self, seconds=60):
        """The program's exit code; negative: the signal that ended it."""
        end = time.monotonic() + seconds
        while self._read(0.05) and time.monotonic() < end:
            if self.process.poll() is not None:
                while self._read(0) and select.select([self.master], [], [], 0)[0]:
                    pass
                break
        return self.process.wait(max(end - time.monotonic(), 1))
