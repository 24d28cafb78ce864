"""The hostile texts against their expected codes, ordinary texts in many languages, and pieces of any size.

Invariant Q4.
"""

import io
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quarantine.budgets import Budgets
from quarantine.check_of_type import examine_bytes
from quarantine.file_types import FileType, type_of_content
from quarantine.findings import Code
from quarantine.text import check
from quarantine.text.marks import COUNTED, Mark, MarkSearch
from tests.builders.text_files import HOSTILE, LINE, benign

VECTORS = tomllib.loads((Path(__file__).parents[1] / "vectors/quarantine/txt.toml").read_text())
BENIGN = benign()
NOTHING_HIDDEN = {*("text.utf-16", "text.windows-1252", "text.unknown-charset", "text.colour", "text.other-format")}
PIECES = st.sampled_from(
    [
        *(
            b"a",
            b"\r",
            b"\n",
            b"\x1b",
            b"[31m",
            b"\x00",
            b"\xc2",
            b"\x9b",
            b"\xe2",
            b"\x80",
            b"\x8b",
            b"\xae",
            b"\xd7\x90",
        ),
        *(b"\xf3\xa0\x81\xa1", b"\xf0\x9f\x8f\xb4", b"\xef\xb8\x80", b"\xef\xbb\xbf", b"x" * 70, "№".encode()),
    ]
)


def findings_of(content: bytes) -> list[str]:
    return sorted(
        finding.code.value for finding in examine_bytes(io.BytesIO(content), FileType.TXT, Budgets()).findings
    )


def test_every_vector_has_its_file() -> None:
    assert list(VECTORS) == list(HOSTILE)
    assert len(VECTORS) >= 20


@pytest.mark.parametrize("name", VECTORS)
def test_hostile(name: str) -> None:
    # Otherwise it would not even be inspected.
    assert type_of_content(HOSTILE[name][:4096]) is FileType.TXT
    assert findings_of(HOSTILE[name]) == VECTORS[name]["codes"]
    held = any(
        finding.grade.holds for finding in examine_bytes(io.BytesIO(HOSTILE[name]), FileType.TXT, Budgets()).findings
    )
    assert ("held" if held else "clear") == VECTORS[name]["lane"]


@pytest.mark.parametrize("name", BENIGN)
def test_ordinary_texts_hide_nothing(name: str) -> None:
    assert type_of_content(BENIGN[name][:4096]) is FileType.TXT
    assert set(findings_of(BENIGN[name])) <= NOTHING_HIDDEN


@settings(max_examples=300)
@given(pieces=st.lists(PIECES, max_size=60), cuts=st.lists(st.integers(1, 200), min_size=1, max_size=20))
def test_where_a_text_is_cut_does_not_matter(pieces: list[bytes], cuts: list[int]) -> None:
    text = b"".join(pieces)
    whole, cut = MarkSearch(), MarkSearch()
    whole.update(text)
    whole.finish()
    place = 0
    while place < len(text):
        step = cuts[place % len(cuts)]
        cut.update(text[place : place + step])
        place += step
    cut.finish()
    assert [cut.count(mark) for mark in Mark] == [whole.count(mark) for mark in Mark]


@pytest.mark.parametrize("name", [*VECTORS, *BENIGN])
def test_the_size_of_a_read_does_not_matter(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    content = HOSTILE.get(name, BENIGN.get(name, b""))
    expected = findings_of(content)
    monkeypatch.setattr(check, "_PIECE", 7)
    assert findings_of(content) == expected


def test_only_so_many_are_counted() -> None:
    search = MarkSearch()
    search.update("a\u200b".encode() * 5000)
    search.finish()
    assert search.count(Mark.ZERO_WIDTH) == COUNTED


def test_one_hidden_character_is_no_watermark() -> None:
    assert findings_of("a\u200bb".encode() * 7) == ["text.zero-width"]
    assert findings_of("a\u200bb".encode() * 8) == ["privacy.text-watermark", "text.zero-width"]


def test_one_broken_byte_far_into_a_unicode_text() -> None:
    assert findings_of("æ".encode() * 2_000_000 + b"\xff" + "\u202e".encode()) == ["text.bidi", "text.windows-1252"]
    assert findings_of(LINE + "æ".encode()[:1]) == ["text.windows-1252"]


@settings(max_examples=300)
@given(st.binary(max_size=300), st.sampled_from([b"", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf"]))
def test_no_bytes_raise(content: bytes, mark: bytes) -> None:
    assert set(findings_of(mark + content)) <= {code.value for code in Code}
