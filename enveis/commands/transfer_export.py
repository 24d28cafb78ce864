"""`enveis transfer export` and `reexport`: the low side writes batches to a medium."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from disk.handed_over import demand_folder
from enveis.accepted_clock import add_accept_clock, check_clock
from enveis.command import Command, confirm, folder_name, home_of
from enveis.errors import RefusedError, UsageError
from enveis.terminal import Terminal, amount
from enveis.wiring import low_side, waiting_limits

if TYPE_CHECKING:
    from gateway.home.home import GatewayHome
    from transfer.low_side.export import ExportReport
    from transfer.low_side.export_bag import ExportedBatch
    from transfer.low_side.low_side import LowSide


def add_device(parser: ArgumentParser) -> None:
    """Let a stick be named by its serial number; see docs/sticks.md."""
    parser.add_argument(
        "--device", metavar="SERIAL", help="mount the stick with this serial number, and unmount it at the end"
    )


@contextmanager
def medium(folder: Path | None, serial: str | None) -> Iterator[Path]:
    """Yield the folder that was named, or the stick that was, mounted while the block lasts."""
    if (folder is None) == (serial is None):
        raise UsageError("give either a folder on a mounted stick or --device SERIAL")
    if folder is not None:
        demand_folder(folder, hint="; is the stick mounted?")
        yield folder
        return
    from enveis.mounted_stick import mounted

    with mounted(serial or "") as mount_point:
        yield mount_point


def add_own_disk(parser: ArgumentParser) -> None:
    """Let a script put bags onto the disk of this machine's home on purpose."""
    parser.add_argument(
        "--own-disk",
        "--yes",
        action="store_true",
        help="do not ask: DEST is on this machine's own disk on purpose",
    )


def demand_own_disk_on_purpose(folder: Path, home: "GatewayHome", *, own_disk: bool) -> None:
    """Ask before bags go onto the disk of the home itself, where nobody would notice that no stick is mounted.

    Raises:
        RefusedError: It was not on purpose, or there is nobody to ask.
    """
    own = {path.stat().st_dev for path in (home.root, home.spool) if path.exists()}
    if own_disk or folder.stat().st_dev not in own:
        return
    where = f"{folder} is on this machine's own disk, as {home.root} is: no stick is mounted there"
    if not sys.stdin.isatty():
        raise RefusedError(f"{where}; mount it, or repeat the command with --own-disk if this is what you want")
    if not confirm(f"{where}. Write the batches there all the same?", yes=False):
        raise RefusedError("nothing was exported")


def _export_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("destination", type=folder_name, nargs="?", metavar="DEST", help="a folder on the stick")
    parser.add_argument("--lane", choices=["clear", "held"], help="export this lane only, to a stick of its own")
    add_own_disk(parser)
    add_device(parser)
    add_accept_clock(parser)


def _export(arguments: Namespace, terminal: Terminal) -> int:
    from gateway.home.home import GatewayHome
    from transfer.low_side.export import StoppedExportError, export
    from transfer.names import Lane

    home = GatewayHome(home_of(arguments))
    low = low_side(home)
    check_clock(home.clock(), arguments)
    lanes = tuple(Lane) if arguments.lane is None else (Lane(arguments.lane),)
    try:
        with medium(arguments.destination, arguments.device) as folder:
            demand_own_disk_on_purpose(folder, home, own_disk=arguments.own_disk)
            with terminal.progress("exporting") as progress:
                report = export(low, folder, progress=progress, lanes=lanes)
    except StoppedExportError as error:
        if terminal.as_json:
            batches = [_batch_as_json(batch) for batch in error.batches]
            terminal.answer({"batches": batches, "problem": str(error)})
        for batch in [] if terminal.as_json else error.batches:
            _say_batch(terminal, batch)
        raise
    overdue = _overdue(low, waiting_limits(home).overdue_days)
    if terminal.as_json:
        batches = [_batch_as_json(batch) for batch in report.batches]
        rest = {"remaining": report.remaining, "outstanding": list(report.outstanding), "overdue": overdue}
        terminal.answer({"batches": batches, **rest})
    else:
        _say_report(terminal, report, overdue)
    return 1 if any(batch.unreadable for batch in report.batches) else 0


def _say_report(terminal: Terminal, report: "ExportReport", overdue: list[int]) -> None:
    for batch in report.batches:
        _say_batch(terminal, batch)
    if not report.batches:
        terminal.say("Nothing to export: no packet's waiting time has passed.")
    unreadable = len({packet for batch in report.batches for packet in batch.unreadable})
    if report.remaining > unreadable:
        left = report.remaining - unreadable
        terminal.say(f"{left} packets are left here: the stick is full. Empty it, or use another.")
    if unreadable:
        terminal.warn(f"{unreadable} packets cannot be read here: check the disk of the spool.")
    if report.outstanding:
        numbers = ", ".join(map(str, report.outstanding))
        terminal.say(f"Waiting for the desk's acknowledgement words: batches {numbers}.")
    if overdue:
        numbers = ", ".join(map(str, overdue))
        terminal.warn(f"Overdue: batches {numbers}. Export them again: enveis transfer reexport --overdue DEST")


def _reexport_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("what", nargs="*", metavar="NUMBER ... DEST", help="batch numbers, then a folder")
    parser.add_argument("--overdue", action="store_true", help="every batch whose acknowledgement words are overdue")
    add_own_disk(parser)
    add_device(parser)


def _reexport(arguments: Namespace, terminal: Terminal) -> int:
    from gateway.home.home import GatewayHome
    from transfer.low_side.export import reexport

    numbers, destination = _numbers_and_folder(arguments.what)
    if bool(numbers) == arguments.overdue:
        raise UsageError("give either batch numbers or --overdue")
    home = GatewayHome(home_of(arguments))
    low = low_side(home)
    numbers = numbers or _overdue(low, waiting_limits(home).overdue_days)
    batches: list[ExportedBatch] = []
    try:
        with medium(destination, arguments.device) as folder:
            demand_own_disk_on_purpose(folder, home, own_disk=arguments.own_disk)
            for number in numbers:
                with terminal.progress(f"exporting batch {number}") as progress:
                    batches.append(reexport(low, folder, number, progress=progress))
    finally:
        # What was made before a failure is complete, and is reported.
        if terminal.as_json:
            terminal.answer([_batch_as_json(batch) for batch in batches])
        for batch in [] if terminal.as_json else batches:
            _say_batch(terminal, batch)
    if not numbers and not terminal.as_json:
        terminal.say("No batch is overdue.")
    return 1 if any(batch.unreadable for batch in batches) else 0


def _numbers_and_folder(what: list[str]) -> tuple[list[int], Path | None]:
    from transfer.batch.batch import NUMBER_MAX

    is_number = [text.isascii() and text.isdecimal() for text in what]
    count = sum(is_number)
    numbers, rest = what[:count], what[count:]
    if not all(is_number[:count]) or len(rest) > 1 or "" in rest:
        raise UsageError("give the batch numbers, then one folder (write a folder named 1 as ./1)")
    # The length first: Python refuses to turn thousands of digits into a number.
    if any(len(text) > len(str(NUMBER_MAX)) or int(text) == 0 for text in numbers):
        raise UsageError(f"batch numbers are from 1 to {NUMBER_MAX}")
    return [int(text) for text in numbers], Path(rest[0]) if rest else None


def _overdue(low: "LowSide", days: int) -> list[int]:
    today = low.today()
    return [item.number for item in low.outbox.outstanding() if (today - item.sent).days >= days]


def _batch_as_json(batch: "ExportedBatch") -> dict[str, object]:
    return {
        "number": batch.number,
        "lane": str(batch.lane),
        "packets": batch.packets,
        "size": batch.size,
        "bag": str(batch.folder),
        "unreadable": list(batch.unreadable),
    }


def _say_batch(terminal: Terminal, batch: "ExportedBatch") -> None:
    terminal.say(
        f"Batch {batch.number}: {batch.packets} packets, {amount(batch.size)}, lane {batch.lane}, in {batch.folder}"
    )
    for packet in batch.unreadable:
        terminal.warn(f"  packet {packet} could not be read here and is not in the batch")


COMMANDS = (
    Command("export", "low side: write the next batches to a stick", _export, _export_arguments),
    Command("reexport", "low side: write the same batches again", _reexport, _reexport_arguments),
)
