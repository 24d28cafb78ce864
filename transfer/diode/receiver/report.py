"""What an operator wants to know about a link: whether it is up, what is lost, on its way or missing."""

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from disk.lock import is_held
from transfer.batch.batch import NUMBER_MAX
from transfer.diode.errors import LinkError
from transfer.diode.receiver.figures import Figures, LinkFigures, read_figures
from transfer.diode.receiver.link_state import Link
from transfer.diode.receiver.object_files import OpenFiles
from transfer.diode.receiver.processes import Role, lock_of
from transfer.diode.receiver.shelf import Shelf
from transfer.diode.wire.notices import BatchProgress, History

STALE: Final = 10  # seconds after which the network process counts as not running
MISSED: Final = 4  # heartbeats that may be missed before the link counts as down
IDLE: Final = 24 * 3600  # seconds without a new symbol after which an object that is not announced counts as abandoned
IDLE_WHEN_HERE: Final = 3600  # the same when its batch is here by another channel
NO_ROOM: Final = 60  # seconds for which dropped symbols of an object in progress count as a full disk
RIVALS: Final = 10  # datagrams of another session that are no accident
RANGE_MAX: Final = 10_000  # batches that one line of numbers may name


@dataclass(frozen=True, slots=True)
class InProgress:
    """One object on its way: `symbols` of `symbols_all` are here, and none was new for `idle` seconds."""

    number: int
    tag: bytes
    folder: Path
    size: int
    symbols: int
    symbols_all: int
    idle: int

    @property
    def is_whole(self) -> bool:
        """Return whether nothing of the object needs to be sent any more."""
        return self.symbols == self.symbols_all


@dataclass(frozen=True, slots=True)
class LinkReport:
    """One gateway's link. `figures` is None when the network process never wrote any.

    `abandoned` lists objects in progress that will not become whole: each occupies a place until someone removes it.
    `no_room` is a batch that was refused because there is no space for it, or 0.
    """

    gateway: str
    is_running: bool
    is_up: bool
    figures: LinkFigures | None
    in_progress: tuple[InProgress, ...]
    missing: tuple[int, ...]
    has_rivals: bool
    abandoned: tuple[InProgress, ...] = ()
    no_room: int = 0

    @property
    def is_alarm(self) -> bool:
        """Return whether someone must act."""
        return not self.is_up or self.has_rivals or any((self.missing, self.abandoned, self.no_room))


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    """All links, what was dropped since the network process started, and the size of its socket's buffer.

    `stopped` lists the receiver's processes that are not running.
    """

    links: tuple[LinkReport, ...]
    refused: tuple[tuple[str, int], ...]
    buffer: int
    not_imported: int
    damaged: tuple[str, ...] = ()
    stopped: tuple[Role, ...] = ()

    @property
    def is_alarm(self) -> bool:
        """Return whether someone must act."""
        return bool(self.damaged or self.stopped) or any(link.is_alarm for link in self.links)


def report_receiver(
    shelf: Shelf, links: Sequence[Link], arrived: Collection[tuple[str, int]], *, now: float
) -> ReceiverReport:
    """Return the report; `arrived` has gateway and number of each imported batch, whichever channel carried it."""
    figures = read_figures(shelf.figures)
    stopped = [role for role in Role if not is_held(lock_of(shelf, role))]
    is_alive = figures is not None and 0 <= now - figures.written_at < STALE
    if not is_alive and Role.NETWORK not in stopped:
        stopped.insert(0, Role.NETWORK)  # it hangs
    is_running = Role.NETWORK not in stopped
    damaged: list[str] = []
    for name in _listed(shelf.open):
        try:
            if not name.startswith("."):
                shelf.read_header(name)
        except FileNotFoundError:
            continue
        except LinkError as error:
            damaged.append(str(error))
    reports = [_report_link(shelf, link, figures, arrived, is_running=is_running, now=now) for link in links]
    refused = tuple((reason, count) for reason, count in figures.refused.items() if count) if figures else ()
    waiting = sum(1 for path in _listed(shelf.arrived) if not path.startswith("."))
    return ReceiverReport(
        tuple(reports), refused, figures.buffer if figures else 0, waiting, tuple(damaged), tuple(stopped)
    )


def _report_link(
    shelf: Shelf,
    link: Link,
    figures: Figures | None,
    arrived: Collection[tuple[str, int]],
    *,
    is_running: bool,
    now: float,
) -> LinkReport:
    found = [each for each in figures.links if each.gateway == link.gateway] if figures else []
    mine = found[0] if found else None
    is_up = bool(
        is_running and mine and mine.heard_at is not None and 0 <= now - mine.heard_at <= 1 + MISSED * mine.every / 10
    )
    in_progress = _in_progress(shelf, link.gateway, now)
    received = shelf.numbers(link.gateway) | {number for gateway, number in arrived if gateway == link.gateway}
    whole = {item.number for item in in_progress if item.is_whole}
    history = shelf.read_history(link.gateway, link.key)
    return LinkReport(
        gateway=link.gateway,
        is_running=is_running,
        is_up=is_up,
        figures=mine,
        in_progress=tuple(in_progress),
        missing=missing_numbers(history, received | whole),
        has_rivals=bool(mine and mine.rivals >= RIVALS),
        abandoned=tuple(item for item in in_progress if is_abandoned(item, history, received)),
        no_room=_refused_number(mine, received, {item.number for item in in_progress}, now) if mine else 0,
    )


def missing_numbers(history: History | None, received: Collection[int]) -> tuple[int, ...]:
    """Return the batches that a person should request again; batches that are still being sent are not among them."""
    if history is None:
        return ()
    coming = {entry.number for entry in history.entries if entry.progress is BatchProgress.COMING}
    return tuple(number for number in range(1, history.last + 1) if number not in received and number not in coming)


def is_abandoned(item: InProgress, history: History | None, received: Collection[int]) -> bool:
    """Return whether an object will not become whole: nothing new came for long, and its sender does not name it."""
    if item.is_whole:
        return False
    tag, entries = item.tag.hex(), history.entries if history else ()
    named = [entry for entry in entries if entry.number == item.number and entry.digest.startswith(tag)]
    if item.number in received:
        # Another transmission would complete it, but nobody needs that.
        return item.idle > IDLE_WHEN_HERE and not any(entry.progress is BatchProgress.COMING for entry in named)
    return item.idle > IDLE and not named


def _refused_number(figures: LinkFigures, received: Collection[int], in_progress: Collection[int], now: float) -> int:
    if figures.no_room in received or figures.no_room_at is None:
        return 0
    # A batch that is in progress has found space since, unless the disk is full now.
    is_over = figures.no_room in in_progress and not 0 <= now - figures.no_room_at < NO_ROOM
    return 0 if is_over else figures.no_room


def encode_numbers(numbers: Sequence[int]) -> str:
    """Return rising numbers as a person types them: `1042 1050-1052`."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return " ".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)


def parse_numbers(untrusted: Sequence[str]) -> list[int]:
    """Return the numbers that a person typed, in rising order, each once.

    Raises:
        LinkError: A word is not a batch number or a range; the message quotes it. Or no number was given.
    """
    found: set[int] = set()
    for word in " ".join(untrusted).replace(",", " ").split():
        first, hyphen, last = word.partition("-")
        ends = [first, last] if hyphen else [first, first]
        if not all(end.isascii() and end.isdecimal() and len(end) <= 9 and 1 <= int(end) <= NUMBER_MAX for end in ends):
            raise LinkError(f"'{word[:20]}' is not a batch number: type numbers like 1042 1050-1052")
        low, high = int(ends[0]), int(ends[1])
        if low > high or high - low >= RANGE_MAX:
            raise LinkError(f"'{word[:20]}' is not a range of batches: type numbers like 1042 1050-1052")
        found.update(range(low, high + 1))
    if not found:
        raise LinkError("no batch was named: type numbers like 1042 1050-1052")
    return sorted(found)


def _in_progress(shelf: Shelf, gateway: str, now: float) -> list[InProgress]:
    found = []
    for name in _listed(shelf.open):
        if not name.startswith(f"{gateway}-"):
            continue
        try:
            header, _ = shelf.read_header(name)
            folder = shelf.open / name
            with OpenFiles(folder, header.geometry) as files:
                here = files.symbols.symbols_here()
                changed = max(os.fstat(fd).st_mtime for fd in (files.data, files.repair))
        except (FileNotFoundError, LinkError):
            continue  # arrived at this moment, or damaged
        idle, geometry = max(0, int(now - changed)), header.geometry
        found.append(InProgress(header.number, header.tag, folder, geometry.size, here, geometry.symbols, idle))
    return found


def _listed(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
