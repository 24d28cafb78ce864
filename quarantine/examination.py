"""A worker's answer about a file, and how the broker reads that answer: as a stranger's bytes.

The worker's answer is one JSON object of this closed form and nothing else:

    {"findings": ["rar.link"], "spent": [2, 4000], "members":
        [{"size": 12, "crc32": 305419896}, {"size": 3, "blake2sp": "00…", "promise": "pdf"},
         {"size": 3, "crc32": 1, "place": [0, 4]}]}
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import BinaryIO, Final, Protocol

from quarantine.budgets import Budgets
from quarantine.errors import UndecidableError
from quarantine.file_types import FileType
from quarantine.findings import Code, Finding
from quarantine.memfd import SealedMemfd
from quarantine.verdict import Reason

CRC32_MAX: Final = 0xFFFFFFFF
SIZE_MAX: Final = 2**63 - 1  # bytes that any archive's member may claim
BLAKE2SP_SIZE: Final = 32  # bytes
PLACE_MAX: Final = 64  # archives inside archives that a place can name; budgets allow far fewer
_MEMBER_FORMS: Final = ({"size", "crc32"}, {"size", "blake2sp"}, {"size", "crc32", "place"})  # and maybe "promise"


class Promise(StrEnum):
    """What a name lets people expect."""

    PDF = "pdf"
    ZIP = "zip"
    RAR = "rar"
    PLAIN = "plain"  # a text to read, checked as one; XML, HTML and program text have rules of their own
    BARE = "bare"  # no extension: a text is checked as one, and a program hides nothing
    DOCUMENT = "document"  # anything else that people open to read or view
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class ArchiveMember:
    """One member that still has to be unpacked; it has exactly one of the two sums.

    A RAR's members have no place: all that have bytes are listed, in the archive's order, and are unpacked in one
    pass. A ZIP lists only what its worker could not examine itself, each with its place: the number of the
    entry in the directory of the ZIP, then in that of the ZIP which this entry is, and so on.
    """

    size: int  # bytes, unpacked, as the archive claims
    crc32: int | None = None
    blake2sp: bytes | None = None
    place: tuple[int, ...] = ()
    promise: Promise = Promise.OTHER  # what its name lets people expect; the name itself stays in the worker


@dataclass(frozen=True, slots=True)
class Examination:
    """Findings of a file's structure, the members that still have to be unpacked, and what was unpacked already."""

    findings: tuple[Finding, ...] = ()
    members: tuple[ArchiveMember, ...] = ()
    spent_members: int = 0  # that the worker itself examined; the members above are not among them
    spent_bytes: int = 0  # that these unpacked to


# How a check has a file inside its own examined, within the budgets that are left for it. It is handed down to every
# check, so that no check imports another one.
ExamineMember = Callable[[BinaryIO, FileType, Budgets], Examination]
# Examines the whole of a file of the check's type. Raises whatever the parser raises. A check of files that contain no
# others makes no use of the last argument.
Check = Callable[[BinaryIO, Budgets, ExamineMember], Examination]


class Examiner(Protocol):
    """Examines a file's structure. The caged worker and its deep checks fit here."""

    def examine(self, fd: int, file_type: FileType, *, deadline: float, left: Budgets | None = None) -> Examination:
        """Examine all of `fd`, a sealed memfd.

        Args:
            fd: Of the memfd.
            file_type: What its first bytes are.
            deadline: Seconds of time.monotonic.
            left: What archives around this file left of the budgets; None for all of them.

        Raises:
            UndecidableError: No answer that can be believed before `deadline`.
        """

    def expand(self, fd: int, member: ArchiveMember, *, deadline: float) -> SealedMemfd:
        """Unpack the one member of a ZIP that `examine` named by its place, into memory of its own.

        A worker in the same cage runs `zip.expand` and writes the bytes to its pipe; here they are counted
        and compared with the member's sum (`archive.allowance.collect`).

        Raises:
            DamagedArchiveError: They are not the bytes that `examine` promised.
            UndecidableError: The worker failed, or was not done before `deadline` (seconds of time.monotonic).
        """


def encode_examination(examination: Examination) -> bytes:
    """Return the worker's answer."""
    answer = {
        "findings": [finding.code.value for finding in examination.findings],
        "members": [_encode_member(member) for member in examination.members],
        "spent": [examination.spent_members, examination.spent_bytes],
    }
    return json.dumps(answer, separators=(",", ":")).encode()


def _encode_member(member: ArchiveMember) -> dict[str, int | str | list[int]]:
    encoded: dict[str, int | str | list[int]] = {"size": member.size}
    if member.blake2sp is not None:
        encoded["blake2sp"] = member.blake2sp.hex()
    else:
        encoded["crc32"] = member.crc32 or 0
    if member.place:
        encoded["place"] = list(member.place)
    if member.promise is not Promise.OTHER:
        encoded["promise"] = member.promise.value
    return encoded


def parse_examination(untrusted_answer: bytes, budgets: Budgets) -> Examination:
    """Read a worker's answer.

    Raises:
        UndecidableError: It is not exactly of the closed form, or beyond the budgets.
    """
    try:
        return _parse(untrusted_answer, budgets)
    except (ValueError, RecursionError):  # JSONDecodeError and UnicodeDecodeError are ValueErrors
        raise UndecidableError(Reason.WORKER_FAILED) from None


def _parse(untrusted_answer: bytes, budgets: Budgets) -> Examination:
    if len(untrusted_answer) > budgets.answer_bytes:
        raise ValueError("answer too long")
    untrusted = json.loads(untrusted_answer.decode("ascii"))
    if not isinstance(untrusted, dict) or set(untrusted) != {"findings", "members", "spent"}:
        raise ValueError("not an examination")
    untrusted_findings, untrusted_members = _list(untrusted["findings"]), _list(untrusted["members"])
    spent_members, spent_bytes = _list(untrusted["spent"])
    if len(untrusted_findings) > len(Code) or len(untrusted_members) > budgets.members:
        raise ValueError("too many")
    return Examination(
        tuple(Finding(Code(_text(code))) for code in untrusted_findings),
        tuple(_parse_member(member) for member in untrusted_members),
        _whole(spent_members, budgets.members),
        _whole(spent_bytes, SIZE_MAX),
    )


def _parse_member(untrusted: object) -> ArchiveMember:
    if not isinstance(untrusted, dict) or set(untrusted) - {"promise"} not in _MEMBER_FORMS:
        raise ValueError("not a member")
    size = _whole(untrusted["size"], SIZE_MAX)
    promise = Promise(_text(untrusted.get("promise", Promise.OTHER.value)))
    if "crc32" in untrusted:
        place = _list(untrusted.get("place", []))
        if len(place) > PLACE_MAX:
            raise ValueError("too deep")
        numbers = tuple(_whole(number, SIZE_MAX) for number in place)
        return ArchiveMember(size, crc32=_whole(untrusted["crc32"], CRC32_MAX), place=numbers, promise=promise)
    digest = _text(untrusted["blake2sp"])
    if len(digest) != 2 * BLAKE2SP_SIZE:
        raise ValueError("not a digest")
    return ArchiveMember(size, blake2sp=bytes.fromhex(digest), promise=promise)


def _text(untrusted: object) -> str:
    if not isinstance(untrusted, str):
        raise ValueError("not a text")  # noqa: TRY004 - the caller takes every fault of an answer as one
    return untrusted


def _list(untrusted: object) -> list[object]:
    # type() and not isinstance(): JSON knows no subclasses.
    if type(untrusted) is not list:
        raise ValueError("not a list")
    return untrusted


def _whole(untrusted: object, most: int) -> int:
    # type() and not isinstance(): JSON's true is an int to Python.
    if type(untrusted) is not int or not 0 <= untrusted <= most:
        raise ValueError("not a number within its bounds")
    return untrusted
