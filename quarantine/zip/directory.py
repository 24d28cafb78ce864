"""A ZIP's end record and directory, read by ourselves: APPNOTE.TXT 4.3.12 to 4.3.16.

Programs differ in what they believe of these; here every number is compared with every other, and each
contradiction is a finding. Python's zipfile lists such archives without a word.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final

from quarantine.budgets import MIB
from quarantine.errors import OverBudgetError
from quarantine.findings import Code
from quarantine.zip.extra_fields import ZIP64, Extra, extra_field, parse_extra

END: Final = b"PK\x05\x06"
END_SIZE: Final = 22  # bytes without the comment; 4.3.16
COMMENT_MAX: Final = 0xFFFF
OFFSET_MAX: Final = 1 << 40  # bytes; far above any file of ours, far below what seek() takes
DIRECTORY_MAX: Final = 48 * MIB  # bytes; it lies in the worker's memory

_LOCATOR: Final = struct.Struct("<4sIQI")  # 4.3.15
_END64: Final = struct.Struct("<4sQHHIIQQQQ")  # 4.3.14
_ENTRY: Final = struct.Struct("<4sHHHHHHIIIHHHHHII")  # 4.3.12
_SHORT_FULL: Final = 0xFFFF
_LONG_FULL: Final = 0xFFFFFFFF


class UnreadableZipError(Exception):
    """There is no directory to go by."""


@dataclass(frozen=True, slots=True)
class DirectoryEntry:
    """One entry of the directory; every number in it is a claim."""

    number: int  # in the directory, from 0
    made_by: int
    flags: int
    method: int
    crc32: int
    packed: int  # bytes
    size: int  # bytes
    name: bytes
    extra: Extra
    attributes: int
    offset: int  # of the local header, from the file's beginning


@dataclass(slots=True)
class Directory:
    """What the end of the archive states about it."""

    entries: list[DirectoryEntry] = field(default_factory=list)
    codes: dict[Code, None] = field(default_factory=dict)  # in order of discovery
    ranges: list[tuple[int, int]] = field(default_factory=list)  # offsets that directory and end records take
    shift: int = 0  # bytes before the archive, by which all its offsets are too small

    def find(self, code: Code) -> None:
        """Note a finding once."""
        self.codes[code] = None


@dataclass(slots=True)
class _End:
    """Where the directory should be."""

    count: int
    size: int  # bytes
    offset: int
    before: int  # offset of the first end record, ZIP64's or the old one: the directory ends there


def read_directory(stream: BinaryIO, members_max: int, go_on: Callable[[], None] = lambda: None) -> Directory:
    """Read the end record, ZIP64's, and all entries; `go_on` is called for each entry, and may raise.

    Raises:
        UnreadableZipError: There is no end record, or no directory where it must be.
        OverBudgetError: More than `members_max` entries, or a directory too large to hold.
    """
    size = stream.seek(0, 2)
    directory = Directory()
    at, end = _read_end(stream, size, directory)
    _read_end64(stream, at, end, directory)
    # Before anything is parsed: the claims alone may be too much.
    if end.count > members_max or end.size > DIRECTORY_MAX:
        raise OverBudgetError
    start = _place(stream, end, directory)
    directory.ranges.append((start, start + end.size))
    area = read_at(stream, start, end.size)
    if END in area:
        directory.find(Code.ZIP_SEVERAL_ENDS)
    _read_entries(area, end, directory, members_max, go_on)
    return directory


def read_at(stream: BinaryIO, untrusted_offset: int, size: int) -> bytes:
    """Return at most `size` bytes; none at an offset that no file has (and seek() would raise for)."""
    if not 0 <= untrusted_offset <= OFFSET_MAX:
        return b""
    stream.seek(untrusted_offset)
    return stream.read(size)


def _read_end(stream: BinaryIO, size: int, directory: Directory) -> tuple[int, _End]:
    first = max(0, size - END_SIZE - COMMENT_MAX)
    tail = read_at(stream, first, size - first)
    at, behind = _find_end(tail)
    _, disk, directory_disk, here, count, length, offset, comment = struct.unpack_from("<4s4H2IH", tail, at)
    end = at + END_SIZE + comment
    if behind:
        directory.find(Code.ZIP_PADDING if not tail[end:].strip(b"\x00") else Code.ZIP_TRAILING)
    if comment:
        directory.find(Code.ARCHIVE_COMMENT)
    if END in tail[at + 4 :]:
        directory.find(Code.ZIP_SEVERAL_ENDS)
    if disk not in {0, _SHORT_FULL} or directory_disk not in {0, _SHORT_FULL}:
        directory.find(Code.ZIP_VOLUME)
    elif here != count:
        directory.find(Code.ZIP_DIRECTORY)
    directory.ranges.append((first + at, size))
    return first + at, _End(count, length, offset, first + at)


def _find_end(tail: bytes) -> tuple[int, bool]:
    """Offset of the end record in `tail`, and whether bytes follow it and its comment."""
    found = []
    at = tail.find(END)
    while at >= 0:
        if at + END_SIZE <= len(tail):
            left = len(tail) - at - END_SIZE - int.from_bytes(tail[at + 20 : at + 22], "little")
            # The first that ends where the file does: all later ones lie in its comment, which is a finding.
            if left == 0:
                return at, False
            if left > 0:
                found.append(at)
        at = tail.find(END, at + 1)
    if not found:
        raise UnreadableZipError
    return found[-1], True


def _read_end64(stream: BinaryIO, at: int, end: _End, directory: Directory) -> None:
    """Take ZIP64's values where the old ones are full, and compare them where they are not."""
    full = end.count == _SHORT_FULL or _LONG_FULL in {end.size, end.offset}
    place = at - _LOCATOR.size
    found = read_at(stream, place, _LOCATOR.size) if place >= 0 else b""
    if not found.startswith(b"PK\x06\x07"):
        # 65,535 entries are possible without ZIP64; sizes of 4 GiB are not, in a file of ours.
        if _LONG_FULL in {end.size, end.offset}:
            directory.find(Code.ZIP_ZIP64)
        return
    _, disk, offset, disks = _LOCATOR.unpack(found)
    record_at = offset if _is_end64(stream, offset, place) else place - _END64.size
    if record_at != offset or not _is_end64(stream, record_at, place):
        directory.find(Code.ZIP_ZIP64)
    if not _is_end64(stream, record_at, place):
        return
    if disk or disks > 1:
        directory.find(Code.ZIP_VOLUME)
    values = _END64.unpack(read_at(stream, record_at, _END64.size))
    size_of_record, here, count, size, start = values[1], *values[6:]
    if record_at + 12 + size_of_record != place or here != count:
        directory.find(Code.ZIP_ZIP64)
    for old, new, most in (
        (end.count, count, _SHORT_FULL),
        (end.size, size, _LONG_FULL),
        (end.offset, start, _LONG_FULL),
    ):
        if old not in {new, most}:
            directory.find(Code.ZIP_ZIP64)
    # A record that nothing asked for is believed by some programs only.
    if full:
        end.count, end.size, end.offset = count, size, start
    end.before = record_at
    directory.ranges.append((record_at, at))


def _is_end64(stream: BinaryIO, offset: int, before: int) -> bool:
    return 0 <= offset <= before - _END64.size and read_at(stream, offset, 4) == b"PK\x06\x06"


def _place(stream: BinaryIO, end: _End, directory: Directory) -> int:
    """Where the directory begins; `shift` is what stands before the archive."""
    start = end.before - end.size
    if start == end.offset:
        return start
    if end.offset + end.size <= end.before and (not end.count or read_at(stream, end.offset, 4) == b"PK\x01\x02"):
        # It is at the place that it gives, and something lies behind it.
        directory.find(Code.ZIP_DIRECTORY)
        return end.offset
    if start < 0 or (end.count and read_at(stream, start, 4) != b"PK\x01\x02"):
        raise UnreadableZipError
    if start < end.offset:
        directory.find(Code.ZIP_DIRECTORY)
        return start
    directory.find(Code.ZIP_PREPENDED)
    directory.shift = start - end.offset
    return start


def _read_entries(area: bytes, end: _End, directory: Directory, members_max: int, go_on: Callable[[], None]) -> None:
    at = 0
    while at + _ENTRY.size <= len(area):
        fields = _ENTRY.unpack_from(area, at)
        following = at + _ENTRY.size + fields[10] + fields[11] + fields[12]
        if fields[0] != b"PK\x01\x02" or following > len(area):
            break
        go_on()
        if len(directory.entries) >= members_max:
            raise OverBudgetError
        directory.entries.append(_entry(area, at, fields, directory))
        at = following
    if at != len(area) or len(directory.entries) != end.count or len(area) != end.size:
        directory.find(Code.ZIP_DIRECTORY)


def _entry(area: bytes, at: int, fields: tuple[Any, ...], directory: Directory) -> DirectoryEntry:
    _, made_by, _, flags, method, _, _, crc32, packed, size, n_name, n_extra, n_comment, disk, _, attributes, offset = (
        fields
    )
    name_at = at + _ENTRY.size
    name = area[name_at : name_at + n_name]
    extra, sound = parse_extra(area[name_at + n_name : name_at + n_name + n_extra])
    if not sound:
        directory.find(Code.ZIP_EXTRA)
    if n_comment:
        directory.find(Code.ARCHIVE_COMMENT)
    if disk not in {0, _SHORT_FULL}:
        directory.find(Code.ZIP_VOLUME)
    size, packed, offset = full_sizes((size, packed, offset), extra, directory)
    number = len(directory.entries)
    shifted = offset + directory.shift
    return DirectoryEntry(number, made_by, flags, method, crc32, packed, size, name, extra, attributes, shifted)


def full_sizes(old: tuple[int, ...], extra: Extra, directory: Directory) -> tuple[int, ...]:
    """Return the values of `old`, those that are full taken from the ZIP64 field (4.5.3), in this order."""
    body = extra_field(extra, ZIP64)
    if body is None:
        if _LONG_FULL in old:
            directory.find(Code.ZIP_ZIP64)
        return old
    values = list(struct.unpack_from(f"<{len(body) // 8}Q", body))
    full = [index for index, value in enumerate(old) if value == _LONG_FULL]
    if len(values) < len(full):
        directory.find(Code.ZIP_ZIP64)
        return old
    # More values than the full ones need: some programs take them by position then, so they must be the same.
    if len(values) > len(full) and any(
        old[index] not in {value, _LONG_FULL} for index, value in enumerate(values[: len(old)])
    ):
        directory.find(Code.ZIP_ZIP64)
    new = list(old)
    for index, value in zip(full, values, strict=False):
        new[index] = value
    return tuple(new)
