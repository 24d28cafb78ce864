"""What each finding weighs and means: a table, which CHECKS.md explains line by line (a test keeps the two equal).

A finding is a code and never a word of the file: nothing that a source wrote can travel inside a verdict.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, assert_never

from quarantine.codes import Code


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


@dataclass(frozen=True, slots=True)
class Finding:
    """One observation about a file. Its grade and sentence belong to the code."""

    code: Code
    is_raised: bool = False  # whether the settings of this place hold a file for it, whatever its grade

    @property
    def holds(self) -> bool:
        """Whether the file is held for it. Settings can add to what its grade does, and never take away."""
        return self.grade.holds or self.is_raised

    @property
    def grade(self) -> Grade:
        """How much it weighs."""
        return CHECKS[self.code][0]

    @property
    def sentence(self) -> str:
        """What it means, for a person."""
        return CHECKS[self.code][1]


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
    Code.IMAGE_FRAMES: (Grade.WARNING, "The picture holds more pictures than the one that is shown."),
    Code.PRIVACY_PICTURE_AUTHOR: (Grade.IDENTIFIES_YOU, "A picture names an author or owner."),
    Code.PRIVACY_PICTURE_SOFTWARE: (Grade.IDENTIFIES_YOU, "A picture names the program that made it."),
    Code.PRIVACY_PICTURE_TIMES: (Grade.IDENTIFIES_YOU, "A picture says when it was taken or made."),
    Code.PRIVACY_PICTURE_DOCUMENT_ID: (
        Grade.IDENTIFIES_YOU,
        "A picture carries a number that ties it to other copies.",
    ),
    Code.PRIVACY_PICTURE_LOCATION: (Grade.IDENTIFIES_YOU, "A picture says where it was taken."),
    Code.PRIVACY_PICTURE_DEVICE: (Grade.IDENTIFIES_YOU, "A picture names the camera or its serial number."),
    Code.PRIVACY_PICTURE_TEXT: (Grade.IDENTIFIES_YOU, "A picture carries a text that somebody or a program wrote."),
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
        if CHECKS[code][0] is Grade.IDENTIFIES_YOU:
            # Held for that, a file would be locked away because its sender was careless.
            raise ValueError(f"'{text}' is for the source to know, and never a reason to hold a file")
        raised.add(code)
    return frozenset(raised)
