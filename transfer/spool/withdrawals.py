"""Which waiting packets their sources can still take back, and taking them back: `withdrawable/` of a spool.

Under each packet's id lies the SHA-256 of a token that only its source has: from before the packet reaches its lane
until somebody lists what is ready to leave. Listing removes the tokens. A packet that is taken back moves into `gone/`
here by one rename, and its token into `done/` when it is deleted. All happen under one lock, so a packet is in its
lane, or here, or gone, and never both exported and taken back. Clocks play no part.
"""

import contextlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from disk.durable import PRIVATE, PRIVATE_FOLDER, make_private_folder, sync_folder
from disk.lock import lock
from transfer.names import Lane, PacketId
from transfer.packet.visit_signature import is_token_of
from transfer.spool.lanes import find
from transfer.spool.moves import PacketMoves

FOLDER: Final = "withdrawable"
_DIGEST_SIZE: Final = 64  # hexadecimal digits of a SHA-256
_GONE: Final = "gone"  # folder of the packets that were taken back and are not deleted yet
_FINISHED: Final = "done"  # folder of the tokens of packets that were taken back and deleted
_NOBODYS: Final = "0" * _DIGEST_SIZE  # compared with when there is no token: nobody knows what hashes to it


class Withdrawals:
    """The folder of one spool; safe to use from several threads and processes."""

    def __init__(self, spool: Path, moves: PacketMoves) -> None:
        self._spool = spool
        self._moves = moves
        self._folder = spool / FOLDER

    def prepare(self, abandoned: Iterable[PacketId] = ()) -> None:
        """Create the folders, and remove the tokens of `abandoned` packets: a crash kept these from their lane."""
        is_new = not (self._folder / _GONE).exists()
        for folder in (self._folder, self._folder / _GONE, self._folder / _FINISHED):
            make_private_folder(folder)
        with self.locked():
            if is_new:
                self._take_over()
            for packet_id in abandoned:
                # A packet on its way from `incoming` to its lane is seen in one of them.
                if not (self._part(packet_id).exists() or find(self._spool, packet_id) or self._is_gone(packet_id)):
                    self.forget([packet_id])

    def keep(self, packet_id: PacketId, withdrawal: str, *, stamp: int) -> None:
        """Keep the digest of a token durably, hexadecimal; `stamp` (seconds) is the file's time.

        Before the packet's rename.
        """
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(self._folder / packet_id, flags, PRIVATE)
        try:
            # One write of so few bytes is whole, or an error; what a crash tears belongs to no packet in a lane.
            if os.write(fd, withdrawal.encode("ascii")) != len(withdrawal):
                raise OSError("a token was not written whole")
            os.utime(fd, (stamp, stamp))
            os.fsync(fd)
        finally:
            os.close(fd)
        sync_folder(self._folder)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder's lock: nobody takes a packet back, and nobody lists what may leave."""
        self._folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)  # a gateway that never ran may be exported from
        fd = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            lock(fd)
            yield
        finally:
            os.close(fd)

    def forget(self, packets: Iterable[PacketId]) -> None:
        """Remove the tokens of `packets` durably: from here on nobody takes them back. Under the lock."""
        removed = False
        for packet_id in packets:
            with contextlib.suppress(FileNotFoundError):
                (self._folder / packet_id).unlink()
                removed = True
        if removed:
            sync_folder(self._folder)

    def take_back(self, packet_id: PacketId, untrusted_token: str) -> bool:
        """Move a packet out of its lane, if the token (64 hexadecimal digits) is its own and it cannot have left yet.

        Returns whether that was done, now or before; a wrong token and an unknown packet are one answer. Then `finish`.
        """
        with self.locked():
            is_right = is_token_of(self._withdrawal(packet_id), untrusted_token)
            folder = find(self._spool, packet_id) if is_right else None
            if folder is None:
                # A packet that may have left has no token here: this one was taken back before, and is asked for again.
                return is_right
            self._moves.take_out(packet_id, folder, self._gone(packet_id))
            return True

    def taken_back(self) -> list[PacketId]:
        """Return the packets that were taken back and are not finished: a crash came between."""
        return sorted(PacketId(path.stem) for path in (self._folder / _GONE).glob("*.age"))

    def is_unfinished(self, packet_id: PacketId) -> bool:
        """Return whether a packet was taken back and still has to be deleted."""
        return self._is_gone(packet_id)

    def finish(self, packet_id: PacketId) -> None:
        """Delete a packet that was taken back, durably. Its token stays, in case the source asks again."""
        with self.locked():
            for lane in Lane:
                # A file system that is not journaled may know both names after a power cut.
                self._moves.remove(lane, [packet_id])
            # The token first: as long as the packet lies here, this is done again after a crash.
            with contextlib.suppress(FileNotFoundError):
                (self._folder / packet_id).rename(self._finished(packet_id))
            for folder in (self._folder, self._folder / _FINISHED):
                sync_folder(folder)
            self._gone(packet_id).unlink(missing_ok=True)
            sync_folder(self._folder / _GONE)

    def forget_finished(self) -> None:
        """Remove the tokens of packets that were taken back and deleted. Under the lock, when others are forgotten."""
        with contextlib.suppress(FileNotFoundError):  # no gateway ran here yet
            for path in (self._folder / _FINISHED).iterdir():
                path.unlink(missing_ok=True)

    def _withdrawal(self, packet_id: PacketId) -> str:
        kept = b""
        for path in (self._folder / packet_id, self._finished(packet_id)):
            with contextlib.suppress(FileNotFoundError), path.open("rb") as stream:
                kept = stream.read(_DIGEST_SIZE + 1)
                break
        return kept.decode("ascii", errors="ignore") if len(kept) == _DIGEST_SIZE else _NOBODYS

    def _take_over(self) -> None:
        """Move what an earlier version left beside the tokens."""
        for path in self._folder.glob("*.age"):
            path.rename(self._gone(PacketId(path.stem)))
        for path in self._folder.glob("*.done"):
            path.rename(self._finished(PacketId(path.stem)))

    def _part(self, packet_id: PacketId) -> Path:
        return self._spool / "incoming" / f"{packet_id}.part"

    def _gone(self, packet_id: PacketId) -> Path:
        return self._folder / _GONE / f"{packet_id}.age"

    def _is_gone(self, packet_id: PacketId) -> bool:
        return self._gone(packet_id).exists()

    def _finished(self, packet_id: PacketId) -> Path:
        return self._folder / _FINISHED / packet_id
