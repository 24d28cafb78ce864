"""`enveis keys`: public halves and their fingerprint words; copies of the private half, and a rehearsal of them."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from enveis.command import Command, file_name, home_of
from enveis.commands import key_copies
from enveis.errors import RefusedError
from enveis.passphrases import passphrase_reader
from enveis.share_entry import read_shares, shares_passphrase, wants_shares
from enveis.terminal import Terminal
from enveis.unlocking import add_identity

if TYPE_CHECKING:
    from desk.custody.rehearsal import RehearsedKey, TestPacket
    from desk.custody.share_sets import ShareSets
    from desk.home import DeskHome
    from keys.identity import Identity
    from keys.recipient import Recipient

SETS_MAX: Final = 50  # sets of shares tried in one rehearsal, unless more are needed to try each share


def _show(arguments: Namespace, terminal: Terminal) -> int:
    from keys.recipient import encode_recipients, parse_recipients
    from keys.signing import parse_verify_key
    from keys.words import fingerprint_words

    home = home_of(arguments)
    rows: list[tuple[str, str, str]] = []
    if (home / "recipients.txt").exists():
        recipients = parse_recipients(_text(home / "recipients.txt"))
        kind = f"{len(recipients)} {recipients[0].kind}"
        rows.append(("recipients.txt", kind, fingerprint_words(encode_recipients(recipients))))
    for name in ("gateway.pub", "desk.pub"):
        if (home / name).exists():
            key = parse_verify_key(_text(home / name))
            rows.append((name, key.key_id.lower(), fingerprint_words(key.raw)))
    if not rows:
        raise RefusedError(f"{home} has no public keys: it is neither a gateway's home nor a desk's")
    terminal.table(("file", "key", "fingerprint words"), rows)
    return 0


def _text(path: Path) -> str:
    from disk.handed_over import read_handed_over

    return read_handed_over(path, largest=64 * 1024, follow=True).decode("ascii", "replace")


def _rehearse_arguments(parser: ArgumentParser) -> None:
    add_identity(parser)
    parser.add_argument(
        "--backup",
        type=file_name,
        action="append",
        default=[],
        metavar="FILE",
        help="a file with a backup identity; may be repeated",
    )


def _rehearse(arguments: Namespace, terminal: Terminal) -> int:
    from audit.events import Event
    from desk.custody.generations import current_generation
    from desk.custody.rehearsal import make_test_packet, rehearse_key
    from desk.home import DeskHome

    home = DeskHome(home_of(arguments))
    recipients = current_generation(home).recipients
    packet = make_test_packet(recipients)
    proofs = [
        rehearse_key(packet, identity, recipients, way=way) for way, identity in _ways(home, arguments, recipients)
    ]
    sets = _share_sets(arguments, terminal) if wants_shares(arguments) else None
    of_sets = [] if sets is None else _rehearse_sets(home, arguments, sets, packet, recipients)
    proofs += of_sets
    rows = [
        (proof.way, "-" if proof.recipient is None else proof.recipient, "opens it" if proof.opens else proof.fault)
        for proof in proofs
    ]
    terminal.table(("key", "recipient", "test packet"), rows)
    if sets is not None:
        _say_sets(terminal, sets, of_sets)
    untried = sorted(set(range(1, len(recipients) + 1)) - {proof.recipient for proof in proofs if proof.opens})
    failed = [proof for proof in proofs if not proof.opens]
    if failed:
        terminal.warn("What does not open a packet now will not open one when it is needed: make new copies.")
    if untried:
        names = ", ".join(str(place) for place in untried)
        terminal.warn(f"No key was tried for recipient {names} of {len(recipients)} (see --backup and --shares).")
    if proofs and not failed:
        home.log().append(Event.KEYS_REHEARSED, count=len(proofs))
    return 1 if failed or untried or (sets is not None and sets.left_out) else 0


def _ways(
    home: "DeskHome", arguments: Namespace, recipients: "Sequence[Recipient]"
) -> "Iterator[tuple[str, Identity]]":
    from keys.identity import read_identities

    ask = passphrase_reader(arguments)
    if home.identity.exists():
        # Identities of earlier generations stay in the file; packets are no longer sealed to them.
        current = [one for one in home.load_identities(ask) if one.recipient in recipients]
        if not current:
            raise RefusedError(f"{home.identity} has no key of the current recipients")
        for identity in current:
            yield home.identity.name, identity
    for path in arguments.backup:
        for identity in read_identities(path, ask):
            yield str(path), identity


def _share_sets(arguments: Namespace, terminal: Terminal) -> "ShareSets":
    from secrets import SystemRandom

    from desk.custody.share_sets import choose_sets
    from keys.shares import missing_shares

    shares = read_shares(arguments, terminal)
    missing = missing_shares(shares)
    if missing:
        raise RefusedError(f"these shares are not enough; still needed: {missing}")
    return choose_sets(shares, most=SETS_MAX, chance=SystemRandom())


def _rehearse_sets(
    home: "DeskHome", arguments: Namespace, sets: "ShareSets", packet: "TestPacket", recipients: "Sequence[Recipient]"
) -> "list[RehearsedKey]":
    """Join each set and let it open the packet: a bad share shows in its own sets, and hides no other key."""
    from desk.custody.generations import known_recipients
    from desk.custody.rehearsal import rehearse_shares
    from keys.shares import encode_passphrase

    passphrase, known = shares_passphrase(arguments), known_recipients(home)
    encode_passphrase(passphrase)  # a passphrase that no shares can have is not the fault of a set
    return [rehearse_shares(packet, one, recipients, passphrase=passphrase, known=known) for one in sets.tried]


def _say_sets(terminal: Terminal, sets: "ShareSets", proofs: "list[RehearsedKey]") -> None:
    from desk.custody.share_sets import name_shares, without

    count = len(sets.tried)
    if count == sets.count:
        terminal.note(f"All sets of these shares were tried: {count}.")
    else:
        # Whatever was left out, each share that is in any set is in one that was tried.
        terminal.warn(f"{count} of the {sets.count} sets of these shares were tried, chosen by chance.")
    if sets.left_out:
        terminal.warn(f"Not tried, because too few shares of their group were given: {name_shares(sets.left_out)}.")
    opening = [one for one, proof in zip(sets.tried, proofs, strict=True) if proof.opens]
    suspects = without([share for one in sets.tried for share in one], opening) if opening else ()
    if suspects:
        terminal.warn(f"In no set that opens the packet: {name_shares(tuple(dict.fromkeys(suspects)))}.")


COMMANDS = (
    Command("show", "show the public keys of this home and their fingerprint words", _show),
    *key_copies.COMMANDS,
    Command("rehearse", "prove that every key opens a test packet", _rehearse, _rehearse_arguments),
)
