"""What the headers of a RAR contain, whichever version wrote them: one form for RAR 3 and RAR 5."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import BinaryIO, Final, Protocol

MAGIC_3: Final = b"Rar!\x1a\x07\x00"
MAGIC_5: Final = b"Rar!\x1a\x07\x01\x00"
FILE_TYPE: Final = 0xF000  # S_IFMT, bits of a Unix mode; stat(2)


class DamagedRarError(Exception):
    """A header cannot be read, so nothing behind it can be found."""


class BlockKind(Enum):
    """What a block is."""

    MAIN = auto()
    FILE = auto()
    SERVICE = auto()  # data about the archive or about the file before it
    ENCRYPTION = auto()  # everything that follows is encrypted
    END = auto()
    OTHER = auto()  # of RAR 2 and before; carries nothing that is unpacked


@dataclass(slots=True)
class Block:
    """One block; every number in it is a claim."""

    kind: BlockKind
    offset: int  # of the header
    header: bytes  # the whole of it
    data_offset: int
    data_size: int  # bytes
    is_volume: bool = False
    is_solid: bool = False
    has_recovery: bool = False
    has_comment: bool = False
    name: str = ""  # untrusted; of a SERVICE, its kind: "CMT", "QO", "RR", "STM", "ACL", "UOW", "AV"…
    name_is_valid: bool = True
    is_folder: bool = False
    is_split: bool = False
    is_encrypted: bool = False
    is_old_version: bool = False
    mode: int = 0  # Unix file type and permissions; 0 from other systems
    size: int | None = 0  # bytes, unpacked; None where it is not known
    crc32: int | None = None
    blake2sp: bytes | None = None
    is_stored: bool = True
    is_known_method: bool = True
    dictionary: int = 0  # bytes
    target: str | None = None  # untrusted; of a link that RAR 5 stores in the header
    has_owner: bool = False
    has_exact_time: bool = False
    locator: tuple[int, int] = (0, 0)  # distances to the QO and RR blocks; 0 for none


class ReadBlocks(Protocol):
    """Reads one version's blocks: rar3_blocks and rar5_blocks."""

    def __call__(self, stream: BinaryIO) -> Iterator[Block]:
        """All blocks in order, from the first after the signature to the end block, or to the file's end.

        Raises:
            DamagedRarError: A header is cut, its sum is wrong, or its fields do not fit into it.
        """


def read_exactly(stream: BinaryIO, size: int) -> bytes:
    """Return the next `size` bytes; raises DamagedRarError when there are fewer."""
    found = stream.read(size)
    if len(found) != size:
        raise DamagedRarError
    return found
