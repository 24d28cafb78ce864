"""`enveis quarantine`: inspect files as the gateway does, and list the findings."""

import contextlib
import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Final, assert_never

from enveis.command import Command, file_name
from enveis.terminal import Terminal

if TYPE_CHECKING:
    from gateway.home.config import GatewayConfig
    from quarantine.inspect_path import Inspected, Refused
    from quarantine.verdict import Verdict

_SECONDS: Final = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6})?", re.ASCII)

CLEAR, HELD, REFUSED, UNDECIDED, FAILED = range(5)  # exit statuses; the worst of all files counts
WORST_FIRST: Final = (HELD, REFUSED, UNDECIDED, FAILED, CLEAR)


def _inspect_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", type=file_name, metavar="FILE")
    parser.add_argument(
        "--socket", type=file_name, metavar="PATH", help="socket of clamd; default: as gateway.toml says"
    )
    parser.add_argument(
        "--budget", type=_seconds, metavar="SECONDS", help="time for each file; default: as gateway.toml says"
    )


def _seconds(text: str) -> float:
    if not _SECONDS.fullmatch(text):
        raise ArgumentTypeError("not a number of seconds, such as 60 or 0.5")
    return float(text)


def _inspect(arguments: Namespace, terminal: Terminal) -> int:
    from disk.handed_over import HandedOverError
    from enveis.errors import expected_sentence
    from quarantine.file_types import PICTURES, FileType
    from quarantine.findings import check_raised
    from quarantine.inspect_path import inspect_path
    from quarantine.inspector import Inspector
    from quarantine.scanner.clamd import ClamdScanner
    from quarantine.workers.caged_examiner import CagedExaminer
    from quarantine.workers.zygote_client import ZygoteClient

    config = _settings(arguments)
    allowed = frozenset(map(FileType, config.allowed_types))
    rows, statuses = [], set()
    sentences: tuple[str, ...]
    with contextlib.closing(ZygoteClient(pictures=not PICTURES.isdisjoint(allowed))) as zygote:
        inspector = Inspector(
            ClamdScanner(Path(arguments.socket or config.clamd_socket)),
            config.budgets,
            examiner=CagedExaminer(config.budgets, zygote),
            raised=check_raised(config.also_hold),
        )
        for path in arguments.files:
            seconds = float(config.inspection_budget_seconds) if arguments.budget is None else arguments.budget
            try:
                outcome = inspect_path(
                    path, inspector, seconds=seconds, allowed=allowed, file_max=config.file_max_bytes
                )
            except (OSError, HandedOverError) as error:
                # The other files are inspected all the same.
                status, sentences = FAILED, (f"It could not be read: {expected_sentence(error)}.",)
            else:
                status, sentences = _outcome(outcome)
            statuses.add(status)
            name = ("clear", "held", "refused", "undecided", "not read")[status]
            rows.append((str(path), name, list(sentences) if terminal.as_json else " ".join(sentences)))
    terminal.table(("file", "verdict", "findings"), rows)
    return next(status for status in WORST_FIRST if status in statuses)


def _outcome(outcome: "Inspected | Refused") -> tuple[int, tuple[str, ...]]:
    from quarantine.inspect_path import Inspected, Refused

    match outcome:
        case Inspected(_, verdict):
            return _status(verdict)
        case Refused(reason):
            return REFUSED, (f"{reason}.".capitalize(),)
        case _:
            assert_never(outcome)


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


def _settings(arguments: Namespace) -> "GatewayConfig":
    """Return the gateway's settings where there is a gateway, else those that a new one would have."""
    import os

    from enveis.command import HOME_VARIABLE, home_of
    from gateway.home.config import GatewayConfig
    from gateway.home.home import GatewayHome

    if arguments.home or os.environ.get(HOME_VARIABLE):
        return GatewayHome(home_of(arguments)).load_config()
    return GatewayConfig()


COMMANDS = (
    Command(
        "inspect",
        "inspect files; exit status 0 clear, 1 held, 2 refused, 3 undecided, 4 not read or failed (the worst counts)",
        _inspect,
        _inspect_arguments,
        FAILED,
    ),
)
