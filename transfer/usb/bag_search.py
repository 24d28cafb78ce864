"""Where batches lie when the folder that was given has none, or more than one command should take."""

import os
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from transfer.batch.files import MANIFEST
from transfer.errors import BagError
from transfer.usb.bag_writer import find_bags

BAGS_MAX: Final = 10_000  # bags of one import: each that is refused is a line in the desk's log
_LOOKED_AT: Final = 1_000  # entries of a folder that are looked into
_ABOVE: Final = 2  # folders that a path can be too deep in a bag: data/packets


def demand_few(bags: Sequence[Path]) -> None:
    """Raise BagError where a medium has more bags than people export: they would fill the log, not the inbox."""
    if len(bags) > BAGS_MAX:
        raise BagError(f"there are {len(bags)} batches, and {BAGS_MAX} at once are the most; import a part of them")


def find_elsewhere(source: Path) -> list[Path]:
    """Return the folders just below `source`, and the bag just above it, in which there are batches, by name.

    Reads no file, and follows no link.
    """
    above = [folder for folder in source.absolute().parents[:_ABOVE] if _is_bag(folder)]
    if _is_bag(source):
        return []
    try:
        with os.scandir(source) as entries:
            below = [Path(entry) for entry in islice(entries, _LOOKED_AT) if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return above
    return above + sorted(folder for folder in below if not _is_bag(folder) and find_bags(folder))


def _is_bag(folder: Path) -> bool:
    return (folder / MANIFEST).is_file()
