"""`enveis quarantine`: inspect files as the gateway does, and say what was found."""

import time
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Final, assert_never

from enveis.command import Command
from enveis.terminal import Terminal

if TYPE_CHECKING:
    from quarantine.inspect import Inspector
    from quarantine.verdict import Verdict

CLEAR, HELD, REFUSED, UNDECIDED = range(4)  # exit statuses; the worst of all files counts
WORST_FIRST: Final = (HELD, REFUSED, UNDECIDED, CLEAR)
READ_SIZE: Final = 1024 * 1024  # bytes


def _inspect_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--socket", type=Path, metavar="PATH", help="of clamd; default: what gateway.toml says")
    parser.add_argument("--budget", type=float, default=60.0, metavar="SECONDS", help="for each file (60)")


def _inspect(arguments: Namespace, terminal: Terminal) -> int:
    from quarantine.clamd import ClamdScanner
    from quarantine.inspect import Inspector

    inspector = Inspector(ClamdScanner(_socket(arguments)))
    rows, statuses = [], set()
    for path in arguments.files:
        status, sentences = _inspect_one(path, inspector, budget=arguments.budget)
        statuses.add(status)
        name = ("clear", "held", "refused", "undecided")[status]
        rows.append((str(path), name, list(sentences) if terminal.as_json else " ".join(sentences)))
    terminal.table(("file", "verdict", "findings"), rows)
    return next(status for status in WORST_FIRST if status in statuses)


def _inspect_one(path: Path, inspector: "Inspector", *, budget: float) -> tuple[int, tuple[str, ...]]:
    import hashlib

    from quarantine.errors import FileTooLargeError
    from quarantine.memory import MemfdWriter
    from quarantine.types import DEFAULT_TYPES, HEAD_SIZE, RefusedType, accepted_type

    digest = hashlib.sha256()
    with path.open("rb") as stream, MemfdWriter() as writer:
        try:
            file_type = accepted_type(path.name, stream.read(HEAD_SIZE), DEFAULT_TYPES)
            stream.seek(0)
            while piece := stream.read(READ_SIZE):
                digest.update(piece)
                writer.write(piece)
        except (RefusedType, FileTooLargeError) as error:
            return REFUSED, (f"{error}.".capitalize(),)
        with writer.seal() as memfd:
            deadline = time.monotonic() + budget
            return _status(inspector.inspect(memfd, file_type, digest.hexdigest(), deadline=deadline))


def _status(verdict: "Verdict") -> tuple[int, tuple[str, ...]]:
    from quarantine.verdict import Clear, Held, Undecided

    match verdict:
        case Clear(_, findings):
            answer = CLEAR, tuple(finding.sentence for finding in findings)
        case Held(_, findings):
            answer = HELD, tuple(finding.sentence for finding in findings)
        case Undecided(_, reason):
            answer = UNDECIDED, (reason.sentence,)
        case _:
            assert_never(verdict)
    return answer


def _socket(arguments: Namespace) -> Path:
    import os

    from disk.settings import read_settings
    from enveis.command import HOME_VARIABLE, home_of
    from gateway.config import GatewayConfig
    from gateway.home import GatewayHome

    if arguments.socket is not None:
        return Path(arguments.socket)
    if arguments.home or os.environ.get(HOME_VARIABLE):
        return Path(read_settings(GatewayHome(home_of(arguments)).config, GatewayConfig).clamd_socket)
    return Path(GatewayConfig.clamd_socket)


COMMANDS = (
    Command(
        "inspect",
        "judge files: exit 0 clear, 1 held, 2 refused, 3 undecided (the worst counts)",
        _inspect,
        _inspect_arguments,
    ),
)
