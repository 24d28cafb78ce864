"""Ids as people read and type them: as many of the first digits as tell one from the others.

An id is random, so its beginning says nothing either. Pure.
"""

from collections.abc import Iterable
from itertools import pairwise
from typing import Final, TypeVar

from transfer.errors import TransferError

TYPED_MIN: Final = 4  # digits that name an id where no other begins with them
SHOWN_MIN: Final = 8  # digits that are shown at least: what arrives tomorrow should not make them ambiguous
CANDIDATES_MAX: Final = 6  # that one sentence lists

T = TypeVar("T", bound=str)


class ShortIdError(TransferError):
    """What was typed does not name exactly one id; nothing was done."""


def find_id(untrusted_typed: str, ids: Iterable[T], *, absent: str) -> T:
    """Return the one id that begins with what was typed; `absent` is the sentence for when none does.

    Raises:
        ShortIdError: None does, several do (the sentence lists them), or fewer than TYPED_MIN digits were typed.
    """
    typed = untrusted_typed.strip().lower().removesuffix(".age")
    if len(typed) < TYPED_MIN:
        raise ShortIdError(f"{absent}; at least the first {TYPED_MIN} digits of an id are needed")
    found = sorted({one for one in ids if one.startswith(typed)})
    if not found:
        raise ShortIdError(absent)
    if len(found) > 1:
        # Only what is ambiguous is told apart, so these are long enough whatever else there is.
        shown = list(shorten_ids(found).values())
        rest = f" and {len(found) - CANDIDATES_MAX} more" if len(found) > CANDIDATES_MAX else ""
        raise ShortIdError(
            f"{len(found)} ids begin with {typed}: {', '.join(shown[:CANDIDATES_MAX])}{rest}; type more digits"
        )
    return found[0]


def shorten_ids(ids: Iterable[T]) -> dict[T, str]:
    """Return for each id the beginning that tells it from all others, SHOWN_MIN digits or more."""
    ordered = sorted(set(ids))
    shared = [0, *(_shared(one, other) for one, other in pairwise(ordered)), 0]
    # In this order, whoever shares most with an id stands next to it.
    return {
        one: one[: max(SHOWN_MIN, before + 1, after + 1)]
        for one, before, after in zip(ordered, shared, shared[1:], strict=False)
    }


def _shared(one: str, other: str) -> int:
    pairs = zip(one, other, strict=False)
    return next((place for place, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
