"""`enveis gateway recipients`, `desk-key` and `rekey`: the desk keys that a gateway trusts, and its own key."""

import contextlib
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from enveis.accepted_clock import add_accept_clock, check_clock
from enveis.command import Command, confirm, file_name, home_of
from enveis.errors import RefusedError, UsageError
from enveis.terminal import Terminal

if TYPE_CHECKING:
    from gateway.home.home import GatewayHome

_RESTART = "A running gateway still uses what it read when it started: restart it now."


def _recipients_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "file", type=file_name, metavar="recipients.txt", help="the desk's file; its .minisig must lie beside it"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask: the fingerprint words were compared")


def _recipients(arguments: Namespace, terminal: Terminal) -> int:
    """Accept a new generation of recipients, signed by the desk's key."""
    from gateway.home.desk_trust import read_offer, take_recipients
    from gateway.home.home import GatewayHome
    from keys.recipient import encode_recipients
    from keys.words import fingerprint_words

    home = GatewayHome(home_of(arguments))
    offer = read_offer(home, arguments.file)
    generation = offer.generation
    words = fingerprint_words(encode_recipients(generation.recipients))
    kind = generation.recipients[0].kind
    count = len(generation.recipients)
    terminal.note(f"Generation {generation.number}: {count} {kind} recipients, signed by the desk.")
    terminal.note(f"Fingerprint words: {terminal.strong(words)}")
    if offer.other_kind:
        terminal.warn(f"Their kind differs from the current one: packets will be sealed to {kind} keys.")
    if offer.known != generation.number and not confirm(
        "Does the desk show the same fingerprint words ('enveis keys show')?", yes=arguments.yes
    ):
        terminal.note("Not accepted. Nothing was changed.")
        return 1
    new = take_recipients(home, offer)
    if terminal.as_json:
        terminal.answer({"generation": generation.number, "name": generation.name, "new": new})
    elif new:
        terminal.say(f"Packets will be sealed to generation {generation.number}. {_RESTART}")
    else:
        terminal.say(f"Generation {generation.number} is already in use; nothing was changed.")
    return 0


def _desk_key_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("file", type=file_name, metavar="desk.pub", help="the desk's new public key")
    parser.add_argument("--yes", action="store_true", help="do not ask: the fingerprint words were compared")


def _desk_key(arguments: Namespace, terminal: Terminal) -> int:
    """Trust a new desk key, because the old one was lost or stolen."""
    from gateway.home.desk_trust import read_desk_key, take_desk_key
    from gateway.home.home import GatewayHome
    from keys.words import fingerprint_words

    home = GatewayHome(home_of(arguments))
    home.load()
    key = read_desk_key(arguments.file)
    terminal.note(f"Desk key {key.key_id.lower()}")
    terminal.note(f"Fingerprint words: {terminal.strong(fingerprint_words(key.raw))}")
    terminal.note("No signature can vouch for this key: the old one is lost or stolen. Only its fingerprint words can.")
    if not confirm("Does the desk show the same fingerprint words ('enveis keys show')?", yes=arguments.yes):
        terminal.note("Not accepted. Nothing was changed.")
        return 1
    new = take_desk_key(home, key)
    if terminal.as_json:
        terminal.answer({"key": key.key_id.lower(), "new": new})
    elif new:
        terminal.say(
            f"This desk key is now trusted. {_RESTART}",
            "Next: run 'enveis gateway recipients' with the file that the new key signed. Then accept the desk's next",
            "bundle, for which this gateway will require --min-serial.",
        )
    else:
        terminal.say("This desk key is already trusted; nothing was changed.")
    return 0


def _rekey_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "statement", type=file_name, nargs="?", metavar="last-head.json", help="the file that 'enveis desk head' wrote"
    )
    parser.add_argument(
        "--log-lost",
        action="store_true",
        help="the log here no longer has the line that the desk trusts, and what happened was investigated",
    )
    parser.add_argument(
        "--yes", action="store_true", help="do not ask: serve is stopped, and the statement was checked"
    )
    add_accept_clock(parser)


def _rekey(arguments: Namespace, terminal: Terminal) -> int:
    """Make a new key, with a new id and a new log that continues after the line that the desk signed."""
    from audit.errors import LogDamagedError
    from gateway.home.home import GatewayHome, read_key_file, read_statement
    from gateway.home.rekey import complete, rekey
    from keys.signing import parse_verify_key

    home = GatewayHome(home_of(arguments))
    home.load_config()
    with _nobody_else(home):
        if home.new_key.exists():
            former = complete(home)
            return _say_rekeyed(terminal, home, former, 0)
        if arguments.statement is None:
            raise UsageError("give the file that 'enveis desk head' wrote: it says where the old log ends")
        with contextlib.suppress(LogDamagedError):  # that may be why a new key is made
            check_clock(home.clock(), arguments)
        statement = read_statement(arguments.statement, read_key_file(home.desk_key, parse_verify_key))
        terminal.note(f"The desk trusts gateway {statement.gateway} up to line {statement.head.seq} of its log.")
        if not confirm("Is 'enveis gateway serve' stopped? Replace this gateway's key?", yes=arguments.yes):
            raise RefusedError("no new key was made; nothing was changed")
        _finish_transfers(home)
        made = rekey(home, statement, log_lost=arguments.log_lost)
    return _say_rekeyed(terminal, home, made.former, made.loose)


@contextmanager
def _nobody_else(home: "GatewayHome") -> Iterator[None]:
    """Keep out processes that have read the old key: a gateway would log to a retired file, a sender sign with it."""
    from disk.lock import exclusive
    from enveis.commands.diode import LINK_LOCK

    sending = "'enveis transfer send' is using this home: stop it first; nothing was changed"
    serving = "'enveis gateway serve' is using this home: stop it first; nothing was changed"
    with (
        exclusive(home.root / "transfer.lock"),
        exclusive(home.root / LINK_LOCK, busy=sending),
        exclusive(home.serving, busy=serving),
    ):
        yield


def _finish_transfers(home: "GatewayHome") -> None:
    """Complete what a crash interrupted, as every transfer does first; the old ledger is retired afterwards."""
    from audit.errors import AuditError
    from enveis.wiring import low_side
    from gateway.errors import GatewayError
    from gateway.home.home import read_key_file
    from keys.signing import parse_signing_key
    from transfer.errors import LedgerError
    from transfer.low_side.recovery import resume

    try:
        read_key_file(home.key, parse_signing_key)
    except GatewayError:
        return  # lost or damaged: that is why a new one is made. What is not completed goes into batches of the new key
    with contextlib.suppress(LedgerError, AuditError):
        # Lost or damaged: that may be why a new key is made. Again, what is not completed goes into its batches.
        resume(low_side(home))


def _say_rekeyed(terminal: Terminal, home: "GatewayHome", former: Path, loose: int | None) -> int:
    pairing = home.load_pairing()
    if terminal.as_json:
        answer = {"gateway": pairing.gateway, "fingerprint": pairing.fingerprint, "replaces": former.name}
        terminal.answer({**answer, "unanchored": loose, "log_lost": loose is None})
        return 0
    terminal.say(
        f"This is now gateway {pairing.gateway}, which replaces {former.name}.",
        f"Its fingerprint words: {terminal.strong(pairing.fingerprint)}",
        f"Next: carry {home.pairing} to the desk: enveis desk pair gateway.pairing --replaces {former.name}",
        f"What belonged to the old key is in {former}; its secret key is gone.",
    )
    if loose is None:
        terminal.warn(
            "The old log no longer has the line that the desk trusts; nothing vouches for what is left of it."
        )
    elif loose:
        terminal.warn(f"The old log has {loose} lines after the one that the desk trusts; nothing vouches for them.")
    return 0


COMMANDS = (
    Command("recipients", "accept a new generation of the desk's keys", _recipients, _recipients_arguments),
    Command("desk-key", "trust a new desk key", _desk_key, _desk_key_arguments),
    Command("rekey", "replace the gateway's key and start a new log", _rekey, _rekey_arguments),
)
