"""The completion script for bash, version 4 or later; needs no other package.

Files and folders are completed by readline itself (`compopt`), which knows quotes, spaces and `~`.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from enveis.completion.call_shape import CallShape, Option, Value, ValueKind, options_anywhere

_HEAD: Final = """\
# Completes `enveis` in bash. Made by `make completion` from the arguments of the commands; do not edit.
"""
_TAIL: Final = """
_enveis() {
    local current=${COMP_WORDS[COMP_CWORD]} station='' call='' operands=0 option='' awaited='' many='' kind words word i
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ $word == '=' ]]; then
            continue  # bash splits --lane=clear into three words
        elif [[ -n $awaited && $word != -* ]]; then
            [[ -n $many ]] || awaited=''
        elif [[ $word == -* ]]; then
            option=$word
            _enveis_option "$call" "$option"
            awaited=$kind
        elif [[ -z $station ]]; then
            station=$word call=$word awaited=''
        elif [[ $call == "$station" ]] && ! _enveis_is_lone "$station"; then
            call="$station $word" awaited=''
        else
            operands=$((operands + 1)) awaited=''
        fi
    done
    [[ $current != '=' ]] || current=''
    if [[ -n $awaited && ! ($current == -* && ${COMP_WORDS[COMP_CWORD - 1]} != '=') ]]; then
        _enveis_option "$call" "$option"
    elif [[ $current == -* ]]; then
        kind=choice
        _enveis_options "$call"
    else
        _enveis_operand "$call" "$operands"
    fi
    case $kind in
        choice) mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current") ;;
        file) compopt -o default ;;
        folder) compopt -o dirnames ;;
    esac
}

complete -F _enveis enveis
"""


def bash_script(shapes: Mapping[str, tuple[CallShape, ...]], common: CallShape) -> str:
    """Return the script; `common` has the options that may stand before a station."""
    lone = [station for station, (first, *_) in shapes.items() if first.call == station]
    calls = [common, *(shape for station in shapes.values() for shape in station)]
    listed = [(f"'{shape.call}'", f"words='{_names(shape.options)}'") for shape in calls]
    anywhere = f"words='{_names(options_anywhere(shapes))}'"
    no_value = "kind='' words='' many=''"
    parts = (
        _HEAD,
        _function("_enveis_is_lone", "", [("|".join(lone), "return 0")], other="return 1", subject="$1"),
        "# What an option takes: sets `kind`, `words` and `many`.",
        _function("_enveis_option", no_value, _values(_option_values(calls, common)), subject="$1 $2"),
        "# What stands at a place after the command.",
        _function("_enveis_operand", no_value, _values(_operands(shapes, lone)), subject="$1 $2"),
        "# All options of a command; of a station, those that every command has.",
        _function("_enveis_options", "", listed, other=anywhere, subject="$1"),
    )
    return "\n".join(parts).rstrip("\n") + "\n" + _TAIL


def _names(options: Iterable[Option]) -> str:
    return " ".join(name for option in options for name in option.names)


def _operands(shapes: Mapping[str, tuple[CallShape, ...]], lone: list[str]) -> Iterator[tuple[str, Value]]:
    yield "' 0'", Value("STATION", ValueKind.CHOICE, tuple(shapes))
    for station, of_station in shapes.items():
        if station not in lone:
            names = tuple(shape.call.split()[1] for shape in of_station)
            yield f"'{station} 0'", Value("COMMAND", ValueKind.CHOICE, names)
    for shape in (shape for of_station in shapes.values() for shape in of_station):
        for place, value in enumerate(shape.operands):
            yield f"'{shape.call} '*" if value.many else f"'{shape.call} {place}'", value


def _option_values(calls: list[CallShape], common: CallShape) -> Iterator[tuple[str, Value]]:
    for shape in calls:
        for option in shape.options:
            if option.value is not None and (shape is common or option not in common.options):
                for name in option.names:
                    yield f"*' {name}'" if shape is common else f"'{shape.call} {name}'", option.value


def _values(values: Iterable[tuple[str, Value]]) -> list[tuple[str, str]]:
    same: dict[str, list[str]] = {}
    for pattern, value in values:
        settings = f"kind={value.kind}"
        settings += f" words='{' '.join(value.choices)}'" if value.choices else ""
        same.setdefault(settings + (" many=yes" if value.many else ""), []).append(pattern)
    return [(" | \\\n        ".join(patterns), settings) for settings, patterns in same.items()]


def _function(name: str, first: str, cases: list[tuple[str, str]], *, subject: str, other: str = "") -> str:
    lines = [f"{name}() {{", *([f"    {first}"] if first else []), f'    case "{subject}" in']
    lines += [f"        {pattern}) {action} ;;" for pattern, action in cases]
    lines += [f"        *) {other} ;;"] if other else []
    return "\n".join((*lines, "    esac", "}", ""))
