"""`enveis desk erase`: delete one packet at the desk, as its source asked, or because it is kept no longer."""

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from enveis.command import Command, confirm
from enveis.commands.desk_packet import desk_of
from enveis.commands.source_requests import requests_as_json, show_requests
from enveis.terminal import Terminal

if TYPE_CHECKING:
    from desk.arrival.requests import SourceRequest
    from desk.home import DeskHome


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("packet", metavar="PACKET", help="its id, or the first digits of it")
    parser.add_argument("--yes", action="store_true", help="do not ask: the packet is the right one")


def _erase(arguments: Namespace, terminal: Terminal) -> int:
    from desk.arrival.erasure import erase_packet, opened_folder
    from desk.arrival.inbox import find_packet

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


COMMAND = Command("erase", "delete one packet here, for good", _erase, _arguments)
