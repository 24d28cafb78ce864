"""The chain: every changed, lost, added or exchanged line is found, and placed; nothing free fits in.

Invariants G4 and A1.
"""

import dataclasses
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.chain import (
    EMPTY,
    LINE_MAX,
    Head,
    Line,
    check_chain,
    encode_line,
    hash_line,
    next_line,
    parse_line,
    split_lines,
    verify_chain,
)
from audit.errors import ChainError, LineError
from audit.events import FIELDS, Event, LogRecord

DAY = date(2026, 11, 21)
SAMPLES: dict[str, Any] = {
    "gateway": "0123456789abcdef",
    "packet": "ab" * 16,
    "batch": 999_999,
    "lane": "clear",
    "count": 1000,
    "digest": "cd" * 32,
}


def record(event: Event) -> LogRecord:
    return LogRecord(event=event, **{name: SAMPLES[name] for name in FIELDS[event]})


def chain(events: list[Event]) -> tuple[list[bytes], Head]:
    lines, head = [], EMPTY
    for event in events:
        line, head = next_line(head, DAY, record(event))
        lines.append(line)
    return lines, head


LINES, HEAD = chain(list(Event)[:8])
OTHER, _ = chain(list(reversed(Event)))


def test_the_form_of_a_line_is_fixed_for_ever() -> None:
    line, head = next_line(EMPTY, DAY, LogRecord(event=Event.SUBMISSION_SEALED, packet="ab" * 16, lane="held"))
    assert line == (
        b'{"v":1,"seq":1,"day":"2026-11-21","event":"submission-sealed","packet":"' + b"ab" * 16 + b'","lane":"held",'
        b'"prev":"' + b"0" * 64 + b'"}'
    )
    assert head == Head(1, hash_line(line))


@pytest.mark.parametrize("event", Event)
def test_what_is_written_is_read_and_short_enough(event: Event) -> None:
    line = Line(2**53 - 1, DAY, record(event), "ef" * 32)
    text = encode_line(line)
    assert parse_line(text) == line
    assert len(text) <= LINE_MAX


@pytest.mark.parametrize("place", range(len(LINES)))
def test_each_fault_is_found_and_placed(place: int) -> None:
    heads = [HEAD]
    verify_chain(LINES, heads=heads)
    number = place + 1

    # Changed to another line that is well-formed in itself.
    changed = dataclasses.replace(parse_line(LINES[place]), day=date(2026, 11, 20))
    altered = [*LINES[:place], encode_line(changed), *LINES[number:]]
    faults = check_chain(altered, heads=heads).faults
    assert len(faults) == 1
    if number < len(LINES):
        assert faults[0].line == number + 1
        assert "does not continue the line before it" in faults[0].reason
    else:
        assert faults[0].line == number
        assert "a signed head has another hash" in faults[0].reason

    removed = [*LINES[:place], *LINES[number:]]
    with pytest.raises(ChainError, match="removed" if number < len(LINES) else "missing") as caught:
        verify_chain(removed, heads=heads)
    assert caught.value.line == number

    inserted = [*LINES[:place], OTHER[place], *LINES[place:]]
    with pytest.raises(ChainError) as caught:
        verify_chain(inserted, heads=heads)
    assert caught.value.line in {number, number + 1}

    garbled = [*LINES[:place], b"{}", *LINES[number:]]
    with pytest.raises(ChainError, match="not a line") as caught:
        verify_chain(garbled, heads=heads)
    assert caught.value.line == number

    for other in range(number, len(LINES)):
        swapped = list(LINES)
        swapped[place], swapped[other] = swapped[other], swapped[place]
        with pytest.raises(ChainError, match="exchanged") as caught:
            verify_chain(swapped, heads=heads)
        assert caught.value.line == number


@given(st.integers(0, len(LINES) - 1), st.data())
def test_any_flipped_bit_is_found(place: int, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(LINES[place]) - 1))
    flip = 1 << data.draw(st.integers(0, 7))
    broken = bytearray(LINES[place])
    broken[position] ^= flip
    with pytest.raises(ChainError) as caught:
        verify_chain([*LINES[:place], bytes(broken), *LINES[place + 1 :]], heads=[HEAD])
    assert caught.value.line in {place + 1, place + 2}


def test_lines_after_the_last_head_are_unanchored() -> None:
    middle = Head(5, hash_line(LINES[4]))
    report = check_chain(LINES, heads=[middle])
    assert (report.head, report.anchored, report.faults) == (HEAD, 5, ())
    rest = check_chain(LINES[5:], start=middle)
    assert (rest.head, rest.faults) == (HEAD, ())
    assert check_chain(LINES[5:], start=Head(5, "0" * 64)).faults[0].line == 1


def test_two_heads_of_one_number_cannot_both_hold() -> None:
    assert check_chain(LINES, heads=[Head(5, hash_line(LINES[4])), Head(5, "ab" * 32)]).faults


@pytest.mark.parametrize(
    ("event", "fields"),
    [
        (Event.SUBMISSION_SEALED, {"packet": "report.pdf", "lane": "clear"}),
        (Event.SUBMISSION_SEALED, {"packet": "AB" * 16, "lane": "clear"}),
        (Event.SUBMISSION_SEALED, {"packet": "ab" * 16 + "\n", "lane": "clear"}),
        (Event.SUBMISSION_SEALED, {"packet": "ab" * 16, "lane": "10.0.0.1"}),
        (Event.SUBMISSION_SEALED, {"packet": "ab" * 16}),
        (Event.SUBMISSION_SEALED, {"packet": "ab" * 16, "lane": "clear", "count": 1}),
        (Event.PACKET_DELETED, {"packet": "ab" * 16, "batch": 268_435_456}),
        (Event.PACKET_DELETED, {"packet": "ab" * 16, "batch": 1.5}),
        (Event.PACKET_DELETED, {"packet": "ab" * 16, "batch": True}),
        (Event.PACKET_DELETED, {"packet": "ab" * 16, "batch": "1"}),
        (Event.BATCH_ACKNOWLEDGED, {"batch": 1, "count": 1_763_700_000, "digest": "ab" * 32}),
        (Event.KEYS_CREATED, {"digest": "ab" * 31}),
        (Event.KEYS_CREATED, {"digest": b"ab" * 32}),
        ("a visitor came", {}),
    ],
)
def test_nothing_free_fits_into_a_record(event: Any, fields: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError)):
        LogRecord(event=event, **fields)


def test_a_day_is_nothing_finer() -> None:
    hour = datetime(2026, 11, 21, 23, 9, tzinfo=UTC)
    with pytest.raises(TypeError, match="finer"):
        next_line(EMPTY, hour, record(Event.LOG_STARTED))


def test_no_field_is_an_open_type() -> None:
    """A new field must be thought about here: only these names exist, and none of them is free text."""
    assert {field.name for field in dataclasses.fields(LogRecord)} == {"event", *SAMPLES}
    assert {field.name for field in dataclasses.fields(Line)} == {"seq", "day", "record", "prev"}
    assert set().union(*FIELDS.values()) == set(SAMPLES)
    assert set(FIELDS) == set(Event)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b"null",
        b"[" * 500,
        LINES[0] + b" ",
        LINES[0].replace(b":", b": "),
        LINES[0].replace(b'"v":1', b'"v":2'),
        LINES[0].replace(b'"seq":1', b'"seq":1.0'),
        LINES[0].replace(b'"seq":1', b'"seq":true'),
        LINES[0].replace(b"2026-11-21", b"20261121"),
        LINES[0].replace(b"2026-11-21", b"2026-11-21T23:09"),
        LINES[0].replace(b'"prev"', b'"note":"free text","prev"'),
        LINES[0].replace(b'"prev"', b'"v":1,"prev"'),
        LINES[0].replace(b"log-started", b"log-\\u0073tarted"),
        LINES[0] + b" " * LINE_MAX,
    ],
)
def test_other_forms_are_refused(line: bytes) -> None:
    with pytest.raises(LineError):
        parse_line(line)


@given(st.binary(max_size=600))
def test_any_bytes_are_a_line_or_refused(text: bytes) -> None:
    with pytest.raises(LineError):
        parse_line(text)


def test_lines_are_split_at_newlines_only() -> None:
    assert split_lines(b"") == []
    assert split_lines(b"a\n\nb\r\n") == [b"a", b"", b"b\r"]
    with pytest.raises(LineError, match="not complete"):
        split_lines(b"a\nb")
