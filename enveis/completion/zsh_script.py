"""The completion script for zsh: each command's arguments with their help, for `_arguments` (zshcompsys(1))."""

from collections.abc import Iterable, Mapping
from typing import Final

from enveis.completion.call_shape import CallShape, Option, Value, ValueKind, options_anywhere

_HEAD: Final = """\
#compdef enveis
# Completes `enveis` in zsh. Made by `make completion` from the arguments of the commands; do not edit.
"""
# Read from $fpath, the file is the function's body; read by `source`, it has to be registered.
_TAIL: Final = """
if [[ $funcstack[1] == _enveis ]]; then
    _enveis "$@"
else
    compdef _enveis enveis
fi
"""


def zsh_script(shapes: Mapping[str, tuple[CallShape, ...]], helps: Mapping[str, str], common: CallShape) -> str:
    """Return the script; `helps` says what each station is for, `common` has what may stand before a station."""
    lines = [*_choice("enveis", "station", helps, common.options)]
    for station, of_station in shapes.items():
        if of_station[0].call == station:
            lines += [f"_enveis_{station}() {{", *_arguments(of_station[0]), "}", ""]
            continue
        names = {shape.call.split()[1]: shape.help for shape in of_station}
        lines += _choice(f"enveis_{station}", "command", names, options_anywhere(shapes))
        for shape in of_station:
            function = f"_enveis_{shape.call.replace(' ', '_').replace('-', '_')}"
            lines += [f"{function}() {{", *_arguments(shape), "}", ""]
    return _HEAD + "\n" + "\n".join(lines).rstrip("\n") + "\n" + _TAIL


def _choice(function: str, what: str, names: Mapping[str, str], before: Iterable[Option]) -> list[str]:
    """Return a function that completes a name, and hands what follows it to that name's own function."""
    listed = [f"        {_quoted(f'{name}:{text}')}" for name, text in names.items()]
    options = [f"        {_option(option)} \\" for option in before]
    return [
        f"_{function}() {{",
        '    local context state state_descr line curcontext="$curcontext"',
        "    typeset -A opt_args",
        "    local -a names",
        "    names=(",
        *listed,
        "    )",
        "    _arguments -C \\",
        *options,
        f"        '1: :{{_describe {what} names}}' \\",
        "        '*::: :->rest' && return",
        "    [[ $state == rest ]] || return 1",
        '    words=("$line[1]" "${words[@]}")',
        "    (( CURRENT += 1 ))",
        "    case $line[1] in",
        *(f"        {name}) _{function}_{name.replace('-', '_')} ;;" for name in names),
        "    esac",
        "}",
        "",
    ]


def _arguments(shape: CallShape) -> list[str]:
    specs = [_option(option) for option in shape.options]
    specs += [
        _quoted(f"{'*' if value.many else place + 1}:{_plain(value.name)}:{_action(value)}")
        for place, value in enumerate(shape.operands)
    ]
    return ["    _arguments -S \\", *(f"        {spec} \\" for spec in specs[:-1]), f"        {specs[-1]}"]


def _option(option: Option) -> str:
    text = option.help.translate({ord(one): f"\\{one}" for one in "[]:\\"})
    value, is_many = "", option.value is not None and option.value.many
    if option.value is not None:
        # Of many values, the next word that begins with a hyphen is not one.
        value = f":{'*-*:' if is_many else ''}{_plain(option.value.name)}:{_action(option.value)}"
    if len(option.names) > 1:
        again = "*" if option.again else f"({' '.join(option.names)})"
        return f"{_quoted(again)}{{{','.join(option.names)}}}{_quoted(f'[{text}]{value}')}"
    again, equals = "*" if option.again else "", "=" if option.value is not None and not is_many else ""
    return _quoted(f"{again}{option.names[0]}{equals}[{text}]{value}")


def _action(value: Value) -> str:
    match value.kind:
        case ValueKind.CHOICE:
            return f"({' '.join(value.choices)})"
        case ValueKind.FILE:
            return "_files"
        case ValueKind.FOLDER:
            return "_files -/"
        case ValueKind.TEXT:
            return " "


def _plain(text: str) -> str:
    return text.replace(":", "\\:")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
