"""Packets in a gateway's spool, put there and found again without the gateway: for tests."""

from functools import lru_cache
from pathlib import Path

from transfer.names import Lane, PacketId
from transfer.spool.lanes import find
from transfer.spool.spool import Spool


def lay(root: Path, packet: PacketId, sealed: bytes, *, start: int = 0, lane: Lane = Lane.CLEAR) -> Path:
    """Put a packet into the spool `root`, in the tick that began at `start` (seconds); return its file."""
    if not root.with_name(f"{root.name}.room").exists():
        _opened.cache_clear()  # a home that was made again
    spool, clock = _opened(root)
    clock[0] = start
    incoming = spool.create(packet, spool.admit(len(sealed)))
    incoming.write(sealed)
    return incoming.commit(lane).path


@lru_cache(maxsize=1)  # to open one costs more than the packet
def _opened(root: Path) -> tuple[Spool, list[int]]:
    clock = [0]
    return Spool(root, quota=2**50, reserve=0, tick=1, now=lambda: clock[0]), clock


def lies_at(root: Path, packet: str, lane: Lane = Lane.CLEAR) -> Path:
    """Return the file of a packet in the spool `root`; a path where nothing is when it is not there."""
    packet_id = PacketId(packet)
    folder = find(root, packet_id, (lane,))
    return root / lane / f"{packet}.age" if folder is None else folder.file(root, packet_id)


def spooled(root: Path) -> dict[str, Path]:
    """Return the files of all packets in the spool `root`, by id."""
    return {path.stem: path for lane in Lane for path in (root / lane).rglob("*.age")}
