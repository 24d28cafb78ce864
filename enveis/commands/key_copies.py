"""`enveis keys split`, `combine` and `paper`: copies of an identity, in shares and on paper."""

import hashlib
import os
import re
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from enveis.command import (
    HOME_VARIABLE,
    Command,
    demand_new,
    demand_new_folder,
    file_name,
    folder_name,
    home_of,
    whole_number,
)
from enveis.errors import RefusedError, UsageError
from enveis.passphrases import (
    add_passphrase_file,
    add_weak_passphrase,
    new_identity_passphrase,
    passphrase_reader,
)
from enveis.share_entry import (
    add_shares,
    add_shares_passphrase,
    demand_terminal,
    new_shares_passphrase,
    read_share,
    read_shares,
    shares_passphrase,
    show_one_by_one,
    title_of,
    wants_shares,
)
from enveis.terminal import Terminal

if TYPE_CHECKING:
    from audit.events import Event
    from desk.home import DeskHome
    from keys.identity import Identity
    from keys.recipient import Recipient
    from keys.shares import Plan, Share

_RECIPIENTS_MAX: Final = 64 * 1024  # bytes of a recipients file
_GROUP: Final = re.compile(r"([0-9]{1,2})of([0-9]{1,2})", re.ASCII)


def _identity_argument(parser: ArgumentParser) -> None:
    parser.add_argument("--identity", type=file_name, metavar="FILE", help="default: identity.txt of this home")
    parser.add_argument(
        "--number",
        type=whole_number,
        default=1,
        metavar="N",
        help="which identity of the file, 1 being the newest (default)",
    )
    add_passphrase_file(parser)


def _split_arguments(parser: ArgumentParser) -> None:
    _identity_argument(parser)
    parser.add_argument(
        "--needed", type=whole_number, default=2, metavar="N", help="number of shares that restore the key (default 2)"
    )
    parser.add_argument("--of", type=whole_number, default=3, metavar="M", help="number of shares to make (default 3)")
    parser.add_argument(
        "--group",
        action="append",
        default=[],
        metavar="NofM",
        help="instead of --needed and --of: a group of shares; may be repeated",
    )
    parser.add_argument(
        "--groups-needed", type=whole_number, metavar="N", help="number of groups that restore the key (default: all)"
    )
    parser.add_argument("--to", type=folder_name, metavar="FOLDER", help="write each share into a file of its own")
    add_shares_passphrase(parser)
    add_weak_passphrase(parser)


def _split(arguments: Namespace, terminal: Terminal) -> int:
    """Split an identity into shares."""
    from audit.events import Event
    from keys.shares import split_identity

    plan = _plan(arguments)
    if arguments.to is not None:
        demand_new_folder(arguments.to)
    identity = _identity(arguments)
    groups = split_identity(identity, plan, new_shares_passphrase(arguments, terminal))
    shares = [share for group in groups for share in group]
    if arguments.to is None:
        demand_terminal()
    written = [] if arguments.to is None else _new_paths(shares, arguments.to)
    # Logged before the first share is shown or written: somebody who stops in the middle has shares of a split key.
    _log(arguments, Event.KEYS_SPLIT, identity.recipient, count=len(shares))
    if arguments.to is None:
        show_one_by_one(shares, terminal)
    else:
        _write_shares(shares, written, identity.recipient)
    if terminal.as_json:
        terminal.answer({"shares": len(shares), "files": [str(path) for path in written]})
        return 0
    terminal.say(*(f"{path}: {title_of(share)}" for path, share in zip(written, shares, strict=False)))
    terminal.say(
        f"{len(shares)} shares were made. Every smallest set of each group was joined, and gave the key.",
        "Take each to a different place. Then test them: enveis keys rehearse --shares",
    )
    if not arguments.shares_passphrase and arguments.shares_passphrase_file is None:
        terminal.note("The shares have no passphrase: anyone who has enough of them has the key.")
    return 0


def _plan(arguments: Namespace) -> "Plan":
    from keys.shares import Plan

    if not arguments.group:
        return Plan(((arguments.needed, arguments.of),))
    found = [_GROUP.fullmatch(text) for text in arguments.group]
    groups = tuple((int(one[1]), int(one[2])) for one in found if one)
    if len(groups) < len(found):
        raise UsageError("a group is written like 2of3, where two of its three shares are needed")
    needed = len(groups) if arguments.groups_needed is None else arguments.groups_needed
    return Plan(groups, needed)


def _new_paths(shares: "list[Share]", folder: Path) -> list[Path]:
    """Make the folder, and return where each share goes in it."""
    from disk.durable import make_private_folder

    make_private_folder(folder)
    paths = [folder / _share_name(share) for share in shares]
    for path in paths:
        # Before the first one is written: shares of two splittings in one folder do not join.
        if os.path.lexists(path):
            raise FileExistsError(f"{path} already exists; no share was written")
    return paths


def _write_shares(shares: "list[Share]", paths: list[Path], recipient: "Recipient") -> None:
    from disk.durable import write_all_new

    name = str(recipient)
    write_all_new(
        {
            path: f"# {title_of(share)} of the key of {name[:24]}...{name[-8:]}\n{share.words}\n".encode("ascii")
            for path, share in zip(paths, shares, strict=True)
        }
    )


def _share_name(share: "Share") -> str:
    group = f"group-{share.group}-" if share.groups > 1 else ""
    return f"share-{group}{share.place}.txt"


def _combine_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--to", type=file_name, required=True, metavar="FILE", help="a new identity file")
    parser.add_argument(
        "--recipients", type=file_name, metavar="FILE", help="the keys that may result; default: those of this home"
    )
    add_shares(parser)
    parser.add_argument("--passphrase", action="store_true", help="protect the identity file with a passphrase")
    add_passphrase_file(parser)
    add_weak_passphrase(parser)


def _combine(arguments: Namespace, terminal: Terminal) -> int:
    """Join shares to an identity file."""
    from audit.events import Event
    from disk.durable import write_new
    from keys.identity import encode_identity_file
    from keys.shares import join_identity

    demand_new(arguments.to)
    known = _known(arguments)
    if not wants_shares(arguments):
        arguments.shares = True
    shares = read_shares(arguments, terminal)
    identity = join_identity(shares, shares_passphrase(arguments), known)
    asked = arguments.passphrase or arguments.passphrase_file is not None
    passphrase = new_identity_passphrase(arguments, terminal) if asked else None
    _log(arguments, Event.KEYS_JOINED, identity.recipient)
    write_new(arguments.to, [encode_identity_file(identity, passphrase)])
    if terminal.as_json:
        terminal.answer({"identity": str(arguments.to), "recipient": str(identity.recipient)})
    else:
        terminal.say(f"The shares join to a {identity.kind} key that is known here. It is in {arguments.to}.")
    if passphrase is None:
        terminal.warn("The file has no passphrase: anyone who copies it can read every packet (see --passphrase).")
    return 0


def _known(arguments: Namespace) -> "list[Recipient]":
    from desk.custody.generations import known_recipients
    from disk.handed_over import read_handed_over
    from keys.recipient import parse_recipients

    if arguments.recipients is not None:
        content = read_handed_over(arguments.recipients, largest=_RECIPIENTS_MAX)
        return list(parse_recipients(content.decode("ascii", "replace")))
    home = _desk(arguments)
    if home is None:
        raise UsageError("give the key that must result: --recipients FILE, or --home DIR of a desk")
    return known_recipients(home)


def _paper_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--to", type=file_name, required=True, metavar="FILE.html", help="write the page, to print, to a new file"
    )
    _identity_argument(parser)
    parser.add_argument("--share", type=file_name, metavar="FILE", help="print this share instead of an identity")


def _paper(arguments: Namespace, terminal: Terminal) -> int:
    """Write a page with a key or a share, to be printed."""
    from audit.events import Event
    from disk.durable import write_new
    from keys.paper import identity_sheet, share_sheet

    demand_new(arguments.to)
    if arguments.share is not None:
        write_new(arguments.to, [share_sheet(read_share(arguments.share), None)])
        if terminal.as_json:
            terminal.answer({"page": str(arguments.to), "recipient": None})
        else:
            terminal.say(f"The share is on {arguments.to}: print it, then delete both files.")
        return 0
    identity = _identity(arguments)
    _log(arguments, Event.KEYS_PRINTED, identity.recipient)
    write_new(arguments.to, [identity_sheet(identity)])
    if terminal.as_json:
        terminal.answer({"page": str(arguments.to), "recipient": str(identity.recipient)})
    else:
        terminal.say(
            f"The key is on {arguments.to}: print it on a printer without memory or network, then delete the file."
        )
    terminal.warn("The page has no passphrase: anyone who reads it, on paper or on this disk, can read every packet.")
    return 0


def _identity(arguments: Namespace) -> "Identity":
    from desk.home import DeskHome
    from keys.identity import read_identities

    ask: Callable[[], str] = passphrase_reader(arguments)
    if arguments.identity is not None:
        identities = read_identities(arguments.identity, ask)
    else:
        identities = DeskHome(home_of(arguments)).load_identities(ask)
    if not 1 <= arguments.number <= len(identities):
        raise RefusedError(f"the file has {len(identities)} identities: --number counts from 1 to {len(identities)}")
    number: int = arguments.number
    return identities[number - 1]


def _desk(arguments: Namespace) -> "DeskHome | None":
    from desk.home import DeskHome

    if not (arguments.home or os.environ.get(HOME_VARIABLE)):
        return None
    home = DeskHome(home_of(arguments))
    return home if home.config.exists() else None


def _log(arguments: Namespace, event: "Event", recipient: "Recipient", *, count: int | None = None) -> None:
    """Record the event in the desk's log, where this machine has a desk's home."""
    home = _desk(arguments)
    if home is not None:
        digest = hashlib.sha256(str(recipient).encode()).hexdigest()
        home.log().append(event, digest=digest, count=count)


COMMANDS = (
    Command("split", "split an identity into shares, some of which are enough to rejoin it", _split, _split_arguments),
    Command("combine", "join shares into an identity file", _combine, _combine_arguments),
    Command("paper", "make a page with a key or a share, to print", _paper, _paper_arguments),
)
