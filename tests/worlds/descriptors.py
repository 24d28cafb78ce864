"""How many descriptors this process has open, to be compared later."""

import gc
from pathlib import Path


def descriptors() -> int:
    """Return how many are open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def descriptors_before() -> int:
    """Return the same for a later comparison: what other tests left to the garbage collector is closed first."""
    gc.collect()
    return descriptors()
