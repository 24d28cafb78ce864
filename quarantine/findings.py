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
        """Return whether a finding of this grade holds the file.

        Opaque content holds the file as dangerous content does: nothing is known of it.
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
    SCANNER_ENCRYPTED = "scanner.encrypted", Grade.OPAQUE, "It is encrypted, so its content could not be inspected."
    SCANNER_LIMITS = "scanner.limits", Grade.OPAQUE, "It is larger or deeper than the virus scanner reads."
    ARCHIVE_BUDGET = (
        "archive.budget", Grade.OPAQUE, "It unpacks to more than is inspected here, as an archive bomb does.",
    )  # fmt: skip
    ARCHIVE_PATH_OUTSIDE = (
        "archive.path-outside", Grade.DANGER, "A name in the archive would be unpacked outside its folder.",
    )  # fmt: skip
    ARCHIVE_THROUGH_LINK = (
        "archive.through-link", Grade.DANGER,
        "A file in the archive would be written through a link that the archive itself makes.",
    )  # fmt: skip
    ARCHIVE_LINK_OUTSIDE = "archive.link-outside", Grade.WARNING, "A link in the archive points outside the archive."
    ARCHIVE_DEVICE = "archive.device", Grade.DANGER, "The archive contains a device, a pipe or a socket."
    ARCHIVE_EXECUTABLE = "archive.executable", Grade.WARNING, "The archive contains a program or a script."
    ARCHIVE_DISGUISED_EXECUTABLE = (
        "archive.disguised-executable", Grade.DANGER, "The archive contains a program that pretends to be a document.",
    )  # fmt: skip
    ARCHIVE_MACRO = "archive.macro", Grade.WARNING, "The archive contains an office document with macros."
    ARCHIVE_SELF_EXTRACTING = (
        "archive.self-extracting", Grade.OPAQUE,
        "The archive contains a self-extracting program, which was not inspected.",
    )  # fmt: skip
    ARCHIVE_CONTAINER = (
        "archive.container", Grade.WARNING,
        "The archive contains an archive of another kind, which only the virus scanner inspected.",
    )  # fmt: skip
    ARCHIVE_TYPE_DIFFERS = (
        "archive.type-differs", Grade.WARNING, "A file in the archive is of a type that does not match its name.",
    )  # fmt: skip
    ARCHIVE_NAME_CONTROL = "archive.name-control", Grade.WARNING, "A name in the archive contains control characters."
    ARCHIVE_NAME_BIDI = (
        "archive.name-bidi", Grade.WARNING,
        "A name in the archive contains characters that change the reading direction.",
    )  # fmt: skip
    ARCHIVE_NAME_INVISIBLE = (
        "archive.name-invisible", Grade.WARNING, "A name in the archive contains invisible characters.",
    )  # fmt: skip
    ARCHIVE_NAME_WINDOWS = (
        "archive.name-windows", Grade.WARNING, "A name in the archive means something else on Windows.",
    )  # fmt: skip
    ARCHIVE_NAME_STREAM = (
        "archive.name-stream", Grade.WARNING,
        "A name in the archive contains a colon, which on Windows names a hidden stream of another file.",
    )  # fmt: skip
    ARCHIVE_NAME_UNUSABLE = "archive.name-unusable", Grade.WARNING, "A name in the archive is not a valid file name."
    ARCHIVE_NAME_DUPLICATE = "archive.name-duplicate", Grade.WARNING, "Two files in the archive have the same name."
    ARCHIVE_COMMENT = "archive.comment", Grade.INFO, "The archive carries a comment."
    ZIP_ENCRYPTED = "zip.encrypted", Grade.OPAQUE, "The ZIP archive contains encrypted files."
    ZIP_METHOD = "zip.method", Grade.OPAQUE, "The ZIP archive uses a compression method that is not unpacked here."
    ZIP_UNREADABLE = (
        "zip.unreadable", Grade.OPAQUE, "The ZIP archive is damaged, so not all of its content was inspected.",
    )  # fmt: skip
    ZIP_PREPENDED = "zip.prepended", Grade.OPAQUE, "Data precedes the ZIP archive and was not inspected."
    ZIP_GAP = "zip.gap", Grade.OPAQUE, "The ZIP archive contains data that belongs to no file in it."
    ZIP_TRAILING = "zip.trailing", Grade.OPAQUE, "Data follows the ZIP archive and was not inspected."
    ZIP_PADDING = "zip.padding", Grade.INFO, "The ZIP archive contains runs of zeros."
    ZIP_SEVERAL_ENDS = (
        "zip.several-ends", Grade.DANGER,
        "The ZIP archive has more than one end record, so programs see different files in it.",
    )  # fmt: skip
    ZIP_DIRECTORY = "zip.directory", Grade.DANGER, "The ZIP archive's directory contradicts its end record."
    ZIP_ZIP64 = "zip.zip64", Grade.DANGER, "The ZIP archive states two different sizes for itself."
    ZIP_OVERLAP = "zip.overlap", Grade.DANGER, "Files in the ZIP archive share the same bytes."
    ZIP_HEADERS_DIFFER = (
        "zip.headers-differ", Grade.DANGER,
        "The ZIP archive describes a file twice, and the two contradict each other.",
    )  # fmt: skip
    ZIP_TWO_NAMES = "zip.two-names", Grade.DANGER, "The ZIP archive gives a file two names of different kinds."
    ZIP_VOLUME = "zip.volume", Grade.OPAQUE, "It is one part of a ZIP archive that was split into several files."
    ZIP_LINK = "zip.link", Grade.WARNING, "The ZIP archive contains links, which can point outside it."
    ZIP_EXTRA = "zip.extra", Grade.WARNING, "The ZIP archive's extra fields cannot be read."
    RAR_ENCRYPTED_HEADERS = "rar.encrypted-headers", Grade.OPAQUE, "The RAR archive hides even the list of its files."
    RAR_ENCRYPTED = "rar.encrypted", Grade.OPAQUE, "The RAR archive contains encrypted files."
    RAR_VOLUME = "rar.volume", Grade.OPAQUE, "It is one part of a RAR archive that was split into several files."
    RAR_METHOD = "rar.method", Grade.OPAQUE, "The RAR archive uses a compression method that is not unpacked here."
    RAR_DICTIONARY = "rar.dictionary", Grade.OPAQUE, "Unpacking the RAR archive would take more memory than is allowed."
    RAR_ALTERNATE_STREAM = (
        "rar.alternate-stream", Grade.OPAQUE, "The RAR archive carries data beside its files, which was not inspected.",
    )  # fmt: skip
    RAR_LINK = "rar.link", Grade.WARNING, "The RAR archive contains links, which can point outside it."
    RAR_UNREADABLE = (
        "rar.unreadable", Grade.OPAQUE, "The RAR archive is damaged, so not all of its content was inspected.",
    )  # fmt: skip
    RAR_TRAILING = "rar.trailing", Grade.OPAQUE, "Data follows the end of the RAR archive and was not inspected."
    RAR_QUICK_OPEN = (
        "rar.quick-open", Grade.DANGER, "The RAR archive shows a different list of files from the one it contains.",
    )  # fmt: skip
    RAR_LOCATOR = "rar.locator", Grade.WARNING, "The RAR archive points to parts of itself that do not exist."
    RAR_SOLID = "rar.solid", Grade.INFO, "The RAR archive packs its files as one stream."
    RAR_RECOVERY = "rar.recovery", Grade.INFO, "The RAR archive carries recovery data."
    RAR_OLD_VERSIONS = "rar.old-versions", Grade.INFO, "The RAR archive contains earlier versions of a file."
    PRIVACY_ARCHIVE_OWNER = (
        "privacy.archive-owner", Grade.IDENTIFIES_YOU, "The archive names the user account that its files belonged to.",
    )  # fmt: skip
    PRIVACY_ARCHIVE_TIMES = (
        "privacy.archive-times", Grade.IDENTIFIES_YOU, "The archive contains exact times, and often the time zone.",
    )  # fmt: skip
    PRIVACY_ARCHIVE_USER_NAME = (
        "privacy.archive-user-name", Grade.IDENTIFIES_YOU, "A path in the archive contains the name of a user account.",
    )  # fmt: skip
    PRIVACY_ARCHIVE_MAC = (
        "privacy.archive-mac", Grade.IDENTIFIES_YOU, "The archive carries files that a Mac adds by itself.",
    )  # fmt: skip
    PRIVACY_OFFICE_AUTHOR = (
        "privacy.office-author", Grade.IDENTIFIES_YOU,
        "An office document in the archive names the person who wrote or changed it.",
    )  # fmt: skip
    DOCUMENT_NOT_INSPECTED = (
        "document.not-inspected", Grade.OPAQUE,
        "A document of this type is not inspected in depth here, so what it does when it is opened is not known.",
    )  # fmt: skip
    DOCUMENT_OTHER_TYPE = (
        "document.other-type", Grade.WARNING, "Its structure is not that of a document of the type that it claims.",
    )  # fmt: skip
    PRIVACY_DOCUMENT_AUTHOR = (
        "privacy.document-author", Grade.IDENTIFIES_YOU, "The document names the person who wrote or changed it.",
    )  # fmt: skip
    PRIVACY_MAIL_PEOPLE = (
        "privacy.mail-people", Grade.IDENTIFIES_YOU, "The e-mail names who sent it and who received it.",
    )  # fmt: skip
    FILE_POLYGLOT = "file.polyglot", Grade.DANGER, "It can also be opened as a file of another type."
    PDF_JAVASCRIPT = "pdf.javascript", Grade.DANGER, "The PDF contains JavaScript."
    PDF_LAUNCH = "pdf.launch", Grade.DANGER, "The PDF can start a program."
    PDF_IMPORT_DATA = (
        "pdf.import-data", Grade.DANGER, "The PDF can read another file on the machine where it is opened.",
    )  # fmt: skip
    PDF_AUTOMATIC_ACTION = (
        "pdf.automatic-action", Grade.DANGER, "The PDF does something by itself that reaches outside the document.",
    )  # fmt: skip
    PDF_REMOTE_PATH = "pdf.remote-path", Grade.DANGER, "The PDF refers to a file on another machine."
    PDF_LOCAL_PATH = (
        "pdf.local-path", Grade.WARNING, "The PDF links to a file on the computer where it is opened.",
    )  # fmt: skip
    PDF_AMBIGUOUS = (
        "pdf.ambiguous", Grade.OPAQUE, "PDF readers see different things in it, and not all of them were inspected.",
    )  # fmt: skip
    PDF_SUBMIT_FORM = "pdf.submit-form", Grade.WARNING, "The PDF contains a form that can be sent to an address."
    PDF_GOTO_REMOTE = "pdf.goto-remote", Grade.WARNING, "The PDF links to another file."
    PDF_GOTO_EMBEDDED = "pdf.goto-embedded", Grade.WARNING, "The PDF links to a file inside it."
    PDF_URI_SCHEME = "pdf.uri-scheme", Grade.WARNING, "The PDF links to something that is not a web page or an address."
    PDF_URI = "pdf.uri", Grade.INFO, "The PDF contains links."
    PDF_OPEN_ACTION = "pdf.open-action", Grade.INFO, "The PDF sets the page that is shown first."
    PDF_ADDITIONAL_ACTIONS = "pdf.additional-actions", Grade.WARNING, "The PDF reacts to what its reader does."
    PDF_EMBEDDED_FILE = "pdf.embedded-file", Grade.WARNING, "The PDF carries another file."
    PDF_EMBEDDED_PROGRAM = "pdf.embedded-program", Grade.DANGER, "The PDF carries a program."
    PDF_EMBEDDED_OPAQUE = "pdf.embedded-opaque", Grade.OPAQUE, "The PDF carries a file that was not inspected."
    PDF_RICH_MEDIA = (
        "pdf.rich-media", Grade.OPAQUE, "The PDF contains sound, film or 3D content, which was not inspected.",
    )  # fmt: skip
    PDF_XFA = "pdf.xfa", Grade.OPAQUE, "The PDF contains an Adobe XFA form, which was not inspected."
    PDF_EXTERNAL_STREAM = "pdf.external-stream", Grade.OPAQUE, "A part of the PDF is in another file."
    PDF_ENCRYPTED = "pdf.encrypted", Grade.OPAQUE, "The PDF is encrypted, so its content could not be inspected."
    PDF_RESTRICTED = "pdf.restricted", Grade.INFO, "The PDF forbids copying or printing, but opens without a password."
    PDF_UNREADABLE = "pdf.unreadable", Grade.OPAQUE, "The PDF is so damaged that its objects were not inspected."
    PDF_DAMAGED = "pdf.damaged", Grade.WARNING, "Some parts of the PDF are damaged."
    PDF_NOT_ALL_WALKED = "pdf.not-all-walked", Grade.OPAQUE, "The PDF has more objects than were inspected."
    PDF_NOT_ALL_FOLLOWED = (
        "pdf.not-all-followed", Grade.WARNING,
        "The PDF has more objects than were followed; the others contain nothing that acts.",
    )  # fmt: skip
    PDF_PICTURES_SAMPLED = (
        "pdf.pictures-sampled", Grade.WARNING, "The PDF has more pictures than were unpacked to their end.",
    )  # fmt: skip
    PDF_BUDGET = "pdf.budget", Grade.OPAQUE, "It unpacks to more than is inspected here, as a decompression bomb does."
    PDF_FILTERS = (
        "pdf.filters",
        Grade.OPAQUE,
        "A part of the PDF is compressed twice, or in a way that is not unpacked here.",
    )
    PDF_ESCAPED_NAME = "pdf.escaped-name", Grade.WARNING, "The PDF writes one of its keywords in a way that hides it."
    PDF_JBIG2 = "pdf.jbig2", Grade.INFO, "The PDF contains pictures in a format whose decoders are often attacked."
    PDF_OBJECT_STREAMS = "pdf.object-streams", Grade.INFO, "The PDF keeps objects in compressed form."
    PDF_SEVERAL_REVISIONS = (
        "pdf.several-revisions", Grade.INFO,
        "The PDF was changed after it was made, and still contains its earlier state.",
    )  # fmt: skip
    PDF_DATA_BEFORE = "pdf.data-before-header", Grade.WARNING, "Data precedes the PDF's header."
    PDF_DATA_AFTER = "pdf.data-after-end", Grade.WARNING, "Data follows the PDF's end."
    PDF_NO_END = "pdf.no-end", Grade.WARNING, "The PDF has no end mark, as if it had been cut off."
    TEXT_BINARY = "text.binary", Grade.OPAQUE, "The text contains bytes that are not text."
    TEXT_ESCAPE = "text.escape-sequences", Grade.DANGER, "The text contains terminal commands."
    TEXT_COLOUR = "text.colour", Grade.INFO, "The text contains terminal codes for colours or charsets."
    TEXT_CONTROL = "text.control", Grade.WARNING, "The text contains control characters."
    TEXT_LONE_CR = "text.lone-cr", Grade.WARNING, "The text contains line ends that overwrite a line."
    TEXT_BIDI = "text.bidi", Grade.WARNING, "The text can be displayed in another order than it is written in."
    TEXT_ZERO_WIDTH = "text.zero-width", Grade.WARNING, "The text contains invisible characters."
    TEXT_TAGS = "text.tags", Grade.WARNING, "The text contains hidden text."
    TEXT_OTHER_FORMAT = (
        "text.other-format", Grade.WARNING, "The text is written in a format that programs run, or show as a page.",
    )  # fmt: skip
    TEXT_UTF16 = "text.utf-16", Grade.INFO, "The text's charset is UTF-16."
    TEXT_WINDOWS_1252 = (
        "text.windows-1252", Grade.INFO,
        "The text is not in Unicode; it is read as Windows-1252, of which Latin-1 is a part.",
    )  # fmt: skip
    TEXT_UNKNOWN_CHARSET = "text.unknown-charset", Grade.INFO, "The text is in a charset that was not recognised."
    TEXT_DAMAGED = "text.damaged", Grade.WARNING, "The text's characters are damaged."
    IMAGE_DAMAGED = "image.damaged", Grade.OPAQUE, "The picture is damaged, so not all of its parts were inspected."
    IMAGE_TOO_LARGE = "image.too-large", Grade.OPAQUE, "The picture unpacks to more than is inspected here."
    IMAGE_DATA_AFTER = "image.data-after-end", Grade.WARNING, "Data follows the picture's end."
    IMAGE_FRAMES = "image.frames", Grade.WARNING, "The file contains more pictures than the one that is shown."
    PRIVACY_PICTURE_AUTHOR = "privacy.picture-author", Grade.IDENTIFIES_YOU, "A picture names an author or owner."
    PRIVACY_PICTURE_SOFTWARE = (
        "privacy.picture-software", Grade.IDENTIFIES_YOU, "A picture names the program that made it.",
    )  # fmt: skip
    PRIVACY_PICTURE_TIMES = (
        "privacy.picture-times", Grade.IDENTIFIES_YOU, "A picture records when it was taken or made.",
    )  # fmt: skip
    PRIVACY_PICTURE_DOCUMENT_ID = (
        "privacy.picture-document-id", Grade.IDENTIFIES_YOU,
        "A picture carries an identifier that links it to other copies.",
    )  # fmt: skip
    PRIVACY_PICTURE_LOCATION = "privacy.picture-location", Grade.IDENTIFIES_YOU, "A picture records where it was taken."
    PRIVACY_PICTURE_DEVICE = (
        "privacy.picture-device", Grade.IDENTIFIES_YOU, "A picture names the camera or its serial number.",
    )  # fmt: skip
    PRIVACY_PICTURE_TEXT = (
        "privacy.picture-text", Grade.IDENTIFIES_YOU, "A picture carries text that a person or a program wrote.",
    )  # fmt: skip
    PRIVACY_PICTURE_THUMBNAIL = (
        "privacy.picture-thumbnail", Grade.IDENTIFIES_YOU,
        "A picture carries a small copy of itself, perhaps from before it was cropped.",
    )  # fmt: skip
    PRIVACY_PDF_REVISIONS = (
        "privacy.pdf-revisions", Grade.IDENTIFIES_YOU, "The PDF still contains earlier versions of itself.",
    )  # fmt: skip
    PRIVACY_PDF_COMMENTS = "privacy.pdf-comments", Grade.IDENTIFIES_YOU, "The PDF names the people who commented on it."
    PRIVACY_PDF_SIGNATURE = "privacy.pdf-signature", Grade.IDENTIFIES_YOU, "The PDF is signed, which names the signer."
    PRIVACY_PDF_FIELDS = "privacy.pdf-fields", Grade.IDENTIFIES_YOU, "The PDF carries metadata beyond the usual fields."
    PRIVACY_PDF_PATH = (
        "privacy.pdf-path", Grade.IDENTIFIES_YOU,
        "The PDF contains the path of a file on a computer, which often names a person.",
    )  # fmt: skip
    PRIVACY_PDF_SCAN = (
        "privacy.pdf-scan", Grade.IDENTIFIES_YOU,
        "The PDF contains a page scanned in colour, which can carry a printer's hidden dots.",
    )  # fmt: skip
    PRIVACY_TEXT_WATERMARK = (
        "privacy.text-watermark", Grade.IDENTIFIES_YOU, "The text contains hidden characters that can mark a copy.",
    )  # fmt: skip
    PRIVACY_PDF_AUTHOR = "privacy.pdf-author", Grade.IDENTIFIES_YOU, "The PDF names its author."
    PRIVACY_PDF_SOFTWARE = "privacy.pdf-software", Grade.IDENTIFIES_YOU, "The PDF names the program that made it."
    PRIVACY_PDF_TIMES = (
        "privacy.pdf-times", Grade.IDENTIFIES_YOU, "The PDF records when it was made, often with the time zone.",
    )  # fmt: skip
    PRIVACY_PDF_ID = (
        "privacy.pdf-id", Grade.IDENTIFIES_YOU, "The PDF carries an identifier that links it to other copies.",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """One observation about a file. Its grade and sentence belong to the code."""

    code: Code
    is_raised: bool = False  # whether the settings of this place hold a file for it, whatever its grade

    @property
    def holds(self) -> bool:
        """Return whether the file is held for it. Settings can add to what its grade does, and never take away."""
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
        ValueError: With a sentence: no such code, or one that only reports what identifies a source.
    """
    raised = set[Code]()
    for text in codes:
        if text not in frozenset(map(str, Code)):
            raise ValueError(f"there is no finding '{text}': quarantine/CHECKS.md lists them all")
        code = Code(text)
        if code.grade is Grade.IDENTIFIES_YOU:
            # Held for that, a file would be locked away because its sender was careless.
            raise ValueError(f"'{text}' is a warning to the source, and never a reason to hold a file")
        raised.add(code)
    return frozenset(raised)
