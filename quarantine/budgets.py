"""How much one inspection may cost: one frozen value, handed down, each number with its bounds and its reason.

The reasons are data: `gateway.toml` is written with them, so that the person who changes a number there has read why.
"""

from dataclasses import dataclass, field
from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB
GIB: Final = 1024 * MIB
FILE_MAX: Final = 256 * MIB  # bytes of one file of a submission
_ANSWER_OF_A_MEMBER: Final = 150  # bytes, at most


def _limit(default: int, low: int, high: int, why: str) -> int:
    # The same keys as in disk/settings.py, which checks and writes these: nothing of ours may be imported here.
    number: int = field(default=default, metadata={"bounds": (low, high), "why": why})
    return number


@dataclass(frozen=True, slots=True)
class Budgets:
    """Limits of one file's inspection; archives inside archives share them."""

    depth: int = _limit(4, 1, 16, "Archives inside archives that are opened. People nest once, by mistake twice.")
    members: int = _limit(
        10_000, 1, 100_000,
        "Members in all. clamd's MaxFiles should be the same, so that neither reads further than the other.",
    )  # fmt: skip
    member_bytes: int = _limit(
        FILE_MAX, MIB, 4 * GIB, "Bytes that one member may unpack to: what a file sent by itself may have."
    )
    unpacked_bytes: int = _limit(
        1 * GIB, MIB, 64 * GIB,
        "Bytes that all members together may unpack to. Four times the largest file: archives of photographs hardly"
        " compress, and 1 GiB is what clamd reads in a few seconds.",
    )  # fmt: skip
    ratio: int = _limit(
        200, 10, 10_000,
        "Bytes unpacked for each byte of the archive, once ratio_free was unpacked. Logs and tables reach 20 to 50,"
        " a bomb 1,000 and more.",
    )  # fmt: skip
    ratio_free: int = _limit(
        32 * MIB, 1, 4 * GIB, "Bytes unpacked before the ratio counts: a small file of zeros is no bomb."
    )
    resident_bytes: int = _limit(
        384 * MIB, MIB, 16 * GIB,
        "Bytes of unpacked members in memory at one time, for each slot: a member, and the archives that it lies in.",
    )  # fmt: skip
    dictionary_bytes: int = _limit(
        128 * MIB, MIB, 4 * GIB, "Bytes of a RAR's dictionary. RAR 5 allows 4 GiB; its own default is 32 MiB."
    )
    pdf_objects: int = _limit(
        100_000, 100, 10_000_000,
        "Objects of a PDF that are followed. PDFs of several hundred tagged pages have 50,000. What is left over was"
        " searched in its bytes all the same.",
    )  # fmt: skip
    pdf_walk_cpu: int = _limit(
        5, 1, 600, "CPU seconds for following them: some 10,000 in a second. Less than worker_cpu."
    )
    pdf_embedded_bytes: int = _limit(
        64 * MIB, MIB, GIB, "Bytes of one file inside a PDF that is inspected; a larger one is opaque."
    )
    image_pixels: int = _limit(
        250_000_000, 1_000_000, 10_000_000_000,
        "Pixels of a picture: the sensors of telephones reach 200 million.",
    )  # fmt: skip
    worker_cpu: int = _limit(
        10, 1, 600, "CPU seconds of the process that reads a file. Past them the file is undecided."
    )
    worker_memory: int = _limit(
        512 * MIB, 256 * MIB, 16 * GIB, "Bytes of address space of that process, its interpreter included."
    )
    unpacker_cpu: int = _limit(55, 1, 600, "CPU seconds of unar: its slowest method unpacks some 10 MB in a second.")
    unpacker_memory: int = _limit(
        768 * MIB, 256 * MIB, 16 * GIB, "Bytes of address space of unar: the dictionary, and its libraries."
    )
    answer_bytes: int = _limit(
        2 * MIB, 64 * KIB, 64 * MIB,
        f"Bytes of a worker's answer: for each of members at most {_ANSWER_OF_A_MEMBER}.",
    )  # fmt: skip

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if getattr(self, name) <= 0:
                raise ValueError(f"'budgets.{name}' must be above zero")

    def check_settings(self) -> None:
        """Raise ValueError, with a sentence that names the key, where an operator's numbers do not fit each other."""
        if self.pdf_walk_cpu >= self.worker_cpu:
            raise ValueError("'budgets.pdf_walk_cpu' must be less than 'budgets.worker_cpu'")
        if self.member_bytes > self.unpacked_bytes:
            raise ValueError("'budgets.member_bytes' must not be more than 'budgets.unpacked_bytes'")
        if self.answer_bytes < _ANSWER_OF_A_MEMBER * self.members:
            raise ValueError(f"'budgets.answer_bytes' must be {_ANSWER_OF_A_MEMBER} times 'budgets.members', or more")
