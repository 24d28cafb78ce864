"""What the process that reads a file says about it, and how that answer is read: as a stranger's bytes.

The worker's answer is one JSON object of this closed form and nothing else:

    {"findings": ["rar.link"], "members": [{"size": 12, "crc32": 305419896}, {"size": 3, "blake2sp": "00…"}]}
"""

import json
from dataclasses import dataclass
from typing import Final, Protocol

from quarantine.budgets import Budgets
from quarantine.errors import UndecidableError
from quarantine.types import FileType
from quarantine.verdict import Code, Finding, Reason

CRC32_MAX: Final = 0xFFFFFFFF
SIZE_MAX: Final = 2**63 - 1  # bytes that any archive's member may claim
BLAKE2SP_SIZE: Final = 32  # bytes
_MEMBER_FORMS: Final = ({"size", "crc32"}, {"size", "blake2sp"})


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a RAR that has bytes, in the archive's order; exactly one of the two sums is there."""

    size: int  # bytes, unpacked, as the archive claims
    crc32: int | None = None
    blake2sp: bytes | None = None


@dataclass(frozen=True, slots=True)
class Examination:
    """Findings of a file's structure, and the members that have to be unpacked to go on."""

    findings: tuple[Finding, ...] = ()
    members: tuple[Member, ...] = ()


class Examiner(Protocol):
    """Looks at a file's structure. The caged worker and its deep checks fit here."""

    def examine(self, fd: int, file_type: FileType, *, deadline: float) -> Examination:
        """Examine all of `fd`, a sealed memfd.

        Raises:
            UndecidableError: No answer that can be believed before `deadline` (seconds of time.monotonic).
        """


def encode_examination(examination: Examination) -> bytes:
    """The worker's answer."""
    members: list[dict[str, int | str]] = []
    for member in examination.members:
        if member.blake2sp is not None:
            members.append({"size": member.size, "blake2sp": member.blake2sp.hex()})
        else:
            members.append({"size": member.size, "crc32": member.crc32 or 0})
    findings = [finding.code.value for finding in examination.findings]
    return json.dumps({"findings": findings, "members": members}, separators=(",", ":")).encode()


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
    if not isinstance(untrusted, dict) or set(untrusted) != {"findings", "members"}:
        raise ValueError("not an examination")
    untrusted_findings, untrusted_members = untrusted["findings"], untrusted["members"]
    # type() for all of them: JSON knows no subclasses.
    if type(untrusted_findings) is not list or type(untrusted_members) is not list:
        raise ValueError("not lists")
    if len(untrusted_findings) > len(Code) or len(untrusted_members) > budgets.members:
        raise ValueError("too many")
    return Examination(
        tuple(Finding(Code(code)) for code in untrusted_findings),
        tuple(_parse_member(member) for member in untrusted_members),
    )


def _parse_member(untrusted: object) -> Member:
    if not isinstance(untrusted, dict) or set(untrusted) not in _MEMBER_FORMS:
        raise ValueError("not a member")
    size = _whole(untrusted["size"], SIZE_MAX)
    if "crc32" in untrusted:
        return Member(size, crc32=_whole(untrusted["crc32"], CRC32_MAX))
    digest = untrusted["blake2sp"]
    if not isinstance(digest, str) or len(digest) != 2 * BLAKE2SP_SIZE:
        raise ValueError("not a digest")
    return Member(size, blake2sp=bytes.fromhex(digest))


def _whole(untrusted: object, most: int) -> int:
    # type() and not isinstance(): JSON's true is an int to Python.
    if type(untrusted) is not int or not 0 <= untrusted <= most:
        raise ValueError("not a number within its bounds")
    return untrusted
