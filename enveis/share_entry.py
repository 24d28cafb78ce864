"""Shares at the terminal: typed in one after another, read from files, shown one at a time.

A share is never an argument. What was typed or shown is wiped from the screen and from its scroll-back.
"""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from disk.handed_over import read_handed_over
from enveis.command import file_name
from enveis.errors import RefusedError, UsageError
from enveis.passphrases import NewPassphrase, ask_hidden, first_line, make_passphrase
from enveis.terminal import WIPE, Terminal

if TYPE_CHECKING:
    from keys.shares import Share

SHARE_FILE_MAX: Final = 64 * 1024  # bytes; a share has some 250
_PROMPT: Final = "Passphrase of the shares: "


def add_shares(parser: ArgumentParser) -> None:
    """Let an identity be joined from shares; never from words in an argument, where others can see them."""
    parser.add_argument("--shares", action="store_true", help="join the identity from shares that you type in")
    parser.add_argument(
        "--share",
        type=file_name,
        action="append",
        default=[],
        metavar="FILE",
        help="a file with one share; may be repeated",
    )
    add_shares_passphrase(parser)


def add_shares_passphrase(parser: ArgumentParser) -> None:
    """Let shares have a passphrase of their own (SLIP-39), apart from that of an identity file."""
    parser.add_argument("--shares-passphrase", action="store_true", help="ask for the passphrase of the shares")
    parser.add_argument(
        "--shares-passphrase-file",
        type=file_name,
        metavar="FILE",
        help="read the passphrase of the shares from the first line of FILE (- for standard input)",
    )


def wants_shares(arguments: Namespace) -> bool:
    """Return whether the identity is to be joined from shares."""
    return bool(arguments.shares or arguments.share)


def shares_passphrase(arguments: Namespace) -> str:
    """Return the passphrase of shares that are there; empty when no option asks for one."""
    if arguments.shares_passphrase_file is not None:
        text = first_line(arguments.shares_passphrase_file)
        if not text:
            raise RefusedError(f"{arguments.shares_passphrase_file} is empty: shares without a passphrase need no file")
        return text
    return ask_hidden(_PROMPT) if arguments.shares_passphrase else ""


def new_shares_passphrase(arguments: Namespace, terminal: Terminal) -> str:
    """Return the passphrase that new shares get; empty when no option asks for one.

    Raises:
        RefusedError, ShareError: It is easy to guess, or none that shares can have; one sentence.
    """
    from keys.shares import encode_passphrase

    if not arguments.shares_passphrase and arguments.shares_passphrase_file is None:
        return ""
    wanted = NewPassphrase(_PROMPT, arguments.shares_passphrase_file, arguments.weak_passphrase)
    text = make_passphrase(wanted, terminal)
    encode_passphrase(text)
    return text


def read_shares(arguments: Namespace, terminal: Terminal) -> "list[Share]":
    """Return the shares from files and, with `--shares`, typed ones until there are enough."""
    shares = [read_share(path) for path in arguments.share]
    if arguments.shares:
        shares += _typed(shares, terminal)
    return shares


def read_share(path: Path) -> "Share":
    """Read one share from a file; lines that begin with # are not part of it.

    Raises:
        RefusedError: The file has no share.
        OSError: It cannot be read.
    """
    from keys.shares import ShareError, parse_share

    content = read_handed_over(path, largest=SHARE_FILE_MAX)
    try:
        lines = content.decode("utf-8-sig").splitlines()
        return parse_share(" ".join(line for line in lines if not line.startswith("#")))
    except (ShareError, UnicodeDecodeError) as error:
        reason = error if isinstance(error, ShareError) else "not a text file of words"
        raise RefusedError(f"{path}: {reason}") from None


def _typed(before: "list[Share]", terminal: Terminal) -> "list[Share]":
    from keys.shares import ShareError, missing_shares, parse_share

    shares: list[Share] = []
    asking = sys.stdin.isatty()
    while missing := missing_shares([*before, *shares]):
        if asking:
            terminal.note(
                f"Still needed: {missing}. Type the words of a share (four letters of each are enough), then Enter."
            )
        try:
            line = sys.stdin.readline(SHARE_FILE_MAX)
        except UnicodeError:
            raise RefusedError("what was typed is not UTF-8 text: check the terminal's encoding") from None
        if not line:
            raise RefusedError(f"the input ended; still needed: {missing}")
        if not line.strip():
            continue
        try:
            share = parse_share(line)
            missing_shares([*before, *shares, share])
        except ShareError as error:
            if not asking:
                raise
            terminal.warn(f"Not accepted: {error}.")
            continue
        shares.append(share)
        if asking:
            wipe_screen()
    return shares


def demand_terminal() -> None:
    """Raise UsageError where shares cannot be shown: they must not get into a log."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("shares are shown on a terminal only; --to FOLDER writes them to files")


def show_one_by_one(shares: "Iterable[Share]", terminal: Terminal) -> None:
    """Show each share alone on a cleared screen, until Enter is pressed; after `demand_terminal`."""
    for share in shares:
        wipe_screen()
        words = share.words.split()
        terminal.say(terminal.strong(title_of(share)), "")
        rows = len(words) // 3
        for row in range(rows):
            cells = (f"{place + 1:>3}. {words[place]:<10}" for place in range(row, len(words), rows))
            terminal.say("".join(cells).rstrip())
        terminal.say("", "Write it down. Only the person who will keep this share should see it.")
        terminal.note("Press Enter to wipe the screen and continue.")
        sys.stdin.readline()
    wipe_screen()


def title_of(share: "Share") -> str:
    """Return a title: which share it is, and how many are needed."""
    group = f" of group {share.group}" if share.groups > 1 else ""
    return f"Share {share.place}{group} (any {share.needed}{group} are needed)"


def wipe_screen() -> None:
    """Clear a terminal and what can be scrolled back to."""
    sys.stdout.write(WIPE)
    sys.stdout.flush()
