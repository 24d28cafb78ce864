"""The `enveis` command: finds the station a command belongs to and loads that one only.

An expected failure is one sentence on stderr and exit status 1, or the command's own status. A wrong call is 2. A fault
of ours is 70 and names its place in the code, never the data that led there.
"""

import argparse
import contextlib
import io
import os
import select
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, TextIO

from enveis.errors import UsageError, expected_sentence
from enveis.stations import is_lone, load_commands, main_parser, station_parser
from enveis.terminal import Terminal, visible

LAST_WORD_SECONDS: Final = 5.0  # for the last sentence to find room in a pipe
EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
EXIT_FAULT: Final = 70  # EX_SOFTWARE of sysexits.h
EXIT_INTERRUPTED: Final = 130  # 128 + SIGINT, as shells report it
EXIT_BROKEN_PIPE: Final = 141  # 128 + SIGPIPE


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character shows its number; that is not a reason to fail.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        return _dispatch(list(sys.argv[1:] if arguments is None else arguments))
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has seen enough; the interpreter must not complain when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_BROKEN_PIPE
    except UsageError as error:
        return _fail(str(error), EXIT_USAGE)
    except Exception as error:  # noqa: BLE001 - the outermost border of a command
        sentence = expected_sentence(error)
        if sentence is not None:  # a station that cannot be loaded
            return _fail(sentence, EXIT_FAILED)
        return _fail(f"This is a fault in Enveis ({type(error).__name__} at {_place(error)}).", EXIT_FAULT)


def _dispatch(arguments: list[str]) -> int:
    parser = main_parser()
    known = parser.parse_args(arguments, argparse.Namespace(home=None, json=False))
    if known.station is None:
        parser.print_help()
        return 0
    return _run(known.station, known)


def _run(station: str, known: argparse.Namespace) -> int:
    commands = load_commands(station)
    parser = station_parser(station, commands)
    chosen = argparse.Namespace(
        home=known.home, json=known.json, command=commands[0] if is_lone(station, commands) else None
    )
    parser.parse_args(known.rest, chosen)
    if chosen.command is None:
        parser.print_help()
        return 0
    try:
        return int(chosen.command.run(chosen, Terminal(as_json=chosen.json)))
    except Exception as error:
        sentence = None if isinstance(error, BrokenPipeError) else expected_sentence(error)
        if sentence is None:
            raise
        return _fail(sentence, chosen.command.failed)


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "an unknown place"
    path = Path(trace.tb_frame.f_code.co_filename)
    return f"{path.parent.name}/{path.name}:{trace.tb_lineno}"


def _fail(sentence: str, status: int) -> int:
    if not _is_read(sys.stderr):
        return status
    with contextlib.suppress(OSError):  # nobody reads it; the exit status still reports it
        # It may name a path, and a path on a stick is a stranger's text.
        print(f"enveis: {visible(sentence)}", file=sys.stderr)
    return status


def _is_read(stream: TextIO) -> bool:
    """Return whether a sentence finds room soon: a full pipe that nobody reads must not keep a command from its end."""
    try:
        return bool(select.select([], [stream], [], LAST_WORD_SECONDS)[1])
    except (OSError, ValueError):  # no descriptor that could wait
        return True


if __name__ == "__main__":
    sys.exit(main())
