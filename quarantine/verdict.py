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
    ARCHIVE_TYPE_DIFFERS = "archive.type-differs"
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
    FILE_POLYGLOT = "file.polyglot"
    PDF_JAVASCRIPT = "pdf.javascript"
    PDF_LAUNCH = "pdf.launch"
    PDF_IMPORT_DATA = "pdf.import-data"
    PDF_AUTOMATIC_ACTION = "pdf.automatic-action"
    PDF_REMOTE_PATH = "pdf.remote-path"
    PDF_SUBMIT_FORM = "pdf.submit-form"
    PDF_GOTO_REMOTE = "pdf.goto-remote"
    PDF_GOTO_EMBEDDED = "pdf.goto-embedded"
    PDF_URI_SCHEME = "pdf.uri-scheme"
    PDF_URI = "pdf.uri"
    PDF_OPEN_ACTION = "pdf.open-action"
    PDF_ADDITIONAL_ACTIONS = "pdf.additional-actions"
    PDF_EMBEDDED_FILE = "pdf.embedded-file"
    PDF_EMBEDDED_PROGRAM = "pdf.embedded-program"
    PDF_EMBEDDED_OPAQUE = "pdf.embedded-opaque"
    PDF_RICH_MEDIA = "pdf.rich-media"
    PDF_XFA = "pdf.xfa"
    PDF_EXTERNAL_STREAM = "pdf.external-stream"
    PDF_ENCRYPTED = "pdf.encrypted"
    PDF_RESTRICTED = "pdf.restricted"
    PDF_UNREADABLE = "pdf.unreadable"
    PDF_DAMAGED = "pdf.damaged"
    PDF_NOT_ALL_WALKED = "pdf.not-all-walked"
    PDF_BUDGET = "pdf.budget"
    PDF_FILTERS = "pdf.filters"
    PDF_ESCAPED_NAME = "pdf.escaped-name"
    PDF_JBIG2 = "pdf.jbig2"
    PDF_OBJECT_STREAMS = "pdf.object-streams"
    PDF_SEVERAL_REVISIONS = "pdf.several-revisions"
    PDF_DATA_BEFORE = "pdf.data-before-header"
    PDF_DATA_AFTER = "pdf.data-after-end"
    PDF_NO_END = "pdf.no-end"
    TEXT_BINARY = "text.binary"
    TEXT_ESCAPE = "text.escape-sequences"
    TEXT_COLOUR = "text.colour"
    TEXT_CONTROL = "text.control"
    TEXT_LONE_CR = "text.lone-cr"
    TEXT_BIDI = "text.bidi"
    TEXT_ZERO_WIDTH = "text.zero-width"
    TEXT_TAGS = "text.tags"
    TEXT_OTHER_FORMAT = "text.other-format"
    TEXT_UTF16 = "text.utf-16"
    TEXT_WINDOWS_1252 = "text.windows-1252"
    TEXT_UNKNOWN_CHARSET = "text.unknown-charset"
    TEXT_DAMAGED = "text.damaged"
    IMAGE_DAMAGED = "image.damaged"
    IMAGE_TOO_LARGE = "image.too-large"
    IMAGE_DATA_AFTER = "image.data-after-end"
    PRIVACY_PICTURE_AUTHOR = "privacy.picture-author"
    PRIVACY_PICTURE_SOFTWARE = "privacy.picture-software"
    PRIVACY_PICTURE_TIMES = "privacy.picture-times"
    PRIVACY_PICTURE_DOCUMENT_ID = "privacy.picture-document-id"
    PRIVACY_PICTURE_LOCATION = "privacy.picture-location"
    PRIVACY_PICTURE_DEVICE = "privacy.picture-device"
    PRIVACY_PICTURE_THUMBNAIL = "privacy.picture-thumbnail"
    PRIVACY_PDF_REVISIONS = "privacy.pdf-revisions"
    PRIVACY_PDF_COMMENTS = "privacy.pdf-comments"
    PRIVACY_PDF_SIGNATURE = "privacy.pdf-signature"
    PRIVACY_PDF_FIELDS = "privacy.pdf-fields"
    PRIVACY_PDF_SCAN = "privacy.pdf-scan"
    PRIVACY_TEXT_WATERMARK = "privacy.text-watermark"
    PRIVACY_PDF_AUTHOR = "privacy.pdf-author"
    PRIVACY_PDF_SOFTWARE = "privacy.pdf-software"
    PRIVACY_PDF_TIMES = "privacy.pdf-times"
    PRIVACY_PDF_ID = "privacy.pdf-id"


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
    Code.ARCHIVE_TYPE_DIFFERS: (Grade.WARNING, "A file in the archive is not of the type that its name says."),
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
    Code.FILE_POLYGLOT: (Grade.DANGER, "It can also be opened as a file of another type."),
    Code.PDF_JAVASCRIPT: (Grade.DANGER, "The PDF holds JavaScript."),
    Code.PDF_LAUNCH: (Grade.DANGER, "The PDF can start a program."),
    Code.PDF_IMPORT_DATA: (Grade.DANGER, "The PDF can read another file of the machine it is opened on."),
    Code.PDF_AUTOMATIC_ACTION: (Grade.DANGER, "The PDF does something by itself that reaches outside of it."),
    Code.PDF_REMOTE_PATH: (Grade.DANGER, "The PDF refers to a file on another machine."),
    Code.PDF_SUBMIT_FORM: (Grade.WARNING, "The PDF holds a form that can be sent to an address."),
    Code.PDF_GOTO_REMOTE: (Grade.WARNING, "The PDF links to another file."),
    Code.PDF_GOTO_EMBEDDED: (Grade.WARNING, "The PDF links to a file inside it."),
    Code.PDF_URI_SCHEME: (Grade.WARNING, "The PDF links to something that is not a web page or an address."),
    Code.PDF_URI: (Grade.INFO, "The PDF holds links."),
    Code.PDF_OPEN_ACTION: (Grade.INFO, "The PDF says which page is shown first."),
    Code.PDF_ADDITIONAL_ACTIONS: (Grade.WARNING, "The PDF reacts to what its reader does."),
    Code.PDF_EMBEDDED_FILE: (Grade.WARNING, "The PDF carries another file."),
    Code.PDF_EMBEDDED_PROGRAM: (Grade.DANGER, "The PDF carries a program."),
    Code.PDF_EMBEDDED_OPAQUE: (Grade.OPAQUE, "The PDF carries a file that was not looked into."),
    Code.PDF_RICH_MEDIA: (Grade.OPAQUE, "The PDF holds sound, film or 3D content, which was not looked into."),
    Code.PDF_XFA: (Grade.OPAQUE, "The PDF holds a form of Adobe's XFA, which was not looked into."),
    Code.PDF_EXTERNAL_STREAM: (Grade.OPAQUE, "A part of the PDF lies outside of it."),
    Code.PDF_ENCRYPTED: (Grade.OPAQUE, "The PDF is encrypted, so nobody could look inside."),
    Code.PDF_RESTRICTED: (Grade.INFO, "The PDF forbids copying or printing, but opens without a password."),
    Code.PDF_UNREADABLE: (Grade.OPAQUE, "The PDF is damaged so much that its objects were not seen."),
    Code.PDF_DAMAGED: (Grade.WARNING, "Some parts of the PDF are damaged."),
    Code.PDF_NOT_ALL_WALKED: (Grade.WARNING, "The PDF has more objects than were followed."),
    Code.PDF_BUDGET: (Grade.OPAQUE, "It unpacks to more than is looked at, like a bomb does."),
    Code.PDF_FILTERS: (Grade.OPAQUE, "A part of the PDF is compressed twice."),
    Code.PDF_ESCAPED_NAME: (Grade.WARNING, "The PDF writes a word of its own language in a way that hides it."),
    Code.PDF_JBIG2: (Grade.INFO, "The PDF holds pictures of a kind whose decoders are often attacked."),
    Code.PDF_OBJECT_STREAMS: (Grade.INFO, "The PDF keeps objects in compressed form."),
    Code.PDF_SEVERAL_REVISIONS: (Grade.INFO, "The PDF was changed after it was made, and holds what it was before."),
    Code.PDF_DATA_BEFORE: (Grade.WARNING, "Data stands before the PDF's beginning."),
    Code.PDF_DATA_AFTER: (Grade.WARNING, "Data stands after the PDF's end."),
    Code.PDF_NO_END: (Grade.WARNING, "The PDF has no end, as if it had been cut off."),
    Code.TEXT_BINARY: (Grade.OPAQUE, "The text holds bytes that no text has."),
    Code.TEXT_ESCAPE: (Grade.DANGER, "The text holds commands to a terminal."),
    Code.TEXT_COLOUR: (Grade.INFO, "The text holds colours or the charset marks of a terminal."),
    Code.TEXT_CONTROL: (Grade.WARNING, "The text holds control characters."),
    Code.TEXT_LONE_CR: (Grade.WARNING, "The text holds line ends that overwrite a line."),
    Code.TEXT_BIDI: (Grade.WARNING, "The text can read differently from what it says."),
    Code.TEXT_ZERO_WIDTH: (Grade.WARNING, "The text holds characters that cannot be seen."),
    Code.TEXT_TAGS: (Grade.WARNING, "The text holds a hidden text."),
    Code.TEXT_OTHER_FORMAT: (Grade.WARNING, "The text is written in a format that programs run or show as a page."),
    Code.TEXT_UTF16: (Grade.INFO, "The text's charset is UTF-16."),
    Code.TEXT_WINDOWS_1252: (
        Grade.INFO,
        "The text is not in Unicode; it is read as Windows-1252, of which Latin-1 is a part.",
    ),
    Code.TEXT_UNKNOWN_CHARSET: (Grade.INFO, "The text is in a charset that was not recognised."),
    Code.TEXT_DAMAGED: (Grade.WARNING, "The text's characters are damaged."),
    Code.IMAGE_DAMAGED: (Grade.OPAQUE, "The picture is damaged, so its parts were not all seen."),
    Code.IMAGE_TOO_LARGE: (Grade.OPAQUE, "The picture unpacks to more than is looked at."),
    Code.IMAGE_DATA_AFTER: (Grade.WARNING, "Data stands after the picture's end."),
    Code.PRIVACY_PICTURE_AUTHOR: (Grade.IDENTIFIES_YOU, "A picture names an author or owner."),
    Code.PRIVACY_PICTURE_SOFTWARE: (Grade.IDENTIFIES_YOU, "A picture names the program that made it."),
    Code.PRIVACY_PICTURE_TIMES: (Grade.IDENTIFIES_YOU, "A picture says when it was taken or made."),
    Code.PRIVACY_PICTURE_DOCUMENT_ID: (
        Grade.IDENTIFIES_YOU,
        "A picture carries a number that ties it to other copies.",
    ),
    Code.PRIVACY_PICTURE_LOCATION: (Grade.IDENTIFIES_YOU, "A picture says where it was taken."),
    Code.PRIVACY_PICTURE_DEVICE: (Grade.IDENTIFIES_YOU, "A picture names the camera or its serial number."),
    Code.PRIVACY_PICTURE_THUMBNAIL: (Grade.IDENTIFIES_YOU, "A picture carries a small copy of itself."),
    Code.PRIVACY_PDF_REVISIONS: (Grade.IDENTIFIES_YOU, "The PDF still holds earlier versions of itself."),
    Code.PRIVACY_PDF_COMMENTS: (Grade.IDENTIFIES_YOU, "The PDF names who wrote comments in it."),
    Code.PRIVACY_PDF_SIGNATURE: (Grade.IDENTIFIES_YOU, "The PDF is signed, which names the signer."),
    Code.PRIVACY_PDF_FIELDS: (Grade.IDENTIFIES_YOU, "The PDF carries particulars beyond the usual ones."),
    Code.PRIVACY_PDF_SCAN: (
        Grade.IDENTIFIES_YOU,
        "The PDF holds a page scanned in colour, which can carry a printer's hidden dots.",
    ),
    Code.PRIVACY_TEXT_WATERMARK: (Grade.IDENTIFIES_YOU, "The text holds hidden characters that can mark a copy."),
    Code.PRIVACY_PDF_AUTHOR: (Grade.IDENTIFIES_YOU, "The PDF names its author."),
    Code.PRIVACY_PDF_SOFTWARE: (Grade.IDENTIFIES_YOU, "The PDF names the program that made it."),
    Code.PRIVACY_PDF_TIMES: (Grade.IDENTIFIES_YOU, "The PDF says when it was made, often with the time zone."),
    Code.PRIVACY_PDF_ID: (Grade.IDENTIFIES_YOU, "The PDF carries a number that ties it to other copies."),
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
