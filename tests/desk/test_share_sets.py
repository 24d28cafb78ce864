"""Which sets of shares are tried: all, or as many as were asked for; and no share is forgotten in silence."""

from itertools import combinations
from random import Random

import pytest

from desk.custody.share_sets import choose_sets, name_shares, without
from keys.shares import Share

CHANCE = Random(5)


def shares_of(*groups: tuple[int, int], groups_needed: int = 1, split: int = 7) -> list[Share]:
    """All shares of groups of `needed` out of `count`; their words only name them."""
    return [
        Share(f"{group} {place}", split, group, groups_needed, len(groups), place, needed)
        for group, (needed, count) in enumerate(groups, start=1)
        for place in range(1, count + 1)
    ]


def test_all_of_few() -> None:
    sets = choose_sets(shares_of((2, 3))[::-1], most=50, chance=CHANCE)
    assert [name_shares(one) for one in sets.tried] == ["shares 1 and 2", "shares 1 and 3", "shares 2 and 3"]
    assert (sets.count, sets.left_out) == (3, ())
    groups = choose_sets(shares_of((2, 3), (1, 1), (2, 2), groups_needed=2), most=50, chance=CHANCE)
    assert groups.count == len(groups.tried) == 3 * 1 + 3 * 1 + 1 * 1
    assert name_shares(groups.tried[0]) == "shares 1 and 2 of group 1, share 1 of group 2"


@pytest.mark.parametrize("needed", range(2, 17))
@pytest.mark.parametrize("count", range(2, 17))
def test_each_share_is_in_a_set_however_few_are_tried(needed: int, count: int) -> None:
    shares = shares_of((needed, count))
    for most in (1, 50):
        sets = choose_sets(shares, most=most, chance=CHANCE)
        if needed > count:
            assert (sets.tried, sets.count, sets.left_out) == ((), 0, tuple(shares))
            continue
        assert sets.left_out == () == without(shares, sets.tried)
        assert {len(one) for one in sets.tried} == {needed}
        assert len(set(sets.tried)) == len(sets.tried) <= sets.count == len(list(combinations(shares, needed)))
        assert len(sets.tried) == min(sets.count, most) or (most == 1 and len(sets.tried) == -(-count // needed))


def test_sixteen_groups_of_sixteen() -> None:
    shares = shares_of(*[(8, 16)] * 16, groups_needed=9)
    sets = choose_sets(shares, most=50, chance=CHANCE)
    assert len(sets.tried) == 50
    assert sets.count == 11440 * 12870**9
    assert sets.left_out == ()
    assert {len({share.group for share in one}) for one in sets.tried} == {9}
    assert {len(one) for one in sets.tried} == {72}


def test_too_few_of_a_group_are_left_out_and_named() -> None:
    shares = shares_of((2, 3), (1, 1), (3, 5), groups_needed=2)[:6]
    sets = choose_sets(shares, most=50, chance=CHANCE)
    assert sets.count == 3
    assert name_shares(sets.left_out) == "shares 1 and 2 of group 3"


def test_a_share_with_a_different_number_is_outvoted() -> None:
    liar = Share("x", 7, 1, 1, 1, 4, 9)
    sets = choose_sets([liar, *shares_of((2, 3))], most=50, chance=CHANCE)
    assert sets.count == 6
    assert sets.left_out == ()


def test_names() -> None:
    assert name_shares(shares_of((5, 5))) == "shares 1, 2, 3, 4 and 5"
    assert name_shares(shares_of((1, 1), (2, 2))) == "share 1 of group 1, shares 1 and 2 of group 2"
