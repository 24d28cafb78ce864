import json
import re
import tomllib

import pytest

from quarantine import checks_page
from quarantine.findings import Code, Finding, Grade, check_raised
from quarantine.verdict import Clear, Held, Reason, Undecided, conclude, is_clear, worst

DIGEST = "0" * 64
MALWARE = Finding(Code.SCANNER_MALWARE)
LINK = Finding(Code.RAR_LINK)
PAGE = checks_page.PAGE.read_text()


def test_every_code_and_reason_has_its_sentence() -> None:
    for row in (*Code, *Reason):
        assert row.sentence.endswith("."), row
        assert row.value == row.name.lower().replace("_", "-") or isinstance(row, Code)
    assert len({code.sentence for code in Code}) == len(Code)
    # As data, a code is its short text and nothing else.
    assert json.dumps([Code.ZIP_LINK, Reason.NO_SLOT]) == '["zip.link", "no-slot"]'
    assert Code("zip.link") is Code.ZIP_LINK


def test_the_page_is_made_from_the_table() -> None:
    assert checks_page.page() == PAGE, "make checks-page"


def test_each_finding_is_explained() -> None:
    details = tomllib.loads(checks_page.DETAILS.read_text())
    assert set(details) == set(Code)
    for code, lines in details.items():
        assert list(lines) == ["why", "seen", "source"], code
        assert all(re.search(r"[.)]$", line) and "\n" not in line for line in lines.values()), code


def test_the_page_says_what_the_code_does() -> None:
    found = re.findall(r"^#### `([a-z0-9.-]+)`\n\n(.*)\nGrade `([a-z-]+)`: (held|clear)\.$", PAGE, re.M)
    assert sorted(found) == sorted(
        (code.value, code.sentence, code.grade.value, "held" if code.grade.holds else "clear") for code in Code
    )


def test_the_page_says_what_a_grade_does() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| [^|]+ \| (held|clear) \|$", PAGE, re.M)
    assert dict(rows) == {grade.value: "held" if grade.holds else "clear" for grade in Grade}


def test_a_holding_finding_holds() -> None:
    assert conclude(DIGEST, [LINK, MALWARE, LINK]) == Held(DIGEST, (LINK, MALWARE))
    assert conclude(DIGEST, [LINK]) == Clear(DIGEST, (LINK,))
    assert conclude(DIGEST, []) == Clear(DIGEST)


def test_settings_can_hold_for_more_and_never_for_less() -> None:
    raised = frozenset({Code.RAR_LINK})
    assert conclude(DIGEST, [LINK], raised) == Held(DIGEST, (Finding(Code.RAR_LINK, is_raised=True),))
    assert isinstance(conclude(DIGEST, [MALWARE], raised), Held)
    assert isinstance(conclude(DIGEST, [Finding(Code.RAR_SOLID)], raised), Clear)
    assert check_raised(["rar.link"]) == raised
    with pytest.raises(ValueError, match="never clear"):
        Clear(DIGEST, (Finding(Code.RAR_LINK, is_raised=True),))


@pytest.mark.parametrize("code", [code for code in Code if code.grade is Grade.IDENTIFIES_YOU])
def test_what_identifies_a_source_never_holds(code: Code) -> None:
    with pytest.raises(ValueError, match="a warning to the source"):
        check_raised([code])


def test_verdicts_that_contradict_themselves_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="never clear"):
        Clear(DIGEST, (MALWARE,))
    with pytest.raises(ValueError, match="holds it"):
        Held(DIGEST, (LINK,))
    for kind in (Clear, lambda digest: Held(digest, (MALWARE,)), lambda digest: Undecided(digest, Reason.NO_SLOT)):
        with pytest.raises(ValueError, match="hex"):
            kind("A" * 64)


def test_the_worst_decides() -> None:
    clear, held, undecided = Clear(DIGEST), Held(DIGEST, (MALWARE,)), Undecided(DIGEST, Reason.OUT_OF_TIME)
    assert worst([clear, held, undecided]) is held
    assert worst([clear, undecided, clear]) is undecided
    assert worst([clear]) is clear
    assert worst([]) is None
    assert [is_clear(verdict) for verdict in (clear, held, undecided)] == [True, False, False]
