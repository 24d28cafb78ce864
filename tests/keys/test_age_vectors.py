"""The 143 published age test vectors, forward and seekable, each with the kind of failure that it expects.

Invariant K2.
"""

import hashlib
import io
from collections.abc import Iterator

import pytest

from keys.age.armor import parse_armor
from keys.age.errors import AgeError, ArmorError, HeaderError, HeaderMacError, NoMatchError, PayloadError
from keys.age.reader import open_header
from keys.age.seekable import SeekableReader
from keys.age.stream import CHUNK_SIZE, open_chunks
from keys.identity import Identity, Passphrase, parse_identity
from tests.worlds.oracles import Vector, age_vectors

FAILURES: dict[str, type[AgeError]] = {
    "no match": NoMatchError,
    "HMAC failure": HeaderMacError,
    "header failure": HeaderError,
    "payload failure": PayloadError,
    "armor failure": ArmorError,
}


def test_the_package_holds_the_vectors_we_count_on() -> None:
    assert len(age_vectors()) == 143
    assert {vector.expect for vector in age_vectors()} == {"success", *FAILURES}


@pytest.mark.parametrize("vector", age_vectors(), ids=lambda vector: vector.name)
def test_forward(vector: Vector) -> None:
    released = bytearray()
    if vector.expect == "success":
        released += b"".join(_forward(vector))
    else:
        with pytest.raises(FAILURES[vector.expect]):
            for chunk in _forward(vector):
                released += chunk
    # Also what was released before a failure has to be authentic, to the byte.
    if vector.payload_sha256 is not None:
        assert hashlib.sha256(released).hexdigest() == vector.payload_sha256


@pytest.mark.parametrize("vector", age_vectors(), ids=lambda vector: vector.name)
def test_seekable(vector: Vector) -> None:
    if vector.expect != "success":
        with pytest.raises(FAILURES[vector.expect]):
            _seekable(vector).read()
        return
    raw = _seekable(vector)
    reader = io.BufferedReader(raw)
    whole = reader.read()
    assert hashlib.sha256(whole).hexdigest() == vector.payload_sha256
    for start in (raw.size - 1, CHUNK_SIZE, CHUNK_SIZE - 1, 0):
        if 0 <= start < raw.size:
            reader.seek(start)
            assert reader.read(3) == whole[start : start + 3]


def _forward(vector: Vector) -> Iterator[bytes]:
    stream = io.BytesIO(_binary(vector))
    opened = open_header(stream, _identities(vector))
    yield from open_chunks(stream, opened.payload_key)


def _seekable(vector: Vector) -> SeekableReader:
    sealed = _binary(vector)
    opened = open_header(io.BytesIO(sealed), _identities(vector))
    return SeekableReader(
        lambda size, offset: sealed[offset : offset + size],
        opened.payload_key,
        start=opened.header_size,
        end=len(sealed),
    )


def _binary(vector: Vector) -> bytes:
    return parse_armor(vector.sealed) if vector.armored else vector.sealed


def _identities(vector: Vector) -> list[Identity | Passphrase]:
    return [*map(parse_identity, vector.identities), *map(Passphrase, vector.passphrases)]
