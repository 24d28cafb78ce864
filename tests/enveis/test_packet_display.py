"""A packet as a person at the desk reads it: its fields, and a verdict in the same words from end to end."""

import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import get_args

import pytest

from enveis.commands.packet_display import _verdict_sentences, promise_sentence, show_files, show_packet
from enveis.terminal import Terminal
from gateway.problems import RefusedReason
from quarantine.findings import Code, Grade
from quarantine.verdict import Reason, Verdict
from transfer.names import Lane, PacketId
from transfer.packet.manifest import FileNote, FindingNote, Manifest, Outcome, RefusedNote
from transfer.packet.message import Message, Origin

NOTE = FileNote("files/01.txt", "a.txt", "txt", 1, "0" * 64, Outcome.CLEAR)

MANIFEST = Manifest(
    packet=PacketId("0123456789abcdef" * 2),
    gateway="00112233aabbccdd",
    received=date(2026, 11, 21),
    lane=Lane.CLEAR,
    sealed_to="0011223344556677",
    receipt=None,
    files=(),
)


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


@pytest.mark.parametrize(("read_back", "line"), [(True, "yes"), (False, "no"), (None, "")])
def test_a_conversation_is_shown_with_its_writer_and_whether_it_was_read_back(
    read_back: bool | None, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    message = Message(employed=True, road=Origin.CONVERSATION, writer_role="fore\x1bman", read_back=read_back)
    show_packet(Terminal(), MANIFEST, message)
    shown = capsys.readouterr().out
    assert "works there  yes\n" in shown
    assert "origin       conversation\n" in shown
    assert "\x1b" not in shown
    assert re.search(r"^  written by   fore.+man$", shown, re.MULTILINE)
    assert re.findall(r"^  read back    (\w+)$", shown, re.MULTILINE) == ([line] if line else [])


def test_every_reason_of_a_file_that_is_not_there_is_in_words(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    manifest = replace(
        MANIFEST,
        refused=tuple(RefusedNote("a\x1b.heic", reason) for reason in (*RefusedReason, "a-new-one")),
    )
    show_files(Terminal(), manifest, (), tmp_path)
    shown = capsys.readouterr().out
    assert "a\x1b" not in shown
    assert "(it was empty;" in shown
    assert [reason for reason in RefusedReason if f"({reason})" in shown] == []
    assert "(a-new-one)" in shown


@pytest.mark.parametrize(
    ("today", "how_far"),
    [
        (date(2026, 11, 21), "in 13 days"),
        (date(2026, 12, 3), "tomorrow"),
        (date(2026, 12, 4), "TODAY"),
        (date(2026, 12, 5), "yesterday: LATE unless answered"),
        (date(2027, 1, 4), "31 days ago: LATE unless answered"),
    ],
)
def test_the_desk_sees_what_was_promised_and_how_far_it_is(today: date, how_far: str) -> None:
    line = promise_sentence(date(2026, 12, 4), today=today)
    assert line == f"  an answer was promised by 2026-12-04 ({how_far})"


def test_a_packet_without_a_promise_has_no_such_line(capsys: pytest.CaptureFixture[str]) -> None:
    packet, day = PacketId("0123456789abcdef" * 2), date(2026, 11, 21)
    manifest = Manifest(packet, "00112233aabbccdd", day, Lane.CLEAR, "0011223344556677", None, ())
    show_packet(Terminal(), manifest, Message())
    assert "promised" not in capsys.readouterr().out
    show_packet(Terminal(), replace(manifest, promised=day), Message())
    assert f"an answer was promised by {day} (" in capsys.readouterr().out
