# SPDX-License-Identifier: Apache-2.0
"""How often a test repeats what it repeats. The short amount is enough to see the kind of fault that the test looks for; the long one
is for `make soak`. METE_SOAK=1 takes all long ones, METE_<NAME>=N sets one of them."""
import os
import random


def amount(name, short, long):
    return int(os.environ.get("METE_" + name) or (long if os.environ.get("METE_SOAK", "0") not in ("", "0") else short))


def chance():
    """The moments of a test that tries random ones. METE_SEED repeats a run."""
    seed = int(os.environ.get("METE_SEED") or random.randrange(1 << 30))
    print("     METE_SEED=%d" % seed, flush=True)
    return random.Random(seed)
