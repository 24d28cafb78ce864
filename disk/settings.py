"""One TOML file into one frozen dataclass: an unknown key, a wrong type or a wrong bound is refused.

A configuration that is almost right is more dangerous than none: a mistyped `quota` would silently be the default.
"""

import dataclasses
import tomllib
from pathlib import Path
from typing import Any, Final, TypeVar, get_args, get_origin, get_type_hints

from disk.expected import ExpectedError

SETTINGS_MAX: Final = 1024 * 1024  # bytes; a settings file beyond this is a mistake

S = TypeVar("S")


class SettingsError(ExpectedError):
    """A settings file cannot be used. The message is one sentence with the key and what it may hold."""


def read_settings(path: Path, kind: type[S]) -> S:
    """Read `path` into the frozen dataclass `kind`; a nested dataclass is a TOML table.

    Fields may be bool, int, float, str, a tuple of str, or another such dataclass; what is absent takes
    the field's default. Bounds belong into `kind.__post_init__`, which raises ValueError with a sentence.

    Raises:
        SettingsError: Unreadable, not TOML, an unknown or missing key, a wrong type, out of bounds.
    """
    try:
        with path.open("rb") as stream:
            text = stream.read(SETTINGS_MAX + 1)
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror})") from None
    if len(text) > SETTINGS_MAX:
        raise SettingsError(f"{path}: is larger than {SETTINGS_MAX} bytes")
    try:
        table = tomllib.loads(text.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: is not valid TOML: {error}") from None
    try:
        return _build(table, kind, "")
    except ValueError as error:
        raise SettingsError(f"{path}: {error}") from None


def _build(table: dict[str, Any], kind: type[S], prefix: str) -> S:
    hints = get_type_hints(kind)
    fields = {field.name: field for field in dataclasses.fields(kind)}  # type: ignore[arg-type]  # S is a dataclass
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
