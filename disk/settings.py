"""The settings of one process: a TOML file and a frozen dataclass, and every setting's default, bounds and reason.

All three stand in one place, at the dataclass's field (`setting`). What reads a file, checks it and writes a new one
takes them from there. An unknown key, a wrong type or a number out of bounds is refused: a configuration that is almost
right is more dangerous than none, for a mistyped `quota` would silently be the default.
"""

import dataclasses
import json
import tomllib
from collections.abc import Collection, Iterator
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any, Final, TypeVar, get_args, get_origin, get_type_hints, overload

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

from disk.expected import ExpectedError
from disk.handed_over import HandedOverError, read_handed_over

SETTINGS_MAX: Final = 1024 * 1024  # bytes; a settings file beyond this is a mistake
WIDTH: Final = 110  # characters of a comment line
# The keys of a field's metadata. A station that may import nothing of ours (quarantine) writes the same two by itself.
WHY: Final = "why"  # the reason, one or more sentences
BOUNDS: Final = "bounds"  # lowest and highest number; of a text, or of each text in a table: its length
_CHOICES: Final = "choices"  # the values that a list may have
UNLISTED: Final = {
    "unlisted": True
}  # metadata of a field that is written only if it has another value than its default
_HEADING: Final = "heading"  # stands above the first setting of a part of the file
_WHILE_EMPTY: Final = "while_empty"  # what is missing while nothing is set

T = TypeVar("T")
S = TypeVar("S", bound="DataclassInstance")


class SettingsError(ExpectedError):
    """A settings file cannot be used. The message is one sentence with the key and what it may hold."""


@overload
def setting(
    default: T,
    *,
    why: str,
    bounds: tuple[int, int] | None = None,
    choices: Collection[str] = (),
    heading: str = "",
    while_empty: str = "",
) -> T: ...
@overload
def setting(*, why: str, made: type[T], heading: str = "") -> T: ...
@overload
def setting(*, why: str, made: Any, heading: str = "", while_empty: str = "") -> Any: ...


def setting(
    default: Any = dataclasses.MISSING,
    *,
    why: str,
    bounds: tuple[int, int] | None = None,
    choices: Collection[str] = (),
    heading: str = "",
    while_empty: str = "",
    made: Any = dataclasses.MISSING,
) -> Any:
    """Return the field of a settings dataclass.

    Args:
        default: Its value in a file that does not name it.
        why: What the setting is for, as the comment above it says.
        bounds: The lowest and the highest number; of a text its length, and it must be one printable line.
        choices: The values that a text, or each text of a list, may have. A list holds one of them at least.
        heading: A comment above the first setting of a part of the file.
        while_empty: What people miss, or see instead, while the setting is empty: a sentence for `unset_settings`.
        made: Makes the default when it is first needed, in place of `default`.
    """
    metadata = {WHY: why, BOUNDS: bounds, _CHOICES: tuple(choices), _HEADING: heading, _WHILE_EMPTY: while_empty}
    if made is not dataclasses.MISSING:
        return dataclasses.field(default_factory=made, metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def check_settings(settings: "DataclassInstance", prefix: str = "") -> None:
    """Raise ValueError, with a sentence that names the key, where a value is out of its bounds.

    For `__post_init__`. Tables are checked with the bounds of their own fields, or with those of the field that they
    are the value of.
    """
    for field in dataclasses.fields(settings):
        value, name = getattr(settings, field.name), prefix + field.name
        if choices := field.metadata.get(_CHOICES):
            _check_choice(name, value, choices)
        _check_bounds(name, value, field.metadata.get(BOUNDS))


def _check_choice(name: str, value: object, choices: Collection[str]) -> None:
    known = ", ".join(sorted(choices))
    if isinstance(value, tuple):
        if not value or not set(choices).issuperset(value):
            raise ValueError(f"'{name}' must be some of {known}")
    elif value not in choices:
        raise ValueError(f"'{name}' must be one of {known}")


def _check_bounds(name: str, value: object, bounds: tuple[int, int] | None) -> None:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            _check_bounds(f"{name}.{field.name}", getattr(value, field.name), field.metadata.get(BOUNDS, bounds))
    elif bounds is not None and isinstance(value, str):
        low, high = bounds
        if not low <= len(value) <= high or not value.isprintable():
            most = f"at most {high}" if low == 0 else f"{low} to {high}"
            raise ValueError(f"'{name}' must be one line of {most} characters")
    elif bounds is not None and isinstance(value, int | float):
        low, high = bounds
        if not low <= value <= high:
            raise ValueError(f"'{name}' must be from {low} to {high}")


def unset_settings(settings: "DataclassInstance", prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield the name of each setting that ought to be set and is empty, and what people miss or see instead.

    A setting in a table is named as `table.key`.
    """
    for field in dataclasses.fields(settings):
        value, name = getattr(settings, field.name), prefix + field.name
        if sentence := field.metadata.get(_WHILE_EMPTY):
            if _is_empty(value):
                yield name, sentence
        elif dataclasses.is_dataclass(value) and not isinstance(value, type):
            yield from unset_settings(value, f"{name}.")


def _is_empty(value: object) -> bool:
    """Return whether nothing is in a text or a list, or in any text of a table."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return all(_is_empty(getattr(value, field.name)) for field in dataclasses.fields(value))
    return value in {"", ()}


def read_settings(path: Path, kind: type[S]) -> S:
    """Read `path` into the frozen dataclass `kind`; a nested dataclass is a TOML table.

    Fields may be bool, int, float, str, a tuple of str, or another such dataclass; what is absent takes the field's
    default. `kind.__post_init__` calls `check_settings` and raises ValueError with a sentence for what that cannot see.

    Raises:
        SettingsError: Unreadable, not TOML, an unknown or missing key, a wrong type, out of bounds.
    """
    try:
        text = read_handed_over(path, largest=SETTINGS_MAX, follow=True)
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror})") from None
    except HandedOverError as error:
        raise SettingsError(str(error)) from None
    try:
        table = tomllib.loads(text.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: is not valid TOML: {error}") from None
    except RecursionError:
        raise SettingsError(f"{path}: is not valid TOML: it is nested too deeply") from None
    try:
        return _build(table, kind, "")
    except ValueError as error:
        raise SettingsError(f"{path}: {error}") from None


def _build(table: dict[str, Any], kind: type[S], prefix: str) -> S:
    hints = get_type_hints(kind)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    for key in table:
        if key not in fields:
            known = ", ".join(sorted(fields))
            raise ValueError(f"unknown key '{prefix}{key}' (known here: {known})")
    values: dict[str, object] = {}
    for name, field in fields.items():
        if name in table:
            values[name] = _value(table[name], hints[name], prefix + name)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise ValueError(f"key '{prefix}{name}' is missing")
    return kind(**values)


def _value(value: object, hint: object, name: str) -> object:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, dict):
            raise ValueError(f"'{name}' must be a table")
        return _build(value, hint, f"{name}.")
    if get_origin(hint) is tuple:
        item = get_args(hint)[0]
        if not isinstance(value, list):
            raise ValueError(f"'{name}' must be a list")
        return tuple(_value(entry, item, f"{name}[{index}]") for index, entry in enumerate(value))
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    # bool is an int to Python, but not to a person.
    if not isinstance(hint, type) or not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        wanted = getattr(hint, "__name__", str(hint))
        raise ValueError(f"'{name}' must be {wanted}, not {type(value).__name__}")
    return value


def encode_settings(settings: "DataclassInstance", *, head: str) -> str:
    """Return the text of a settings file: `head`, then every setting below its reason.

    TOML wants tables after all plain keys, so they come last, in the order of their fields.
    """
    named = [(field, getattr(settings, field.name)) for field in dataclasses.fields(settings)]
    parts = [comment(head)]
    for field, value in sorted(named, key=lambda pair: _is_table(pair[1])):
        if heading := field.metadata.get(_HEADING):
            parts.append(comment(heading))
        parts += _encode(field.name, value, comment(field.metadata[WHY]))
    return "\n".join(parts)


def comment(text: str) -> str:
    """Return `text` as comment lines of at most WIDTH characters; only spaces break a line."""
    return fill(
        text, WIDTH, initial_indent="# ", subsequent_indent="# ", break_long_words=False, break_on_hyphens=False
    ) + "\n"  # fmt: skip


def _encode(name: str, value: object, why: str) -> Iterator[str]:
    """Yield the parts of one setting; an empty line stands between two of them."""
    if isinstance(value, tuple) and value and _is_table(value):
        yield why
        for entry in value:
            yield f"[[{name}]]\n{_lines(entry, '')}"
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        if all(WHY in field.metadata for field in dataclasses.fields(value)):
            yield f"{why}[{name}]\n"
            for field in dataclasses.fields(value):
                inner = getattr(value, field.name)
                # A table in a table says in whose it is; its plain keys must stand before it, in the order of fields.
                name_there = f"{name}.{field.name}" if _is_table(inner) else field.name
                yield from _encode(name_there, inner, comment(field.metadata[WHY]))
        else:
            yield f"{why}[{name}]\n{_lines(value, '')}"
    else:
        yield f"{why}{name} = {_toml(value)}\n"


def _lines(table: object, prefix: str) -> str:
    """Return the keys of a table, one a line; those of tables in it with dots."""
    if not dataclasses.is_dataclass(table) or isinstance(table, type):
        return f"{prefix.removesuffix('.')} = {_toml(table)}\n"
    return "".join(
        _lines(getattr(table, field.name), f"{prefix}{field.name}.")
        for field in dataclasses.fields(table)
        if not (field.metadata == UNLISTED and getattr(table, field.name) == field.default)
    )


def _is_table(value: object) -> bool:
    if isinstance(value, tuple):
        return any(map(_is_table, value))
    return dataclasses.is_dataclass(value)


def _toml(value: object) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    # JSON's strings, numbers and truth values are TOML's, for printable text.
    return json.dumps(value, ensure_ascii=False)
