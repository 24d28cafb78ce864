"""Which check belongs to which type. A pure function of a file's bytes; the caged worker is its only real caller.

Every check is a module `checks_<type>` with

    def examine(stream: BinaryIO, budgets: Budgets) -> Examination

`stream` is seekable, read-only, at offset 0, and its `fileno()` is the sealed memfd. There is nothing else to open:
in the cage every path, also one under /proc, is refused. What a check raises makes the file Undecided, so a check
catches what it can name. A check that looks into members calls `examine_bytes` for them, with what its budget leaves.
"""

from collections.abc import Callable
from typing import BinaryIO, assert_never

from quarantine.budgets import Budgets
from quarantine.examination import Examination
from quarantine.file_types import FileType

Check = Callable[[BinaryIO, Budgets], Examination]


def examine_bytes(stream: BinaryIO, file_type: FileType, budgets: Budgets) -> Examination:
    """Examine the whole of `stream` as a file of this type. Raises whatever the parser raises."""
    return check_of(file_type)(stream, budgets)


def check_of(file_type: FileType) -> Check:
    """Return the check of a type. Imported on demand: checks call back into this module for members."""
    match file_type:
        case FileType.ZIP:
            from quarantine.zip.check import examine
        case FileType.RAR:
            from quarantine.rar.check import examine
        case FileType.PDF:
            from quarantine.pdf.check import examine
        case FileType.TXT:
            from quarantine.text.check import examine
        case FileType.JPEG | FileType.PNG:
            from quarantine.image.check import examine
        case _:
            assert_never(file_type)
    return examine
