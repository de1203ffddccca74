# SPDX-License-Identifier: Apache-2.0
"""The end of a program that a test has started."""
import subprocess


def stop(process, seconds=60):
    """SIGTERM, and SIGKILL for who does not end by it in time."""
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
