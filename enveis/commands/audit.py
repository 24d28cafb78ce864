"""`enveis audit`: read a log, verify that it is one chain up to signed heads, rotate it, recover it."""

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

from audit.utc_day import utc_today
from enveis.command import Command, confirm, file_name, file_or_folder_name, home_of
from enveis.errors import RefusedError, UsageError
from enveis.terminal import Terminal, amount

if TYPE_CHECKING:
    from audit.chain import ChainReport, Head, Line
    from audit.log import AuditLog
    from transfer.high_side.signed_heads import FoundHeads

FAULTS_SHOWN: Final = 20  # of one log on a terminal; --json has all


def _log_argument(parser: ArgumentParser) -> None:
    parser.add_argument("log", type=file_name, nargs="?", metavar="LOG", help="default: the log of this home")


def _log(arguments: Namespace) -> "tuple[AuditLog, Path]":
    from audit.log import AuditLog
    from audit.segments import closed_segments
    from disk.handed_over import open_handed_over

    path: Path = arguments.log or home_of(arguments) / "audit.jsonl"
    if path.exists() or not closed_segments(path):
        with open_handed_over(path, largest=None):
            pass  # a missing log is an error, not an empty log
    return AuditLog(path, today=utc_today), path


def _verify_arguments(parser: ArgumentParser) -> None:
    _log_argument(parser)
    parser.add_argument(
        "--key", type=file_name, metavar="gateway.pub", help="public key of the gateway that signed the batches"
    )
    parser.add_argument(
        "--heads",
        "--batch",
        type=file_or_folder_name,
        nargs="+",
        action="extend",
        default=[],
        metavar="BATCH",
        help="batch.json files, bags, or folders of them; each has a signed head of the log",
    )


def _verify(arguments: Namespace, terminal: Terminal) -> int:
    from audit.chain import Fault
    from disk.handed_over import read_handed_over
    from keys.signing import parse_verify_key
    from transfer.batch.batch import SIGNATURE_MAX, gateway_id
    from transfer.high_side.signed_heads import FoundHeads, read_heads

    if bool(arguments.heads) != (arguments.key is not None):
        raise UsageError("--key and --heads go together: the key says whose batches to trust")
    log, path = _log(arguments)
    found = FoundHeads((), 0)
    if arguments.key is not None:
        text = read_handed_over(arguments.key, largest=SIGNATURE_MAX)
        trusted = parse_verify_key(text.decode("ascii", "replace"))
        found = read_heads(arguments.heads, {gateway_id(trusted): trusted})
    report = log.check(heads=[signed.head for signed in found.heads])
    if report.head.seq == 0 and not report.faults:
        report = replace(report, faults=(Fault(1, f"{path} has no lines; a log is never empty, so it was emptied"),))
    if terminal.as_json:
        faults = [{"line": fault.line, "reason": fault.reason} for fault in report.faults]
        head = {"seq": report.head.seq, "hash": report.head.hash}
        loose = report.head.seq - report.anchored
        more = {"heads": len(found.heads), "unanchored": loose, "torn": _torn(path), "faults": faults}
        terminal.answer({"head": head, "anchored": report.anchored, **more})
    else:
        _say_report(terminal, report, found, path)
    return 1 if report.faults else 0


def _say_report(terminal: Terminal, report: "ChainReport", found: "FoundHeads", path: Path) -> None:
    for fault in report.faults[:FAULTS_SHOWN]:
        terminal.warn(fault.reason)
    if len(report.faults) > FAULTS_SHOWN:
        terminal.warn(f"and {len(report.faults) - FAULTS_SHOWN} more faults (--json lists them)")
    if not report.faults:
        terminal.say(f"The {report.head.seq} lines form one chain.")
    if found.others:
        terminal.note(f"{found.others} of the batches are from other gateways and were ignored.")
    if found.heads:
        count = len(found.heads)
        terminal.say(
            f"Signed heads that were compared: {count}. The last one that matches is of line {report.anchored}."
        )
    loose = report.head.seq - report.anchored
    if loose:
        terminal.say(f"The last {loose} lines are unanchored: no signed head given here vouches for them.")
    torn = _torn(path)
    if torn:
        terminal.warn(f"{torn} bytes after the last line are not a line of the log; the next line will record them.")


def _torn(path: Path) -> int:
    """Return how many bytes follow the last line of the current file: a crash may leave some."""
    from disk.handed_over import open_handed_over

    if not path.exists():
        return 0
    with open_handed_over(path, largest=None) as stream:
        size = stream.seek(0, 2)
        stream.seek(max(0, size - 1))
        if stream.read(1) in {b"", b"\n"}:
            return 0
        from audit.tail import end_of_lines

        return size - end_of_lines(stream.fileno(), size)


def _show_arguments(parser: ArgumentParser) -> None:
    _log_argument(parser)
    parser.add_argument("--day", metavar="YYYY-MM-DD", help="show this UTC day only")
    parser.add_argument("--since", metavar="YYYY-MM-DD", help="show this UTC day and later ones")
    parser.add_argument("--until", metavar="YYYY-MM-DD", help="show this UTC day and earlier ones")
    parser.add_argument(
        "--event", action="append", default=[], metavar="EVENT", help="show this event only; may be repeated"
    )
    parser.add_argument("--packet", metavar="ID", help="show this packet only; the first digits of its id are enough")


def _show(arguments: Namespace, terminal: Terminal) -> int:
    from audit.chain import encode_line, parse_line
    from audit.errors import LineError

    wanted = _filter(arguments)
    log, _ = _log(arguments)
    rows: list[tuple[object, object, object, dict[str, object]]] = []
    packets, unreadable = set[str](), list[int]()
    for place, text in enumerate(log.lines(), start=1):
        try:
            line = parse_line(text)
        except LineError:
            unreadable.append(place)
            continue
        packets.add(line.record.packet or "")
        if not wanted(line):
            continue
        fields = json.loads(encode_line(line))
        rest = {name: fields[name] for name in fields if name not in {"v", "seq", "day", "event", "prev"}}
        rows.append((fields["seq"], fields["day"], fields["event"], rest))
    _table(terminal, rows, packets)
    if unreadable:
        terminal.warn(
            f"{len(unreadable)} lines cannot be read, the first is line {unreadable[0]}: run 'enveis audit verify'."
        )
    return 1 if unreadable else 0


def _table(
    terminal: Terminal, rows: Sequence[tuple[object, object, object, dict[str, object]]], packets: set[str]
) -> None:
    """Print lines of the log; for a person a packet's id as far as tells it from the others of the log."""
    from transfer.short_ids import shorten_ids

    short = {} if terminal.as_json else shorten_ids(packets - {""})
    shown = [
        (
            *row,
            rest
            if terminal.as_json
            else " ".join(f"{name}={short.get(str(text), text)}" for name, text in rest.items()),
        )
        for *row, rest in rows
    ]
    terminal.table(("seq", "day", "event", "details"), shown)


class _Filter:
    """Which lines `audit show` shows."""

    def __init__(self, *, since: date, until: date, events: Sequence[str], packet: str) -> None:
        self._since = since
        self._until = until
        self._events = frozenset(events)
        self._packet = packet

    def __call__(self, line: "Line") -> bool:
        """Return whether this line is to be shown."""
        return (
            self._since <= line.day <= self._until
            and (not self._events or str(line.record.event) in self._events)
            and (not self._packet or (line.record.packet or "").startswith(self._packet))
        )


def _filter(arguments: Namespace) -> _Filter:
    from audit.events import Event

    unknown = sorted(set(arguments.event) - {str(event) for event in Event})
    if unknown:
        raise UsageError(f"unknown event '{unknown[0]}'; the events are: {', '.join(Event)}")
    since, until = (
        _day(text if arguments.day is None else arguments.day, default) for text, default in _span(arguments)
    )
    return _Filter(since=since, until=until, events=arguments.event, packet=(arguments.packet or "").lower())


def _span(arguments: Namespace) -> Iterator[tuple[str | None, date]]:
    yield arguments.since, date.min
    yield arguments.until, date.max


def _day(text: str | None, default: date) -> date:
    if text is None:
        return default
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError("a day is written YYYY-MM-DD and must exist in the calendar") from None


def _own_log(arguments: Namespace) -> "tuple[AuditLog, Path]":
    """Return the log of this home: a desk's copy of a gateway's log must never get a line of ours."""
    arguments.log = None
    return _log(arguments)


def _rotate(arguments: Namespace, terminal: Terminal) -> int:
    log, path = _own_log(arguments)
    closed = log.rotate()
    if terminal.as_json:
        terminal.answer({"closed": str(closed), "head": log.head().seq})
    else:
        terminal.say(f"Closed: {closed}", f"The chain continues in {path}, whose first line records this.")
    return 0


def _recover_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="do not ask: what happened was investigated")


def _recover(arguments: Namespace, terminal: Terminal) -> int:
    log, path = _own_log(arguments)
    size, seq = log.damage()
    if not size:
        raise RefusedError(f"{path} ends with a complete line: there is nothing to recover")
    terminal.note(f"After line {seq}, {path} has {amount(size)} that are not lines of the log.")
    if not confirm("Move them aside, and record this in the log?", yes=arguments.yes):
        terminal.note("Nothing was changed.")
        return 1
    head: Head = log.recover()
    if terminal.as_json:
        terminal.answer({"moved": size, "head": head.seq})
    else:
        terminal.say(f"Moved to a file beside the log. Line {head.seq} records this; the log can be written again.")
    return 0


COMMANDS = (
    Command("verify", "check that a log is one chain, up to signed heads", _verify, _verify_arguments),
    Command("show", "list the lines of a log, by day, event or packet", _show, _show_arguments),
    Command("rotate", "close the log's file, and continue the chain in a new one", _rotate),
    Command("recover", "move aside bytes at the end of the log that are not a line", _recover, _recover_arguments),
)
