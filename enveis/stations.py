"""The stations of the command line: their names, where their commands are, and how those are called.

A station's module is loaded when one of its commands is called, and not before: `gateway …` loads no module of the
desk, nor the other way round.
"""

import argparse
from collections.abc import Sequence
from importlib import import_module
from typing import Final

from enveis.command import Command

# Station: its module, and what it is for. The module has COMMANDS, or COMMAND where the station is one command.
STATIONS: Final[dict[str, tuple[str, str]]] = {
    "demo": ("enveis.demo.journey", "run the whole journey once, unattended, in a temporary folder"),
    "run": ("enveis.demo.run", "run both machines on this one, on loopback only, to try Enveis"),
    "gateway": ("enveis.commands.gateway", "low side: receive submissions and seal them"),
    "transfer": ("enveis.commands.transfer", "carry batches to the desk, and acknowledge what arrived"),
    "desk": ("enveis.commands.desk", "high side: open what arrived, and reply"),
    "quarantine": ("enveis.commands.quarantine", "inspect files as the gateway does"),
    "audit": ("enveis.commands.audit", "read and verify an audit log"),
    "keys": ("enveis.commands.keys", "show public keys; copy private keys and test the copies"),
    "receipt": ("enveis.commands.receipt", "for a source: make a receipt offline, or prove who sent a packet"),
    "completion": ("enveis.completion.command", "print the completion script of a shell"),
}


def load_commands(station: str) -> tuple[Command, ...]:
    """Load a station's module, and return its commands; a lone one has the station's own name."""
    module = import_module(STATIONS[station][0])
    lone: Command | None = getattr(module, "COMMAND", None)
    return tuple(module.COMMANDS) if lone is None else (lone,)


def is_lone(station: str, commands: tuple[Command, ...]) -> bool:
    """Return whether the station is one command, called by the station's name alone."""
    return [command.name for command in commands] == [station]


def main_parser() -> argparse.ArgumentParser:
    """Return the parser of what stands before a station's name, and of that name."""
    parser = argparse.ArgumentParser(
        prog="enveis",
        description="A letterbox with a valve: complaints go in, and only a machine that was never online opens them.",
        epilog="stations:\n"
        + "".join(f"  {name:<12}{text}\n" for name, (_, text) in STATIONS.items())
        + "\n'enveis STATION' lists a station's commands.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_common(parser)
    parser.add_argument("--version", action=_ShowVersion, help="show the version, and exit")
    parser.add_argument("station", nargs="?", choices=[*STATIONS], metavar="STATION")
    parser.add_argument("rest", nargs=argparse.REMAINDER, metavar="...", help=argparse.SUPPRESS)
    return parser


def station_parser(station: str, commands: tuple[Command, ...]) -> argparse.ArgumentParser:
    """Return the parser of what follows the station's name; it sets `command` where a command was named."""
    parser = argparse.ArgumentParser(prog=f"enveis {station}", description=STATIONS[station][1], allow_abbrev=False)
    add_common(parser)
    if is_lone(station, commands):
        commands[0].arguments(parser)
        return parser
    subparsers = parser.add_subparsers(metavar="COMMAND")
    for command in commands:
        sub = subparsers.add_parser(command.name, help=command.help, description=command.help, allow_abbrev=False)
        add_common(sub)
        command.arguments(sub)
        sub.set_defaults(command=command)
    return parser


def add_common(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that may stand anywhere; one that is not given changes nothing that stands before it."""
    absent = argparse.SUPPRESS
    parser.add_argument("--home", metavar="DIR", default=absent, help="this machine's home directory (or ENVEIS_HOME)")
    parser.add_argument("--json", action="store_true", default=absent, help="answer in JSON, for a program")


class _ShowVersion(argparse.Action):
    """Loads the packages' metadata only when it is asked for: it takes longer than all else that a help page needs."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str | None = None) -> None:  # noqa: A002 - argparse's name
        super().__init__(option_strings, dest, nargs=0, default=argparse.SUPPRESS, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print(f"{parser.prog} {version('enveis')}")
        parser.exit()
