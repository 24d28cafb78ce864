"""The table of docs/strange-files.md: every argument that names a file or a folder, and what strange ones lead to.

`SAYS` is what the test asks for, and the table is made of it; the arguments are those of the test of silly arguments.
"""

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from enveis.stations import is_lone, load_commands

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs" / "strange-files.md"
MARK: Final = "<!-- python -m tests.builders.strange_files writes what follows -->\n"
SPARSE: Final = 32 * 2**30  # bytes


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _device(path: Path) -> None:
    os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 5))  # as /dev/zero


def _block_device(path: Path) -> None:
    os.mknod(path, 0o600 | stat.S_IFBLK, os.makedev(1, 0))  # as /dev/ram0


def _link(path: Path) -> None:
    target = path.with_name("target")
    target.write_bytes(b"hello\n")
    path.symlink_to(target)


def _link_to_folder(path: Path) -> None:
    path.with_name("target").mkdir()
    path.symlink_to(path.with_name("target"))


def _sparse(path: Path) -> None:
    with path.open("wb") as stream:
        stream.truncate(SPARSE)


MEDIA: Final[dict[str, Callable[[Path], None]]] = {
    "named pipe": _pipe,
    "device": _device,
    "block device": _block_device,
    "link to a file": _link,
    "link to a folder": _link_to_folder,
    "folder": Path.mkdir,
    "sparse, 32 GiB": _sparse,
    "empty file": Path.touch,
}


@dataclass(frozen=True, slots=True)
class Cell:
    """What one command says to one medium: a word for the table, and what its sentence has; empty where it works."""

    word: str
    says: str = ""


REFUSED: Final = Cell("refused", r"\S")  # in the words of what was expected
_PIPE: Final = Cell("refused: a pipe", "is a named pipe")
_DEVICE: Final = Cell("refused: a device", "is a device")
_LINK: Final = Cell("refused: a link", "is a symbolic link")
_FOLDER: Final = Cell("refused: a folder", "is a folder, not a file")
_LARGE: Final = Cell("refused: too large", "is larger than")
_THERE: Final = Cell("refused: it exists", "(already exists|File exists)")
_NO_FOLDER: Final = Cell("refused: no folder", "is not a folder")
_REPLACED: Final = Cell("replaced")
_USED: Final = Cell("used")


def _row(pipe: Cell, device: Cell, link: Cell, folder: Cell, sparse: Cell, empty: Cell) -> dict[str, Cell]:
    return dict(zip(MEDIA, (pipe, device, device, link, link, folder, sparse, empty), strict=True))


# By kind of argument, as the test of silly arguments names them.
SAYS: Final[dict[str, dict[str, Cell]]] = {
    "read": _row(_PIPE, _DEVICE, _LINK, _FOLDER, _LARGE, REFUSED),
    "log": _row(_PIPE, _DEVICE, _LINK, _FOLDER, Cell("refused: sparse", "is a sparse file"), REFUSED),
    "made": _row(*[_THERE] * 6),
    "put": _row(_PIPE, _DEVICE, _LINK, _FOLDER, _REPLACED, _REPLACED),
    "in": _row(_NO_FOLDER, _NO_FOLDER, _LINK, _USED, _NO_FOLDER, _NO_FOLDER),
    "new": _row(_NO_FOLDER, _NO_FOLDER, _LINK, _USED, _NO_FOLDER, _NO_FOLDER),
}
# A log without lines is shown as a table without rows; a file or a folder may be given; a scanner has its own limit.
OTHERWISE: Final[dict[tuple[str, str], dict[str, Cell]]] = {
    ("audit show", "log"): SAYS["log"] | {"empty file": Cell("shown: no lines")},
    ("audit verify", "heads"): _row(_PIPE, _DEVICE, _LINK, Cell("refused", "has no batch.json"), _LARGE, REFUSED),
    ("quarantine inspect", "files"): SAYS["read"] | {"sparse, 32 GiB": Cell("refused: too large", "has more than")},
}
# Not opened as a file, and made in a folder that may not be there yet.
NEITHER: Final = {("quarantine inspect", "socket"): "a socket: it is connected to, never opened"}


def cells_of(command: str, argument: str, kind: str) -> dict[str, Cell]:
    """Return what the command says to each medium in place of this argument."""
    return OTHERWISE.get((command, argument), SAYS[kind])


def strange_table(rows: list[tuple[str, str, str]]) -> str:
    """Return the part of the page below its mark; `rows` are command, argument and kind."""
    head = ["command", *MEDIA]
    lines = [f"| {' | '.join(head)} |", f"| {' | '.join('---' for _ in head)} |"]
    for command, argument, kind in rows:
        cells = cells_of(command, argument, kind)
        shown = " | ".join(cells[medium].word for medium in MEDIA)
        lines.append(f"| `{command} {_shown(command, argument)}` | {shown} |")
    return "\n" + "\n".join(lines) + "\n"


def _shown(command: str, argument: str) -> str:
    """Return an argument as people type it: the option, or the name that the help gives it."""
    from argparse import ArgumentParser

    for name, found in _commands():
        if name == command:
            parser = ArgumentParser(add_help=False)
            found(parser)
            for action in parser._actions:
                if action.dest == argument:
                    name_there = action.metavar if isinstance(action.metavar, str) else argument
                    return " ".join([*action.option_strings[:1], name_there])
    raise KeyError(command, argument)


def _commands() -> Iterator[tuple[str, Callable[..., None]]]:
    from enveis.stations import STATIONS

    for station in STATIONS:
        loaded = load_commands(station)
        for command in loaded:
            yield station if is_lone(station, loaded) else f"{station} {command.name}", command.arguments


if __name__ == "__main__":
    from tests.enveis.test_cli_strange_files import ROWS

    kept, mark, _ = PAGE.read_text("utf-8").partition(MARK)
    PAGE.write_text(kept + mark + strange_table(ROWS), "utf-8")
