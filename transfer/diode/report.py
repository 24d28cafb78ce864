"""What an operator wants to know of a link: is it up, what is lost, what is on its way, what is to be asked for."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from transfer.batch import NUMBER_MAX
from transfer.diode.errors import DatagramError, LinkError
from transfer.diode.figures import Figures, LinkFigures, read_figures
from transfer.diode.intake import Link
from transfer.diode.notices import History, Progress, parse_history
from transfer.diode.shelf import HEADER_MAX, OpenFiles, Shelf

STALE: Final = 10  # seconds after which the network process counts as not running
MISSED: Final = 4  # heartbeats that may be missed before the link counts as down
RIVALS: Final = 10  # datagrams of another session that are no longer an accident
RANGE_MAX: Final = 10_000  # batches that one line of numbers may name


@dataclass(frozen=True, slots=True)
class InProgress:
    """One object on its way; `symbols` of `symbols_all` are here that count."""

    number: int
    size: int
    symbols: int
    symbols_all: int


@dataclass(frozen=True, slots=True)
class LinkReport:
    """One gateway's link. `figures` is None when the network process never wrote any."""

    gateway: str
    is_running: bool
    is_up: bool
    figures: LinkFigures | None
    in_progress: tuple[InProgress, ...]
    missing: tuple[int, ...]
    has_rivals: bool


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    """All links, what was dropped since the network process started, and whether its socket has room enough."""

    links: tuple[LinkReport, ...]
    refused: tuple[tuple[str, int], ...]
    buffer: int
    not_imported: int
    damaged: tuple[str, ...] = ()

    @property
    def is_alarm(self) -> bool:
        """Tell whether somebody must look into it."""
        return bool(self.damaged) or any(not link.is_up or link.missing or link.has_rivals for link in self.links)


def report_receiver(
    shelf: Shelf, links: Sequence[Link], arrived: Collection[tuple[str, int]], *, now: float
) -> ReceiverReport:
    """Return the report; `arrived` are gateway and number of the batches that were imported, by whichever road."""
    figures = read_figures(shelf.figures)
    is_running = figures is not None and now - figures.written_at < STALE
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
    return ReceiverReport(tuple(reports), refused, figures.buffer if figures else 0, waiting, tuple(damaged))


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
        is_running and mine and mine.heard_at is not None and now - mine.heard_at <= 1 + MISSED * mine.every / 10
    )
    in_progress = _in_progress(shelf, link.gateway)
    received = {int(name.split("-")[1]) for name in _listed(shelf.received) if name.startswith(f"{link.gateway}-")}
    received |= {number for gateway, number in arrived if gateway == link.gateway}
    history = read_history(shelf, link)
    return LinkReport(
        gateway=link.gateway,
        is_running=is_running,
        is_up=is_up,
        figures=mine,
        in_progress=tuple(in_progress),
        missing=missing_numbers(history, received),
        has_rivals=bool(mine and mine.rivals >= RIVALS),
    )


def read_history(shelf: Shelf, link: Link) -> History | None:
    """Return the newest history of a gateway, None when none came; its signature is checked once more."""
    try:
        with (shelf.history / link.gateway).open("rb") as stream:
            return parse_history(stream.read(HEADER_MAX), {link.gateway: link.key})
    except (FileNotFoundError, DatagramError):
        return None


def missing_numbers(history: History | None, received: Collection[int]) -> tuple[int, ...]:
    """Return the batches that a person should ask for: what is still being sent is not among them."""
    if history is None:
        return ()
    coming = {entry.number for entry in history.entries if entry.progress is Progress.COMING}
    return tuple(number for number in range(1, history.last + 1) if number not in received and number not in coming)


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
    """Return the numbers that somebody typed, rising, each once.

    Raises:
        LinkError: With the word that is not a number or a range of them; or there is none.
    """
    found: set[int] = set()
    for word in " ".join(untrusted).replace(",", " ").split():
        first, hyphen, last = word.partition("-")
        ends = [first, last] if hyphen else [first, first]
        if not all(end.isascii() and end.isdecimal() and len(end) <= 9 and 1 <= int(end) <= NUMBER_MAX for end in ends):
            raise LinkError(f"'{word[:20]}' is no batch number: type them like 1042 1050-1052")
        low, high = int(ends[0]), int(ends[1])
        if low > high or high - low >= RANGE_MAX:
            raise LinkError(f"'{word[:20]}' is no range of batches: type them like 1042 1050-1052")
        found.update(range(low, high + 1))
    if not found:
        raise LinkError("no batch was named: type their numbers like 1042 1050-1052")
    return sorted(found)


def _in_progress(shelf: Shelf, gateway: str) -> list[InProgress]:
    found = []
    for name in _listed(shelf.open):
        if not name.startswith(f"{gateway}-"):
            continue
        try:
            header, _ = shelf.read_header(name)
            with OpenFiles(shelf.open / name, header.geometry) as files:
                here = files.symbols.symbols_here()
        except (FileNotFoundError, LinkError):
            continue  # arrived at this moment, or damaged
        found.append(InProgress(header.number, header.geometry.size, here, header.geometry.symbols))
    return found


def _listed(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
