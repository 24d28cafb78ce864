"""Which check belongs to which type. A pure function of a file's bytes; the caged worker is its only real caller.

Every type has a room with a module `check.py` and in it one Check (office documents, which are ZIPs, have theirs in
zip/office.py, and e-mails in text/mail.py):

    def examine_<type>(stream: BinaryIO, budgets: Budgets, examine_member: ExamineMember) -> Examination

`stream` is seekable, read-only, at offset 0, and its `fileno()` is the sealed memfd. There is nothing else to open:
in the cage every path, also one under /proc, is refused. What a check raises makes the file Undecided, so a check
catches what it can name. A check that finds members calls `examine_member` for them, with what its budget leaves.
"""

from typing import BinaryIO, assert_never

from quarantine.budgets import Budgets
from quarantine.examination import Check, Examination
from quarantine.file_types import FileType


def examine_bytes(stream: BinaryIO, file_type: FileType, budgets: Budgets) -> Examination:
    """Examine the whole of `stream` as a file of this type. Raises whatever the parser raises."""
    return check_of(file_type)(stream, budgets, examine_bytes)


def check_of(file_type: FileType) -> Check:  # noqa: PLR0911 - one return for each check
    """Return the check of a type; its modules are loaded on demand.

    The check of PDFs loads pypdf, and pypdf would load Pillow unless that was forbidden before (workers/warmup.py).
    """
    match file_type:
        case FileType.ZIP:
            from quarantine.zip.check import examine_zip

            return examine_zip
        case FileType.RAR:
            from quarantine.rar.check import examine_rar

            return examine_rar
        case FileType.PDF:
            from quarantine.pdf.check import examine_pdf

            return examine_pdf
        case FileType.TXT:
            from quarantine.text.check import examine_text

            return examine_text
        case FileType.JPEG | FileType.PNG:
            from quarantine.image.check import examine_image

            return examine_image
        case FileType.DOCX | FileType.XLSX | FileType.PPTX | FileType.ODT | FileType.ODS:
            from quarantine.zip.office import check_of_office

            return check_of_office(file_type)
        case FileType.EML:
            from quarantine.text.mail import examine_mail

            return examine_mail
        case _:
            assert_never(file_type)
