"""What may be typed after `enveis`, read from the parsers of the commands: the input of both scripts."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from enveis.command import file_name, file_or_folder_name, folder_name
from enveis.stations import STATIONS, is_lone, load_commands, station_parser


class ValueKind(StrEnum):
    """What a value is, as far as a shell can complete it."""

    CHOICE = "choice"
    FILE = "file"
    FOLDER = "folder"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Value:
    """One value of an option, or one operand; `many` may be given more than once, one after another."""

    name: str
    kind: ValueKind
    choices: tuple[str, ...] = ()
    many: bool = False


@dataclass(frozen=True, slots=True)
class Option:
    """One option with all its spellings; `again` may be given several times, a flag has no value."""

    names: tuple[str, ...]
    help: str
    value: Value | None
    again: bool


@dataclass(frozen=True, slots=True)
class CallShape:
    """One command: the words that call it, and what may follow them."""

    call: str
    help: str
    options: tuple[Option, ...]
    operands: tuple[Value, ...]


def read_call_shapes() -> dict[str, tuple[CallShape, ...]]:
    """Load every station, and return the shapes of its calls; the shape of a lone command is called as the station."""
    found: dict[str, tuple[CallShape, ...]] = {}
    for station in STATIONS:
        commands = load_commands(station)
        parser = station_parser(station, commands)
        if is_lone(station, commands):
            found[station] = (shape_of(station, STATIONS[station][1], parser),)
            continue
        (subparsers,) = (one for one in _actions(parser) if isinstance(one, argparse._SubParsersAction))  # noqa: SLF001 - as in _actions
        found[station] = tuple(
            shape_of(f"{station} {one.name}", one.help, subparsers.choices[one.name]) for one in commands
        )
    return found


def options_anywhere(shapes: Mapping[str, tuple[CallShape, ...]]) -> list[Option]:
    """Return the options that every command has, and that may stand before its name too."""
    (first, *others) = (shape for of_station in shapes.values() for shape in of_station)
    return [option for option in first.options if all(option in shape.options for shape in others)]


def shape_of(call: str, help_text: str, parser: argparse.ArgumentParser) -> CallShape:
    """Return what may follow `call`, as its parser takes it."""
    shown = [one for one in _actions(parser) if one.help != argparse.SUPPRESS]
    options = tuple(
        Option(
            names=tuple(one.option_strings),
            help=one.help or "",
            value=None if one.nargs == 0 else _value(one),
            again=isinstance(one, argparse._AppendAction),  # noqa: SLF001 - as in _actions; 'extend' is one of them
        )
        for one in shown
        if one.option_strings
    )
    return CallShape(call, help_text, options, tuple(_value(one) for one in shown if not one.option_strings))


def _actions(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return parser._actions  # noqa: SLF001 - argparse has no other way to the arguments of a parser


def _value(action: argparse.Action) -> Value:
    name = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    many = action.nargs in {"*", "+"}
    if action.choices:
        return Value(name, ValueKind.CHOICE, tuple(map(str, action.choices)), many)
    if action.type in {file_name, file_or_folder_name}:
        return Value(name, ValueKind.FILE, many=many)
    # DEST: numbers may stand before the folder, so it has no type of its own.
    is_folder = action.type is folder_name or action.dest == "home" or "DEST" in name
    return Value(name, ValueKind.FOLDER if is_folder else ValueKind.TEXT, many=many)
