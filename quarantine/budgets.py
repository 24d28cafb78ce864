"""How much one inspection may cost. One frozen value, handed down; the reasons stand beside the numbers."""

from dataclasses import dataclass
from typing import Final

MIB: Final = 1024 * 1024
FILE_MAX: Final = 256 * MIB  # bytes of one file of a submission


@dataclass(frozen=True, slots=True)
class Budgets:
    """Limits of one file's inspection; archives inside archives share them."""

    # Archives inside archives that are opened. People nest once, by mistake twice.
    depth: int = 4
    # Members in all. clamd's MaxFiles is the same, so neither looks further than the other.
    members: int = 10_000
    # Bytes that one member may unpack to: what a file sent by itself may have.
    member_bytes: int = FILE_MAX
    # Bytes that all members together may unpack to. Four times the largest file: scanned archives of
    # photographs do not compress, and 1 GiB is what clamd reads in a few seconds.
    unpacked_bytes: int = 1024 * MIB
    # Bytes unpacked for each byte of the archive, once `ratio_free` was unpacked. Logs and tables reach 20 to
    # 50, a bomb 1,000 and more.
    ratio: int = 200
    ratio_free: int = 32 * MIB
    # Bytes of unpacked members in memory at one time: a member, and the archives that it lies in.
    resident_bytes: int = 384 * MIB
    # Bytes of a RAR dictionary. RAR 5 allows 4 GiB; its own default is 32 MiB.
    dictionary_bytes: int = 128 * MIB
    # Objects of a PDF that are followed, and CPU seconds for it: pypdf follows some 10,000 in a second, and PDFs of
    # several hundred tagged pages have 50,000. What is left over was searched in its bytes all the same.
    pdf_objects: int = 100_000
    pdf_walk_cpu: int = 5
    # Bytes of one file inside a PDF that is looked into.
    pdf_embedded_bytes: int = 64 * MIB
    # Pixels of a picture: the sensors of telephones reach 200 million.
    image_pixels: int = 250_000_000
    # CPU seconds and bytes of address space of the process that lists an archive.
    worker_cpu: int = 10
    worker_memory: int = 512 * MIB
    # The same of unar: its slowest method unpacks some 10 MB in a second; the rest is its libraries.
    unpacker_cpu: int = 55
    unpacker_memory: int = 768 * MIB
    # Bytes of a worker's answer: 10,000 members of at most 150 characters.
    answer_bytes: int = 2 * MIB

    def __post_init__(self) -> None:
        if any(getattr(self, name) <= 0 for name in self.__slots__):
            raise ValueError("every inspection budget is above zero")
