"""Passphrases at the terminal and from files: asked for where something opens, and made where something is sealed.

One that is made opens every packet from then on, so it has to withstand guessing, unless a person insists: at the
terminal by typing it again after a plain sentence, in a script by an option. Never an argument, and never in the
environment: others can see both.
"""

import getpass
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from disk.handed_over import read_handed_over
from enveis.command import file_name
from enveis.errors import RefusedError
from enveis.terminal import Terminal

STDIN: Final = Path("-")
OF_IDENTITY: Final = "Passphrase of the identity: "
_EMPTY: Final = "an empty passphrase protects nothing; nothing was done"
_INSIST: Final = "--weak-passphrase"


@dataclass(frozen=True, slots=True)
class NewPassphrase:
    """Where a passphrase that is to be made comes from; without a file somebody is asked at the terminal."""

    prompt: str
    file: Path | None
    is_weak_accepted: bool = False


def add_passphrase_file(parser: ArgumentParser) -> None:
    """Let a script hand in a passphrase that opens something."""
    parser.add_argument(
        "--passphrase-file",
        type=file_name,
        metavar="FILE",
        help="read the passphrase from the first line of FILE (- for standard input) instead of asking for it",
    )


def add_weak_passphrase(parser: ArgumentParser) -> None:
    """Let a script insist on a passphrase that can be guessed."""
    parser.add_argument(_INSIST, action="store_true", help="accept a new passphrase that is easy to guess")


def passphrase_reader(arguments: Namespace) -> Callable[[], str]:
    """Return a function that asks for the passphrase of something sealed; it is called only when one is needed."""

    def read() -> str:
        file: Path | None = arguments.passphrase_file
        text = first_line(file) if file else ask_hidden(OF_IDENTITY)
        if not text:
            raise RefusedError(_EMPTY)
        return text

    return read


def new_identity_passphrase(arguments: Namespace, terminal: Terminal, *, is_known: bool = False) -> str:
    """Return the passphrase that an identity file gets, from the file or the terminal; see `make_passphrase`."""
    wanted = NewPassphrase(OF_IDENTITY, arguments.passphrase_file, arguments.weak_passphrase)
    return make_passphrase(wanted, terminal, is_known=is_known)


def make_passphrase(wanted: NewPassphrase, terminal: Terminal, *, is_known: bool = False) -> str:
    """Return a passphrase as it was typed, to seal with; warn of what another keyboard may lack.

    One that `is_known` already opens something: it is asked for once, for a typing error would show. What seals with it
    makes its one form (`keys.passphrase`).

    Raises:
        RefusedError: Empty, unusable, or easy to guess and nobody insists; one sentence.
    """
    if wanted.file is not None:
        typed = first_line(wanted.file)
        if weak := "" if wanted.is_weak_accepted else _weakness(_usable(typed)):
            raise RefusedError(f"{weak}; nothing was done ({_INSIST} accepts it)")
    else:
        typed = _asked(wanted, terminal, is_known=is_known)
    if not _usable(typed).isascii():
        terminal.warn(
            "The passphrase has letters outside ASCII: the keyboard of another machine may lack them. Try it there."
        )
    return typed


def _asked(wanted: NewPassphrase, terminal: Terminal, *, is_known: bool) -> str:
    """Ask until there is a passphrase that is strong, or that was typed again after the sentence on it."""
    is_person, insisted, is_shown = sys.stdin.isatty(), "", False
    if is_person and not is_known:
        terminal.note("Several words are best. Enter alone suggests some.")
    while True:
        typed = ask_hidden(wanted.prompt)
        if is_person and not typed.strip() and not is_known:
            _suggest(terminal)
            is_shown = True
            continue
        text = _usable(typed)
        weak = "" if wanted.is_weak_accepted or text == insisted else _weakness(text)
        if weak and not is_person:
            raise RefusedError(f"{weak}; nothing was done ({_INSIST} accepts it)")
        if weak:
            terminal.warn(f"{weak[0].upper()}{weak[1:]}.")
            terminal.note("Type the same again to use it all the same, or another one.")
            insisted = text
            continue
        break
    if not (is_known or text == insisted) and _usable(ask_hidden("Repeat it: ")) != text:
        raise RefusedError("the two passphrases differ; nothing was done")
    if is_shown:
        terminal.wipe()
    return typed


def _suggest(terminal: Terminal) -> None:
    from keys.passphrase_strength import suggest_passphrase

    terminal.note(f"Made just now, by chance:  {suggest_passphrase()}")
    terminal.note("Write it on paper, and type it here. Then the screen is wiped.")


def _weakness(text: str) -> str:
    from keys.passphrase_strength import weakness

    return weakness(text)


def _usable(typed: str) -> str:
    from keys.passphrase import has_control_characters, sealing_form

    text = sealing_form(typed)
    if not text:
        raise RefusedError(_EMPTY)
    if has_control_characters(text):
        raise RefusedError(
            "the passphrase has a control character, as arrow keys and tabs leave one: type it again without them; "
            "nothing was done"
        )
    return text


def first_line(path: Path) -> str:
    """Return the first line of a passphrase file, or of standard input, without its line end."""
    from keys.passphrase import FILE_MAX, parse_first_line

    if path == STDIN:
        return _typed(lambda: sys.stdin.readline(FILE_MAX).removesuffix("\n").removesuffix("\r"))
    content = read_handed_over(path, largest=FILE_MAX)
    try:
        return parse_first_line(content)
    except UnicodeDecodeError:
        raise RefusedError(f"{path} is not a UTF-8 text file") from None


def ask_hidden(prompt: str) -> str:
    """Ask for something that is not shown while it is typed."""
    return _typed(lambda: getpass.getpass(prompt))


def _typed(read: Callable[[], str]) -> str:
    try:
        text = read()
        text.encode()  # bytes that are no text pass as lone surrogates where the locale is C
    except EOFError:
        raise RefusedError("no passphrase was given; nothing was done") from None
    except UnicodeError:
        raise RefusedError(
            "what was typed is not UTF-8 text: check the terminal's encoding; nothing was done"
        ) from None
    return text
