"""`enveis keys`: public halves and the words by which people compare them; copies of the private half; a rehearsal."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Final

from enveis.command import Command, RefusedError, home_of, passphrase_reader
from enveis.commands.key_copies import combine, combine_arguments, paper, paper_arguments, split, split_arguments
from enveis.share_entry import read_shares, shares_passphrase, wants_shares
from enveis.terminal import Terminal
from enveis.unlocking import add_identity

if TYPE_CHECKING:
    from desk.home import DeskHome
    from keys.identity import Identity
    from keys.shares import Share

SETS_MAX: Final = 50  # sets of shares tried in one rehearsal


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
        raise RefusedError(f"{home} holds no public keys: it is neither a gateway's home nor a desk's")
    terminal.table(("file", "key", "fingerprint words"), rows)
    return 0


def _text(path: Path) -> str:
    with path.open("rb") as stream:
        return stream.read(64 * 1024).decode("ascii", "replace")


def _rehearse_arguments(parser: ArgumentParser) -> None:
    add_identity(parser)
    parser.add_argument(
        "--backup", type=Path, action="append", default=[], metavar="FILE", help="a backup identity; may be given again"
    )


def _rehearse(arguments: Namespace, terminal: Terminal) -> int:
    from audit.events import Event
    from desk.generations import current_generation
    from desk.home import DeskHome
    from desk.rehearsal import make_test_packet, rehearse

    home = DeskHome(home_of(arguments))
    recipients = current_generation(home).recipients
    packet = make_test_packet(recipients)
    ways = _ways(home, arguments, terminal, recipients)
    proofs = [rehearse(packet, identity, recipients, way=way) for way, identity in ways]
    rows = [
        (proof.way, "-" if proof.recipient is None else proof.recipient, "opens it" if proof.opens else proof.fault)
        for proof in proofs
    ]
    terminal.table(("key", "recipient", "test packet"), rows)
    untried = sorted(set(range(1, len(recipients) + 1)) - {proof.recipient for proof in proofs if proof.opens})
    failed = [proof for proof in proofs if not proof.opens]
    if failed:
        terminal.warn("What does not open a packet now will not open one when it is needed: make new copies.")
    if untried:
        names = ", ".join(str(place) for place in untried)
        terminal.warn(f"No key was tried for recipient {names} of {len(recipients)} (see --backup and --shares).")
    if proofs and not failed:
        home.log().append(Event.KEYS_REHEARSED, count=len(proofs))
    return 1 if failed or untried else 0


def _ways(
    home: "DeskHome", arguments: Namespace, terminal: Terminal, recipients: "Sequence[object]"
) -> "Iterator[tuple[str, Identity]]":
    from keys.identity import read_identities

    ask = passphrase_reader(arguments)
    if home.identity.exists():
        # Identities of earlier generations stay in the file; what is sealed today is not for them.
        current = [one for one in home.load_identities(ask) if one.recipient in recipients]
        if not current:
            raise RefusedError(f"{home.identity} holds no key of today's recipients")
        for identity in current:
            yield home.identity.name, identity
    for path in arguments.backup:
        for identity in read_identities(path, ask):
            yield str(path), identity
    if wants_shares(arguments):
        yield from _ways_of_shares(home, read_shares(arguments, terminal), shares_passphrase(arguments))


def _ways_of_shares(home: "DeskHome", shares: "list[Share]", passphrase: str) -> "Iterator[tuple[str, Identity]]":
    """Yield what each smallest set of the shares joins to: a share that is bad shows in its sets."""
    from desk.generations import known_recipients
    from keys.shares import join_identity, missing_shares

    missing = missing_shares(shares)
    if missing:
        raise RefusedError(f"these shares are not enough; still needed: {missing}")
    known = known_recipients(home)
    if shares[0].groups > 1:
        yield "shares of several groups", join_identity(shares, passphrase, known)
        return
    sets = list(combinations(shares, shares[0].needed))
    for chosen in sets[:SETS_MAX]:
        names = " and ".join(str(share.place) for share in chosen)
        yield f"shares {names}", join_identity(chosen, passphrase, known)


COMMANDS = (
    Command("show", "public keys of this home, with words to compare them by", _show),
    Command("split", "an identity into shares, of which some are enough", split, split_arguments),
    Command("combine", "shares to an identity file", combine, combine_arguments),
    Command("paper", "a page with a key or a share, to be printed", paper, paper_arguments),
    Command("rehearse", "prove with a test packet that each key opens it", _rehearse, _rehearse_arguments),
)
