"""What the worker reads out of an archive, without the process around it."""

import io
import random
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import rarfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quarantine import zip_listing
from quarantine.blake2sp import Blake2sp
from quarantine.budgets import MIB, Budgets
from quarantine.canaries import encrypted_zip, zip_of
from quarantine.examination import Examination, Member, encode_examination, parse_examination
from quarantine.rar_listing import list_rar
from quarantine.verdict import Code, Finding
from quarantine.zip_listing import look_into_zip
from tests.rar5 import (
    HAS_CRC,
    IS_FOLDER,
    IS_VOLUME,
    MAGIC,
    MAIN,
    SERVICE,
    SPLIT_AFTER,
    SPLIT_BEFORE,
    UNKNOWN_SIZE,
    Entry,
    blake2sp,
    encrypted_headers,
    encryption,
    header,
    rar5,
    symlink,
    vint,
)

BUDGETS = Budgets(members=20, member_bytes=8 * MIB, unpacked_bytes=32 * MIB)
HELLO = Entry("hello.txt", b"hello")
HELLO_MEMBER = Member(5, crc32=zlib.crc32(b"hello"))
M3, DICT_256M = 3 << 7, 11 << 10  # RAR 5 compression bits


@pytest.fixture
def listing() -> Callable[[bytes], Examination]:
    def listing_of(archive: bytes) -> Examination:
        return (look_into_zip if archive.startswith(b"PK") else list_rar)(io.BytesIO(archive), BUDGETS)

    return listing_of


def codes(examination: Examination) -> set[Code]:
    return {finding.code for finding in examination.findings}


def test_a_plain_archive_has_members_and_no_findings(listing: Callable[[bytes], Examination]) -> None:
    folder = Entry("folder", file_flags=IS_FOLDER)
    empty = Entry("empty.txt")
    assert listing(rar5(folder, HELLO, empty, HELLO)) == Examination((), (HELLO_MEMBER, HELLO_MEMBER))


def test_a_blake2sp_sum_replaces_the_crc(listing: Callable[[bytes], Examination]) -> None:
    whole = Blake2sp()
    whole.update(b"hello")
    digest = whole.digest()
    found = listing(rar5(Entry("a", b"hello", file_flags=0, extra=blake2sp(digest))))
    assert found == Examination((), (Member(5, blake2sp=digest),))


TWO_IN = rar5(HELLO, HELLO)
RAR_TRICKS = {
    "member_encrypted": (rar5(HELLO, Entry("b", b"x" * 16, extra=encryption())), Code.RAR_ENCRYPTED),
    "headers_encrypted": (encrypted_headers(), Code.RAR_ENCRYPTED_HEADERS),
    "volume": (rar5(HELLO, main_flags=IS_VOLUME), Code.RAR_VOLUME),
    "member_continues": (rar5(Entry("a", b"x", header_flags=SPLIT_AFTER)), Code.RAR_VOLUME),
    "member_continued": (rar5(Entry("a", b"x", header_flags=SPLIT_BEFORE)), Code.RAR_VOLUME),
    "rar7": (rar5(Entry("a", b"x", compression=1 | M3)), Code.RAR_METHOD),
    "method_7": (rar5(Entry("a", b"x", compression=7 << 7)), Code.RAR_METHOD),
    "size_unknown": (rar5(Entry("a", b"x", file_flags=HAS_CRC | UNKNOWN_SIZE)), Code.RAR_METHOD),
    "dictionary_256M": (rar5(Entry("a", b"x", compression=M3 | DICT_256M)), Code.RAR_DICTIONARY),
    "stream_beside_file": (rar5(HELLO, Entry("STM", b"x", kind=SERVICE)), Code.RAR_ALTERNATE_STREAM),
    "symlink": (rar5(Entry("a", extra=symlink("/etc/passwd"))), Code.RAR_LINK),
    "no_sum": (rar5(Entry("a", b"x", file_flags=0)), Code.RAR_UNREADABLE),
    "cut_in_member": (TWO_IN[: len(TWO_IN) // 2], Code.RAR_UNREADABLE),
    "cut_before_end": (TWO_IN[:-9], Code.RAR_UNREADABLE),
    "header_sum_wrong": (TWO_IN[:-6] + b"\x00" + TWO_IN[-5:], Code.RAR_UNREADABLE),
    "unknown_block": (MAGIC + header(MAIN, vint(0)) + header(9, b"") + TWO_IN[8:], Code.RAR_UNREADABLE),
    "header_too_large": (MAGIC + header(MAIN, vint(0)) + bytes(4) + vint(2**22) + bytes(99), Code.RAR_UNREADABLE),
    "only_magic": (MAGIC, Code.RAR_UNREADABLE),
    "too_many_members": (rar5(*[HELLO] * 21), Code.ARCHIVE_BUDGET),
    "too_many_folders": (rar5(*[Entry("f", file_flags=IS_FOLDER)] * 81), Code.ARCHIVE_BUDGET),
}


@pytest.mark.parametrize("name", RAR_TRICKS)
def test_rar_tricks_are_found(listing: Callable[[bytes], Examination], name: str) -> None:
    archive, expected = RAR_TRICKS[name]
    assert codes(listing(archive)) == {expected}


def test_encrypted_members_do_not_hide_the_others(listing: Callable[[bytes], Examination]) -> None:
    assert listing(RAR_TRICKS["member_encrypted"][0]).members == (HELLO_MEMBER,)


CORPUS = {  # everything else in rarfile's test files has no finding
    "rar15-comment-lock.rar": {Code.RAR_METHOD},
    "rar15-comment.rar": {Code.RAR_METHOD},
    "rar202-comment-psw.rar": {Code.RAR_ENCRYPTED},
    "rar3-comment-hpsw.rar": {Code.RAR_ENCRYPTED_HEADERS},
    "rar3-comment-psw.rar": {Code.RAR_ENCRYPTED},
    "rar3-old.rar": {Code.RAR_VOLUME},
    "rar3-symlink-unix.rar": {Code.RAR_LINK},
    "rar3-vols.part1.rar": {Code.RAR_VOLUME},
    "rar3-vols.part2.rar": {Code.RAR_VOLUME},
    "rar3-vols.part3.rar": {Code.RAR_VOLUME},
    "rar5-dups.rar": {Code.RAR_LINK},
    "rar5-evil-symlink-traversal.rar": {Code.RAR_LINK},
    "rar5-hlink.rar": {Code.RAR_LINK},
    "rar5-hpsw.rar": {Code.RAR_ENCRYPTED_HEADERS},
    "rar5-psw-blake.rar": {Code.RAR_ENCRYPTED},
    "rar5-psw.rar": {Code.RAR_ENCRYPTED},
    "rar5-symlink-unix.rar": {Code.RAR_LINK},
    "rar5-symlink-win.rar": {Code.RAR_LINK},
    "rar5-vols.part1.rar": {Code.RAR_VOLUME},
    "rar5-vols.part2.rar": {Code.RAR_VOLUME},
    "rar5-vols.part3.rar": {Code.RAR_VOLUME},
}


def test_real_archives(rar_corpus: Path) -> None:
    found = {path.name: codes(list_rar(io.BytesIO(path.read_bytes()), BUDGETS)) for path in rar_corpus.glob("*.rar")}
    assert len(found) > 45
    assert {name: some for name, some in found.items() if some} == CORPUS


def test_old_versions_of_a_file_are_members_too(rar_corpus: Path) -> None:
    for name in ("rar3-versions.rar", "rar5-versions.rar"):
        assert len(list_rar(io.BytesIO((rar_corpus / name).read_bytes()), BUDGETS).members) == 3


def test_a_packed_comment_stays_packed(rar_corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("a temporary file or a process for a comment")

    # As in a fresh worker, where nothing was replaced yet.
    monkeypatch.setattr(rarfile, "rar3_decompress", PACKED_COMMENT_READER)
    monkeypatch.setattr(rarfile, "mkstemp", never)
    monkeypatch.setattr(rarfile, "custom_popen", never)
    for path in rar_corpus.glob("rar*comment-plain.rar"):
        assert codes(list_rar(io.BytesIO(path.read_bytes()), BUDGETS)) == set()


PACKED_COMMENT_READER = rarfile.rar3_decompress


def deflated(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", method) as zipped:
        for name, content in members:
            zipped.writestr(name, content)
    return archive.getvalue()


def lying_about_size(archive: bytes) -> bytes:
    """One member that claims 100 kB, in both of its headers."""
    lying = bytearray(archive)
    for magic, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = lying.index(magic) + offset
        lying[at : at + 4] = (100_000).to_bytes(4, "little")
    return bytes(lying)


NOISE = random.Random(1).randbytes(300_000)
INNER_RAR = rar5(HELLO)
ZIP_TRICKS = {
    "encrypted": (encrypted_zip(), {Code.ZIP_ENCRYPTED}),
    "encrypted_inside": (zip_of("a.zip", encrypted_zip()), {Code.ZIP_ENCRYPTED}),
    "bzip2": (deflated(("a", b"a"), method=zipfile.ZIP_BZIP2), {Code.ZIP_METHOD}),
    "rar_inside": (deflated(("innocent.txt", INNER_RAR)), {Code.ZIP_RAR_INSIDE}),
    "rar_in_zip_inside": (zip_of("a", deflated(("b", INNER_RAR))), {Code.ZIP_RAR_INSIDE}),
    "too_deep": (zip_of("a", zip_of("b", zip_of("c", zip_of("d", zip_of("e", b"x"))))), {Code.ARCHIVE_BUDGET}),
    "too_many": (deflated(*[(str(n), b"") for n in range(21)]), {Code.ARCHIVE_BUDGET}),
    "member_too_large": (deflated(("a", bytes(9 * MIB))), {Code.ARCHIVE_BUDGET}),
    "member_hides_its_size": (lying_about_size(deflated(("a", bytes(9 * MIB)))), {Code.ARCHIVE_BUDGET}),
    "member_lies_a_little": (lying_about_size(deflated(("a", bytes(7 * MIB) + NOISE))), {Code.ZIP_UNREADABLE}),
    "members_too_large": (deflated(*[(str(n), bytes(7 * MIB)) for n in range(5)]), {Code.ARCHIVE_BUDGET}),
    "cut": (deflated(("a", b"a"))[:-30], {Code.ZIP_UNREADABLE}),
    "no_directory": (b"PK\x03\x04" + bytes(100), {Code.ZIP_UNREADABLE}),
    "plain": (deflated(("a.txt", b"a"), ("folder/", b""), ("b.zip", zip_of("c", b"d"))), set()),
    "empty": (deflated(), set()),
}


@pytest.mark.parametrize("name", ZIP_TRICKS)
def test_zip_tricks_are_found(listing: Callable[[bytes], Examination], name: str) -> None:
    archive, expected = ZIP_TRICKS[name]
    found = listing(archive)
    assert codes(found) == expected
    assert found == Examination(tuple(map(Finding, expected)))


def test_nested_archives_share_memory(listing: Callable[[bytes], Examination], monkeypatch: pytest.MonkeyPatch) -> None:
    inner = zip_of("b", bytes(MIB))
    twice = deflated(("1.zip", inner), ("2.zip", inner))
    assert codes(listing(twice)) == set()
    monkeypatch.setattr(zip_listing, "NESTED_MAX", 2 * MIB)
    assert codes(listing(twice)) == {Code.ARCHIVE_BUDGET}


SOUND = (
    rar5(HELLO, Entry("b", b"x" * 50, extra=symlink("a")), Entry("c", b"y", extra=encryption())),
    encrypted_headers(),
    deflated(("a.txt", b"a" * 50), ("b.zip", zip_of("c", b"d"))),
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    archive=st.sampled_from(SOUND),
    changes=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=4),
    cut=st.integers(0, 400),
)
def test_no_bytes_raise(
    archive: bytes, changes: list[tuple[int, int]], cut: int, listing: Callable[[bytes], Examination]
) -> None:
    changed = bytearray(archive)
    for at, value in changes:
        changed[at % len(changed)] = value
    found = listing(archive[:2] + bytes(changed[2 : max(2, len(changed) - cut)]))
    assert parse_examination(encode_examination(found), BUDGETS) == found
