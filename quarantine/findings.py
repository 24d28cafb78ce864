"""Everything that an inspection can find, in one table: the code, how much it weighs and what it means.

A finding is a code and never a word of the file: nothing that a source wrote can travel inside a verdict. CHECKS.md
gives for each code why it matters, how it is seen and the source; `checks_page` makes that page from this table.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Self, assert_never


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

    grade: Grade
    sentence: str

    # Every row gives all three. The defaults are for mypy, which takes a look-up, Code("zip.link"), for a new member.
    def __new__(cls, value: str, grade: Grade = Grade.OPAQUE, sentence: str = "") -> Self:  # noqa: D102
        code = str.__new__(cls, value)
        code._value_ = value
        code.grade = grade  # how much it weighs
        code.sentence = sentence  # what it means, for a person
        return code

    SCANNER_MALWARE = "scanner.malware", Grade.DANGER, "The virus scanner recognised malware."
    SCANNER_ENCRYPTED = "scanner.encrypted", Grade.OPAQUE, "It is encrypted, so nobody could look inside."
    SCANNER_LIMITS = "scanner.limits", Grade.OPAQUE, "It is larger or deeper than the virus scanner looks."
    ARCHIVE_BUDGET = "archive.budget", Grade.OPAQUE, "It unpacks to more than is looked at, like an archive bomb does."
    ARCHIVE_PATH_OUTSIDE = (
        "archive.path-outside", Grade.DANGER, "A name in the archive would be unpacked outside of its folder.",
    )  # fmt: skip
    ARCHIVE_THROUGH_LINK = (
        "archive.through-link", Grade.DANGER,
        "A file in the archive would be written through a link that the archive itself makes.",
    )  # fmt: skip
    ARCHIVE_LINK_OUTSIDE = "archive.link-outside", Grade.WARNING, "A link in the archive points outside of it."
    ARCHIVE_DEVICE = "archive.device", Grade.DANGER, "The archive holds a device, a pipe or a socket."
    ARCHIVE_EXECUTABLE = "archive.executable", Grade.WARNING, "The archive holds a program or a script."
    ARCHIVE_DISGUISED_EXECUTABLE = (
        "archive.disguised-executable", Grade.DANGER, "The archive holds a program that pretends to be a document.",
    )  # fmt: skip
    ARCHIVE_MACRO = "archive.macro", Grade.WARNING, "The archive holds an office document with macros."
    ARCHIVE_SELF_EXTRACTING = (
        "archive.self-extracting", Grade.OPAQUE,
        "The archive holds a program that unpacks itself, which was not looked into.",
    )  # fmt: skip
    ARCHIVE_CONTAINER = (
        "archive.container", Grade.WARNING,
        "The archive holds one of another kind, which only the virus scanner looked into.",
    )  # fmt: skip
    ARCHIVE_TYPE_DIFFERS = (
        "archive.type-differs", Grade.WARNING, "A file in the archive is not of the type that its name says.",
    )  # fmt: skip
    ARCHIVE_NAME_CONTROL = "archive.name-control", Grade.WARNING, "A name in the archive holds control characters."
    ARCHIVE_NAME_BIDI = (
        "archive.name-bidi", Grade.WARNING,
        "A name in the archive holds characters that change the direction of reading.",
    )  # fmt: skip
    ARCHIVE_NAME_INVISIBLE = (
        "archive.name-invisible", Grade.WARNING, "A name in the archive holds characters that cannot be seen.",
    )  # fmt: skip
    ARCHIVE_NAME_WINDOWS = (
        "archive.name-windows", Grade.WARNING, "A name in the archive means something else on Windows.",
    )  # fmt: skip
    ARCHIVE_NAME_STREAM = (
        "archive.name-stream", Grade.WARNING,
        "A name in the archive holds a colon, which on Windows means a hidden stream of another file.",
    )  # fmt: skip
    ARCHIVE_NAME_UNUSABLE = "archive.name-unusable", Grade.WARNING, "A name in the archive cannot be used as one."
    ARCHIVE_NAME_DUPLICATE = "archive.name-duplicate", Grade.WARNING, "Two files in the archive have the same name."
    ARCHIVE_COMMENT = "archive.comment", Grade.INFO, "The archive carries a comment."
    ZIP_ENCRYPTED = "zip.encrypted", Grade.OPAQUE, "The ZIP archive holds encrypted files."
    ZIP_METHOD = "zip.method", Grade.OPAQUE, "The ZIP archive uses a compression that is not unpacked here."
    ZIP_UNREADABLE = "zip.unreadable", Grade.OPAQUE, "The ZIP archive is damaged, so its contents were not all seen."
    ZIP_PREPENDED = "zip.prepended", Grade.OPAQUE, "Data stands before the ZIP archive, which was not looked into."
    ZIP_GAP = "zip.gap", Grade.OPAQUE, "The ZIP archive holds data that belongs to no file in it."
    ZIP_TRAILING = "zip.trailing", Grade.OPAQUE, "Data stands after the ZIP archive, which was not looked into."
    ZIP_PADDING = "zip.padding", Grade.INFO, "The ZIP archive holds stretches of zeros."
    ZIP_SEVERAL_ENDS = (
        "zip.several-ends", Grade.DANGER,
        "The ZIP archive has more than one end, so programs see different files in it.",
    )  # fmt: skip
    ZIP_DIRECTORY = "zip.directory", Grade.DANGER, "The ZIP archive's directory is not what its end record says."
    ZIP_ZIP64 = "zip.zip64", Grade.DANGER, "The ZIP archive states two different sizes for itself."
    ZIP_OVERLAP = "zip.overlap", Grade.DANGER, "Files in the ZIP archive share the same bytes."
    ZIP_HEADERS_DIFFER = (
        "zip.headers-differ", Grade.DANGER, "The ZIP archive describes a file in two ways that contradict each other.",
    )  # fmt: skip
    ZIP_TWO_NAMES = "zip.two-names", Grade.DANGER, "The ZIP archive gives a file two names of different kinds."
    ZIP_VOLUME = "zip.volume", Grade.OPAQUE, "It is one part of a ZIP archive that was split into several files."
    ZIP_LINK = "zip.link", Grade.WARNING, "The ZIP archive holds links, which can point outside of it."
    ZIP_EXTRA = "zip.extra", Grade.WARNING, "The ZIP archive's extra fields cannot be read."
    RAR_ENCRYPTED_HEADERS = "rar.encrypted-headers", Grade.OPAQUE, "The RAR archive hides even the list of its files."
    RAR_ENCRYPTED = "rar.encrypted", Grade.OPAQUE, "The RAR archive holds encrypted files."
    RAR_VOLUME = "rar.volume", Grade.OPAQUE, "It is one part of a RAR archive that was split into several files."
    RAR_METHOD = "rar.method", Grade.OPAQUE, "The RAR archive uses a compression that is not unpacked here."
    RAR_DICTIONARY = (
        "rar.dictionary", Grade.OPAQUE, "Unpacking the RAR archive would need more memory than is given to it.",
    )  # fmt: skip
    RAR_ALTERNATE_STREAM = (
        "rar.alternate-stream", Grade.OPAQUE, "The RAR archive carries data beside its files, which was not seen.",
    )  # fmt: skip
    RAR_LINK = "rar.link", Grade.WARNING, "The RAR archive holds links, which can point outside of it."
    RAR_UNREADABLE = "rar.unreadable", Grade.OPAQUE, "The RAR archive is damaged, so its contents were not all seen."
    RAR_TRAILING = (
        "rar.trailing", Grade.OPAQUE, "Data stands after the end of the RAR archive, which was not looked into.",
    )  # fmt: skip
    RAR_QUICK_OPEN = "rar.quick-open", Grade.DANGER, "The RAR archive shows another list of files than it holds."
    RAR_LOCATOR = "rar.locator", Grade.WARNING, "The RAR archive points to parts of itself that are not there."
    RAR_SOLID = "rar.solid", Grade.INFO, "The RAR archive packs its files as one stream."
    RAR_RECOVERY = "rar.recovery", Grade.INFO, "The RAR archive carries recovery data."
    RAR_OLD_VERSIONS = "rar.old-versions", Grade.INFO, "The RAR archive holds earlier versions of a file."
    PRIVACY_ARCHIVE_OWNER = (
        "privacy.archive-owner", Grade.IDENTIFIES_YOU, "The archive names the user account its files belonged to.",
    )  # fmt: skip
    PRIVACY_ARCHIVE_TIMES = (
        "privacy.archive-times", Grade.IDENTIFIES_YOU, "The archive tells exact times, and often the time zone.",
    )  # fmt: skip
    PRIVACY_ARCHIVE_USER_NAME = (
        "privacy.archive-user-name", Grade.IDENTIFIES_YOU, "A path in the archive contains the name of a user account.",
    )  # fmt: skip
    PRIVACY_ARCHIVE_MAC = (
        "privacy.archive-mac", Grade.IDENTIFIES_YOU, "The archive carries files that macOS adds by itself.",
    )  # fmt: skip
    PRIVACY_OFFICE_AUTHOR = (
        "privacy.office-author", Grade.IDENTIFIES_YOU,
        "An office document in the archive names who wrote or changed it.",
    )  # fmt: skip
    FILE_POLYGLOT = "file.polyglot", Grade.DANGER, "It can also be opened as a file of another type."
    PDF_JAVASCRIPT = "pdf.javascript", Grade.DANGER, "The PDF holds JavaScript."
    PDF_LAUNCH = "pdf.launch", Grade.DANGER, "The PDF can start a program."
    PDF_IMPORT_DATA = "pdf.import-data", Grade.DANGER, "The PDF can read another file of the machine it is opened on."
    PDF_AUTOMATIC_ACTION = (
        "pdf.automatic-action", Grade.DANGER, "The PDF does something by itself that reaches outside of it.",
    )  # fmt: skip
    PDF_REMOTE_PATH = "pdf.remote-path", Grade.DANGER, "The PDF refers to a file on another machine."
    PDF_SUBMIT_FORM = "pdf.submit-form", Grade.WARNING, "The PDF holds a form that can be sent to an address."
    PDF_GOTO_REMOTE = "pdf.goto-remote", Grade.WARNING, "The PDF links to another file."
    PDF_GOTO_EMBEDDED = "pdf.goto-embedded", Grade.WARNING, "The PDF links to a file inside it."
    PDF_URI_SCHEME = "pdf.uri-scheme", Grade.WARNING, "The PDF links to something that is not a web page or an address."
    PDF_URI = "pdf.uri", Grade.INFO, "The PDF holds links."
    PDF_OPEN_ACTION = "pdf.open-action", Grade.INFO, "The PDF says which page is shown first."
    PDF_ADDITIONAL_ACTIONS = "pdf.additional-actions", Grade.WARNING, "The PDF reacts to what its reader does."
    PDF_EMBEDDED_FILE = "pdf.embedded-file", Grade.WARNING, "The PDF carries another file."
    PDF_EMBEDDED_PROGRAM = "pdf.embedded-program", Grade.DANGER, "The PDF carries a program."
    PDF_EMBEDDED_OPAQUE = "pdf.embedded-opaque", Grade.OPAQUE, "The PDF carries a file that was not looked into."
    PDF_RICH_MEDIA = (
        "pdf.rich-media", Grade.OPAQUE, "The PDF holds sound, film or 3D content, which was not looked into.",
    )  # fmt: skip
    PDF_XFA = "pdf.xfa", Grade.OPAQUE, "The PDF holds a form of Adobe's XFA, which was not looked into."
    PDF_EXTERNAL_STREAM = "pdf.external-stream", Grade.OPAQUE, "A part of the PDF lies outside of it."
    PDF_ENCRYPTED = "pdf.encrypted", Grade.OPAQUE, "The PDF is encrypted, so nobody could look inside."
    PDF_RESTRICTED = "pdf.restricted", Grade.INFO, "The PDF forbids copying or printing, but opens without a password."
    PDF_UNREADABLE = "pdf.unreadable", Grade.OPAQUE, "The PDF is damaged so much that its objects were not seen."
    PDF_DAMAGED = "pdf.damaged", Grade.WARNING, "Some parts of the PDF are damaged."
    PDF_NOT_ALL_WALKED = "pdf.not-all-walked", Grade.WARNING, "The PDF has more objects than were followed."
    PDF_BUDGET = "pdf.budget", Grade.OPAQUE, "It unpacks to more than is looked at, like a bomb does."
    PDF_FILTERS = "pdf.filters", Grade.OPAQUE, "A part of the PDF is compressed twice."
    PDF_ESCAPED_NAME = (
        "pdf.escaped-name", Grade.WARNING, "The PDF writes a word of its own language in a way that hides it.",
    )  # fmt: skip
    PDF_JBIG2 = "pdf.jbig2", Grade.INFO, "The PDF holds pictures of a kind whose decoders are often attacked."
    PDF_OBJECT_STREAMS = "pdf.object-streams", Grade.INFO, "The PDF keeps objects in compressed form."
    PDF_SEVERAL_REVISIONS = (
        "pdf.several-revisions", Grade.INFO, "The PDF was changed after it was made, and holds what it was before.",
    )  # fmt: skip
    PDF_DATA_BEFORE = "pdf.data-before-header", Grade.WARNING, "Data stands before the PDF's beginning."
    PDF_DATA_AFTER = "pdf.data-after-end", Grade.WARNING, "Data stands after the PDF's end."
    PDF_NO_END = "pdf.no-end", Grade.WARNING, "The PDF has no end, as if it had been cut off."
    TEXT_BINARY = "text.binary", Grade.OPAQUE, "The text holds bytes that no text has."
    TEXT_ESCAPE = "text.escape-sequences", Grade.DANGER, "The text holds commands to a terminal."
    TEXT_COLOUR = "text.colour", Grade.INFO, "The text holds colours or the charset marks of a terminal."
    TEXT_CONTROL = "text.control", Grade.WARNING, "The text holds control characters."
    TEXT_LONE_CR = "text.lone-cr", Grade.WARNING, "The text holds line ends that overwrite a line."
    TEXT_BIDI = "text.bidi", Grade.WARNING, "The text can read differently from what it says."
    TEXT_ZERO_WIDTH = "text.zero-width", Grade.WARNING, "The text holds characters that cannot be seen."
    TEXT_TAGS = "text.tags", Grade.WARNING, "The text holds a hidden text."
    TEXT_OTHER_FORMAT = (
        "text.other-format", Grade.WARNING, "The text is written in a format that programs run or show as a page.",
    )  # fmt: skip
    TEXT_UTF16 = "text.utf-16", Grade.INFO, "The text's charset is UTF-16."
    TEXT_WINDOWS_1252 = (
        "text.windows-1252", Grade.INFO,
        "The text is not in Unicode; it is read as Windows-1252, of which Latin-1 is a part.",
    )  # fmt: skip
    TEXT_UNKNOWN_CHARSET = "text.unknown-charset", Grade.INFO, "The text is in a charset that was not recognised."
    TEXT_DAMAGED = "text.damaged", Grade.WARNING, "The text's characters are damaged."
    IMAGE_DAMAGED = "image.damaged", Grade.OPAQUE, "The picture is damaged, so its parts were not all seen."
    IMAGE_TOO_LARGE = "image.too-large", Grade.OPAQUE, "The picture unpacks to more than is looked at."
    IMAGE_DATA_AFTER = "image.data-after-end", Grade.WARNING, "Data stands after the picture's end."
    IMAGE_FRAMES = "image.frames", Grade.WARNING, "The picture holds more pictures than the one that is shown."
    PRIVACY_PICTURE_AUTHOR = "privacy.picture-author", Grade.IDENTIFIES_YOU, "A picture names an author or owner."
    PRIVACY_PICTURE_SOFTWARE = (
        "privacy.picture-software", Grade.IDENTIFIES_YOU, "A picture names the program that made it.",
    )  # fmt: skip
    PRIVACY_PICTURE_TIMES = "privacy.picture-times", Grade.IDENTIFIES_YOU, "A picture says when it was taken or made."
    PRIVACY_PICTURE_DOCUMENT_ID = (
        "privacy.picture-document-id", Grade.IDENTIFIES_YOU, "A picture carries a number that ties it to other copies.",
    )  # fmt: skip
    PRIVACY_PICTURE_LOCATION = "privacy.picture-location", Grade.IDENTIFIES_YOU, "A picture says where it was taken."
    PRIVACY_PICTURE_DEVICE = (
        "privacy.picture-device", Grade.IDENTIFIES_YOU, "A picture names the camera or its serial number.",
    )  # fmt: skip
    PRIVACY_PICTURE_TEXT = (
        "privacy.picture-text", Grade.IDENTIFIES_YOU, "A picture carries a text that somebody or a program wrote.",
    )  # fmt: skip
    PRIVACY_PICTURE_THUMBNAIL = (
        "privacy.picture-thumbnail", Grade.IDENTIFIES_YOU, "A picture carries a small copy of itself.",
    )  # fmt: skip
    PRIVACY_PDF_REVISIONS = (
        "privacy.pdf-revisions", Grade.IDENTIFIES_YOU, "The PDF still holds earlier versions of itself.",
    )  # fmt: skip
    PRIVACY_PDF_COMMENTS = "privacy.pdf-comments", Grade.IDENTIFIES_YOU, "The PDF names who wrote comments in it."
    PRIVACY_PDF_SIGNATURE = "privacy.pdf-signature", Grade.IDENTIFIES_YOU, "The PDF is signed, which names the signer."
    PRIVACY_PDF_FIELDS = (
        "privacy.pdf-fields", Grade.IDENTIFIES_YOU, "The PDF carries particulars beyond the usual ones.",
    )  # fmt: skip
    PRIVACY_PDF_SCAN = (
        "privacy.pdf-scan", Grade.IDENTIFIES_YOU,
        "The PDF holds a page scanned in colour, which can carry a printer's hidden dots.",
    )  # fmt: skip
    PRIVACY_TEXT_WATERMARK = (
        "privacy.text-watermark", Grade.IDENTIFIES_YOU, "The text holds hidden characters that can mark a copy.",
    )  # fmt: skip
    PRIVACY_PDF_AUTHOR = "privacy.pdf-author", Grade.IDENTIFIES_YOU, "The PDF names its author."
    PRIVACY_PDF_SOFTWARE = "privacy.pdf-software", Grade.IDENTIFIES_YOU, "The PDF names the program that made it."
    PRIVACY_PDF_TIMES = (
        "privacy.pdf-times", Grade.IDENTIFIES_YOU, "The PDF says when it was made, often with the time zone.",
    )  # fmt: skip
    PRIVACY_PDF_ID = "privacy.pdf-id", Grade.IDENTIFIES_YOU, "The PDF carries a number that ties it to other copies."


@dataclass(frozen=True, slots=True)
class Finding:
    """One observation about a file. Its grade and sentence belong to the code."""

    code: Code
    is_raised: bool = False  # whether the settings of this place hold a file for it, whatever its grade

    @property
    def holds(self) -> bool:
        """Whether the file is held for it. Settings can add to what its grade does, and never take away."""
        return self.code.grade.holds or self.is_raised

    @property
    def grade(self) -> Grade:
        """How much it weighs."""
        return self.code.grade

    @property
    def sentence(self) -> str:
        """What it means, for a person."""
        return self.code.sentence


def check_raised(codes: Iterable[str]) -> frozenset[Code]:
    """Return the codes that an operator wants files held for, beside those whose grade holds.

    Raises:
        ValueError: With a sentence: no such code, or one that only says what identifies a source.
    """
    raised = set[Code]()
    for text in codes:
        if text not in frozenset(map(str, Code)):
            raise ValueError(f"there is no finding '{text}': quarantine/CHECKS.md lists them all")
        code = Code(text)
        if code.grade is Grade.IDENTIFIES_YOU:
            # Held for that, a file would be locked away because its sender was careless.
            raise ValueError(f"'{text}' is for the source to know, and never a reason to hold a file")
        raised.add(code)
    return frozenset(raised)
