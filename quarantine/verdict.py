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
    ARCHIVE_PATH_OUTSIDE = "archive.path-outside"
    ARCHIVE_THROUGH_LINK = "archive.through-link"
    ARCHIVE_LINK_OUTSIDE = "archive.link-outside"
    ARCHIVE_DEVICE = "archive.device"
    ARCHIVE_EXECUTABLE = "archive.executable"
    ARCHIVE_DISGUISED_EXECUTABLE = "archive.disguised-executable"
    ARCHIVE_MACRO = "archive.macro"
    ARCHIVE_SELF_EXTRACTING = "archive.self-extracting"
    ARCHIVE_CONTAINER = "archive.container"
    ARCHIVE_NAME_CONTROL = "archive.name-control"
    ARCHIVE_NAME_BIDI = "archive.name-bidi"
    ARCHIVE_NAME_INVISIBLE = "archive.name-invisible"
    ARCHIVE_NAME_WINDOWS = "archive.name-windows"
    ARCHIVE_NAME_STREAM = "archive.name-stream"
    ARCHIVE_NAME_UNUSABLE = "archive.name-unusable"
    ARCHIVE_NAME_DUPLICATE = "archive.name-duplicate"
    ARCHIVE_COMMENT = "archive.comment"
    ZIP_ENCRYPTED = "zip.encrypted"
    ZIP_METHOD = "zip.method"
    ZIP_RAR_INSIDE = "zip.rar-inside"
    ZIP_UNREADABLE = "zip.unreadable"
    ZIP_PREPENDED = "zip.prepended"
    ZIP_GAP = "zip.gap"
    ZIP_TRAILING = "zip.trailing"
    ZIP_PADDING = "zip.padding"
    ZIP_SEVERAL_ENDS = "zip.several-ends"
    ZIP_DIRECTORY = "zip.directory"
    ZIP_ZIP64 = "zip.zip64"
    ZIP_OVERLAP = "zip.overlap"
    ZIP_HEADERS_DIFFER = "zip.headers-differ"
    ZIP_TWO_NAMES = "zip.two-names"
    ZIP_VOLUME = "zip.volume"
    ZIP_LINK = "zip.link"
    ZIP_EXTRA = "zip.extra"
    RAR_ENCRYPTED_HEADERS = "rar.encrypted-headers"
    RAR_ENCRYPTED = "rar.encrypted"
    RAR_VOLUME = "rar.volume"
    RAR_METHOD = "rar.method"
    RAR_DICTIONARY = "rar.dictionary"
    RAR_ALTERNATE_STREAM = "rar.alternate-stream"
    RAR_LINK = "rar.link"
    RAR_UNREADABLE = "rar.unreadable"
    RAR_TRAILING = "rar.trailing"
    RAR_QUICK_OPEN = "rar.quick-open"
    RAR_LOCATOR = "rar.locator"
    RAR_SOLID = "rar.solid"
    RAR_RECOVERY = "rar.recovery"
    RAR_OLD_VERSIONS = "rar.old-versions"
    PRIVACY_ARCHIVE_OWNER = "privacy.archive-owner"
    PRIVACY_ARCHIVE_TIMES = "privacy.archive-times"
    PRIVACY_ARCHIVE_USER_NAME = "privacy.archive-user-name"
    PRIVACY_ARCHIVE_MAC = "privacy.archive-mac"
    PRIVACY_OFFICE_AUTHOR = "privacy.office-author"


CHECKS: Final[dict[Code, tuple[Grade, str]]] = {
    Code.SCANNER_MALWARE: (Grade.DANGER, "The virus scanner recognised malware."),
    Code.SCANNER_ENCRYPTED: (Grade.OPAQUE, "It is encrypted, so nobody could look inside."),
    Code.SCANNER_LIMITS: (Grade.OPAQUE, "It is larger or deeper than the virus scanner looks."),
    Code.ARCHIVE_BUDGET: (Grade.OPAQUE, "It unpacks to more than is looked at, like an archive bomb does."),
    Code.ARCHIVE_PATH_OUTSIDE: (Grade.DANGER, "A name in the archive would be unpacked outside of its folder."),
    Code.ARCHIVE_THROUGH_LINK: (
        Grade.DANGER,
        "A file in the archive would be written through a link that the archive itself makes.",
    ),
    Code.ARCHIVE_LINK_OUTSIDE: (Grade.WARNING, "A link in the archive points outside of it."),
    Code.ARCHIVE_DEVICE: (Grade.DANGER, "The archive holds a device, a pipe or a socket."),
    Code.ARCHIVE_EXECUTABLE: (Grade.WARNING, "The archive holds a program or a script."),
    Code.ARCHIVE_DISGUISED_EXECUTABLE: (Grade.DANGER, "The archive holds a program that pretends to be a document."),
    Code.ARCHIVE_MACRO: (Grade.WARNING, "The archive holds an office document with macros."),
    Code.ARCHIVE_SELF_EXTRACTING: (
        Grade.OPAQUE,
        "The archive holds a program that unpacks itself, which was not looked into.",
    ),
    Code.ARCHIVE_CONTAINER: (
        Grade.WARNING,
        "The archive holds one of another kind, which only the virus scanner looked into.",
    ),
    Code.ARCHIVE_NAME_CONTROL: (Grade.WARNING, "A name in the archive holds control characters."),
    Code.ARCHIVE_NAME_BIDI: (
        Grade.WARNING,
        "A name in the archive holds characters that change the direction of reading.",
    ),
    Code.ARCHIVE_NAME_INVISIBLE: (Grade.WARNING, "A name in the archive holds characters that cannot be seen."),
    Code.ARCHIVE_NAME_WINDOWS: (Grade.WARNING, "A name in the archive means something else on Windows."),
    Code.ARCHIVE_NAME_STREAM: (
        Grade.WARNING,
        "A name in the archive holds a colon, which on Windows means a hidden stream of another file.",
    ),
    Code.ARCHIVE_NAME_UNUSABLE: (Grade.WARNING, "A name in the archive cannot be used as one."),
    Code.ARCHIVE_NAME_DUPLICATE: (Grade.WARNING, "Two files in the archive have the same name."),
    Code.ARCHIVE_COMMENT: (Grade.INFO, "The archive carries a comment."),
    Code.ZIP_ENCRYPTED: (Grade.OPAQUE, "The ZIP archive holds encrypted files."),
    Code.ZIP_METHOD: (Grade.OPAQUE, "The ZIP archive uses a compression that is not unpacked here."),
    Code.ZIP_RAR_INSIDE: (Grade.OPAQUE, "The ZIP archive holds a RAR archive, which was not looked into."),
    Code.ZIP_UNREADABLE: (Grade.OPAQUE, "The ZIP archive is damaged, so its contents were not all seen."),
    Code.ZIP_PREPENDED: (Grade.OPAQUE, "Data stands before the ZIP archive, which was not looked into."),
    Code.ZIP_GAP: (Grade.OPAQUE, "The ZIP archive holds data that belongs to no file in it."),
    Code.ZIP_TRAILING: (Grade.OPAQUE, "Data stands after the ZIP archive, which was not looked into."),
    Code.ZIP_PADDING: (Grade.INFO, "The ZIP archive holds stretches of zeros."),
    Code.ZIP_SEVERAL_ENDS: (
        Grade.DANGER,
        "The ZIP archive has more than one end, so programs see different files in it.",
    ),
    Code.ZIP_DIRECTORY: (Grade.DANGER, "The ZIP archive's directory is not what its end record says."),
    Code.ZIP_ZIP64: (Grade.DANGER, "The ZIP archive states two different sizes for itself."),
    Code.ZIP_OVERLAP: (Grade.DANGER, "Files in the ZIP archive share the same bytes."),
    Code.ZIP_HEADERS_DIFFER: (Grade.DANGER, "The ZIP archive describes a file in two ways that contradict each other."),
    Code.ZIP_TWO_NAMES: (Grade.DANGER, "The ZIP archive gives a file two names of different kinds."),
    Code.ZIP_VOLUME: (Grade.OPAQUE, "It is one part of a ZIP archive that was split into several files."),
    Code.ZIP_LINK: (Grade.WARNING, "The ZIP archive holds links, which can point outside of it."),
    Code.ZIP_EXTRA: (Grade.WARNING, "The ZIP archive's extra fields cannot be read."),
    Code.RAR_ENCRYPTED_HEADERS: (Grade.OPAQUE, "The RAR archive hides even the list of its files."),
    Code.RAR_ENCRYPTED: (Grade.OPAQUE, "The RAR archive holds encrypted files."),
    Code.RAR_VOLUME: (Grade.OPAQUE, "It is one part of a RAR archive that was split into several files."),
    Code.RAR_METHOD: (Grade.OPAQUE, "The RAR archive uses a compression that is not unpacked here."),
    Code.RAR_DICTIONARY: (Grade.OPAQUE, "Unpacking the RAR archive would need more memory than is given to it."),
    Code.RAR_ALTERNATE_STREAM: (Grade.OPAQUE, "The RAR archive carries data beside its files, which was not seen."),
    Code.RAR_LINK: (Grade.WARNING, "The RAR archive holds links, which can point outside of it."),
    Code.RAR_UNREADABLE: (Grade.OPAQUE, "The RAR archive is damaged, so its contents were not all seen."),
    Code.RAR_TRAILING: (Grade.OPAQUE, "Data stands after the end of the RAR archive, which was not looked into."),
    Code.RAR_QUICK_OPEN: (Grade.DANGER, "The RAR archive shows another list of files than it holds."),
    Code.RAR_LOCATOR: (Grade.WARNING, "The RAR archive points to parts of itself that are not there."),
    Code.RAR_SOLID: (Grade.INFO, "The RAR archive packs its files as one stream."),
    Code.RAR_RECOVERY: (Grade.INFO, "The RAR archive carries recovery data."),
    Code.RAR_OLD_VERSIONS: (Grade.INFO, "The RAR archive holds earlier versions of a file."),
    Code.PRIVACY_ARCHIVE_OWNER: (Grade.IDENTIFIES_YOU, "The archive names the user account its files belonged to."),
    Code.PRIVACY_ARCHIVE_TIMES: (Grade.IDENTIFIES_YOU, "The archive tells exact times, and often the time zone."),
    Code.PRIVACY_ARCHIVE_USER_NAME: (
        Grade.IDENTIFIES_YOU,
        "A path in the archive contains the name of a user account.",
    ),
    Code.PRIVACY_ARCHIVE_MAC: (Grade.IDENTIFIES_YOU, "The archive carries files that macOS adds by itself."),
    Code.PRIVACY_OFFICE_AUTHOR: (
        Grade.IDENTIFIES_YOU,
        "An office document in the archive names who wrote or changed it.",
    ),
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
