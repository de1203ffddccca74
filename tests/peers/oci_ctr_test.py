# SPDX-License-Identifier: Apache-2.0
"""Containerd's ctr on mete-oci, against the same on runc (oci_clients/compare.py)."""
import sys

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
sys.path.insert(0, __file__.rsplit("/", 1)[0])
from oci_clients.compare import main  # noqa: E402

if __name__ == "__main__":
    main("ctr")
