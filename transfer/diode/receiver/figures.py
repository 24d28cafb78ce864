"""What the network process counts, written every second for `enveis transfer status`."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from disk.durable import is_disk_full
from disk.handed_over import HandedOverError, read_handed_over
from transfer.diode.receiver.loss import DAY_PERIODS, Tally
from transfer.diode.receiver.object_files import SHARED
from transfer.record import HEX_64, Record, RecordError, encode_record, parse_record

FORMAT_VERSION: Final = 2
FIGURES_MAX: Final = 1024 * 1024  # bytes
_COUNT_MAX: Final = 2**63
_SESSION_MAX: Final = 2**64 - 1  # WIRE.md 2.2
_GATEWAYS_MAX: Final = 1000
_REFUSALS_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class LinkFigures:
    """One gateway's link. Shares are in millionths, times in seconds since the epoch; None if nothing was heard."""

    gateway: str
    heard_at: int | None
    every: int  # tenths of a second between two heartbeats
    number: int  # the batch that is being sent, or 0
    transmission: int
    transmissions: int
    block: int
    blocks: int
    waiting: int
    loss_now: int | None
    loss_day: int | None
    repeated: int
    rivals: int
    session: int = 0  # the newest session, and the number after the last datagram heard in it, or 0: these let a
    sequence: int = 0  # successor recognise a recording
    no_room: int = 0  # the last batch for which there was no room, or 0
    no_room_at: int | None = None
    day: tuple[Tally, ...] = ()


@dataclass(frozen=True, slots=True)
class Figures:
    """All links of one receiver. `refused` counts dropped datagrams by reason, since the process started."""

    written_at: int
    buffer: int  # bytes that the kernel keeps for the socket
    surplus: int
    refused: Mapping[str, int]
    links: tuple[LinkFigures, ...] = field(default=())


def write_figures(path: Path, figures: Figures) -> None:
    """Replace the file, without waiting for the disk: the next second brings another one.

    On a full disk it is overwritten in place: people must see what is refused, and that the receiver still runs.
    """
    content = encode_record(_encode(figures))
    temporary = path.with_suffix(".new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with open(os.open(temporary, flags, SHARED), "wb", buffering=0) as stream:  # noqa: PTH123 - a file descriptor
            if stream.write(content) == len(content):
                temporary.replace(path)
                return
    except OSError as error:
        if not is_disk_full(error):
            raise
    _write_over(path, content)


def _write_over(path: Path, content: bytes) -> None:
    # The space of the old content is available. Figures that need more are not stored; the next second tries again.
    try:
        with path.open("r+b", buffering=0) as stream:
            if stream.write(content) == len(content):
                stream.truncate()
    except FileNotFoundError:
        return
    except OSError as error:
        if not is_disk_full(error):
            raise


def read_figures(path: Path) -> Figures | None:
    """Return what was written last, or None if there is nothing or it cannot be read: no caller depends on it."""
    try:
        content = read_handed_over(path, largest=FIGURES_MAX)
        return _parse(parse_record(content, name=path.name, largest=FIGURES_MAX, values=FIGURES_MAX))
    except (FileNotFoundError, RecordError, HandedOverError):
        return None


def _encode(figures: Figures) -> dict[str, Any]:
    return {
        "version": FORMAT_VERSION,
        "written_at": figures.written_at,
        "buffer": figures.buffer,
        "surplus": figures.surplus,
        "refused": [{"reason": reason, "count": count} for reason, count in sorted(figures.refused.items())],
        "links": [
            {name: getattr(link, name) for name in LinkFigures.__slots__ if name != "day"}
            | {"day": [{"received": received, "lost": lost} for received, lost in link.day]}
            for link in figures.links
        ],
    }


def _parse(record: Record) -> Figures:
    record.integer("version", low=FORMAT_VERSION, high=FORMAT_VERSION)
    figures = Figures(
        written_at=_count(record, "written_at"),
        buffer=_count(record, "buffer"),
        surplus=_count(record, "surplus"),
        refused=dict(record.items("refused", most=_REFUSALS_MAX, read=_refusal)),
        links=record.items("links", most=_GATEWAYS_MAX, read=_link),
    )
    record.close()
    return figures


def _count(record: Record, name: str) -> int:
    return record.integer(name, low=0, high=_COUNT_MAX)


def _refusal(untrusted: object, name: str) -> tuple[str, int]:
    record = Record(untrusted, name=name)
    found = record.text("reason", longest=100), _count(record, "count")
    record.close()
    return found


def _tally(untrusted: object, name: str) -> Tally:
    record = Record(untrusted, name=name)
    found = _count(record, "received"), _count(record, "lost")
    record.close()
    return found


def _link(untrusted: object, name: str) -> LinkFigures:
    record = Record(untrusted, name=name)
    link = LinkFigures(
        gateway=record.matching("gateway", HEX_64),
        heard_at=record.optional("heard_at", lambda each: _count(record, each)),
        every=_count(record, "every"),
        number=_count(record, "number"),
        transmission=_count(record, "transmission"),
        transmissions=_count(record, "transmissions"),
        block=_count(record, "block"),
        blocks=_count(record, "blocks"),
        waiting=_count(record, "waiting"),
        loss_now=record.optional("loss_now", lambda each: _count(record, each)),
        loss_day=record.optional("loss_day", lambda each: _count(record, each)),
        repeated=_count(record, "repeated"),
        rivals=_count(record, "rivals"),
        session=record.integer("session", low=0, high=_SESSION_MAX),
        sequence=record.integer("sequence", low=0, high=_SESSION_MAX),
        no_room=_count(record, "no_room"),
        no_room_at=record.optional("no_room_at", lambda each: _count(record, each)),
        day=record.items("day", most=DAY_PERIODS, read=_tally),
    )
    record.close()
    return link
