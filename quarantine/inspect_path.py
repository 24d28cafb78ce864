"""Inspects an operator's own files by path, exactly as the gateway does: for `enveis quarantine inspect`."""

import hashlib
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from disk.handed_over import open_handed_over
from quarantine.budgets import FILE_MAX
from quarantine.errors import FileTooLargeError, QuarantineError
from quarantine.file_types import DEFAULT_TYPES, HEAD_SIZE, FileType, RefusedType, accepted_type
from quarantine.inspector import Inspector
from quarantine.memfd import MemfdWriter
from quarantine.verdict import Verdict

READ_SIZE: Final = 1024 * 1024  # bytes


@dataclass(frozen=True, slots=True)
class Inspected:
    """The gateway would take the file, and this is the verdict of the inspection."""

    file_type: FileType
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Refused:
    """The gateway would not take the file."""

    reason: QuarantineError  # RefusedType or FileTooLargeError; its text is a sentence for a person


def inspect_path(
    path: Path,
    inspector: Inspector,
    *,
    seconds: float,
    allowed: frozenset[FileType] = DEFAULT_TYPES,
    file_max: int = FILE_MAX,
) -> Inspected | Refused:
    """Read `path` into memory and judge it within `seconds`.

    Raises:
        OSError, disk.handed_over.HandedOverError: It cannot be read, or is no regular file.
    """
    digest = hashlib.sha256()
    with open_handed_over(path, largest=sys.maxsize) as stream, MemfdWriter(file_max) as writer:
        # Before it is read: a sparse file may claim any size.
        if os.fstat(stream.fileno()).st_size > file_max:
            return Refused(FileTooLargeError(f"a file has more than {file_max} bytes"))
        try:
            while piece := stream.read(READ_SIZE):
                writer.write(piece)
                digest.update(piece)
            with writer.seal() as memfd:
                file_type = accepted_type(path.name, memfd.head(HEAD_SIZE), allowed)
                until = time.monotonic() + seconds
                verdict = inspector.inspect(memfd, file_type, digest.hexdigest(), deadline=until)
                return Inspected(file_type, verdict)
        except (RefusedType, FileTooLargeError) as error:
            return Refused(error)
