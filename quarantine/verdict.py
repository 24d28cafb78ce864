"""What an inspection concludes: one of three verdicts, from the findings and from nothing else."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self, assert_never

from quarantine.findings import Code, Finding

DIGEST_FORM: Final = re.compile(r"[0-9a-f]{64}")  # SHA-256, lowercase hex


class Reason(StrEnum):
    """Why nothing could be concluded."""

    sentence: str

    # The default is for mypy: see Code.
    def __new__(cls, value: str, sentence: str = "") -> Self:  # noqa: D102
        reason = str.__new__(cls, value)
        reason._value_ = value
        reason.sentence = sentence  # what happened, for a person
        return reason

    SCANNER_UNAVAILABLE = "scanner-unavailable", "The virus scanner could not be reached."
    SCANNER_ANSWER = "scanner-answer", "The virus scanner gave an answer that means nothing to us."
    OUT_OF_TIME = "out-of-time", "The time for the inspection was over."
    NO_SLOT = "no-slot", "Too many other files were being inspected."
    TOO_LARGE = "too-large", "The file is larger than the gateway inspects; the case was granted larger ones."
    WORKER_FAILED = "worker-failed", "The process that reads the file ended without an answer."
    UNPACKER_FAILED = "unpacker-failed", "The program that unpacks archives failed on it."
    INSPECTION_FAILED = "inspection-failed", "The inspection itself failed."
    SWITCHED_OFF = "switched-off", "The gateway was set not to inspect."


def _check_digest(digest: str) -> None:
    if not DIGEST_FORM.fullmatch(digest):
        raise ValueError("a digest is 64 lowercase hex digits")


@dataclass(frozen=True, slots=True)
class Clear:
    """Inspected, with no finding that holds it; the other findings are for information."""

    digest: str  # SHA-256 of the file, lowercase hex
    findings: tuple[Finding, ...] = ()

    def __post_init__(self) -> None:
        _check_digest(self.digest)
        if any(finding.holds for finding in self.findings):
            raise ValueError("a file with a holding finding is never clear")


@dataclass(frozen=True, slots=True)
class Held:
    """Dangerous or opaque: kept, and locked at the desk until a person decides."""

    digest: str  # SHA-256 of the file, lowercase hex
    findings: tuple[Finding, ...]

    def __post_init__(self) -> None:
        _check_digest(self.digest)
        if not any(finding.holds for finding in self.findings):
            raise ValueError("a held file has a finding that holds it")


@dataclass(frozen=True, slots=True)
class Undecided:
    """The inspection failed or ran out of time; nothing is known of the content."""

    digest: str  # SHA-256 of the file, lowercase hex
    reason: Reason

    def __post_init__(self) -> None:
        _check_digest(self.digest)


Verdict = Clear | Held | Undecided


def conclude(digest: str, findings: Iterable[Finding], raised: frozenset[Code] = frozenset()) -> Clear | Held:
    """Return the verdict of an inspection that came to its end; each code is kept once, in order of discovery.

    Args:
        digest: SHA-256 of the file, lowercase hex.
        findings: What was found.
        raised: Codes that hold a file here, whatever their grade.
    """
    distinct = tuple(Finding(code, code in raised) for code in dict.fromkeys(finding.code for finding in findings))
    if any(finding.holds for finding in distinct):
        return Held(digest, distinct)
    return Clear(digest, distinct)


def is_clear(verdict: Verdict) -> bool:
    """Return whether the file may go by the clear lane: true for Clear only."""
    return _rank(verdict) == 0


def worst(verdicts: Iterable[Verdict]) -> Verdict | None:
    """Return the verdict that decides for a whole submission; None when it has no file."""
    return max(verdicts, key=_rank, default=None)


def _rank(verdict: Verdict) -> int:
    match verdict:
        case Clear():
            return 0
        case Undecided():
            return 1
        case Held():
            return 2
        case _:
            assert_never(verdict)
