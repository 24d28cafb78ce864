"""The bytes of one member of a ZIP, for the broker: it scans and judges what a ZIP's own worker could not examine.

Runs in the worker only. The broker counts what arrives and compares its sum.
"""

import io
from collections.abc import Iterator
from typing import BinaryIO

from quarantine.archive.spending import NESTED_MAX
from quarantine.budgets import Budgets
from quarantine.errors import OverBudgetError
from quarantine.zip.directory import read_directory
from quarantine.zip.members import unpacked


def expand(stream: BinaryIO, place: tuple[int, ...], budgets: Budgets) -> Iterator[bytes]:
    """Yield the member at `place` (see examination.ArchiveMember) of the ZIP in `stream`, in pieces of at most 1 MiB.

    Raises:
        Exception: Of any kind, where the archive is not what its examination found; the worker ends then.
    """
    number, *inner = place
    entry = read_directory(stream, budgets.members).entries[number]
    if not inner:
        yield from unpacked(stream, entry)
        return
    nested = io.BytesIO()
    for piece in unpacked(stream, entry):
        nested.write(piece)
        if nested.tell() > NESTED_MAX:
            raise OverBudgetError
    yield from expand(nested, tuple(inner), budgets)
