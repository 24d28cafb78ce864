"""Shares: enough of them join to the identity, fewer and wrong ones never do, and each refusal is a sentence.

Invariant K4.
"""

import random
from itertools import combinations

import pytest
from shamir_mnemonic import combine_mnemonics, generate_mnemonics

from keys.age.small import open_bytes, seal_bytes
from keys.identity import Identity, generate_identity
from keys.recipient import KeyKind
from keys.shares import Plan, Share, ShareError, join_identity, missing_shares, parse_share, split_identity

IDENTITY = generate_identity(KeyKind.HYBRID)
KNOWN = [IDENTITY.recipient, generate_identity(KeyKind.HYBRID).recipient]
SHARES = split_identity(IDENTITY, Plan())[0]


@pytest.mark.parametrize("kind", KeyKind)
def test_any_two_of_three_join_and_open(kind: KeyKind) -> None:
    identity = generate_identity(kind)
    sealed = seal_bytes(b"evidence", [identity.recipient])
    (shares,) = split_identity(identity, Plan())
    assert len(shares) == 3
    for chosen in [*combinations(shares, 2), shares]:
        joined = join_identity(chosen, "", [KNOWN[1], identity.recipient])
        assert joined == identity
        assert open_bytes(sealed, [joined]) == b"evidence"


def test_any_other_program_of_slip_39_joins_them_to_the_same_bytes() -> None:
    assert combine_mnemonics([share.words for share in SHARES[1:]]) == IDENTITY.secret
    made = generate_mnemonics(1, [(2, 2)], IDENTITY.secret, b"")[0]
    assert join_identity([parse_share(words) for words in made], "", KNOWN) == IDENTITY
    assert all(len(share.words.split()) == 33 for share in SHARES)


def test_groups() -> None:
    """Two of the three editors, or the lawyer's one and one of the five trustees: as the plan says."""
    groups = split_identity(IDENTITY, Plan(((2, 3), (1, 1), (3, 5)), groups_needed=2))
    editors, lawyer, trustees = groups
    assert join_identity([*editors[:2], *lawyer], "", KNOWN) == IDENTITY
    assert join_identity([*trustees[1:4], *editors[1:], *lawyer], "", KNOWN) == IDENTITY
    assert missing_shares([*editors]) == "enough shares of 1 more group"
    for few in ([*editors], [*trustees], [editors[0], *lawyer], [*trustees[:2], *lawyer]):
        with pytest.raises(ShareError, match="not enough"):
            join_identity(few, "", KNOWN)


def test_what_is_still_needed() -> None:
    assert missing_shares([]) == "a first share"
    assert missing_shares(SHARES[:1]) == "1 more share"
    assert missing_shares(SHARES[:2]) == missing_shares(SHARES) == ""
    (five,) = split_identity(IDENTITY, Plan(((3, 5),)))
    assert missing_shares(five[:1]) == "2 more shares"
    with pytest.raises(ShareError, match="still needed: 1 more share"):
        join_identity(SHARES[:1], "", KNOWN)


def test_a_wrong_passphrase_is_found_by_the_recipient() -> None:
    (shares,) = split_identity(IDENTITY, Plan(), "correct horse")
    assert join_identity(shares, "correct horse", KNOWN) == IDENTITY
    # SLIP-39 itself is silent: it gives another secret.
    assert combine_mnemonics([share.words for share in shares[:2]], b"wrong") != IDENTITY.secret
    for wrong in ("", "correct  horse", "Correct horse"):
        with pytest.raises(ShareError, match="do not join to a key that is known here"):
            join_identity(shares, wrong, KNOWN)
    for unusable in ("pæss", "a\tb", "x" * 2000):
        with pytest.raises(ShareError, match="printable ASCII"):
            split_identity(IDENTITY, Plan(), unusable)


def test_a_key_that_is_not_known_is_refused() -> None:
    with pytest.raises(ShareError, match="of another key"):
        join_identity(SHARES, "", [KNOWN[1]])
    # The same 32 bytes are another key as the other kind.
    classic = Identity(KeyKind.CLASSIC, IDENTITY.secret)
    assert join_identity(SHARES, "", [classic.recipient]) == classic


def test_shares_of_two_splittings_do_not_mix() -> None:
    (others,) = split_identity(IDENTITY, Plan())
    with pytest.raises(ShareError, match="share 2 is of a different splitting than share 1"):
        join_identity([SHARES[0], others[1]], "", KNOWN)
    with pytest.raises(ShareError, match="share 2 is the same as share 1"):
        join_identity([SHARES[0], SHARES[0]], "", KNOWN)


def test_typing_is_forgiven_and_mistakes_are_placed() -> None:
    share = SHARES[0]
    words = share.words.split()
    numbered = "\n".join(f"{number}. {word.upper()}" for number, word in enumerate(words, start=1))
    assert parse_share(numbered) == parse_share(" ".join(word[:4] for word in words)) == share
    with pytest.raises(ShareError, match="33 words, but 32 were given"):
        parse_share(" ".join(words[1:]))
    with pytest.raises(ShareError, match="number 3, 7"):
        parse_share(" ".join([*words[:2], "xyzzy", *words[3:6], "æøå", *words[7:]]))
    with pytest.raises(ShareError, match="far more"):
        parse_share("academic " * 1000)
    for wrong in ("", "?" * 33):
        with pytest.raises(ShareError, match="33 words"):
            parse_share(wrong)


def test_one_wrong_word_and_two_exchanged_never_pass() -> None:
    chance = random.Random(3)
    words = SHARES[0].words.split()
    others = SHARES[1].words.split() + SHARES[2].words.split()
    for place in range(33):
        for word in {word for word in chance.sample(others, 5) if word != words[place]}:
            with pytest.raises(ShareError, match="do not fit together"):
                parse_share(" ".join([*words[:place], word, *words[place + 1 :]]))
        other = chance.randrange(33)
        if words[place] != words[other]:
            swapped = list(words)
            swapped[place], swapped[other] = words[other], words[place]
            with pytest.raises(ShareError, match="do not fit together"):
                parse_share(" ".join(swapped))


@pytest.mark.parametrize(
    ("groups", "needed", "reason"),
    [
        ((), 1, "groups"),
        (((2, 3),), 0, "groups"),
        (((2, 3),), 2, "groups"),
        (((0, 3),), 1, "at least 1"),
        (((4, 3),), 1, "at least 1"),
        (((2, 17),), 1, "at most 16"),
        (((1, 3),), 1, "copies"),
        (((1, 1),), 1, "the key itself"),
    ],
)
def test_plans_that_protect_nothing_are_refused(groups: tuple[tuple[int, int], ...], needed: int, reason: str) -> None:
    with pytest.raises(ShareError, match=reason):
        Plan(groups, needed)


def test_no_secret_in_a_repr_or_an_error() -> None:
    words = SHARES[0].words.split()
    # Two side by side: one alone is a word that any sentence may have.
    pairs = [" ".join(words[place : place + 2]) for place in range(len(words) - 1)]
    assert not any(pair in repr(SHARES) for pair in pairs)
    with pytest.raises(ShareError) as caught:
        parse_share(SHARES[0].words.replace(" ", " xyzzy ", 1))
    assert not any(pair in str(caught.value) for pair in pairs)
    # Nor a word that the same sentence about another share does not have.
    with pytest.raises(ShareError) as others:
        parse_share("academic xyzzy " + "acid " * 32)
    assert str(caught.value) == str(others.value)


def test_a_share_counts_from_one() -> None:
    assert [(share.group, share.place, share.needed) for share in SHARES] == [(1, 1, 2), (1, 2, 2), (1, 3, 2)]
    assert isinstance(SHARES[0], Share)
