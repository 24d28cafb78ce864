"""`enveis desk erase` and `close`: delete a packet at the desk for good, or only what was opened of it.

What was open for too long is closed by the desk's next command, whichever that is.
"""

import os
from argparse import ArgumentParser, Namespace
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from disk.expected import ExpectedError
from enveis.command import HOME_VARIABLE, Command, confirm
from enveis.commands.desk_packet import desk_of
from enveis.commands.source_requests import requests_as_json, show_requests
from enveis.errors import UsageError, expected_sentence
from enveis.terminal import Terminal

if TYPE_CHECKING:
    from desk.arrival.requests import SourceRequest
    from desk.home import DeskHome


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("packet", metavar="PACKET", help="its id, or the first digits of it")
    parser.add_argument("--yes", action="store_true", help="do not ask: the packet is the right one")


def _erase(arguments: Namespace, terminal: Terminal) -> int:
    from desk.arrival.erasure import erase_packet
    from desk.arrival.inbox import find_packet
    from desk.arrival.opened_copies import opened_folder

    home = desk_of(arguments)
    entry = find_packet(home, arguments.packet)
    requests = _about(home, entry.packet)
    terminal.note(f"Packet {entry.packet}, lane {entry.lane}, arrived on {entry.arrived}")
    show_requests(terminal, requests)
    if not any(request.is_proven for request in requests):
        terminal.warn("Nothing that was read here proves that its source wants it deleted.")
    terminal.note("A public body may have to keep what it receives: ask first. Nothing brings an erased packet back.")
    if not confirm("Erase it?", yes=arguments.yes):
        terminal.note("Nothing was erased.")
        return 1
    folder = opened_folder(home, entry.packet)
    was_opened = erase_packet(home, entry)
    if terminal.as_json:
        terminal.answer(
            {"packet": entry.packet, "opened_copy_erased": was_opened, "requests": requests_as_json(requests)}
        )
        return 0
    terminal.say(
        f"Packet {entry.packet} is erased here" + (f", and what was opened of it in {folder}." if was_opened else "."),
        "Not erased: copies that were written elsewhere with --to, printed, or backed up. Erase them yourself.",
        "Its id stays in the log and in the ledger of arrivals, so that the same packet is not taken in again.",
    )
    return 0


def _about(home: "DeskHome", packet: str) -> "tuple[SourceRequest, ...]":
    from desk.arrival.case_links import CaseLinks
    from desk.arrival.requests import requests_about

    links = CaseLinks(home.visits)
    known = links.find(packet)
    asked = () if known is None else requests_about(links, known)
    return tuple(request for request in asked if request.about == packet)


def _close_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("packets", nargs="*", metavar="PACKET", help="ids, or the first digits of them")
    parser.add_argument("--all", action="store_true", help="everything that is open in this home")


def _close(arguments: Namespace, terminal: Terminal) -> int:
    from desk.arrival.opened_copies import close_copies, list_opened
    from transfer.short_ids import find_id

    if bool(arguments.packets) == arguments.all:
        raise UsageError("give the packets to close, or --all")
    home = desk_of(arguments)
    copies = {copy.packet: copy for copy in list_opened(home)}
    absent = "that packet is not open here ('enveis desk inbox' lists what is)"
    named = [find_id(typed, copies, absent=absent) for typed in arguments.packets]
    chosen = list(copies) if arguments.all else sorted(set(named))
    close_copies(home, [copies[packet] for packet in chosen])
    if terminal.as_json:
        terminal.answer({"closed": chosen})
        return 0
    terminal.say(*(f"Closed: {packet}. What was opened of it was removed from {home.root}." for packet in chosen))
    if not chosen:
        terminal.note("Nothing was open.")
        return 0
    terminal.say(
        "The sealed packets stay in the inbox, and open again. Not removed: what was written elsewhere with --to, "
        "printed or backed up, and what a viewer keeps of it.",
        "A disk, above all flash memory, may keep old blocks: only encryption of the whole disk protects them.",
    )
    return 0


def closing_first(command: Command) -> Command:
    """Return the command of the desk that first closes what was open for too long: nothing else here watches time."""

    def run(arguments: Namespace, terminal: Terminal) -> int:
        _close_due(arguments, terminal)
        return command.run(arguments, terminal)

    return replace(command, run=run)


def _close_due(arguments: Namespace, terminal: Terminal) -> None:
    """Close what is due; whatever is in the way of that is told, and stops no command."""
    from desk.arrival.opened_copies import close_due
    from desk.home import DeskHome
    from disk.lock import BusyError

    given = arguments.home or os.environ.get(HOME_VARIABLE)
    home = DeskHome(Path(given).absolute()) if given else None
    if home is None or not home.config.exists():
        return  # the command itself reports it
    try:
        hours = home.load_config().close_after_hours
        closed = close_due(home, now=datetime.now(UTC), limit=timedelta(hours=hours))
    except BusyError:
        return  # somebody reads just now: the next command closes it
    except (ExpectedError, OSError) as error:
        terminal.warn(f"What was open for too long could not be closed: {expected_sentence(error)}")
        return
    for copy in closed:
        terminal.note(f"Closed: {copy.packet} was open for {hours} hours or longer (close_after_hours in desk.toml).")


def say_until(home: "DeskHome", packet: str, terminal: Terminal) -> None:
    """Print how long an opened packet stays open, and how it is closed."""
    from desk.arrival.opened_copies import list_opened
    from transfer.short_ids import shorten_ids

    short = shorten_ids([packet, *(copy.packet for copy in list_opened(home))])
    try:
        hours = home.load_config().close_after_hours
    except ExpectedError:
        return  # settings that cannot be read were told before, and what was opened is shown all the same
    terminal.say(
        f"It stays open for {hours} hours, until the first 'enveis desk' command after that. To close it now: "
        f"enveis desk close {short[packet]}"
    )


COMMANDS = (
    closing_first(Command("erase", "delete one packet here, for good", _erase, _arguments)),
    Command("close", "remove what was opened of packets; they stay in the inbox, sealed", _close, _close_arguments),
)
