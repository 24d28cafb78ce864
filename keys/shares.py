"""An identity as shares of SLIP-39: enough of them join to it, fewer reveal nothing. Pure.

What is split is the 32 bytes behind an identity: of a classic key the X25519 scalar, of a hybrid key the seed from
which SHAKE-256 makes both of its halves (X-Wing, 5.2). 32 bytes are shares of 33 words, for either kind, and the kind
is not in them: a joined key is taken only when its public half is one that is known. This comparison is what finds a
wrong passphrase too: with one, SLIP-39 silently returns another secret.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Final

from shamir_mnemonic import MnemonicError, combine_mnemonics, generate_mnemonics
from shamir_mnemonic.share import Share as _Slip39Share

from keys.age.wrap import SECRET_SIZE
from keys.errors import KeyMaterialError
from keys.identity import Identity
from keys.passphrase import opening_forms, sealing_form
from keys.recipient import KeyKind, Recipient
from keys.words import complete_words

SHARE_WORDS: Final = 33  # of a secret of 32 bytes; SLIP-39, "Format of the share mnemonic"
MEMBERS_MAX: Final = 16  # shares of one group, and groups; SLIP-39
PASSPHRASE_MAX: Final = 1024  # characters; SLIP-39 names no bound
TEXT_MAX: Final = 4096  # characters of a typed share that are read


class ShareError(KeyMaterialError):
    """A share, or a set of them, cannot be used; the sentence names positions and counts, never a word."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How an identity is split: groups of `needed` out of `count` shares, and how many of the groups are needed."""

    groups: tuple[tuple[int, int], ...] = ((2, 3),)
    groups_needed: int = 1

    def __post_init__(self) -> None:
        """Raise ShareError with a sentence for a plan that protects nothing or cannot be carried out."""
        if not 1 <= self.groups_needed <= len(self.groups) <= MEMBERS_MAX:
            raise ShareError("the groups that are needed must be at least one, and not more than there are")
        for needed, count in self.groups:
            if not 1 <= needed <= count <= MEMBERS_MAX:
                raise ShareError(
                    f"a group needs at least 1 share, and has at least as many as it needs, at most {MEMBERS_MAX}"
                )
            if needed == 1 and count > 1:
                raise ShareError("shares of which one is enough are copies: make one share and copy it instead")
        if self.groups == ((1, 1),):
            raise ShareError("a single share is the key itself; print the key instead ('enveis keys paper')")


@dataclass(frozen=True, slots=True)
class Share:
    """One share that is whole in itself. Counted from 1: its place in its group, and its group."""

    words: str = field(repr=False)
    splitting: int  # random number that all shares of one splitting have in common
    group: int
    groups_needed: int
    groups: int
    place: int
    needed: int  # shares of its group


def split_identity(identity: Identity, plan: Plan, passphrase: str = "") -> tuple[tuple[Share, ...], ...]:
    """Return shares by group, after each smallest set of a group's shares was joined again and compared.

    Raises:
        ShareError: The passphrase has other characters than printable ASCII.
    """
    made = generate_mnemonics(plan.groups_needed, list(plan.groups), identity.secret, encode_passphrase(passphrase))
    groups = tuple(tuple(parse_share(words) for words in group) for group in made)
    known = [identity.recipient]
    for chosen in combinations(groups, plan.groups_needed):
        for one_group in chosen:
            rest = [share for group in chosen if group is not one_group for share in group[: group[0].needed]]
            for shares in combinations(one_group, one_group[0].needed):
                if join_identity([*rest, *shares], passphrase, known) != identity:
                    raise RuntimeError("shares that were just made do not join to what was split")
    return groups


def parse_share(untrusted_text: str) -> Share:
    """Return the share in typed words; case, separators and endings after the fourth letter do not matter.

    Raises:
        ShareError: A wrong number of words, one that is not in the list, or words that do not belong together.
    """
    if len(untrusted_text) > TEXT_MAX:
        raise ShareError(f"a share has {SHARE_WORDS} words; this is far more")
    words = complete_words(untrusted_text)
    if len(words) != SHARE_WORDS:
        raise ShareError(f"a share has {SHARE_WORDS} words, but {len(words)} were given")
    unknown = [str(place) for place, word in enumerate(words, start=1) if word is None]
    if unknown:
        raise ShareError(f"not in the word list: word number {', '.join(unknown)}")
    text = " ".join(word for word in words if word is not None)
    try:
        share = _Slip39Share.from_mnemonic(text)
    except MnemonicError:
        raise ShareError("the words of a share do not fit together: one is wrong, or two are swapped") from None
    return Share(
        words=text,
        splitting=share.identifier,
        group=share.group_index + 1,
        groups_needed=share.group_threshold,
        groups=share.group_count,
        place=share.index + 1,
        needed=share.member_threshold,
    )


def missing_shares(shares: Sequence[Share]) -> str:
    """Return a phrase on what is still needed besides these shares; empty when they are enough.

    Raises:
        ShareError: Two are the same, or one is of another splitting than the first.
    """
    _check_belonging(shares)
    if not shares:
        return "a first share"
    counts = Counter(share.group for share in shares)
    complete = [share.group for share in shares if counts[share.group] >= share.needed]
    left = shares[0].groups_needed - len(set(complete))
    if left <= 0:
        return ""
    if shares[0].groups == 1:
        more = shares[0].needed - len(shares)
        return f"{more} more {'share' if more == 1 else 'shares'}"
    return f"enough shares of {left} more {'group' if left == 1 else 'groups'}"


def join_identity(shares: Sequence[Share], passphrase: str, known: Sequence[Recipient]) -> Identity:
    """Return the identity behind enough shares, of the kind with which its public half is one of `known`.

    Raises:
        ShareError: Too few, two the same, of two splittings, or what they join to is not known here.
    """
    missing = missing_shares(shares)
    if missing:
        raise ShareError(f"these shares are not enough; still needed: {missing}")
    enough = [share.words for share in _just_enough(shares)]
    for form in _passphrase_forms(passphrase):
        try:
            secret: bytes = combine_mnemonics(enough, form)
        except MnemonicError:
            raise ShareError("these shares do not fit together: one of them is of a different splitting") from None
        for kind in KeyKind if len(secret) == SECRET_SIZE else ():
            identity = Identity(kind, secret)
            if identity.recipient in known:
                return identity
    raise ShareError(
        "these shares do not join to a key that is known here: they are of another key, or their passphrase is wrong"
    )


def encode_passphrase(text: str) -> bytes:
    """Return the bytes of a passphrase in its one form, or raise ShareError for one that no shares can have."""
    # As SLIP-39 wants it: what a keyboard elsewhere cannot type would lock everybody out.
    form = sealing_form(text)
    if not _is_possible(form):
        raise ShareError("a passphrase of shares has printable ASCII characters only")
    return form.encode("ascii")


def _passphrase_forms(typed: str) -> list[bytes]:
    """Return what shares may have been made with, ours first; another program kept a blank at the end."""
    ours = encode_passphrase(typed)
    others = [form.encode("ascii") for form in opening_forms(typed) if _is_possible(form)]
    return list(dict.fromkeys((ours, *others)))


def _is_possible(form: str) -> bool:
    return len(form) <= PASSPHRASE_MAX and form.isascii() and form.isprintable()


def _check_belonging(shares: Sequence[Share]) -> None:
    seen: dict[tuple[int, int], int] = {}
    for number, share in enumerate(shares, start=1):
        if (share.splitting, share.groups, share.groups_needed) != (
            shares[0].splitting,
            shares[0].groups,
            shares[0].groups_needed,
        ):
            raise ShareError(f"share {number} is of a different splitting than share 1")
        before = seen.setdefault((share.group, share.place), number)
        if before != number:
            raise ShareError(f"share {number} is the same as share {before}")


def _just_enough(shares: Sequence[Share]) -> list[Share]:
    """Return as many shares as SLIP-39 wants; it refuses more."""
    counts = Counter(share.group for share in shares)
    complete = sorted({share.group for share in shares if counts[share.group] >= share.needed})
    chosen = []
    for group in complete[: shares[0].groups_needed]:
        members = [share for share in shares if share.group == group]
        chosen += members[: members[0].needed]
    return chosen
