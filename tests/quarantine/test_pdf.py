"""The hostile PDFs against their expected codes, pieces of the search, and mutations of real files.

Invariant Q4.
"""

import io
import random
import re
import tomllib
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quarantine.budgets import Budgets
from quarantine.check_of_type import examine_bytes
from quarantine.file_types import FileType
from quarantine.findings import Code
from quarantine.pdf import raw_bytes
from quarantine.pdf.names import find_names
from quarantine.pdf.raw_bytes import scan_bytes
from tests.builders.pdf_files import HOSTILE, JS, deflated, pdf, stream, with_object_stream

VECTORS = tomllib.loads((Path(__file__).parents[1] / "vectors/quarantine/pdf.toml").read_text())
BUDGETS = Budgets()
SEEDS = [
    HOSTILE[name]()
    for name in (
        "javascript_in_object_stream",
        "javascript_under_encryption_without_password",
        "author_comment_signature_and_revision",
        "attached_pdf_with_javascript",
        "picture_with_place_and_camera",
        "javascript_in_object_stream_with_predictor",
    )
]


def codes_of(content: bytes, budgets: Budgets = BUDGETS) -> set[str]:
    return {finding.code.value for finding in examine_bytes(io.BytesIO(content), FileType.PDF, budgets).findings}


def test_every_vector_has_its_file() -> None:
    assert list(VECTORS) == list(HOSTILE)
    assert len(VECTORS) >= 40


@pytest.mark.parametrize("name", VECTORS)
def test_hostile(name: str) -> None:
    findings = examine_bytes(io.BytesIO(HOSTILE[name]()), FileType.PDF, BUDGETS).findings
    assert sorted(finding.code.value for finding in findings) == VECTORS[name]["codes"]
    held = any(finding.grade.holds for finding in findings)
    assert ("held" if held else "clear") == VECTORS[name]["lane"]


@pytest.mark.parametrize(
    ("catalog", "expected"),
    [
        (b"", set()),
        (b"/OpenAction [3 0 R /Fit]", {"pdf.open-action"}),
        (b"/OpenAction << /S /GoTo /D [3 0 R /XYZ 0 0 0] >>", {"pdf.open-action"}),
        (b"/OpenAction null", set()),
        (b"/Names << /Dests << /Names [(JavaScript) [3 0 R /Fit]] >> >>", set()),
        (b"/AA << /WC << /S /GoTo /D [3 0 R /Fit] >> >>", {"pdf.additional-actions"}),
        (b"/XFA null", set()),
        (b"/StructTreeRoot << /Type /StructTreeRoot /K << /S /Sect >> >>", set()),
    ],
)
def test_ordinary(catalog: bytes, expected: set[str]) -> None:
    assert codes_of(pdf(catalog)) == expected


def test_words_of_a_text_are_not_actions() -> None:
    assert codes_of(pdf(b"", stream(b"BT (A /JavaScript or /Launch action, /S and /URI) Tj ET"))) == set()


@pytest.mark.parametrize("name", ["javascript_nobody_points_to", "javascript_in_object_stream", "attached_program"])
def test_where_windows_are_cut_does_not_matter(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    content = HOSTILE[name]()
    whole = scan_bytes(io.BytesIO(content), BUDGETS)
    for window in range(40, len(content), 11):
        monkeypatch.setattr(raw_bytes, "_WINDOW", window)
        assert scan_bytes(io.BytesIO(content), BUDGETS) == whole


@pytest.mark.parametrize("letter", range(1, 11))
def test_every_letter_of_a_name_may_be_escaped(letter: int) -> None:
    name = b"/JavaScript"
    escaped = name[:letter] + b"#%02x" % name[letter] + name[letter + 1 :]
    assert find_names(b"<< /S " + escaped + b" >>") == {Code.PDF_JAVASCRIPT, Code.PDF_ESCAPED_NAME}


def test_what_follows_damage_in_an_object_stream_is_opaque() -> None:
    noise = random.Random(1).randbytes(2000).hex().encode()

    def with_end(change: Callable[[bytes], bytes]) -> bytes:
        return with_object_stream(
            b"<< /A (" + noise + b") >>",
            encode=lambda content: change(zlib.compress(content)),
            entries=b"/Filter /FlateDecode",
        )

    assert codes_of(with_end(lambda content: content)) == {"pdf.object-streams"}
    assert codes_of(with_end(lambda content: content[:-4] + b"sums")) == {"pdf.object-streams"}
    assert "pdf.unreadable" in codes_of(with_end(lambda content: content[: len(content) // 2]))


def test_one_broken_object_does_not_end_the_walk() -> None:
    # Only the walk sees what kind of annotation this is.
    broken = pdf(b"", b"[" * 100_000, b"<< /Type /Annot /Subtype /3D >>")
    assert codes_of(broken) == {"pdf.damaged", "pdf.rich-media"}


def test_an_attached_file_that_no_cross_reference_names_is_looked_into() -> None:
    beyond = pdf() + b"9 0 obj\n" + deflated(b"MZ", b"/Type /EmbeddedFile") + b"\nendobj\n"
    assert "pdf.embedded-program" in codes_of(beyond)


def test_where_the_walk_stops_the_search_goes_on() -> None:
    many = pdf(b"", *[b"<< /A 1 >>"] * 50, JS)
    assert codes_of(many, Budgets(pdf_objects=10)) == {"pdf.javascript", "pdf.not-all-walked"}


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (b"<< /S /P /A << /O /Layout >> /T (a) >>", "pdf.not-all-followed"),
        (b"<< /F (a) >>", "pdf.not-all-walked"),
        (b"<< /#46 (a) >>", "pdf.not-all-walked"),
        (b"<< /AA << >> >>", "pdf.not-all-walked"),
        (stream(b"", b"/Filter [/LZWDecode]"), "pdf.not-all-walked"),
    ],
)
def test_behind_the_end_of_the_walk_only_what_cannot_act_is_clear(last: bytes, expected: str) -> None:
    few = Budgets(pdf_objects=30)
    many = [b"<< /A 1 >>"] * 40
    assert codes_of(pdf(b"", *many, last), few) == {expected}
    in_stream = with_object_stream(
        *many, last.split(b"stream")[0], encode=zlib.compress, entries=b"/Filter /FlateDecode"
    )
    assert codes_of(in_stream, few) == {expected, "pdf.object-streams"}


def test_streams_are_paid_for() -> None:
    content = pdf(b"", *[deflated(bytes(1_000_000))] * 3)
    assert codes_of(content, Budgets(member_bytes=900_000)) == {"pdf.budget"}
    assert codes_of(content, Budgets(unpacked_bytes=2_900_000, member_bytes=1_000_000)) == set()
    # The third is not inflated any more.
    assert codes_of(content, Budgets(unpacked_bytes=2_000_000)) == {"pdf.not-all-walked"}
    pictures = pdf(b"", *[deflated(bytes(1_000_000), b"/Type /XObject /Subtype /Image")] * 3)
    assert codes_of(pictures, Budgets(unpacked_bytes=2_000_000)) == {"pdf.pictures-sampled"}


def test_object_streams_are_paid_for_together() -> None:
    content = pdf(b"", *[deflated(b"9 0 " + bytes(400_000), b"/Type /ObjStm /N 1 /First 4")] * 3)
    assert "pdf.budget" in codes_of(content, Budgets(member_bytes=1_200_000))
    assert "pdf.budget" not in codes_of(content, Budgets(member_bytes=1_300_000))


def test_files_inside_files_end_somewhere() -> None:
    content = pdf(b"")
    for _ in range(6):
        spec = b"<< /Type /Filespec /F (a) /EF << /F 7 0 R >> >>"
        content = pdf(
            b"/Names << /EmbeddedFiles << /Names [(a) 6 0 R] >> >>", spec, deflated(content, b"/Type /EmbeddedFile")
        )
    assert codes_of(content) == {"pdf.embedded-file", "pdf.embedded-opaque"}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.sampled_from(SEEDS),
    places=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=0, max_size=6)), max_size=8),
    cut=st.none() | st.floats(0, 1),
)
def test_no_mutation_raises(seed: bytes, places: list[tuple[float, bytes]], cut: float | None) -> None:
    mutated = bytearray(seed)
    for place, new in places:
        at = int(place * len(mutated))
        mutated[at : at + len(new)] = new
    if cut is not None:
        mutated = mutated[: int(cut * len(mutated))]
    assert codes_of(bytes(mutated)) <= {code.value for code in Code}


@settings(max_examples=60, deadline=None)
@given(
    old=st.sampled_from([b"/Type", b"0 R", b" 6 0", b"obj", b"/Length", b"xref", b"<<", b">>", b"["]),
    new=st.binary(max_size=5),
)
def test_no_changed_word_raises(old: bytes, new: bytes) -> None:
    for seed in SEEDS[:3]:
        codes_of(re.sub(re.escape(old), lambda _: new, seed))
