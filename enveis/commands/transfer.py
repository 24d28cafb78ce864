"""`enveis transfer`: batches onto a stick and off it again, and the words by which the low side may delete."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from enveis.command import Command, RefusedError, add_passphrase_file, home_of, passphrase_reader
from enveis.terminal import Progress, Terminal, amount

if TYPE_CHECKING:
    from desk.home import DeskHome
    from gateway.home import GatewayHome
    from keys.identity import Identity
    from transfer.incoming import ImportReport
    from transfer.outgoing import ExportedBatch, LowSide


@dataclass(frozen=True, slots=True)
class RefusedBag:
    """A bag of which nothing was taken, and the sentence why."""

    folder: Path
    reason: str


def low_side(home: "GatewayHome") -> "LowSide":
    """Return what the commands of the low side work with."""
    from datetime import UTC, date, datetime

    from audit.log import AuditLog
    from transfer.outbox import Outbox
    from transfer.outgoing import LowSide
    from transfer.spool import Spool

    material = home.load()
    config = material.config

    def today() -> date:
        return datetime.now(UTC).date()

    return LowSide(
        key=material.signing_key,
        recipients=material.recipients,
        spool=Spool(home.spool, quota=config.quota_bytes, reserve=config.reserve_bytes, tick=config.tick_seconds),
        outbox=Outbox(home.outbox),
        audit=AuditLog(home.audit, today=today),
        lock=home.root / "transfer.lock",
        today=today,
    )


def import_all(
    home: "DeskHome", source: Path, identities: "Sequence[Identity]", progress: Progress
) -> "tuple[list[ImportReport], list[RefusedBag]]":
    """Take every bag in `source` that holds; one that does not, does not stop the others."""
    from desk.opening import read_to_the_end
    from keys.age.small import open_bytes
    from transfer.batch import GatewayId
    from transfer.errors import BatchError
    from transfer.incoming import import_bag
    from transfer.ledger import Arrivals
    from transfer.usb import find_bags

    trusted = {GatewayId(name): pairing.key for name, pairing in home.pairings().items()}
    arrivals = Arrivals(home.arrivals)

    def open_packet(stream: BinaryIO) -> None:
        read_to_the_end(stream, identities)

    reports, refused = [], []
    for bag in find_bags(source):
        try:
            report = import_bag(
                bag,
                trusted=trusted,
                arrivals=arrivals,
                inbox=home.inbox,
                gateways=home.gateways,
                open_packet=open_packet,
                open_secret=lambda sealed: open_bytes(sealed, identities),
                audit=home.log(),
                progress=progress,
            )
            reports.append(report)
        except BatchError as error:
            refused.append(RefusedBag(bag, str(error)))
    return reports, refused


def _export_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("destination", type=Path, metavar="DEST", help="a folder on the stick")


def _export(arguments: Namespace, terminal: Terminal) -> int:
    from gateway.home import GatewayHome
    from transfer.outgoing import export

    low = low_side(GatewayHome(home_of(arguments)))
    with terminal.progress("exporting") as progress:
        report = export(low, arguments.destination, progress=progress)
    if terminal.as_json:
        batches = [_batch_as_json(batch) for batch in report.batches]
        rest = {"remaining": report.remaining, "outstanding": list(report.outstanding)}
        terminal.answer({"batches": batches, **rest})
        return 1 if any(batch.unreadable for batch in report.batches) else 0
    for batch in report.batches:
        _say_batch(terminal, batch)
    if not report.batches:
        terminal.say("Nothing to export: no packet's waiting time has passed.")
    unreadable = len({packet for batch in report.batches for packet in batch.unreadable})
    if report.remaining > unreadable:
        left = report.remaining - unreadable
        terminal.say(f"{left} packets are left here: the stick is full. Empty it, or take another.")
    if unreadable:
        terminal.warn(f"{unreadable} packets cannot be read here: see to the disk that holds the spool.")
    if report.outstanding:
        numbers = ", ".join(map(str, report.outstanding))
        terminal.say(f"Waiting for their words from the desk: batches {numbers}.")
    return 1 if unreadable else 0


def _reexport_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("number", type=int, metavar="NUMBER", help="of the batch")
    _export_arguments(parser)


def _reexport(arguments: Namespace, terminal: Terminal) -> int:
    from gateway.home import GatewayHome
    from transfer.outgoing import reexport

    low = low_side(GatewayHome(home_of(arguments)))
    with terminal.progress("exporting") as progress:
        batch = reexport(low, arguments.destination, arguments.number, progress=progress)
    if terminal.as_json:
        terminal.answer(_batch_as_json(batch))
    else:
        _say_batch(terminal, batch)
    return 1 if batch.unreadable else 0


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
        terminal.warn(f"  packet {packet} could not be read here and is not in it")


def _import_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("source", type=Path, metavar="SRC", help="the stick, or one bag on it")
    add_passphrase_file(parser)


def _import(arguments: Namespace, terminal: Terminal) -> int:
    from desk.home import DeskHome

    home = DeskHome(home_of(arguments))
    identities = home.load_identities(passphrase_reader(arguments))
    with terminal.progress("importing") as progress:
        reports, refused = import_all(home, arguments.source, identities, progress)
    if terminal.as_json:
        bags = [{"bag": str(bag.folder), "reason": bag.reason} for bag in refused]
        terminal.answer({"batches": [_report_as_json(report) for report in reports], "refused": bags})
    else:
        for report in reports:
            _say_report(terminal, report)
    for bag in refused:
        terminal.warn(f"{bag.folder}: {bag.reason}. Nothing of it was taken.")
    if not reports and not refused:
        raise RefusedError(f"{arguments.source} holds no batch")
    return 1 if refused or any(report.missing or report.alarms for report in reports) else 0


def _report_as_json(report: "ImportReport") -> dict[str, object]:
    return {
        "gateway": report.batch.gateway,
        "number": report.batch.number,
        "lane": str(report.batch.lane),
        "arrived": list(report.arrived),
        "duplicates": list(report.duplicates),
        "missing": [{"packet": item.id, "reason": str(item.reason)} for item in report.missing],
        "words": report.code,
        "gaps": [[gap.first, gap.last] for gap in report.gaps],
        "alarms": [[alarm.number, str(alarm.kind)] for alarm in report.alarms],
    }


def _say_report(terminal: Terminal, report: "ImportReport") -> None:
    batch = report.batch
    again = " (it was here before)" if report.repeated else ""
    terminal.say(
        f"Batch {batch.number} of gateway {batch.gateway}, lane {batch.lane}: "
        f"{len(report.arrived)} of {len(batch.packets)} packets are in the inbox{again}.",
        f"  Words for the gateway: {terminal.strong(report.code)}",
    )
    for item in report.missing:
        terminal.warn(f"  missing: {item.id} ({item.detail})")
    if report.missing:
        ids = " ".join(item.id[:8] for item in report.missing)
        terminal.say(f"  At the gateway: enveis transfer acknowledge {report.code} --missing {ids}")
    for gap in report.gaps:
        numbers = str(gap.first) if gap.first == gap.last else f"{gap.first} to {gap.last}"
        terminal.warn(f"  batches that have not come: {numbers}")
    for alarm in report.alarms:
        terminal.warn(f"  ALARM: two histories of gateway {alarm.gateway} at batch {alarm.number} ({alarm.kind})")


def _acknowledge_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("words", nargs="+", metavar="WORD", help="the words that the import printed")
    parser.add_argument(
        "--missing", nargs="+", default=[], metavar="ID", help="packets that the import listed as missing"
    )


def _acknowledge(arguments: Namespace, terminal: Terminal) -> int:
    from gateway.home import GatewayHome
    from transfer.outgoing import acknowledge

    low = low_side(GatewayHome(home_of(arguments)))
    report = acknowledge(low, " ".join(arguments.words), missing=arguments.missing)
    if terminal.as_json:
        lists = {"deleted": list(report.deleted), "returned": list(report.returned)}
        terminal.answer({"number": report.number, "repeated": report.repeated, **lists})
    elif report.repeated:
        terminal.say(f"Batch {report.number} was acknowledged before; nothing is left to do.")
    else:
        terminal.say(f"Batch {report.number}: {len(report.deleted)} packets have arrived and are deleted here.")
        if report.returned:
            terminal.say(f"{len(report.returned)} packets go into a later batch.")
    return 0


def _status(arguments: Namespace, terminal: Terminal) -> int:
    from desk.home import DeskHome
    from gateway.home import GatewayHome

    root = home_of(arguments)
    if GatewayHome(root).config.exists():
        rows = _low_status(GatewayHome(root))
    elif DeskHome(root).config.exists():
        rows = _high_status(DeskHome(root))
    else:
        raise RefusedError(f"{root} is neither a gateway's home nor a desk's")
    terminal.table(("what", "state"), rows)
    return 0


def _low_status(home: "GatewayHome") -> list[tuple[str, object]]:
    from transfer.names import Lane
    from transfer.outbox import BatchState

    low = low_side(home)
    exported = low.outbox.packets()
    rows: list[tuple[str, object]] = []
    for lane in Lane:
        ready = [packet for packet in low.spool.due(lane) if packet.id not in exported]
        waiting = [packet for packet in low.spool.waiting(lane) if packet.id not in exported]
        rows.append((f"{lane}: ready to be exported", len(ready)))
        rows.append((f"{lane}: waiting for the end of the tick", len(waiting) - len(ready)))
    for batch in low.outbox.in_state(BatchState.OUTSTANDING):
        count = len(low.outbox.packets(batch.number))
        rows.append((f"batch {batch.number}, {batch.lane}", f"{count} packets, waiting for the desk's words"))
    return rows


def _high_status(home: "DeskHome") -> list[tuple[str, object]]:
    from transfer.ledger import Arrivals

    home.check()
    arrivals = Arrivals(home.arrivals)
    rows: list[tuple[str, object]] = [("packets that ever came", len(arrivals.packets()))]
    for gateway in arrivals.gateways():
        rows += [
            (f"gateway {gateway}", f"batches {gap.first} to {gap.last} have not come") for gap in arrivals.gaps(gateway)
        ]
        rows += [
            (f"gateway {gateway}", f"packet {packet} of batch {number} is missing")
            for packet, number in arrivals.missing(gateway)
        ]
    rows += [(f"gateway {a.gateway}", f"ALARM at batch {a.number}: {a.kind}") for a in arrivals.alarms()]
    return rows


COMMANDS = (
    Command("export", "low side: put the next batches onto a stick", _export, _export_arguments),
    Command("reexport", "low side: the same batch once more", _reexport, _reexport_arguments),
    Command("import", "desk: take batches from a stick", _import, _import_arguments),
    Command("acknowledge", "low side: delete what has arrived", _acknowledge, _acknowledge_arguments),
    Command("status", "what is under way between the two machines", _status),
)
