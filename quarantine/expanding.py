"""The bytes of one member of a ZIP, for the broker: it scans and judges what a ZIP's own worker could not look into.

Runs in the worker only. `zip_members` reads the archive; the broker counts what arrives and compares its sum.
"""

from collections.abc import Iterator
from typing import BinaryIO

from quarantine.budgets import Budgets


def expand(stream: BinaryIO, place: tuple[int, ...], budgets: Budgets) -> Iterator[bytes]:
    """The member at `place` (see examination.Member) of the ZIP in `stream`, in pieces of at most 1 MiB.

    Raises:
        Exception: Of any kind, where the archive is not what its examination said; the worker ends then.
    """
    raise NotImplementedError
