"""The `enveis` command: finds the station a command belongs to and loads that one only.

What goes wrong as it may is one sentence on stderr and exit status 1, or the command's own; a wrong call is 2; a fault
of ours is 70 and names its place, never the data that led there. `gateway …` loads no module of the desk, nor the other
way round.
"""

import argparse
import contextlib
import importlib
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Final

from disk.expected import ExpectedError
from enveis.command import Command, RefusedError, UsageError
from enveis.terminal import Terminal, visible

EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
EXIT_FAULT: Final = 70  # EX_SOFTWARE of sysexits.h
EXIT_INTERRUPTED: Final = 130  # 128 + SIGINT, as shells say it
EXIT_BROKEN_PIPE: Final = 141  # 128 + SIGPIPE

# Station, its module, what it is for. A station's module holds COMMANDS; a lone command's holds COMMAND.
STATIONS: Final[dict[str, tuple[str, str]]] = {
    "demo": ("enveis.demo.journey", "the whole journey once, unattended, in a temporary folder"),
    "run": ("enveis.demo.run", "both machines on this one, live, on loopback only: for looking at it"),
    "gateway": ("enveis.commands.gateway", "low side: take submissions and seal them"),
    "transfer": ("enveis.commands.transfer", "carry batches over, and acknowledge what arrived"),
    "desk": ("enveis.commands.desk", "high side: open what arrived"),
    "quarantine": ("enveis.commands.quarantine", "inspect files as the gateway does"),
    "audit": ("enveis.commands.audit", "read and verify an audit log"),
    "keys": ("enveis.commands.keys", "public halves and words to compare them by; copies of the private half"),
    "receipt": ("enveis.commands.receipt", "for a source: make a receipt's words offline"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character shows its number; that is no reason to fail.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        return _dispatch(list(sys.argv[1:] if arguments is None else arguments))
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # Whoever read our answer has seen enough; the interpreter must not complain when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_BROKEN_PIPE
    except UsageError as error:
        return _fail(str(error), EXIT_USAGE)
    except Exception as error:  # noqa: BLE001 - the outermost border of a command
        sentence = expected_sentence(error)
        if sentence is not None:  # a station that cannot be loaded
            return _fail(sentence, EXIT_FAILED)
        return _fail(f"This is a fault in Enveis ({type(error).__name__} at {_place(error)}).", EXIT_FAULT)


def expected_sentence(error: BaseException) -> str | None:
    """Return the sentence of a failure that may happen, None for a fault of ours."""
    if isinstance(error, ExpectedError):
        return " ".join(str(error).split())
    if isinstance(error, OSError):
        if error.strerror is None:
            return " ".join(str(error).split())
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return None


def _dispatch(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="enveis",
        description="A letterbox with a valve: complaints go in, and only a machine that was never online opens them.",
        epilog="stations:\n"
        + "".join(f"  {name:<12}{text}\n" for name, (_, text) in STATIONS.items())
        + "\n'enveis STATION --help' lists a station's commands.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    _add_common(parser, default=None)
    parser.add_argument("station", nargs="?", choices=[*STATIONS], metavar="STATION")
    parser.add_argument("rest", nargs=argparse.REMAINDER, metavar="...", help=argparse.SUPPRESS)
    known = parser.parse_args(arguments)
    if known.station is None:
        parser.print_help()
        return 0
    module = importlib.import_module(STATIONS[known.station][0])
    return _run(known.station, module, known)


def _run(station: str, module: ModuleType, known: argparse.Namespace) -> int:
    parser = argparse.ArgumentParser(prog=f"enveis {station}", description=STATIONS[station][1], allow_abbrev=False)
    lone: Command | None = getattr(module, "COMMAND", None)
    if lone is not None:
        _add_common(parser, default=argparse.SUPPRESS)
        lone.arguments(parser)
    else:
        commands: Sequence[Command] = module.COMMANDS
        subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
        for command in commands:
            sub = subparsers.add_parser(command.name, help=command.help, description=command.help, allow_abbrev=False)
            _add_common(sub, default=argparse.SUPPRESS)
            command.arguments(sub)
            sub.set_defaults(command=command)
        _add_common(parser, default=argparse.SUPPRESS)
    chosen = argparse.Namespace(home=known.home, json=known.json, command=lone)
    parser.parse_args(known.rest, chosen)
    try:
        return int(chosen.command.run(chosen, Terminal(as_json=chosen.json)))
    except Exception as error:
        sentence = None if isinstance(error, BrokenPipeError) else expected_sentence(error)
        if sentence is None:
            raise
        return _fail(sentence, chosen.command.failed)


def _add_common(parser: argparse.ArgumentParser, *, default: str | None) -> None:
    off = False if default is None else default
    parser.add_argument("--home", metavar="DIR", default=default, help="this machine's home directory (or ENVEIS_HOME)")
    parser.add_argument("--json", action="store_true", default=off, help="answer in JSON where that makes sense")


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "an unknown place"
    path = Path(trace.tb_frame.f_code.co_filename)
    return f"{path.parent.name}/{path.name}:{trace.tb_lineno}"


def _fail(sentence: str, status: int) -> int:
    with contextlib.suppress(OSError):  # nobody is listening; the status still says it
        # It may name a path, and a path on a stick is a stranger's text.
        print(f"enveis: {visible(sentence)}", file=sys.stderr)
    return status


__all__ = ["EXIT_FAILED", "RefusedError", "expected_sentence", "main"]

if __name__ == "__main__":
    sys.exit(main())
