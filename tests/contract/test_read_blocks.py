"""`ReadBlocks`: the readers of RAR 3 and RAR 5 give the same answers to the same archive."""

import io
from typing import NamedTuple

import pytest

from quarantine.rar.blocks import MAGIC_5, Block, DamagedRarError, ReadBlocks
from quarantine.rar.rar3 import read_rar3_blocks
from quarantine.rar.rar5 import read_rar5_blocks
from tests.builders.rar3 import Rar3Entry, rar3
from tests.builders.rar5 import Rar5Entry, rar5


class Version(NamedTuple):
    read: ReadBlocks
    archive: bytes
    magic: int  # bytes of the signature before the first block


VERSIONS = {
    "3": Version(read_rar3_blocks, rar3(Rar3Entry(b"a.txt", b"one"), Rar3Entry(b"b.txt", b"three")), 7),
    "5": Version(read_rar5_blocks, rar5(Rar5Entry("a.txt", b"one"), Rar5Entry("b.txt", b"three")), len(MAGIC_5)),
}


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> Version:
    return VERSIONS[request.param]


def blocks_of(version: Version, content: bytes) -> list[Block]:
    stream = io.BytesIO(content)
    stream.seek(version.magic)
    return list(version.read(stream))


def test_files_come_in_order_with_names_and_sizes(version: Version) -> None:
    files = [block for block in blocks_of(version, version.archive) if block.name]
    assert [(block.name, block.size) for block in files] == [("a.txt", 3), ("b.txt", 5)]


def test_it_reads_to_the_end_block_and_no_further(version: Version) -> None:
    assert blocks_of(version, version.archive + b"more") == blocks_of(version, version.archive)


def test_a_cut_header_is_damage_wherever_it_is_cut(version: Version) -> None:
    whole = len(blocks_of(version, version.archive))
    damaged = 0
    for end in range(version.magic, len(version.archive)):
        try:
            assert len(blocks_of(version, version.archive[:end])) < whole
        except DamagedRarError:
            damaged += 1
    assert damaged > 20


def test_a_flipped_bit_in_the_first_header_is_damage(version: Version) -> None:
    content = bytearray(version.archive)
    content[version.magic + 5] ^= 1
    with pytest.raises(DamagedRarError):
        blocks_of(version, bytes(content))
