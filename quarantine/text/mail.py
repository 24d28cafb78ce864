"""The check of an e-mail: whether it begins as one. What it carries is not looked at yet: each is held as opaque."""

from typing import BinaryIO, Final

from quarantine.budgets import KIB, Budgets
from quarantine.examination import Examination, ExamineMember
from quarantine.file_types import is_mail
from quarantine.findings import Code, Finding
from quarantine.polyglots import ends_as_zip

HEADER_MAX: Final = 256 * KIB  # bytes in which the header has to end; mail servers take 64 KiB or less


def examine_mail(stream: BinaryIO, _budgets: Budgets, _: ExamineMember) -> Examination:
    """See quarantine.check_of_type."""
    stream.seek(0)
    header, empty_line, _body = stream.read(HEADER_MAX).replace(b"\r\n", b"\n").partition(b"\n\n")
    codes = [Code.DOCUMENT_NOT_INSPECTED]
    # With its last line end: a header that is cut is no header.
    codes.append(Code.PRIVACY_MAIL_PEOPLE if empty_line and is_mail(header + b"\n") else Code.DOCUMENT_OTHER_TYPE)
    if ends_as_zip(stream, stream.seek(0, 2)):
        codes.append(Code.FILE_POLYGLOT)
    return Examination(tuple(map(Finding, codes)))
