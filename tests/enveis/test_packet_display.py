"""A verdict as a person at the desk reads it: the three that quarantine knows, in the same words from end to end."""

from dataclasses import replace
from typing import get_args

import pytest

from enveis.commands.packet_display import _verdict_sentences
from quarantine.findings import Code, Grade
from quarantine.verdict import Reason, Verdict
from transfer.packet.manifest import FileNote, FindingNote, Outcome

NOTE = FileNote("files/01.txt", "a.txt", "txt", 1, "0" * 64, Outcome.CLEAR)


def test_a_manifest_knows_the_verdicts_that_quarantine_gives() -> None:
    assert [verdict.__name__.lower() for verdict in get_args(Verdict)] == [outcome.value for outcome in Outcome]


@pytest.mark.parametrize("outcome", Outcome)
def test_each_outcome_has_a_sentence(outcome: Outcome) -> None:
    (sentence,) = _verdict_sentences(replace(NOTE, outcome=outcome))
    assert sentence.lower().startswith(f"{outcome.value}: ")


def test_a_finding_and_a_reason_are_shown_as_their_sentences() -> None:
    findings = (FindingNote(Code.ZIP_LINK.value, Grade.WARNING.value),)
    note = replace(NOTE, outcome=Outcome.UNDECIDED, reason=Reason.OUT_OF_TIME.value, findings=findings)
    _, reason, finding = _verdict_sentences(note)
    assert reason == Reason.OUT_OF_TIME.sentence
    assert finding == f"- {Code.ZIP_LINK.sentence} (warning)"


def test_codes_of_a_newer_gateway_are_shown_as_they_are() -> None:
    note = replace(NOTE, outcome=Outcome.HELD, reason="a-new-one", findings=(FindingNote("new.code", "new-grade"),))
    assert _verdict_sentences(note)[1:] == ["Reason: a-new-one", "- new.code (new-grade)"]
