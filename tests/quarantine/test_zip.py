"""What the worker reads out of a ZIP, without the process around it.

Invariant Q4.
"""

import io
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enveis.demo.sample_files import one_page_pdf
from quarantine.archive import spending
from quarantine.budgets import MIB, Budgets
from quarantine.check_of_type import examine_bytes
from quarantine.examination import ArchiveMember, Examination, Promise, encode_examination, parse_examination
from quarantine.file_types import FileType
from quarantine.findings import Code
from quarantine.zip.expand import expand
from tests.builders.benign_zip import benign_archives
from tests.builders.hostile_zip import BUILDERS, LINK, nested
from tests.builders.quarantine_vectors import assert_as_expected, codes, expectations
from tests.builders.rar5 import Rar5Entry, rar5
from tests.builders.zip_writer import DEFLATED, DESCRIPTOR, HELLO, ZipEntry, make_zip

EXPECTED = expectations("zip")
RAR = rar5(Rar5Entry("hello.txt", b"hello"))
RAR_MEMBER = ArchiveMember(len(RAR), crc32=zlib.crc32(RAR), place=(1,), promise=Promise.OTHER)


def look(archive: bytes, **limits: int) -> Examination:
    return examine_bytes(io.BytesIO(archive), FileType.ZIP, Budgets(**limits))


@pytest.mark.parametrize("name", BUILDERS)
def test_each_trick_is_found_by_its_codes(name: str) -> None:
    assert_as_expected(look(BUILDERS[name]()), EXPECTED[name])


def test_every_trick_has_its_expectation() -> None:
    assert set(EXPECTED) == set(BUILDERS)
    assert sum(bool(found["codes"]) for found in EXPECTED.values()) >= 60


def test_every_code_of_a_zip_has_a_trick() -> None:
    named = {code for found in EXPECTED.values() for code in found["codes"]}
    assert {code.value for code in Code if code.value.startswith(("zip.", "archive."))} <= named


# --- one budget for all of it


def test_archives_inside_share_members_bytes_and_depth() -> None:
    inner = make_zip(*[ZipEntry(str(number), b"x" * 1000) for number in range(5)])
    twice = make_zip(ZipEntry("1.zip", inner), ZipEntry("2.zip", inner))
    assert codes(look(twice, members=12)) == set()
    assert codes(look(twice, members=11)) == {Code.ARCHIVE_BUDGET}
    whole = look(twice)
    assert (whole.spent_members, whole.spent_bytes) == (12, 10_000 + 2 * len(inner))
    assert codes(look(twice, unpacked_bytes=whole.spent_bytes)) == set()
    assert codes(look(twice, unpacked_bytes=whole.spent_bytes - 1)) == {Code.ARCHIVE_BUDGET}
    assert codes(look(nested(inner, 3))) == set()
    assert codes(look(nested(inner, 3), depth=3)) == {Code.ARCHIVE_BUDGET}


def test_a_ratio_is_allowed_once_some_bytes_are_free() -> None:
    zeros = make_zip(ZipEntry("zeros", bytes(3 * MIB), DEFLATED))
    assert codes(look(zeros, ratio_free=4 * MIB)) == set()
    assert codes(look(zeros, ratio_free=2 * MIB)) == {Code.ARCHIVE_BUDGET}
    assert codes(look(zeros, ratio_free=2 * MIB, ratio=2000)) == set()
    assert codes(look(zeros, member_bytes=2 * MIB)) == {Code.ARCHIVE_BUDGET}


def test_time_is_a_budget_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spending, "CPU_SHARE", 0.0)
    assert codes(look(make_zip(HELLO))) == {Code.ARCHIVE_BUDGET}


# --- what is handed back


def test_a_rar_is_handed_back_and_can_be_expanded() -> None:
    archive = make_zip(HELLO, ZipEntry("innocent.bin", RAR, DEFLATED))
    found = look(archive)
    assert found == Examination((), (RAR_MEMBER,), 1, 5)
    assert b"".join(expand(io.BytesIO(archive), (1,), Budgets())) == RAR


def test_a_rar_in_zips_inside_is_handed_back_by_its_whole_place() -> None:
    archive = make_zip(HELLO, ZipEntry("a.zip", make_zip(HELLO, HELLO, ZipEntry("b.rar", RAR)), DEFLATED))
    (member,) = look(archive).members
    assert (member.place, member.promise) == ((1, 2), Promise.RAR)
    assert b"".join(expand(io.BytesIO(archive), member.place, Budgets())) == RAR


def test_what_is_too_large_for_the_worker_is_handed_back(monkeypatch: pytest.MonkeyPatch) -> None:
    inner = make_zip(ZipEntry("b", bytes(MIB)))
    archive = make_zip(ZipEntry("1.zip", inner), ZipEntry("2.zip", inner))
    assert look(archive).members == ()
    monkeypatch.setattr(spending, "NESTED_MAX", 2 * MIB)
    assert look(archive).members == ()
    monkeypatch.setattr(spending, "NESTED_MAX", MIB)
    assert [member.place for member in look(archive).members] == [(0,), (1,)]


def test_what_there_is_no_time_for_is_handed_back(monkeypatch: pytest.MonkeyPatch) -> None:
    pdf = ZipEntry("a.pdf", one_page_pdf("A letter"))
    archive = make_zip(HELLO, pdf, ZipEntry("a.zip", make_zip(pdf)))
    assert look(archive).members == ()
    monkeypatch.setattr(spending, "CHECKS_SHARE", 0.0)
    found = look(archive)
    assert codes(found) == set()
    assert [(member.place, member.promise) for member in found.members] == [((1,), Promise.PDF), ((2, 0), Promise.PDF)]


@pytest.mark.parametrize("place", [(9,), (0, 0), ()])
def test_what_is_not_there_cannot_be_expanded(place: tuple[int, ...]) -> None:
    with pytest.raises(Exception):  # noqa: B017, PT011 - of any kind: the worker ends
        list(expand(io.BytesIO(make_zip(HELLO)), place, Budgets()))


# --- members are checked like files


def test_members_are_checked_like_files() -> None:
    bidi = "a \u202etext\n".encode()
    assert codes(look(make_zip(ZipEntry("a.txt", bidi)))) == {Code.TEXT_BIDI}
    assert codes(look(nested(make_zip(ZipEntry("a.txt", bidi)), 2))) == {Code.TEXT_BIDI}
    # XML, HTML and program text have rules of their own.
    assert codes(look(make_zip(ZipEntry("a.xml", bidi)))) == set()


# --- honest archives


def test_honest_archives_have_no_holding_finding(tmp_path: Path) -> None:
    archives = benign_archives(tmp_path)
    found = {name: look(archive) for name, archive in archives.items()}
    held = {name: codes(some) for name, some in found.items() if any(one.grade.holds for one in some.findings)}
    assert len(archives) >= 25
    assert held == {}


# --- whatever the bytes

SOUND = (
    make_zip(HELLO, ZipEntry("a", b"a" * 500, DEFLATED), LINK, comment=b"a comment"),
    make_zip(ZipEntry("a.zip", make_zip(HELLO, ZipEntry("b.rar", RAR)), DEFLATED), zip64={}),
    make_zip(ZipEntry("a", b"abc", DEFLATED, flags=DESCRIPTOR), HELLO),
)
CHANGES = st.lists(
    st.one_of(
        st.tuples(st.integers(0, 600), st.binary(min_size=1, max_size=8)),
        st.tuples(
            st.integers(0, 600), st.sampled_from([b"\xff" * 2, b"\xff" * 4, b"\xff" * 8, bytes(4), b"PK\x05\x06"])
        ),
    ),
    max_size=5,
)


@settings(max_examples=400, deadline=None)
@given(archive=st.sampled_from(SOUND), changes=CHANGES, cut=st.integers(0, 300))
def test_no_bytes_raise(archive: bytes, changes: list[tuple[int, bytes]], cut: int) -> None:
    changed = bytearray(archive)
    for number, value in changes:
        at = number % len(changed)
        changed[at : at + len(value)] = value
    mutated = archive[:2] + bytes(changed[2 : max(2, len(changed) - cut)])
    found = look(mutated)
    assert parse_examination(encode_examination(found), Budgets()) == found
    for member in found.members:
        expanded = b"".join(expand(io.BytesIO(mutated), member.place, Budgets()))
        assert (len(expanded), zlib.crc32(expanded)) == (member.size, member.crc32)
