"""`Wraps` and `Unwraps`: recipients of both kinds, passphrases, identities, and the keys of a receipt."""

import secrets
from typing import NamedTuple

import pytest

from keys.age.header import FILE_KEY_SIZE, Stanza
from keys.age.reader import Unwraps
from keys.age.writer import Wraps
from keys.errors import KeyMaterialError
from keys.identity import Passphrase, generate_identity
from keys.recipient import KeyKind
from keys.secret import SecretKey


class Pair(NamedTuple):
    wraps: Wraps
    unwraps: Unwraps


def pair_of(name: str) -> Pair:
    match name:
        case "passphrase":
            passphrase = Passphrase("correct horse")
            return Pair(passphrase, passphrase)
        case "receipt":
            secret = SecretKey(KeyKind.CLASSIC, secrets.token_bytes(32))
            return Pair(secret.recipient, secret)
        case _:
            identity = generate_identity(KeyKind(name))
            return Pair(identity.recipient, identity)


PAIRS = {name: pair_of(name) for name in (*map(str, KeyKind), "passphrase", "receipt")}
FILE_KEY = bytes(range(FILE_KEY_SIZE))


@pytest.fixture(params=PAIRS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_what_was_wrapped_is_unwrapped(name: str) -> None:
    assert PAIRS[name].unwraps.unwrap(PAIRS[name].wraps.wrap(FILE_KEY)) == FILE_KEY


def test_no_stanza_is_like_another(name: str) -> None:
    assert PAIRS[name].wraps.wrap(FILE_KEY) != PAIRS[name].wraps.wrap(FILE_KEY)


def test_a_stanza_for_somebody_else_is_none(name: str) -> None:
    for other, pair in PAIRS.items():
        if other != name:
            assert PAIRS[name].unwraps.unwrap(pair.wraps.wrap(FILE_KEY)) is None
    assert PAIRS[name].unwraps.unwrap(Stanza(("unknown", "x"), b"body")) is None


def test_a_malformed_stanza_of_its_own_kind_is_refused(name: str) -> None:
    stanza = PAIRS[name].wraps.wrap(FILE_KEY)
    with pytest.raises(KeyMaterialError):
        PAIRS[name].unwraps.unwrap(Stanza((stanza.arguments[0],), stanza.body))


def test_labels_tell_apart_what_must_not_be_mixed() -> None:
    labels = {name: pair.wraps.label for name, pair in PAIRS.items()}
    assert labels["classic"] == labels["receipt"]
    assert len({labels["classic"], labels["hybrid"], labels["passphrase"]}) == 3
