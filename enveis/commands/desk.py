"""`enveis desk`: make the desk's home, trust a gateway, list and open what arrived."""

from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from enveis.accepted_clock import add_accept_clock, check_clock
from enveis.command import (
    Command,
    confirm,
    demand_new,
    demand_new_folder,
    file_name,
    folder_name,
    home_of,
)
from enveis.commands import desk_erase, desk_keys, desk_proof, desk_replies
from enveis.commands.desk_erase import closing_first, say_until
from enveis.commands.desk_packet import desk_of
from enveis.commands.packet_display import (
    open_cell,
    promised_cell,
    show_files,
    show_packet,
    show_standing,
    standing_as_json,
    withdrawn_cell,
)
from enveis.commands.source_requests import requests_as_json, show_requests, sort_first
from enveis.passphrases import add_passphrase_file, add_weak_passphrase, new_identity_passphrase
from enveis.terminal import Terminal, amount
from enveis.unlocking import add_identity, load_identities

if TYPE_CHECKING:
    from desk.arrival.opening import OpenedFile, OpenPacket
    from desk.arrival.requests import SourceRequest
    from desk.home import DeskHome
    from transfer.packet.manifest import Manifest
    from transfer.packet.message import Message


def _init_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--classic",
        action="store_true",
        help="make keys that every age program can use; they do not protect against a future quantum computer",
    )
    parser.add_argument(
        "--backup", type=file_name, metavar="FILE", help="also write a backup identity to FILE; keep it elsewhere"
    )
    parser.add_argument("--passphrase", action="store_true", help="protect the identities with a passphrase")
    add_passphrase_file(parser)
    add_weak_passphrase(parser)
    add_accept_clock(parser)


def _init(arguments: Namespace, terminal: Terminal) -> int:
    from desk.config import DeskConfig
    from desk.home import DeskHome, init_desk
    from keys.recipient import KeyKind
    from keys.words import fingerprint_words

    home = DeskHome(home_of(arguments))
    check_clock(home.clock(), arguments)
    if arguments.backup is not None:
        demand_new(arguments.backup)
    kind = KeyKind.CLASSIC if arguments.classic else KeyKind.HYBRID
    asked = arguments.passphrase or arguments.passphrase_file is not None
    passphrase = new_identity_passphrase(arguments, terminal) if asked else None
    made = init_desk(home, kind=kind, backup=arguments.backup, passphrase=passphrase, config=DeskConfig())
    words = fingerprint_words("".join(f"{recipient}\n" for recipient in made.recipients).encode())
    if terminal.as_json:
        recipients = [str(recipient) for recipient in made.recipients]
        terminal.answer({"recipients": recipients, "fingerprint": words, "backup": made.has_backup})
    else:
        terminal.say(
            f"The desk is ready in {home.root}; packets will be sealed to its {kind} key.",
            f"Fingerprint words of its recipients: {terminal.strong(words)}",
            f"Next: carry {home.recipients.name}, {home.signature.name} and {home.public_key.name} to the gateway, and "
            "run there:",
            "  enveis gateway init --recipients recipients.txt --desk-key desk.pub",
        )
        if made.has_backup:
            terminal.say(f"The backup identity is in {arguments.backup}: move it off this machine, to another place.")
    if not made.has_backup:
        terminal.warn(
            "There is no backup key: if identity.txt is lost, no packet can ever be opened (see --backup FILE)."
        )
    if passphrase is None:
        terminal.warn("identity.txt has no passphrase: anyone who copies the file can read every packet.")
    return 0


def _pair_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("pairing", type=file_name, metavar="gateway.pairing")
    parser.add_argument(
        "--replaces",
        metavar="GATEWAY",
        help="trust it instead of GATEWAY (the first digits of its id), whose key is lost or no longer secret",
    )
    parser.add_argument("--yes", action="store_true", help="do not ask: the fingerprint words were compared")
    add_accept_clock(parser)


def _pair(arguments: Namespace, terminal: Terminal) -> int:
    from desk.arrival.gateways import find_gateway, replace_gateway
    from desk.home import DeskHome, pair, read_pairing

    home = DeskHome(home_of(arguments))
    home.check()
    check_clock(home.clock(), arguments)
    pairing = read_pairing(arguments.pairing)
    old = None if arguments.replaces is None else find_gateway(home, arguments.replaces)
    terminal.note(f"Gateway {pairing.gateway}")
    terminal.note(f"Fingerprint words: {terminal.strong(pairing.fingerprint)}")
    if not confirm("Does the gateway show the same fingerprint words ('enveis gateway check')?", yes=arguments.yes):
        terminal.note("Not trusted. Nothing was changed.")
        return 1
    new = pair(home, pairing) if old is None else replace_gateway(home, old.gateway, pairing)
    if terminal.as_json:
        terminal.answer({"gateway": pairing.gateway, "new": new})
    else:
        terminal.say(
            f"Gateway {pairing.gateway} {'is now' if new else 'was already'} trusted: its batches are accepted."
        )
        if old is not None:
            terminal.say(f"Gateway {old.gateway} is no longer trusted: its batches are refused.")
    return 0


def _inbox_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--sort", action="store_true", help="first read what new packets ask, such as to withdraw an earlier one"
    )
    add_identity(parser)


def _inbox(arguments: Namespace, terminal: Terminal) -> int:
    from desk.arrival.case_links import CaseLinks
    from desk.arrival.inbox import list_inbox
    from desk.arrival.opened_copies import list_opened
    from desk.arrival.requests import withdrawn_packets
    from transfer.short_ids import shorten_ids

    home = desk_of(arguments)
    if arguments.sort:
        sort_first(home, load_identities(home, arguments, terminal), terminal)
    entries = list_inbox(home)
    links = CaseLinks(home.visits)
    opened = {row.packet: row for row in links.all()}
    withdrawn = withdrawn_packets(links)
    copies = {copy.packet: copy for copy in list_opened(home)}
    short = {} if terminal.as_json else shorten_ids(e.packet for e in entries) | shorten_ids(e.gateway for e in entries)
    names = ("packet", "lane", "gateway", "batch", "arrived", "size", "purpose", "withdrawn", "promised", "open since")
    rows = [
        (
            *(short.get(e.packet, e.packet), e.lane, short.get(e.gateway, e.gateway), e.batch, e.arrived.isoformat()),
            e.size if terminal.as_json else amount(e.size),
            opened[e.packet].purpose if e.packet in opened else None,  # unknown until it is read
            withdrawn_cell(withdrawn.get(e.packet), terminal),
            promised_cell(opened.get(e.packet), e.arrived, terminal),
            open_cell(copies.get(e.packet), terminal),
        )
        for e in entries
    ]
    terminal.table(names, rows)
    if not entries and not terminal.as_json:
        terminal.note("Nothing has arrived yet.")
    for packet in sorted(set(copies) - {entry.packet for entry in entries}):
        terminal.note(f"Packet {packet} is not in the inbox any more, but what was opened of it is still here.")
    unread = sum(entry.packet not in opened for entry in entries)
    if unread:
        terminal.note(
            f"{amount(unread, 'packets')} not read yet: a request to withdraw another one may be among them "
            "('enveis desk inbox --sort' reads what they ask, and shows nothing else)."
        )
    return 0


def _open_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("packet", metavar="PACKET", help="its id, or the first digits of it")
    parser.add_argument("--to", type=folder_name, metavar="FOLDER", help="a new folder; default HOME/opened/PACKET")
    parser.add_argument(
        "--held", action="store_true", help="also write files that are held or undecided: they may be harmful"
    )
    add_identity(parser)


def _open(arguments: Namespace, terminal: Terminal) -> int:
    from desk.arrival.opened_copies import reading_packets

    home = desk_of(arguments)
    with reading_packets(home):
        return _open_from(home, arguments, terminal)


def _open_from(home: "DeskHome", arguments: Namespace, terminal: Terminal) -> int:
    from audit.events import Event
    from desk.arrival.inbox import contradictions, find_packet
    from desk.arrival.locking import is_locked
    from desk.arrival.opened_copies import is_copy_of, opened_folder, write_copy
    from desk.arrival.opening import OpenPacket
    from desk.custody.generations import describe
    from disk.durable import demand_empty, make_private_folder
    from transfer.packet.writer import MANIFEST_MEMBER

    entry = find_packet(home, arguments.packet)
    packet_id = entry.packet
    folder = (arguments.to or opened_folder(home, packet_id)).absolute()
    demand_new_folder(folder)
    if not (folder / MANIFEST_MEMBER).exists():
        demand_empty(folder)
    identities = load_identities(home, arguments, terminal)
    sort_first(home, identities, terminal)
    make_private_folder(folder.parent)
    with OpenPacket(home.packet(packet_id), packet_id, identities) as packet:
        # Logged before it is done: no packet is opened without a line in the log.
        home.log().append(Event.PACKET_OPENED, packet=packet_id)
        if arguments.held and any(map(is_locked, packet.manifest.files)):
            home.log().append(Event.PACKET_UNLOCKED, packet=packet_id)
        is_again = is_copy_of(folder, packet)
        with terminal.progress("opening") as progress:
            files = write_copy(packet, folder, held=arguments.held, progress=progress, now=datetime.now(UTC))
        requests = _show_opened(home, packet, files, folder, terminal, is_again=is_again)
        if arguments.to is None and not terminal.as_json:
            say_until(home, packet_id, terminal)
        # Last, below a long text, where it is seen.
        show_requests(terminal, requests)
        if packet.has_unread_requests:
            terminal.warn("Not all of its requests can be read: what the others ask, nobody knows.")
        if sealed := describe(home, packet.manifest.sealed_to):
            terminal.note(sealed)
        for sentence in contradictions(entry, packet.manifest):
            terminal.warn(f"{sentence} Ask the gateway's operators why.")
    return 0


def _show_opened(
    home: "DeskHome",
    packet: "OpenPacket",
    files: "tuple[OpenedFile, ...]",
    folder: Path,
    terminal: Terminal,
    *,
    is_again: bool,
) -> "tuple[SourceRequest, ...]":
    """Show what is in an opened packet, and record what it belongs to; return what was asked about it."""
    from desk.arrival.case_links import CaseLinks
    from desk.arrival.requests import requests_about

    visits = CaseLinks(home.visits)
    noted = visits.note(packet.manifest, packet.message_bytes, packet.requests)
    standing, requests = visits.standing(noted), requests_about(visits, noted)
    if terminal.as_json:
        answer = _opened_as_json(packet.manifest, packet.message, files, folder)
        asked = requests_as_json(requests)
        terminal.answer({**answer, "again": is_again, "standing": standing_as_json(standing), "requests": asked})
    else:
        show_packet(terminal, packet.manifest, packet.message)
        show_standing(terminal, packet.manifest, standing)
        show_files(terminal, packet.manifest, files, folder, is_again=is_again)
    return requests


def _opened_as_json(
    manifest: "Manifest", message: "Message", files: "tuple[OpenedFile, ...]", folder: Path
) -> dict[str, object]:
    import json

    from transfer.packet.manifest import encode_manifest
    from transfer.packet.message import encode_message

    return {
        "manifest": json.loads(encode_manifest(manifest)),
        "message": json.loads(encode_message(message)),
        "folder": str(folder),
        "written": {file.note.member: str(file.path) if file.path else None for file in files},
        "changed": [file.note.member for file in files if file.is_changed],
    }


COMMANDS = (
    Command("init", "make the desk's home and keys", _init, _init_arguments),
    *map(
        closing_first,
        (
            Command("pair", "trust a gateway", _pair, _pair_arguments),
            *desk_keys.COMMANDS,
            Command("inbox", "list the packets that have arrived, and which are open", _inbox, _inbox_arguments),
            Command("open", "open one packet, and write its files; or show it again", _open, _open_arguments),
        ),
    ),
    *desk_erase.COMMANDS,
    *map(closing_first, (*desk_replies.COMMANDS, *desk_proof.COMMANDS)),
)
