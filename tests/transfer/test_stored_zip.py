"""Our ZIP is the standard library's, byte for byte; and it knows beforehand how long it will be."""

import io
import zipfile
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transfer.packet import stored_zip
from transfer.packet.stored_zip import StoredZip

MEMBERS = st.lists(st.tuples(st.sampled_from(["files/01.pdf", "a", "manifest.json"]), st.binary(max_size=2_000)))


class Unseekable:
    """What zipfile writes to when it cannot go back."""

    def __init__(self) -> None:
        self.written = bytearray()

    def write(self, piece: bytes) -> int:
        self.written += piece
        return len(piece)

    def flush(self) -> None:
        pass


def ours(members: list[tuple[str, bytes]]) -> Iterator[bytes]:
    archive = StoredZip()
    expected = 22  # of an empty ZIP
    for name, content in members:
        expected = archive.position + archive.cost_of_last(name, len(content)) + len(content)
        yield archive.begin(name)
        for start in range(0, len(content), 700):
            piece = content[start : start + 700]
            archive.take(piece)
            yield piece
        yield archive.end()
    last = archive.close()
    yield last
    assert archive.position == expected


def theirs(members: list[tuple[str, bytes]]) -> bytes:
    target = Unseekable()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:  # type: ignore[call-overload]
        for name, content in members:
            info = zipfile.ZipInfo(name)
            info.create_version = info.extract_version = zipfile.ZIP64_VERSION
            with archive.open(info, "w", force_zip64=True) as stream:
                stream.write(content)
    # Before Python 3.11.4 the header of such a member had zeros there, and no reader was told where the sizes are.
    for info in archive.infolist():
        target.written[info.header_offset + 18 : info.header_offset + 26] = b"\xff" * 8
    return bytes(target.written)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@given(MEMBERS)
def test_the_bytes_are_those_of_the_standard_library(members: list[tuple[str, bytes]]) -> None:
    assert b"".join(ours(members)) == theirs(members)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@given(MEMBERS, st.integers(1, 6_000))
def test_also_beyond_the_border_of_zip64(members: list[tuple[str, bytes]], limit: int) -> None:
    # The border is moved down in the library and in ours alike: real ones stand at 2 GiB.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zipfile, "ZIP64_LIMIT", limit)
        patch.setattr(stored_zip, "ZIP64_LIMIT", limit)
        assert b"".join(ours(members)) == theirs(members)


def test_a_piece_is_counted_in_bytes() -> None:
    archive = StoredZip()
    start = len(archive.begin("a"))
    archive.take(memoryview(bytes(8)).cast("Q"))
    assert archive.position == start + 8


def test_what_is_written_is_read_back() -> None:
    members = [("files/01.txt", b"one"), ("files/02.txt", b"")]
    with zipfile.ZipFile(io.BytesIO(b"".join(ours(members)))) as archive:
        assert archive.testzip() is None
        assert [(name, archive.read(name)) for name in archive.namelist()] == members
