"""`enveis desk reply`, `grant`, `counters` and `bundle`: what goes back to the sources."""

import re
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from disk.handed_over import demand_folder, read_handed_over
from enveis.accepted_clock import add_accept_clock, check_clock
from enveis.command import Command, confirm, demand_new, file_name, folder_name, whole_number
from enveis.commands.desk_packet import add_packet, desk_of, opened_packet
from enveis.commands.source_requests import show_requests
from enveis.errors import RefusedError
from enveis.terminal import Terminal, amount

if TYPE_CHECKING:
    from desk.arrival.case_links import LinkedPacket
    from desk.home import DeskHome
    from desk.way_back.replies import Draft

_STATES: Final = ("received", "in-work", "question", "answered", "referred", "closed")  # transfer.bundle.reply.State
_TEXT_MAX: Final = 64 * 1024  # bytes read of a reply; sealing is stricter
_SIZE: Final = re.compile(r"([1-9][0-9]{0,12}) ?(?:([KMGT])(?:i?B)?|B)?", re.ASCII | re.IGNORECASE)


def _reply_arguments(parser: ArgumentParser) -> None:
    add_packet(parser)
    parser.add_argument(
        "--text-file", type=file_name, metavar="FILE", help="a file with the reply; default: type it, or pipe it in"
    )
    parser.add_argument("--state", choices=_STATES, default="answered", help="state of the case")
    parser.add_argument(
        "--yes", action="store_true", help="do not ask: reply although the source withdrew, or had replies deleted"
    )
    add_accept_clock(parser)


def _reply(arguments: Namespace, terminal: Terminal) -> int:
    from audit.utc_day import utc_today
    from desk.way_back.replies import case_of, reply_to
    from transfer.bundle.reply import State

    home = desk_of(arguments)
    check_clock(home.clock(), arguments)
    # A person is told first what the source asks; what a file or a pipe holds is checked before any packet is opened.
    is_typed_here = arguments.text_file is None and sys.stdin.isatty()
    text = "" if is_typed_here else _text(arguments.text_file, terminal)
    with opened_packet(arguments, terminal, home, arguments.packet) as (_, opened):
        case_of(home, opened)  # before anybody is asked whether to answer what cannot be answered
        if not _is_wanted(home, opened, arguments, terminal):
            terminal.note("Nothing was sealed.")
            return 1
        text = text or _text(None, terminal)
        booked = reply_to(home, opened, state=State(arguments.state), text=text, today=utc_today())
    if terminal.as_json:
        terminal.answer({"reply": booked.id, "packet": booked.packet, "expires": booked.expires.isoformat()})
        return 0
    terminal.say(
        f"Reply {booked.id} is sealed to the receipt of packet {booked.packet}: nobody here can read it from now on.",
        f"It goes with the next bundle ('enveis desk bundle {booked.gateway}') and is shown until {booked.expires}.",
    )
    return 0


def _is_wanted(home: "DeskHome", opened: "LinkedPacket", arguments: Namespace, terminal: Terminal) -> bool:
    """Tell what the source asked about this case; ask whether to reply all the same where that is proven."""
    from desk.arrival.case_links import CaseLinks
    from desk.arrival.requests import requests_about

    requests = requests_about(CaseLinks(home.visits), opened)
    show_requests(terminal, requests)
    if not any(request.is_proven for request in requests):
        return True
    return confirm("Seal a reply all the same?", yes=arguments.yes)


def _text(path: Path | None, terminal: Terminal) -> str:
    if path is None and sys.stdin.isatty():
        terminal.note("Type the reply, then Ctrl-D on a line of its own:")
    content = sys.stdin.buffer.read(_TEXT_MAX + 1) if path is None else read_handed_over(path, largest=_TEXT_MAX)
    if len(content) > _TEXT_MAX:
        raise RefusedError(f"the reply is too long: at most {_TEXT_MAX // 1024} KiB")
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n").strip()
    except UnicodeDecodeError:
        raise RefusedError("the reply is not UTF-8 text") from None
    if not text:
        raise RefusedError("the reply is empty; nothing was sealed")
    return text


def _grant_arguments(parser: ArgumentParser) -> None:
    add_packet(parser)
    parser.add_argument(
        "--files-max", type=whole_number, required=True, metavar="N", help="number of files in one submission, 1 to 100"
    )
    parser.add_argument(
        "--file-max",
        type=_size,
        required=True,
        metavar="SIZE",
        help="size of one file: 500M, 2G (1G = 1,073,741,824 bytes)",
    )
    parser.add_argument("--days", type=whole_number, required=True, metavar="N", help="number of days, 1 to 366")
    parser.add_argument(
        "--tables", action="store_true", help="also take tables (CSV): for a big case, with people and bodies in rows"
    )
    add_accept_clock(parser)


def _size(text: str) -> int:
    found = _SIZE.fullmatch(text)
    if not found:
        raise ArgumentTypeError("not a valid size: give a number and K, M, G or T, such as 500M")
    power = " KMGT".index(found[2].upper()) if found[2] else 0
    return int(found[1]) << 10 * power


def _grant(arguments: Namespace, terminal: Terminal) -> int:
    from audit.utc_day import utc_today
    from desk.arrival.case_links import CaseLinks
    from desk.arrival.requests import requests_about
    from desk.way_back.replies import grant_to
    from transfer.bundle.contents import DAYS_MAX, GRANT_FILE_MAX, GRANT_FILES_MAX

    if not 1 <= arguments.files_max <= GRANT_FILES_MAX or not 1 <= arguments.days <= DAYS_MAX:
        raise RefusedError(f"a grant is for 1 to {GRANT_FILES_MAX} files and 1 to {DAYS_MAX} days")
    if not 1 <= arguments.file_max <= GRANT_FILE_MAX:
        raise RefusedError(f"a file may have at most {amount(GRANT_FILE_MAX)}")
    home = desk_of(arguments)
    check_clock(home.clock(), arguments)
    expires = utc_today() + timedelta(days=arguments.days)
    with opened_packet(arguments, terminal, home, arguments.packet) as (_, opened):
        show_requests(terminal, requests_about(CaseLinks(home.visits), opened))
        grant = grant_to(
            home,
            opened,
            files_max=arguments.files_max,
            file_max_bytes=arguments.file_max,
            expires=expires,
            tables=arguments.tables,
        )
    if terminal.as_json:
        limits = {"files_max": grant.files_max, "file_max": grant.file_max_bytes, "tables": grant.tables}
        terminal.answer({**limits, "expires": str(grant.expires)})
        return 0
    size = amount(grant.file_max_bytes)
    tables = " Tables (CSV) are taken too." if grant.tables else ""
    terminal.say(
        f"From the next bundle until {expires} this source may send up to {grant.files_max} files of up to {size} each."
        f"{tables}"
    )
    return 0


def _counters_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--received", type=whole_number, metavar="N", help="complaints; default: count what has arrived"
    )
    parser.add_argument("--bodies", type=whole_number, metavar="N", help="bodies complained about")
    parser.add_argument("--officials", type=whole_number, metavar="N", help="officials complained about")


def _counters(arguments: Namespace, terminal: Terminal) -> int:
    from desk.arrival.case_links import CaseLinks
    from desk.way_back.replies import received_so_far
    from desk.way_back.reply_store import Counted, ReplyBook
    from transfer.bundle.contents import COUNTER_MAX

    home = desk_of(arguments)
    book = ReplyBook(home.reply_book)
    numbers = (arguments.received, arguments.bodies, arguments.officials)
    if any(number is not None and not 0 <= number <= COUNTER_MAX for number in numbers):
        raise RefusedError(f"a counter is a number from 0 to {COUNTER_MAX}")
    if any(number is not None for number in numbers):
        if arguments.bodies is None or arguments.officials is None:
            raise RefusedError("give both --bodies and --officials: the register does not count them yet")
        book.count(Counted(*numbers))
    counted = book.counted()
    received = received_so_far(home, CaseLinks(home.visits)) if counted is None or counted.received is None else None
    rows = [
        ("received", received if received is not None else counted and counted.received),
        ("bodies", counted and counted.bodies),
        ("officials", counted and counted.officials),
    ]
    terminal.table(("counter", "number"), rows)
    if not terminal.as_json:
        terminal.note(
            "Bundles carry no counters until --bodies and --officials are given."
            if counted is None
            else "Bundles carry them rounded down to two digits, and change them at most once a week."
        )
    return 0


def _bundle_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("gateway", metavar="GATEWAY", help="its id, or the first digits of it")
    parser.add_argument("--to", type=folder_name, required=True, metavar="DEST", help="a folder on a fresh disc")
    parser.add_argument(
        "--qr", type=file_name, metavar="FILE.html", help="also write a sheet of QR codes to print (at most 64 KiB)"
    )
    parser.add_argument(
        "--days", type=whole_number, default=30, metavar="N", help="days for which a gateway may accept it (default 30)"
    )
    parser.add_argument(
        "--also",
        action="append",
        default=[],
        metavar="GATEWAY",
        help="also include the replies of a gateway that it replaced (the first digits of its id)",
    )
    parser.add_argument("--yes", action="store_true", help="do not ask: the list was checked")
    add_accept_clock(parser)


def _bundle(arguments: Namespace, terminal: Terminal) -> int:
    from desk.way_back.qr_sheet import encode_sheet
    from desk.way_back.replies import publish_bundle
    from disk.durable import write_new

    home = desk_of(arguments)
    check_clock(home.clock(), arguments)
    draft = _draft(arguments, home)
    _show(terminal, draft)
    if not confirm("Sign this bundle?", yes=arguments.yes):
        terminal.note("Not signed. Nothing left the desk.")
        return 1
    written: list[tuple[Path, bytes]] = []

    def write(name: str, content: bytes) -> None:
        write_new(arguments.to / name, [content])
        written.append((arguments.to / name, content))

    bundle = publish_bundle(home, draft, write)
    path, content = written[0]
    if arguments.qr:
        write_new(arguments.qr, [encode_sheet(bundle, content)])
    if terminal.as_json:
        terminal.answer({"serial": bundle.contents.serial, "file": str(path), "digest": bundle.digest})
        return 0
    terminal.say(
        f"Bundle {bundle.contents.serial} is in {path} ({amount(len(content))}).",
        f"At the gateway: enveis gateway accept-bundle {path.name}",
        f"A newly installed gateway also needs --min-serial {bundle.contents.serial}.",
    )
    if arguments.qr:
        terminal.say(f"The sheet of QR codes is {arguments.qr}: open it in a browser and print it.")
    return 0


def _draft(arguments: Namespace, home: "DeskHome") -> "Draft":
    """Return what is to be signed, after a check that it can be written where it should be."""
    from audit.utc_day import utc_today
    from desk.way_back.replies import draft_bundle
    from transfer.bundle.contents import DAYS_MAX
    from transfer.bundle.qr_frames import PAPER_MAX

    if not 1 <= arguments.days <= DAYS_MAX:
        raise RefusedError(f"a bundle may be accepted for 1 to {DAYS_MAX} days")
    demand_folder(arguments.to)
    also = tuple(arguments.also)
    draft = draft_bundle(home, arguments.gateway, also=also, days=arguments.days, today=utc_today())
    size = sum(map(len, draft.sealed.values()))
    if arguments.qr and size > PAPER_MAX:
        raise RefusedError(f"{amount(size)} of replies are too much for paper: at most {PAPER_MAX // 1024} KiB")
    if arguments.qr:
        demand_new(arguments.qr)
    return draft


def _show(terminal: Terminal, draft: "Draft") -> None:
    """List what is about to be signed: to the person, also when the answer is for a program."""
    contents = draft.contents
    terminal.note(f"Bundle {contents.serial} for gateway {contents.gateway}, to be accepted by {contents.expires}")
    for entry in contents.replies:
        age = "new" if entry.id in draft.new else "again"
        terminal.note(f"  reply {entry.id}  {age:<5}  {amount(entry.size)}  until {entry.expires}")
    for grant in contents.grants:
        size, tables = amount(grant.file_max_bytes), ", and tables" if grant.tables else ""
        terminal.note(f"  grant to {grant.lookup}: {grant.files_max} files of {size}{tables}, until {grant.expires}")
    if contents.tombstones:
        terminal.note(
            f"  deleted as their sources asked: {len(contents.tombstones)} replies, {draft.buried} of them just now"
        )
    if contents.counters:
        numbers = contents.counters
        terminal.note(
            f"  counters: received {numbers.received}, bodies {numbers.bodies}, officials {numbers.officials}"
        )
    if not (contents.replies or contents.grants or contents.tombstones or contents.counters):
        terminal.note("  nothing: the gateway will have no replies, grants or counters")


COMMANDS = (
    Command("reply", "seal a reply to a packet's source", _reply, _reply_arguments),
    Command("grant", "grant a source larger limits", _grant, _grant_arguments),
    Command("counters", "show or set the counters of the front page", _counters, _counters_arguments),
    Command("bundle", "sign the replies, grants and counters for one gateway", _bundle, _bundle_arguments),
)
