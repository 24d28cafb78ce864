"""Ids as people read and type them: the beginning that tells one from the others, and never another."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transfer.names import new_packet_id
from transfer.short_ids import CANDIDATES_MAX, SHOWN_MIN, TYPED_MIN, ShortIdError, find_id, shorten_ids

ABSENT = "there is no such packet"
IDS = st.sets(st.text("01", min_size=12, max_size=12), min_size=1, max_size=40)


@given(IDS)
def test_what_is_shown_can_be_typed_and_is_no_longer_than_it_has_to_be(ids: set[str]) -> None:
    short = shorten_ids(ids)
    assert set(short) == ids
    for one, shown in short.items():
        assert one.startswith(shown)
        assert find_id(shown, ids, absent=ABSENT) == one
        if len(shown) > SHOWN_MIN:
            with pytest.raises(ShortIdError, match="ids begin with"):
                find_id(shown[:-1], ids, absent=ABSENT)


@given(IDS, st.text("01", max_size=12))
def test_what_is_typed_names_the_one_that_begins_with_it_or_none(ids: set[str], typed: str) -> None:
    fitting = {one for one in ids if one.startswith(typed)}
    if len(fitting) == 1 and len(typed) >= TYPED_MIN:
        assert {find_id(typed, ids, absent=ABSENT)} == fitting
        return
    with pytest.raises(ShortIdError) as failed:
        find_id(typed, ids, absent=ABSENT)
    if len(typed) < TYPED_MIN:
        assert "at least the first 4 digits" in str(failed.value)
    elif not fitting:
        assert str(failed.value) == ABSENT
    else:
        listed = re.findall(r"[0-9a-z]{8,}", str(failed.value).partition(": ")[2])
        assert len(listed) == min(len(fitting), CANDIDATES_MAX)
        assert {find_id(one, ids, absent=ABSENT) for one in listed} <= fitting


@pytest.mark.parametrize("typed", ["", "  ", "abc", "....", "0/..", "%s%s", "\x00abcd", "ä" * 8, "-", "*", "?" * 32])
def test_nonsense_names_nothing(typed: str) -> None:
    with pytest.raises(ShortIdError):
        find_id(typed, [new_packet_id()], absent=ABSENT)


def test_case_blanks_and_the_end_of_a_file_name_do_not_matter() -> None:
    one = new_packet_id()
    for typed in (one, one.upper(), f" {one[:10]} ", f"{one}.age"):
        assert find_id(typed, [one, one], absent=ABSENT) == one


def test_the_ids_that_begin_so_are_listed_up_to_a_few() -> None:
    ids = [f"abcd{number:04x}" + "0" * 24 for number in range(9)]
    with pytest.raises(ShortIdError) as failed:
        find_id("ABCD", ids, absent=ABSENT)
    assert str(failed.value) == (
        "9 ids begin with abcd: abcd0000, abcd0001, abcd0002, abcd0003, abcd0004, abcd0005 and 3 more; type more digits"
    )
    assert shorten_ids(["abcd000000000001", "abcd000000000002"]) == {
        "abcd000000000001": "abcd000000000001",
        "abcd000000000002": "abcd000000000002",
    }
    assert shorten_ids([]) == {}
