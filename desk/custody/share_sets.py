"""Which sets of shares a rehearsal joins: all of them, or a random choice in which each share is in one. Pure.

A set is as small as it can be: as many groups as are needed, and of each as many shares as it needs. There can be more
sets than anybody would wait for.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, combinations, product
from math import comb, prod
from random import Random
from typing import TypeVar

from keys.shares import Share

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ShareSets:
    """The sets to try, how many there are in all, and the shares that are in none: too few of their group are here."""

    tried: tuple[tuple[Share, ...], ...]
    count: int
    left_out: tuple[Share, ...]


@dataclass(frozen=True, slots=True)
class _Group:
    shares: tuple[Share, ...]
    needed: int


def choose_sets(shares: Sequence[Share], *, most: int, chance: Random) -> ShareSets:
    """Choose all sets, or `most` of them at random; a few more where some share would otherwise be in no set.

    Where shares disagree on how many are needed, the majority decides: sets with the others fail.
    """
    ordered = sorted(shares, key=_place)
    wanted = _commonest([share.groups_needed for share in ordered])
    groups = [group for group in _groups(ordered) if len(group.shares) >= group.needed]
    count = sum(prod(comb(len(one.shares), one.needed) for one in some) for some in combinations(groups, wanted))
    if count <= most:
        chosen = set(_every_set(groups, wanted))
    else:
        chosen = set(_each_share_once(groups, wanted))
        while len(chosen) < most:
            chosen.add(_any_set(groups, wanted, chance))
    tried = sorted(chosen, key=lambda one: [_place(share) for share in one])
    return ShareSets(tuple(tried), count, without(ordered, tried))


def without(shares: Sequence[Share], sets: Sequence[Sequence[Share]]) -> tuple[Share, ...]:
    """Return those of the shares that are in none of the sets."""
    held = set(chain.from_iterable(sets))
    return tuple(share for share in shares if share not in held)


def name_shares(shares: Sequence[Share]) -> str:
    """Return the names of these shares for a person: `shares 1 and 3 of group 1, share 1 of group 2`."""
    names = []
    for group in _groups(sorted(shares, key=_place)):
        places = [str(share.place) for share in group.shares]
        of_group = f" of group {group.shares[0].group}" if group.shares[0].groups > 1 else ""
        listed = " and ".join([", ".join(places[:-1]), places[-1]]) if len(places) > 1 else places[0]
        names.append(f"{'shares' if len(places) > 1 else 'share'} {listed}{of_group}")
    return ", ".join(names)


def _groups(ordered: Sequence[Share]) -> list[_Group]:
    found: dict[int, list[Share]] = {}
    for share in ordered:
        found.setdefault(share.group, []).append(share)
    return [_Group(tuple(one), _commonest([share.needed for share in one])) for one in found.values()]


def _every_set(groups: Sequence[_Group], wanted: int) -> Iterator[tuple[Share, ...]]:
    for some in combinations(groups, wanted):
        for parts in product(*(combinations(group.shares, group.needed) for group in some)):
            yield tuple(chain.from_iterable(parts))


def _each_share_once(groups: Sequence[_Group], wanted: int) -> Iterator[tuple[Share, ...]]:
    """Yield a few sets that together contain every share of these groups."""
    for some in _runs(groups, wanted):
        runs = [_runs(group.shares, group.needed) for group in some]
        for place in range(max(map(len, runs))):
            yield tuple(chain.from_iterable(of_group[place % len(of_group)] for of_group in runs))


def _any_set(groups: Sequence[_Group], wanted: int, chance: Random) -> tuple[Share, ...]:
    some = sorted(chance.sample(range(len(groups)), wanted))
    parts = [sorted(chance.sample(groups[at].shares, groups[at].needed), key=_place) for at in some]
    return tuple(chain.from_iterable(parts))


def _runs(items: Sequence[T], size: int) -> list[Sequence[T]]:
    """Return runs of `size` items that together contain every item; the last may overlap the one before it."""
    starts = [min(start, len(items) - size) for start in range(0, len(items), size)]
    return [items[start : start + size] for start in starts]


def _place(share: Share) -> tuple[int, int]:
    return share.group, share.place


def _commonest(numbers: Sequence[int]) -> int:
    return Counter(numbers).most_common(1)[0][0]
