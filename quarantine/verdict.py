"""What an inspection may conclude: the closed set of findings, and the three verdicts.

A finding is a code and never a word of the file: nothing that a source wrote can travel inside a verdict.
CHECKS.md explains each code; a test keeps it equal to the table below.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, assert_never

DIGEST_FORM: Final = re.compile(r"[0-9a-f]{64}")  # SHA-256, lowercase hex


class Grade(StrEnum):
    """How much a finding weighs; the grade alone decides the lane."""

    INFO = "info"
    IDENTIFIES_YOU = "identifies-you"
    WARNING = "warning"
    OPAQUE = "opaque"
    DANGER = "danger"

    @property
    def holds(self) -> bool:
        """Whether a finding of this grade holds the file.

        Opaque content holds like dangerous content: what nobody could look into was not inspected.
        """
        match self:
            case Grade.DANGER | Grade.OPAQUE:
                return True
            case Grade.INFO | Grade.IDENTIFIES_YOU | Grade.WARNING:
                return False
            case _:
                assert_never(self)


class Code(StrEnum):
    """Every finding there is."""

    SCANNER_MALWARE = "scanner.malware"
    SCANNER_ENCRYPTED = "scanner.encrypted"
    SCANNER_LIMITS = "scanner.limits"
    ARCHIVE_BUDGET = "archive.budget"
    ZIP_ENCRYPTED = "zip.encrypted"
    ZIP_METHOD = "zip.method"
    ZIP_RAR_INSIDE = "zip.rar-inside"
    ZIP_UNREADABLE = "zip.unreadable"
    RAR_ENCRYPTED_HEADERS = "rar.encrypted-headers"
    RAR_ENCRYPTED = "rar.encrypted"
    RAR_VOLUME = "rar.volume"
    RAR_METHOD = "rar.method"
    RAR_DICTIONARY = "rar.dictionary"
    RAR_ALTERNATE_STREAM = "rar.alternate-stream"
    RAR_LINK = "rar.link"
    RAR_UNREADABLE = "rar.unreadable"


CHECKS: Final[dict[Code, tuple[Grade, str]]] = {
    Code.SCANNER_MALWARE: (Grade.DANGER, "The virus scanner recognised malware."),
    Code.SCANNER_ENCRYPTED: (Grade.OPAQUE, "It is encrypted, so nobody could look inside."),
    Code.SCANNER_LIMITS: (Grade.OPAQUE, "It is larger or deeper than the virus scanner looks."),
    Code.ARCHIVE_BUDGET: (Grade.OPAQUE, "It unpacks to more than is looked at, like an archive bomb does."),
    Code.ZIP_ENCRYPTED: (Grade.OPAQUE, "The ZIP archive holds encrypted files."),
    Code.ZIP_METHOD: (Grade.OPAQUE, "The ZIP archive uses a compression that is not unpacked here."),
    Code.ZIP_RAR_INSIDE: (Grade.OPAQUE, "The ZIP archive holds a RAR archive, which was not looked into."),
    Code.ZIP_UNREADABLE: (Grade.OPAQUE, "The ZIP archive is damaged, so its contents were not all seen."),
    Code.RAR_ENCRYPTED_HEADERS: (Grade.OPAQUE, "The RAR archive hides even the list of its files."),
    Code.RAR_ENCRYPTED: (Grade.OPAQUE, "The RAR archive holds encrypted files."),
    Code.RAR_VOLUME: (Grade.OPAQUE, "It is one part of a RAR archive that was split into several files."),
    Code.RAR_METHOD: (Grade.OPAQUE, "The RAR archive uses a compression that is not unpacked here."),
    Code.RAR_DICTIONARY: (Grade.OPAQUE, "Unpacking the RAR archive would need more memory than is given to it."),
    Code.RAR_ALTERNATE_STREAM: (Grade.OPAQUE, "The RAR archive carries data beside its files, which was not seen."),
    Code.RAR_LINK: (Grade.WARNING, "The RAR archive holds links, which can point outside of it."),
    Code.RAR_UNREADABLE: (Grade.OPAQUE, "The RAR archive is damaged, so its contents were not all seen."),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One observation about a file. Its grade and sentence belong to the code."""

    code: Code

    @property
    def grade(self) -> Grade:
        """How much it weighs."""
        return CHECKS[self.code][0]

    @property
    def sentence(self) -> str:
        """What it means, for a person."""
        return CHECKS[self.code][1]


class Reason(StrEnum):
    """Why nothing could be concluded."""

    SCANNER_UNAVAILABLE = "scanner-unavailable"
    SCANNER_ANSWER = "scanner-answer"
    OUT_OF_TIME = "out-of-time"
    NO_SLOT = "no-slot"
    WORKER_FAILED = "worker-failed"
    UNPACKER_FAILED = "unpacker-failed"
    INSPECTION_FAILED = "inspection-failed"
    SWITCHED_OFF = "switched-off"

    @property
    def sentence(self) -> str:
        """What happened, for a person."""
        return REASONS[self]


REASONS: Final[dict[Reason, str]] = {
    Reason.SCANNER_UNAVAILABLE: "The virus scanner could not be reached.",
    Reason.SCANNER_ANSWER: "The virus scanner gave an answer that means nothing to us.",
    Reason.OUT_OF_TIME: "The time for the inspection was over.",
    Reason.NO_SLOT: "Too many other files were being inspected.",
    Reason.WORKER_FAILED: "The process that reads the file ended without an answer.",
    Reason.UNPACKER_FAILED: "The program that unpacks archives failed on it.",
    Reason.INSPECTION_FAILED: "The inspection itself failed.",
    Reason.SWITCHED_OFF: "The gateway was set not to inspect.",
}


def _check_digest(digest: str) -> None:
    if not DIGEST_FORM.fullmatch(digest):
        raise ValueError("a digest is 64 lowercase hex digits")


@dataclass(frozen=True, slots=True)
class Clear:
    """Looked at and let through; the findings that remain hold nobody up."""

    digest: str  # SHA-256 of the file, lowercase hex
    findings: tuple[Finding, ...] = ()

    def __post_init__(self) -> None:
        _check_digest(self.digest)
        if any(finding.grade.holds for finding in self.findings):
            raise ValueError("a file with a holding finding is never clear")


@dataclass(frozen=True, slots=True)
class Held:
    """Dangerous or opaque: kept, and locked at the desk until a person decides."""

    digest: str  # SHA-256 of the file, lowercase hex
    findings: tuple[Finding, ...]

    def __post_init__(self) -> None:
        _check_digest(self.digest)
        if not any(finding.grade.holds for finding in self.findings):
            raise ValueError("a held file has a finding that holds it")


@dataclass(frozen=True, slots=True)
class Undecided:
    """The inspection failed or ran out of time; nothing is known of the content."""

    digest: str  # SHA-256 of the file, lowercase hex
    reason: Reason

    def __post_init__(self) -> None:
        _check_digest(self.digest)


Verdict = Clear | Held | Undecided


def conclude(digest: str, findings: Iterable[Finding]) -> Clear | Held:
    """The verdict of an inspection that came to its end; each code is kept once, in order of discovery."""
    distinct = tuple(dict.fromkeys(findings))
    if any(finding.grade.holds for finding in distinct):
        return Held(digest, distinct)
    return Clear(digest, distinct)


def is_clear(verdict: Verdict) -> bool:
    """Whether the file may go by the clear lane: true for Clear only."""
    return _rank(verdict) == 0


def worst(verdicts: Iterable[Verdict]) -> Verdict | None:
    """The verdict that decides for a whole submission; None when it has no file."""
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
