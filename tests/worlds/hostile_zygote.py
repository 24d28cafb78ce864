"""A zygote whose workers were taken over: what a file holds is run as Python, inside the cage, in place of its check.

with ZygoteClient(program=HOSTILE) as zygote: ...
"""

import contextlib
import io
import json
import os
import random
import sys
import time
from collections.abc import Iterator
from typing import BinaryIO

from quarantine.budgets import Budgets
from quarantine.examination import Examination
from quarantine.file_types import FileType
from quarantine.workers import worker, zygote

HOSTILE = (__file__,)


def run(stream: BinaryIO, file_type: FileType, budgets: Budgets) -> Examination:
    names = {"io": io, "json": json, "os": os, "random": random, "sys": sys, "time": time}
    exec(stream.read(), names | {"stream": stream})  # noqa: S102 - the attack itself
    return Examination()


def expand(stream: BinaryIO, place: tuple[int, ...], budgets: Budgets) -> Iterator[bytes]:
    with contextlib.suppress(StopIteration):
        yield stream.read()


if __name__ == "__main__":
    # Names of the worker's own module, which is where it looks them up.
    vars(worker).update(examine_bytes=run, expand=expand)
    zygote.main(sys.argv[1:])
