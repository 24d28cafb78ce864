"""One sub-command, and what all of them ask for: a home directory, a passphrase, a yes."""

import contextlib
import getpass
import os
import re
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from disk.handed_over import demand_folder, read_handed_over
from enveis.errors import RefusedError, UsageError
from enveis.terminal import Terminal

HOME_VARIABLE: Final = "ENVEIS_HOME"
PASSPHRASE_MAX: Final = 4096  # bytes of a passphrase file

_NUMBER: Final = re.compile(r"-?[0-9]{1,15}", re.ASCII)  # every ledger stores numbers of this length exactly


@dataclass(frozen=True, slots=True)
class Command:
    """A name after the station's name. `run` returns the exit status; `failed` is that of an expected failure."""

    name: str
    help: str
    run: Callable[[Namespace, Terminal], int]
    arguments: Callable[[ArgumentParser], None] = lambda _: None
    failed: int = 1


def home_of(arguments: Namespace) -> Path:
    """Return the machine's home directory, from `--home` or the environment.

    Raises:
        UsageError: Neither is given.
    """
    given = arguments.home or os.environ.get(HOME_VARIABLE)
    if not given:
        raise UsageError(f"this machine's home directory is not set: give --home DIR, or set {HOME_VARIABLE}")
    return Path(given).absolute()


def file_name(text: str) -> Path:
    """Return the name of a file, to be read or made; a type for argparse.

    '.', '/' and the like are refused before anything is done: no file has such a name, and none can stand beside it.
    """
    if text.rpartition("/")[2] in {"", ".", ".."} or "\0" in text:
        raise ArgumentTypeError("not a valid file name")
    return Path(text)


def folder_name(text: str) -> Path:
    """Return the name of a folder; a type for argparse. An empty name does not mean the working directory."""
    if not text or "\0" in text:
        raise ArgumentTypeError("not a valid folder name ('.' is the current folder)")
    return Path(text)


def file_or_folder_name(text: str) -> Path:
    """Return the name of a file or a folder; a type for argparse."""
    if not text or "\0" in text:
        raise ArgumentTypeError("not a valid file or folder name")
    return Path(text)


def whole_number(text: str) -> int:
    """Return a whole number of at most 15 digits; a type for argparse."""
    if not _NUMBER.fullmatch(text):
        raise ArgumentTypeError("not a whole number, or too long")
    return int(text)


def demand_new(path: Path) -> None:
    """Refuse a name that no new file can have, before anything is asked, logged or done for it.

    Raises:
        RefusedError: There is no such folder to make it in.
        FileExistsError: There is already something with this name.
        OSError: No file can have this name.
    """
    if not path.parent.is_dir():
        raise RefusedError(f"{path.parent} is not a folder")
    with contextlib.suppress(FileNotFoundError):
        path.lstat()
        raise FileExistsError(f"{path} already exists")


def demand_new_folder(path: Path) -> None:
    """Refuse a link, or anything else that is no folder, where files are to be written into a folder or a new one.

    Raises:
        disk.handed_over.HandedOverError: It is one.
    """
    if os.path.lexists(path):
        demand_folder(path)


def add_passphrase_file(parser: ArgumentParser) -> None:
    """Let a script hand in a passphrase; never as an argument or in the environment, where others can see it."""
    parser.add_argument(
        "--passphrase-file",
        type=file_name,
        metavar="FILE",
        help="read the passphrase from the first line of FILE instead of asking for it",
    )


def passphrase_reader(arguments: Namespace, *, twice: bool = False) -> Callable[[], str]:
    """Return a function that asks for the passphrase; it is called only when one is needed."""

    def read() -> str:
        file: Path | None = arguments.passphrase_file
        text = first_line(file) if file else ask_hidden("Passphrase of the identity: ", twice=twice)
        if not text:
            raise RefusedError("an empty passphrase protects nothing; nothing was done")
        return text

    return read


def confirm(question: str, *, yes: bool) -> bool:
    """Ask on the terminal; without a terminal only `--yes` counts as an answer."""
    if yes:
        return True
    if not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask on: check first, then repeat the command with --yes")
    try:
        return input(f"{question} [yes/no] ").strip().lower() == "yes"
    except EOFError:
        return False


def first_line(path: Path) -> str:
    """Return the first line of a passphrase file, without its line end."""
    line = read_handed_over(path, largest=PASSPHRASE_MAX).partition(b"\n")[0].rstrip(b"\r")
    try:
        return line.decode()
    except UnicodeDecodeError:
        raise RefusedError(f"{path} is not a UTF-8 text file") from None


def ask_hidden(prompt: str, *, twice: bool) -> str:
    """Ask for something that is not shown while it is typed; `twice` catches a typing error."""
    try:
        text = getpass.getpass(prompt)
        if twice and text != getpass.getpass("Repeat it: "):
            raise RefusedError("the two passphrases differ; nothing was done")
    except EOFError:
        raise RefusedError("no passphrase was given; nothing was done") from None
    return text
