"""`enveis gateway accept-bundle`: accept what the desk sends back, after showing what it contains."""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from audit.utc_day import utc_today
from enveis.accepted_clock import add_accept_clock, check_clock
from enveis.command import Command, confirm, file_name, home_of, whole_number
from enveis.terminal import Terminal, amount

if TYPE_CHECKING:
    from keys.signing import VerifyKey
    from transfer.bundle.bundle import Bundle


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("file", type=file_name, metavar="FILE", help="the bundle, or a text file of its scanned codes")
    parser.add_argument(
        "--min-serial", type=whole_number, metavar="N", help="refuse serials below N; required after a new installation"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")
    add_accept_clock(parser)


def _accept(arguments: Namespace, terminal: Terminal) -> int:
    from audit.events import Event
    from gateway.home.home import GatewayHome
    from gateway.replies.reply_store import ReplyStore, check_acceptable
    from transfer.bundle.bundle import open_bundle

    home = GatewayHome(home_of(arguments))
    material = home.load()
    # What has expired is decided by it, and deleted.
    check_clock(home.clock(), arguments)
    bundle = open_bundle(read_bundle(arguments.file), material.desk_key)
    store, today = ReplyStore(home.reply_store), utc_today()
    gateway, low = material.gateway, arguments.min_serial
    # Checked before anybody is asked, and again when it is accepted, with what is known then.
    check_acceptable(bundle, gateway=gateway, known=store.known(), min_serial=low, today=today)
    _show(terminal, bundle)
    if not confirm("Accept this bundle?", yes=arguments.yes):
        terminal.note("Not accepted. Nothing was changed.")
        return 1
    # Logged before it is done: sources are never shown anything without a line in the log.
    home.log().append(Event.BUNDLE_ACCEPTED, digest=bundle.digest)
    store.accept(bundle, gateway=gateway, min_serial=low, today=today)
    if terminal.as_json:
        terminal.answer({"serial": bundle.contents.serial, "digest": bundle.digest})
    else:
        terminal.say(f"Bundle {bundle.contents.serial} was accepted; a running gateway shows it from now on.")
    return 0


def read_bundle(path: Path) -> bytes:
    """Return the bundle in a file, or in the scanned codes in it, one code a line.

    Raises:
        disk.handed_over.HandedOverError: Not a regular file, or too large.
        transfer.errors.BundleError: Codes that are damaged, mixed or not all there.
    """
    from disk.handed_over import read_handed_over
    from transfer.bundle.bundle import BUNDLE_MAX
    from transfer.bundle.qr_frames import join_frames
    from transfer.errors import BundleError

    content = read_handed_over(path, largest=BUNDLE_MAX)
    if content.startswith(b"PK"):
        return content
    try:
        return join_frames(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise BundleError("the file is neither a bundle nor a text file of scanned codes") from None


def way_back_state(path: Path, gateway: str, desk_key: "VerifyKey") -> str:
    """Return a phrase on the bundle that a gateway has."""
    from gateway.errors import GatewayError
    from gateway.replies.mailboxes import Mailboxes

    today = utc_today()
    try:
        mailboxes = Mailboxes(path, gateway=gateway, desk_key=desk_key, today=lambda: today)
    except GatewayError as error:
        return f"UNUSABLE: {error}"
    if mailboxes.expires is None:
        return "no bundle was accepted yet"
    late = "" if mailboxes.expires >= today else "; it has EXPIRED: ask the desk for a new one"
    return f"bundle {mailboxes.serial}, fresh until {mailboxes.expires}{late}"


def _show(terminal: Terminal, bundle: "Bundle") -> None:
    contents = bundle.contents
    size = amount(sum(entry.size for entry in contents.replies))
    terminal.note(
        f"Bundle {contents.serial} of the desk, issued {contents.issued}, to be accepted by {contents.expires}"
    )
    terminal.note(f"  sealed replies: {len(contents.replies)} ({size}); deleted replies: {len(contents.tombstones)}")
    terminal.note(f"  grants of larger limits: {len(contents.grants)}")
    numbers = contents.counters
    shown = (
        f"received {numbers.received}, bodies {numbers.bodies}, officials {numbers.officials}" if numbers else "none"
    )
    terminal.note(f"  counters: {shown}")
    terminal.note(f"  digest {bundle.digest[:16]}")


COMMANDS = (Command("accept-bundle", "accept replies, grants and counters from the desk", _accept, _arguments),)
