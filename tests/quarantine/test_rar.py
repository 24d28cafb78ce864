"""What the worker reads out of a RAR, without the process around it.

Invariant Q4.
"""

import io
import zlib
from pathlib import Path

import pytest
import rarfile
from hypothesis import given, settings
from hypothesis import strategies as st

from quarantine.archive.blake2sp import Blake2sp
from quarantine.budgets import Budgets
from quarantine.check_of_type import examine_bytes
from quarantine.examination import ArchiveMember, Examination, Promise, encode_examination, parse_examination
from quarantine.file_types import FileType
from quarantine.findings import Code
from quarantine.rar.blocks import MAGIC_5, BlockKind, DamagedRarError
from quarantine.rar.rar3 import read_rar3_blocks
from quarantine.rar.rar5 import read_rar5_blocks
from tests.builders.hostile_rar import BUILDERS
from tests.builders.hostile_rar3 import BUILDERS as BUILDERS_3
from tests.builders.quarantine_vectors import assert_as_expected, codes, expectations
from tests.builders.rar3 import Rar3Entry, rar3
from tests.builders.rar5 import (
    IS_FOLDER,
    Rar5Entry,
    blake2sp,
    encrypted_headers,
    encryption,
    owner_record,
    rar5,
    symlink,
)

SETS = {"rar": BUILDERS, "rar3": BUILDERS_3}
EXPECTED = {name: expectations(name) for name in SETS}
CORPUS = expectations("rar-corpus")
HELLO = Rar5Entry("hello.txt", b"hello")
HELLO_MEMBER = ArchiveMember(5, crc32=zlib.crc32(b"hello"), promise=Promise.PLAIN)


def look(archive: bytes, **limits: int) -> Examination:
    return examine_bytes(io.BytesIO(archive), FileType.RAR, Budgets(**limits))


@pytest.mark.parametrize(("version", "name"), [(version, name) for version in SETS for name in SETS[version]])
def test_each_trick_is_found_by_its_codes(version: str, name: str) -> None:
    assert_as_expected(look(SETS[version][name]()), EXPECTED[version][name])


@pytest.mark.parametrize("version", SETS)
def test_every_trick_has_its_expectation(version: str) -> None:
    assert set(EXPECTED[version]) == set(SETS[version])
    assert sum(bool(found["codes"]) for found in EXPECTED[version].values()) >= 25


def test_every_code_of_a_rar_has_a_trick() -> None:
    named = {code for found in EXPECTED["rar"].values() for code in found["codes"]}
    assert {code.value for code in Code if code.value.startswith("rar.")} <= named


@pytest.mark.parametrize("archive", [rar5(HELLO)[:-10], rar3(Rar3Entry(b"a", b"hello"), end=b"")[:-1]])
def test_data_beyond_the_end_is_damage(archive: bytes) -> None:
    read = read_rar5_blocks if archive.startswith(MAGIC_5) else read_rar3_blocks
    with pytest.raises(DamagedRarError):
        list(read(io.BytesIO(archive)))


def test_the_dictionary_of_a_rar_3_is_counted() -> None:
    two_mebibytes = rar3(Rar3Entry(b"a", b"x", flags=5 << 5, method=0x33))
    assert codes(look(two_mebibytes, dictionary_bytes=2**21)) == set()
    assert codes(look(two_mebibytes, dictionary_bytes=2**21 - 1)) == {Code.RAR_DICTIONARY}


def test_members_are_listed_in_order() -> None:
    folder, empty = Rar5Entry("folder", file_flags=IS_FOLDER), Rar5Entry("empty.txt")
    found = look(rar5(folder, HELLO, empty, Rar5Entry("a.pdf", b"x")))
    assert found.members == (HELLO_MEMBER, ArchiveMember(1, crc32=zlib.crc32(b"x"), promise=Promise.PDF))


def test_a_blake2sp_sum_replaces_the_crc() -> None:
    whole = Blake2sp()
    whole.update(b"hello")
    digest = whole.digest()
    found = look(rar5(Rar5Entry("a", b"hello", file_flags=0, extra=blake2sp(digest))))
    assert found == Examination((), (ArchiveMember(5, blake2sp=digest, promise=Promise.BARE),))


def test_encrypted_members_do_not_hide_the_others() -> None:
    assert look(rar5(HELLO, Rar5Entry("b", b"x" * 16, extra=encryption()))).members == (HELLO_MEMBER,)


def test_members_are_counted_before_any_is_unpacked() -> None:
    assert codes(look(rar5(*[HELLO] * 21), members=20)) == {Code.ARCHIVE_BUDGET}
    assert codes(look(rar5(*[Rar5Entry("f", file_flags=IS_FOLDER)] * 81), members=20)) == {Code.ARCHIVE_BUDGET}


# --- the files of rarfile's own tests, of every version of RAR


def test_real_archives(rar_corpus: Path) -> None:
    found = {path.name: codes(look(path.read_bytes())) for path in rar_corpus.glob("*.rar")}
    assert len(found) > 45
    assert found == {name: set(map(Code, expected["codes"])) for name, expected in CORPUS.items()}


def test_our_readers_see_what_rarfile_sees(rar_corpus: Path) -> None:
    for path in sorted(rar_corpus.glob("*.rar")):
        archive = path.read_bytes()
        read = read_rar5_blocks if archive.startswith(MAGIC_5) else read_rar3_blocks
        ours = [
            (block.name.replace("\\", "/").rstrip("/"), block.size, block.crc32, block.is_encrypted, block.data_offset)
            for block in read(io.BytesIO(archive))
            if block.kind is BlockKind.FILE
        ]
        assert ours == _seen_by_rarfile(path), path.name


def _seen_by_rarfile(path: Path) -> list[tuple[object, ...]]:
    blocks: list[rarfile.RarInfo] = []
    rarfile.RarFile(path, info_callback=blocks.append, part_only=True).close()
    return [
        (block.filename.rstrip("/"), block.file_size, block.CRC, block.needs_password(), block.data_offset)
        for block in blocks
        if block.type == rarfile.RAR_BLOCK_FILE
    ]


def test_old_versions_of_a_file_are_members_too(rar_corpus: Path) -> None:
    for name in ("rar3-versions.rar", "rar5-versions.rar"):
        assert len(look((rar_corpus / name).read_bytes()).members) == 3


# --- whatever the bytes

SOUND = (
    rar5(HELLO, Rar5Entry("b", b"x" * 50, extra=symlink("a")), Rar5Entry("c", b"y", extra=encryption())),
    rar5(Rar5Entry("a", b"x", extra=owner_record("somebody"))),
    encrypted_headers(),
)
CHANGES = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=4)


def mutated(archive: bytes, changes: list[tuple[int, int]], cut: int, *, kept: int) -> bytes:
    changed = bytearray(archive)
    for at, value in changes:
        changed[at % len(changed)] = value
    return archive[:kept] + bytes(changed[kept : max(kept, len(changed) - cut)])


@settings(max_examples=300, deadline=None)
@given(archive=st.sampled_from(SOUND), changes=CHANGES, cut=st.integers(0, 400))
def test_no_bytes_raise(archive: bytes, changes: list[tuple[int, int]], cut: int) -> None:
    found = look(mutated(archive, changes, cut, kept=8))
    assert parse_examination(encode_examination(found), Budgets()) == found


@settings(max_examples=300, deadline=None)
@given(number=st.integers(0, 100), changes=CHANGES, cut=st.integers(0, 100))
def test_no_bytes_of_real_archives_raise(
    rar_corpus: Path, number: int, changes: list[tuple[int, int]], cut: int
) -> None:
    paths = sorted(rar_corpus.glob("*.rar"))
    archive = paths[number % len(paths)].read_bytes()
    # A wrong sum ends the reading at once, so it is made right: what stands behind it must be able to hurt.
    changed = mutated(archive, changes, cut, kept=7)
    for read in (changed, with_right_sums(changed)):
        found = look(read)
        assert parse_examination(encode_examination(found), Budgets()) == found


def with_right_sums(archive: bytes) -> bytes:
    """The sums of a RAR 3's headers made right, as far as the headers can be followed."""
    changed, at = bytearray(archive), 7
    while not archive.startswith(MAGIC_5) and at + 11 <= len(changed):
        size = int.from_bytes(changed[at + 5 : at + 7], "little")
        if size < 7:
            break
        summed = 13 if changed[at + 2] == 0x73 else size
        changed[at : at + 2] = (zlib.crc32(changed[at + 2 : at + summed]) & 0xFFFF).to_bytes(2, "little")
        has_data = int.from_bytes(changed[at + 3 : at + 5], "little") & 0x8000
        at += size + (int.from_bytes(changed[at + 7 : at + 11], "little") if has_data else 0)
    return bytes(changed)
