"""One JSON object that crossed a border, read strictly: every field has a type and a bound, nothing is left over.

Used for what is sealed in packets and signed in batches: a reader that skips unknown fields would show
less than was written. Counts and depth are bounded before anything is built: as objects of a program, JSON takes up to
forty times the memory of its bytes.
"""

import json
import re
from collections.abc import Callable
from typing import Any, Final, NoReturn, TypeVar

from transfer.errors import TransferError

DEPTH_MAX: Final = 8  # objects and lists in each other; the deepest of our formats, manifest.json, has five
SMALL_RECORD: Final = 50  # values; for a record without lists
T = TypeVar("T")
HEX_64: Final = re.compile(r"[0-9a-f]{16}", re.ASCII)
HEX_128: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
HEX_256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
HEX_512: Final = re.compile(r"[0-9a-f]{128}", re.ASCII)
_STRING: Final = re.compile(rb'"[^"]*"?')  # after escaped quotes are gone; one character class needs no stack
_BRACKET: Final = re.compile(rb"[\[\]{}]")
DAY: Final = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])", re.ASCII)


class RecordError(TransferError):
    """A record is not of its format. The message names the field, never its content."""


class Record:
    """The fields of one object, each to be taken exactly once; `close` refuses what nobody took."""

    def __init__(self, untrusted: object, *, name: str) -> None:
        if not isinstance(untrusted, dict):
            raise RecordError(f"{name} is not an object")
        self._left: dict[str, Any] = dict(untrusted)
        self._name = name

    def close(self) -> None:
        """Raise RecordError when a field is left that this version of the format does not have."""
        if self._left:
            raise RecordError(f"{self._name} has {len(self._left)} fields that are not part of its format")

    def integer(self, field: str, *, low: int, high: int) -> int:
        """Take a whole number from `low` to `high`."""
        value = self._take(field)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self._refuse(field, f"a whole number from {low} to {high}")
        return value

    def flag(self, field: str) -> bool:
        """Take true or false."""
        value = self._take(field)
        if not isinstance(value, bool):
            self._refuse(field, "true or false")
        return value

    def text(self, field: str, *, longest: int) -> str:
        """Take text of at most `longest` characters, without lone surrogates."""
        value = self._take(field)
        if not isinstance(value, str) or len(value) > longest or not _is_encodable(value):
            self._refuse(field, f"text of at most {longest} characters")
        return value

    def matching(self, field: str, pattern: re.Pattern[str]) -> str:
        """Take text that the whole of `pattern` matches."""
        value = self._take(field)
        if not isinstance(value, str) or not pattern.fullmatch(value):
            self._refuse(field, "text of its fixed form")
        return value

    def one_of(self, field: str, kind: Callable[[str], T]) -> T:
        """Take text that `kind` knows: an enumeration, or a parser that raises ValueError."""
        value = self._take(field)
        wanted = "one of the values that the format lists"
        if not isinstance(value, str):
            self._refuse(field, wanted)
        try:
            return kind(value)
        except ValueError:
            self._refuse(field, wanted)

    def items(self, field: str, *, most: int, read: Callable[[object, str], T]) -> tuple[T, ...]:
        """Take a list of at most `most` items, each read by `read(item, its name)`."""
        value = self._take(field)
        if not isinstance(value, list) or len(value) > most:
            self._refuse(field, f"a list of at most {most} items")
        return tuple(read(item, f"{self._name}.{field}[{index}]") for index, item in enumerate(value))

    def record(self, field: str) -> "Record":
        """Take a nested object."""
        return Record(self._take(field), name=f"{self._name}.{field}")

    def optional(self, field: str, read: Callable[[str], T]) -> T | None:
        """Take a field with the method `read` of this record, or null as None."""
        if field in self._left and self._left[field] is None:
            del self._left[field]
            return None
        return read(field)

    def _take(self, field: str) -> Any:
        if field not in self._left:
            raise RecordError(f"{self._name} has no field '{field}'")
        return self._left.pop(field)

    def _refuse(self, field: str, wanted: str) -> NoReturn:
        raise RecordError(f"{self._name}: '{field}' is not {wanted}")


def parse_record(untrusted_bytes: bytes, *, name: str, largest: int, values: int) -> Record:
    """Return the record in `untrusted_bytes`, UTF-8 JSON of at most `largest` bytes and `values` values.

    A value is counted for each comma, brace and bracket that opens, outside of strings (FORMAT.md, 6.5).

    Raises:
        RecordError: Too large, too many or too deep, not UTF-8, not JSON, not an object, or one field named twice.

    Invariant D8.
    """
    if len(untrusted_bytes) > largest:
        raise RecordError(f"{name} is larger than {largest} bytes")
    _demand_bounded(untrusted_bytes, name, values)
    try:
        value = json.loads(untrusted_bytes.decode("utf-8"), object_pairs_hook=_no_twins, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise RecordError(f"{name} is not valid JSON") from None
    return Record(value, name=name)


def encode_record(fields: dict[str, Any]) -> bytes:
    """Return an object as UTF-8 JSON, readable by a person, ending with a newline."""
    return json.dumps(fields, ensure_ascii=False, indent=1, allow_nan=False).encode() + b"\n"


def _demand_bounded(untrusted: bytes, name: str, values: int) -> None:
    """Count before anything is built. Its own memory is at most three times the bytes.

    What is not valid JSON may be counted wrongly; the parser refuses it at its first fault.
    """
    too_many = f"{name} has more than {values} values"
    if b"\\" in untrusted:
        # From left to right, so that what is left of a row of backslashes belongs to what follows it.
        untrusted = untrusted.replace(b"\\\\", b"").replace(b'\\"', b"")
    # Each value may be a string, and have a name. What is cut out below costs memory for each string.
    if untrusted.count(b'"') > 4 * (values + 1):
        raise RecordError(too_many)
    bare = _STRING.sub(b"", untrusted)
    opened = bare.count(b"[") + bare.count(b"{")
    if bare.count(b",") + opened > values or bare.count(b"]") + bare.count(b"}") > opened:
        raise RecordError(too_many)
    depth = 0
    for bracket in _BRACKET.findall(bare):
        depth += 1 if bracket in b"[{" else -1
        if depth > DEPTH_MAX:
            raise RecordError(f"{name} has more than {DEPTH_MAX} objects and lists in each other")


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    # Two readers could each take another of the two values.
    if len(found) < len(pairs):
        raise ValueError("a field stands twice")
    return found


def _no_constant(_: str) -> NoReturn:
    raise ValueError("not a number of JSON")


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
