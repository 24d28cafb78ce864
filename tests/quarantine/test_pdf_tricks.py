"""PDFs on which two readers disagree: each with every code that it has to be found as, and its lane.

Invariants Q12 and Q13.
"""

import io
import random
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from quarantine.budgets import Budgets
from quarantine.check_of_type import examine_bytes
from quarantine.file_types import FileType
from quarantine.pdf import filters
from quarantine.pdf.places import Place, place_of
from tests.builders.pdf_files import pdf, stream
from tests.builders.pdf_tricks import PICTURE, TRICKS, in_base_85, in_hex, in_lzw, in_runs

VECTORS = tomllib.loads((Path(__file__).parents[1] / "vectors/quarantine/pdf-tricks.toml").read_text())
BUDGETS = Budgets()


def codes_of(content: bytes, budgets: Budgets = BUDGETS) -> set[str]:
    return {finding.code.value for finding in examine_bytes(io.BytesIO(content), FileType.PDF, budgets).findings}


def test_every_trick_has_its_vector() -> None:
    assert list(VECTORS) == list(TRICKS)


@pytest.mark.parametrize("name", VECTORS)
def test_trick(name: str) -> None:
    findings = examine_bytes(io.BytesIO(TRICKS[name]()), FileType.PDF, BUDGETS).findings
    assert sorted(finding.code.value for finding in findings) == VECTORS[name]["codes"]
    held = any(finding.grade.holds for finding in findings)
    assert ("held" if held else "clear") == VECTORS[name]["lane"]


@pytest.mark.parametrize(
    ("packed", "names"),
    [(in_lzw, b"/LZWDecode"), (in_runs, b"/RunLengthDecode"), (in_base_85, b"/ASCII85Decode"), (in_hex, b"/AHx")],
)
def test_every_filter_is_counted_and_unpacked_to_its_end(packed: Callable[[bytes], bytes], names: bytes) -> None:
    content = random.Random(1).randbytes(70_000).hex().encode() + b"<< /S /Launch >>"
    assert codes_of(pdf(b"", stream(packed(content), b"/Filter " + names))) == {"pdf.launch"}
    small = Budgets(member_bytes=100_000)
    assert "pdf.budget" in codes_of(pdf(b"", stream(packed(content), b"/Filter " + names)), small)
    assert "pdf.budget" in codes_of(pdf(b"", stream(packed(bytes(200_000)), PICTURE + b"/Filter " + names)), small)


def test_slow_filters_have_their_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filters, "_SLOW_CPU", 0.0)
    content = in_lzw(random.Random(1).randbytes(70_000))
    assert codes_of(pdf(b"", stream(content, b"/Filter /LZWDecode"))) == {"pdf.not-all-walked"}
    assert codes_of(pdf(b"", stream(content, PICTURE + b"/Filter /LZWDecode"))) == {"pdf.pictures-sampled"}


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("a.pdf", Place.WITHIN),
        ("../b/a.pdf", Place.WITHIN),
        ("", Place.WITHIN),
        ("https://example.org/a", Place.ONLINE),
        ("mailto:a@example.org", Place.ONLINE),
        ("C:\\a.pdf", Place.THIS_MACHINE),
        ("c:/a.pdf", Place.THIS_MACHINE),
        ("file:///C:/a", Place.THIS_MACHINE),
        ("file:///C|/a", Place.THIS_MACHINE),
        ("file://C:/a", Place.THIS_MACHINE),
        ("file:a.html", Place.THIS_MACHINE),
        ("file:///home/anna/a", Place.THIS_MACHINE),
        ("file://localhost/home/anna/a", Place.THIS_MACHINE),
        ("~/a", Place.THIS_MACHINE),
        ("/Users/anna/a", Place.THIS_MACHINE),
        ("\\\\host\\a", Place.OTHER_MACHINE),
        (" \\\\host\\a", Place.OTHER_MACHINE),
        ("//host/a", Place.OTHER_MACHINE),
        ("file://host/a", Place.OTHER_MACHINE),
        ("FILE:////host/a", Place.OTHER_MACHINE),
        ("file:\\\\host\\a", Place.OTHER_MACHINE),
        ("file:///%2f%2fhost/a", Place.OTHER_MACHINE),
        ("file://localhost//host/a", Place.OTHER_MACHINE),
        ("file:///net/host/a", Place.OTHER_MACHINE),
        ("smb://host/a", Place.OTHER_MACHINE),
        ("webdav://host/a", Place.OTHER_MACHINE),
        ("\x00\\\\host\\a", Place.OTHER_MACHINE),
    ],
)
def test_where_a_path_leads(path: str, place: Place) -> None:
    assert place_of(path) is place
