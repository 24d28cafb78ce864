"""One sub-command, and what all of them ask for: a home directory, names of files, a yes."""

import contextlib
import os
import re
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from disk.handed_over import demand_folder
from enveis.errors import RefusedError, UsageError
from enveis.terminal import Terminal

HOME_VARIABLE: Final = "ENVEIS_HOME"

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


def confirm(question: str, *, yes: bool) -> bool:
    """Ask on the terminal; without a terminal only `--yes` counts as an answer."""
    if yes:
        return True
    if not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask on: check first, then repeat the command with --yes")
    try:
        return input(f"{question} [yes/no] ").strip().lower() == "yes"
    except (EOFError, UnicodeError):  # nothing was typed, or bytes that are no text: neither is a yes
        return False
