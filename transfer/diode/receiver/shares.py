"""How much of the quota each gateway uses; all have an equal share of it (docs/diode.md).

Waiting batches are measured seldom, and each of them once, because this is computed between two datagrams.
"""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from transfer.batch.batch import GatewayId
from transfer.diode.receiver.shelf import size_below

MEASURE_EVERY: Final = 5.0  # seconds

_Mark = tuple[int, int]  # inode and time of change: a folder of the same name may be another batch


class Shares:
    """The bytes that objects in progress and batches in `arrived` take, for each gateway and for all.

    Args:
        arrived: Where whole batches wait, in folders that do not change until they are imported.
        gateways: The number of gateways that have a share.
        now: A monotonic clock, in seconds.
    """

    def __init__(self, arrived: Path, *, gateways: int, now: Callable[[], float] = time.monotonic) -> None:
        self._arrived = arrived
        self._gateways = max(1, gateways)
        self._now = now
        self._due = now()
        self._sizes: dict[str, tuple[_Mark, int]] = {}

    def has_room(self, quota: int, gateway: GatewayId, cost: int, promised: Mapping[str, int]) -> bool:
        """Return whether an object of a gateway may take `cost` bytes; `promised` has the others' costs, by name."""
        self._measure()
        used, mine = sum(promised.values()) + cost, cost
        mine += sum(size for name, size in promised.items() if name.startswith(f"{gateway}-"))
        for name, (_, size) in self._sizes.items():
            used += size
            mine += size if f"-{gateway}-" in name else 0
        return used <= quota and mine <= quota // self._gateways

    def measure_again(self) -> None:
        """Measure again at the next call of `has_room`: an object became a batch."""
        self._due = self._now()

    def _measure(self) -> None:
        if self._now() < self._due:
            return
        self._due = self._now() + MEASURE_EVERY
        before, self._sizes = self._sizes, {}
        # What commit is still writing, under a name with a dot, is counted with its object.
        for path in self._arrived.glob("[!.]*"):
            try:
                stat = path.stat()
            except FileNotFoundError:  # imported at this moment
                continue
            mark = stat.st_ino, stat.st_mtime_ns
            known = before.get(path.name)
            self._sizes[path.name] = known if known and known[0] == mark else (mark, size_below(path))
