"""A log of 10,000 lines, each of them attacked in every way: found, and placed.

To walk 10,000 lines 80,000 times would take hours. `check_chain` carries nothing from line to line but the head, so
its report on a stretch between two signed heads is its report on the whole log there; that this is so is tried
on whole logs at a few places.

Invariant A2.
"""

import dataclasses
import functools
import random
from collections.abc import Callable
from datetime import date

import pytest

from audit import chain
from audit.chain import EMPTY, Head, check_chain, encode_line, hash_line, next_line
from audit.events import Event, LogRecord

DAY = date(2026, 11, 21)
COUNT = 10_000
EVERY = 5  # lines between two signed heads, as if each batch brought five

# The same bytes are the same line: most of the time here went into reading what was read before.
parse_line = functools.lru_cache(maxsize=200_000)(chain.parse_line)

Attack = Callable[[list[bytes], int], list[bytes]]


def make_lines() -> list[bytes]:
    lines, head = [], EMPTY
    for number in range(COUNT):
        packet = f"{number:032x}"
        kinds = [
            LogRecord(event=Event.SUBMISSION_SEALED, packet=packet, lane="held" if number % 7 else "clear"),
            LogRecord(event=Event.PACKET_DELETED, packet=packet, batch=number // 10 + 1),
            LogRecord(event=Event.GATEWAY_STARTED),
        ]
        line, head = next_line(head, DAY, kinds[number % 3])
        lines.append(line)
    return lines


LINES = make_lines()
HEADS = [EMPTY, *(Head(number, hash_line(line)) for number, line in enumerate(LINES, start=1))]
SIGNED = HEADS[EVERY::EVERY]
BY_NUMBER = {head.seq: head for head in SIGNED}
FOREIGN = encode_line(dataclasses.replace(parse_line(LINES[1]), record=LogRecord(event=Event.GATEWAY_STOPPED)))


def alter(lines: list[bytes], place: int) -> list[bytes]:
    line = dataclasses.replace(parse_line(lines[place]), day=date(2026, 11, 20))
    return [*lines[:place], encode_line(line), *lines[place + 1 :]]


def delete(lines: list[bytes], place: int) -> list[bytes]:
    return [*lines[:place], *lines[place + 1 :]]


def insert(lines: list[bytes], place: int) -> list[bytes]:
    return [*lines[:place], FOREIGN, *lines[place:]]


def swap(lines: list[bytes], place: int) -> list[bytes]:
    """With the next line; the last one with that before it."""
    first = min(place, len(lines) - 2)
    return [*lines[:first], lines[first + 1], lines[first], *lines[first + 2 :]]


ATTACKS: list[Attack] = [alter, delete, insert, swap]


def rechain(lines: list[bytes], start: Head) -> list[bytes]:
    """What an attacker does who can write the file: new numbers and hashes for everything."""
    made, head = [], start
    for line in lines:
        old = parse_line(line)
        text, head = next_line(head, old.day, old.record)
        made.append(text)
    return made


def stretch(place: int) -> tuple[list[bytes], int]:
    """The lines between the signed heads around a place, some of what follows, and how many stand before."""
    first = place // EVERY * EVERY
    return LINES[first : first + EVERY + 2], first


@pytest.fixture(autouse=True)
def _read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "parse_line", parse_line)


def within(first: int, count: int) -> list[Head]:
    return [BY_NUMBER[seq] for seq in range(first + 1, first + count + 1) if seq in BY_NUMBER]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_every_line_is_guarded_by_the_chain(attack: Attack) -> None:
    for place in range(COUNT):
        lines, first = stretch(place)
        faults = check_chain(
            attack(lines, place - first), start=HEADS[first], heads=[*within(first, EVERY), SIGNED[-1]]
        ).faults
        assert faults, place
        # At the line, at the next one (whose hash no longer fits), or, of the last, at the head or as missing;
        # swapping the last line touches the one before it.
        assert place - (place == COUNT - 1) <= faults[0].line - 1 + first <= place + 1, (place, faults[0])


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_every_line_is_guarded_by_the_heads_where_all_hashes_were_made_anew(attack: Attack) -> None:
    for place in range(COUNT):
        lines, first = stretch(place)
        forged = attack(lines, place - first)
        forged = [*forged[: place - first], *rechain(forged[place - first :], HEADS[place])]
        if attack is swap and place == COUNT - 1:
            forged = rechain(forged, HEADS[first])
        heads = within(first, EVERY)
        assert check_chain(forged, start=HEADS[first]).faults == (), "the forgery is a chain in itself"
        faults = check_chain(forged, start=HEADS[first], heads=heads).faults
        assert len(faults) == 1, place
        assert faults[0].line == EVERY, place
        missing = attack is delete and place >= COUNT - EVERY
        assert ("are missing" if missing else "a signed head has another hash") in faults[0].reason
        if not missing:
            assert f"one after number {first}," in faults[0].reason


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_a_stretch_says_what_the_whole_log_says(attack: Attack) -> None:
    for place in (0, 4_711, COUNT - 1):
        lines, first = stretch(place)
        here = check_chain(attack(lines, place - first), start=HEADS[first], heads=[*within(first, EVERY), SIGNED[-1]])
        whole = check_chain(attack(LINES, place), heads=SIGNED)
        assert whole.faults[0].line == here.faults[0].line + first
        forged = attack(LINES, place)
        at = max(0, place - 1)
        faults = check_chain([*forged[:at], *rechain(forged[at:], HEADS[at])], heads=SIGNED).faults
        # Found at the first head after the place, and at every later one.
        assert faults[0].line == first + EVERY
        assert len(faults) >= (COUNT - first) // EVERY


def test_an_exchange_over_any_distance() -> None:
    chance = random.Random(1)
    for _ in range(5):
        one, other = sorted(chance.sample(range(COUNT), 2))
        lines = list(LINES)
        lines[one], lines[other] = lines[other], lines[one]
        assert check_chain(lines, heads=SIGNED).faults[0].line == one + 1


def test_what_was_cut_off_before_the_last_head_is_missed() -> None:
    for length in range(COUNT):
        faults = check_chain([], start=HEADS[length], heads=[SIGNED[-1]]).faults
        assert [fault.line for fault in faults] == [1]
        assert f"lines up to number {COUNT} were signed and are missing" in faults[0].reason
    assert check_chain(LINES[:6_000], heads=SIGNED).faults[0].line == 6_001
    assert len(check_chain(LINES, heads=SIGNED).faults) == 0


@pytest.mark.parametrize("signed", [0, 10, 9_000, 9_990, COUNT])
def test_lines_after_the_last_head_are_counted(signed: int) -> None:
    report = check_chain(LINES, heads=[head for head in SIGNED if head.seq <= signed])
    assert (report.head, report.anchored, report.faults) == (HEADS[COUNT], signed, ())
