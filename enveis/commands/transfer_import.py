"""`enveis transfer import`: the desk imports what a stick or the link brought, and reports what arrived."""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from disk.handed_over import demand_replaceable
from enveis.accepted_clock import add_accept_clock, check_clock
from enveis.command import Command, file_name, folder_name, home_of
from enveis.commands.diode import shelf_of
from enveis.commands.transfer_export import add_device, medium
from enveis.errors import RefusedError
from enveis.terminal import Terminal
from enveis.unlocking import add_identity, load_identities
from enveis.wiring import RefusedBag, StoppedImportError, import_all

if TYPE_CHECKING:
    from desk.home import DeskHome
    from transfer.high_side.import_bag import ImportReport

_NAMED: int = 20  # folders of a stick that are named one by one
_TYPED: int = 12  # ids that somebody may be asked to type; more go into a file


def _import_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "source",
        type=folder_name,
        nargs="?",
        metavar="SRC",
        help="the stick, or one bag on it; default: what arrived over the link",
    )
    parser.add_argument(
        "--answers",
        type=file_name,
        metavar="FILE",
        help="write acknowledgement words and missing packets to FILE, for a fresh disc",
    )
    add_device(parser)
    add_identity(parser)
    add_accept_clock(parser)


def _import(arguments: Namespace, terminal: Terminal) -> int:
    from desk.home import DeskHome
    from transfer.diode.receiver.arrived import note_imported, remove_imported, waiting_bags
    from transfer.usb.bag_search import find_elsewhere
    from transfer.usb.bag_writer import find_misnamed

    home = DeskHome(home_of(arguments))
    home.check()
    check_clock(home.clock(), arguments)
    if arguments.answers is not None:
        demand_replaceable(arguments.answers)  # before anything is imported
    identities = load_identities(home, arguments, terminal)
    shelf = shelf_of(home.root)
    arrived = shelf.arrived
    over_the_link = arguments.source is None and arguments.device is None and arrived.is_dir()
    chosen = arrived if over_the_link else arguments.source
    waiting = waiting_bags(arrived) if over_the_link else {}
    stopped: StoppedImportError | None = None
    with medium(chosen, arguments.device) as source, terminal.progress("importing") as progress:
        misnamed, elsewhere = find_misnamed(source), [] if over_the_link else find_elsewhere(source)
        try:
            reports, refused = import_all(home, source, identities, progress)
        except StoppedImportError as error:
            reports, refused, stopped = error.reports, error.refused, error
    # Reported before anything else can fail: the packets of these batches are in the inbox.
    faults = _report_import(terminal, home, reports, refused, misnamed)
    if arguments.answers is not None and reports:
        _write_answers(arguments.answers, reports)
    # Last: until somebody has seen the acknowledgement words, only the batches that arrived can give them again.
    note_imported(shelf, reports)
    remove_imported(waiting, reports)
    if stopped is not None:
        raise stopped
    if not reports and not refused:
        there = f"; there are batches in {elsewhere[0]}: give that folder" if elsewhere else ""
        raise RefusedError(
            "nothing new has arrived over the link" if over_the_link else f"{source} has no batch{there}"
        )
    for folder in elsewhere:
        terminal.note(f"{folder} has batches too, which were not read: to import them, give that folder.")
    return 1 if refused or faults or any(report.missing or report.alarms for report in reports) else 0


def _report_import(
    terminal: Terminal,
    home: "DeskHome",
    reports: "list[ImportReport]",
    refused: list[RefusedBag],
    misnamed: list[Path],
) -> dict[str, str]:
    """Report the result for each bag; return what is wrong with the copies of these gateways' logs, by gateway."""
    from desk.arrival.gateways import copy_fault
    from transfer.high_side.arrivals import Arrivals

    arrivals = Arrivals(home.arrivals)
    found = {gateway: copy_fault(home, arrivals, gateway) for gateway in {report.batch.gateway for report in reports}}
    faults: dict[str, str] = {gateway: fault for gateway, fault in sorted(found.items()) if fault}
    if terminal.as_json:
        bags = [{"bag": str(bag.folder), "reason": bag.reason} for bag in refused]
        copies = [{"gateway": gateway, "alarm": fault} for gateway, fault in faults.items()]
        batches = [_report_as_json(report) for report in reports]
        others = [str(path) for path in misnamed]
        terminal.answer({"batches": batches, "refused": bags, "misnamed": others, "copies": copies})
    else:
        for report in reports:
            _say_report(terminal, report)
    for bag in refused:
        terminal.warn(f"{bag.folder}: {bag.reason}. Nothing of it was imported.")
    for path in misnamed[:_NAMED]:
        terminal.note(f"{path} does not have a bag's name, and was ignored.")
    if len(misnamed) > _NAMED:
        terminal.note(f"and {len(misnamed) - _NAMED} more such folders (--json lists them)")
    for fault in faults.values():
        terminal.warn(f"ALARM: {fault}")
    return faults


def _write_answers(path: Path, reports: "list[ImportReport]") -> None:
    from disk.durable import replace
    from transfer.batch.acknowledgement import Acknowledgement, encode_answers

    answers = [
        Acknowledgement(
            report.batch.gateway, report.batch.number, report.code, tuple(item.id for item in report.missing)
        )
        for report in reports
    ]
    replace(path, [encode_answers(answers)])


def _report_as_json(report: "ImportReport") -> dict[str, object]:
    return {
        "gateway": report.batch.gateway,
        "number": report.batch.number,
        "day": report.batch.day.isoformat(),
        "clock_ahead": _is_ahead(report),
        "lane": str(report.batch.lane),
        "arrived": list(report.arrived),
        "duplicates": list(report.duplicates),
        "missing": [{"packet": item.id, "reason": str(item.reason)} for item in report.missing],
        "words": report.code,
        "gaps": [[gap.first, gap.last] for gap in report.gaps],
        "alarms": [[alarm.number, str(alarm.kind)] for alarm in report.alarms],
    }


def _is_ahead(report: "ImportReport") -> bool:
    """Return whether a batch has a day that this desk has not reached."""
    from audit.clock import is_far_ahead
    from audit.utc_day import utc_today

    return is_far_ahead(report.batch.day, utc_today())


def _say_report(terminal: Terminal, report: "ImportReport") -> None:
    from transfer.short_ids import shorten_ids

    batch = report.batch
    short = shorten_ids(entry.id for entry in batch.packets)  # in this batch alone somebody looks for them
    again = " (imported before)" if report.repeated else ""
    terminal.say(
        f"Batch {batch.number} of gateway {batch.gateway}, lane {batch.lane}: "
        f"{len(report.arrived)} of {len(batch.packets)} packets are in the inbox{again}.",
        f"  Acknowledgement words for the gateway: {terminal.strong(report.code)}",
    )
    if _is_ahead(report):
        terminal.warn(
            f"  it is dated {batch.day}: that gateway's clock is ahead, or this desk's is behind; its days do not "
            "count here"
        )
    for item in report.missing:
        terminal.warn(f"  missing: {short[item.id]} ({item.detail})")
    if len(report.missing) > _TYPED:
        terminal.say("  That is too much to type: import again with --answers FILE, and carry the file on a disc.")
    elif report.missing:
        ids = " ".join(short[item.id] for item in report.missing)
        terminal.say(f"  At the gateway: enveis transfer acknowledge {report.code} --missing {ids}")
    for gap in report.gaps:
        numbers = str(gap.first) if gap.first == gap.last else f"{gap.first} to {gap.last}"
        terminal.warn(f"  batches that have not arrived: {numbers}")
    for alarm in report.alarms:
        terminal.warn(f"  ALARM: two histories of gateway {alarm.gateway} at batch {alarm.number} ({alarm.kind})")


COMMANDS = (
    Command(
        "import", "desk: import batches from a stick, or those that arrived over the link", _import, _import_arguments
    ),
)
