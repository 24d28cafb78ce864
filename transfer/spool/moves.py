"""What moves packets between the folders of a spool, and counts each that it moves: in, aside, back and out."""

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Final

from disk.durable import sync_folder
from transfer.names import Lane, PacketId
from transfer.spool.lanes import TickFolder, enter, folders_of, locate, remove_if_empty, sized_packets_in, sync_tick
from transfer.spool.room import Move, Room

_AT_ONCE: Final = 1000  # packets whose moves are noted together


class PacketMoves:
    """The moves of one spool; safe to use from several threads and processes.

    Args:
        root: The spool.
        room: Counts them.
        is_over: Returns whether the tick that began at a second has passed: only then is its empty folder removed.
    """

    def __init__(self, root: Path, room: Room, is_over: Callable[[int], bool]) -> None:
        self._root = root
        self._room = room
        self._is_over = is_over
        self._durable: TickFolder | None = None  # whose name was synced last

    def path(self, folder: TickFolder, packet: PacketId) -> Path:
        """Return where a packet lies in a folder of the spool."""
        return folder.file(self._root, packet)

    def arrive(self, part: Path, packet: PacketId, size: int, folder: TickFolder) -> None:
        """Move a whole packet from `incoming/` into its lane, durably.

        Raises:
            OSError: Not durable. What had reached its lane by then stays there, and counts.
        """
        move = Move(packet, size, None, folder)
        with self._room.moving([move]) as done:
            enter(self._root, part, packet, folder)
            done.append(move)
        sync_folder(folder.path(self._root))
        if self._durable != folder:
            sync_folder(self._root / folder.lane)
            self._durable = folder
        sync_folder(part.parent)

    def remove(self, lane: Lane, packets: Iterable[PacketId]) -> int:
        """Delete packets durably, with one sync for each tick; return how many were there."""
        left = iter(packets)
        removed = 0
        while some := list(islice(left, _AT_ONCE)):
            with self._moving(lane, some, lambda _: None) as (moves, done):
                for move, path in moves:
                    with contextlib.suppress(FileNotFoundError):  # another process was first
                        path.unlink()
                        done.append(move)
            removed += len(done)
        return removed

    def set_aside(self, lane: Lane, packets: Collection[PacketId]) -> None:
        """Move packets that are in a batch now to where no export looks for others."""
        self._rename(lane, packets, is_batched=True)

    def put_back(self, lane: Lane, packets: Collection[PacketId]) -> None:
        """Move packets back among those that wait: their batch is settled, and they did not arrive."""
        self._rename(lane, packets, is_batched=False)

    def put_all_back(self) -> None:
        """Move back whatever is aside: no batch is left that could have it."""
        for lane in Lane:
            for folder in folders_of(self._root, lane):
                if folder.is_batched:
                    ids = [packet for packet, _ in sized_packets_in(folder.path(self._root))]
                    for start in range(0, len(ids), _AT_ONCE):
                        self.put_back(lane, ids[start : start + _AT_ONCE])

    def take_out(self, packet: PacketId, folder: TickFolder, target: Path) -> None:
        """Move a packet out of its lane to `target`, durably."""
        source = folder.file(self._root, packet)
        move = Move(packet, source.stat().st_size, folder, None)
        with self._room.moving([move]) as done:
            source.rename(target)
            done.append(move)
        sync_folder(target.parent)
        sync_tick(self._root, folder)

    def tidy(self) -> None:
        """Remove the empty folders of ticks that have passed."""
        for lane in Lane:
            for folder in folders_of(self._root, lane):
                if self._is_over(folder.start):
                    remove_if_empty(self._root, folder)

    def _rename(self, lane: Lane, packets: Collection[PacketId], *, is_batched: bool) -> None:
        if not packets:
            return
        touched = set[TickFolder]()
        with self._moving(lane, packets, lambda folder: replace(folder, is_batched=is_batched)) as (moves, done):
            for move, path in moves:
                if move.target is not None:
                    enter(self._root, path, move.packet, move.target)
                    touched.add(move.target)
                    done.append(move)
        for folder in touched:
            sync_tick(self._root, folder)

    @contextmanager
    def _moving(
        self, lane: Lane, packets: Collection[PacketId], whereto: Callable[[TickFolder], TickFolder | None]
    ) -> Iterator[tuple[list[tuple[Move, Path]], list[Move]]]:
        """Yield the moves of those packets that are in the lane, and the list for those that were made."""
        moves = []
        for packet, folder in locate(self._root, lane, packets).items():
            path, target = folder.file(self._root, packet), whereto(folder)
            if target != folder:
                moves.append((Move(packet, path.stat().st_size, folder, target), path))
        with self._room.moving([move for move, _ in moves]) as done:
            yield moves, done
        for folder in {move.source for move in done if move.source}:
            sync_tick(self._root, folder)
            if self._is_over(folder.start):
                remove_if_empty(self._root, folder)
