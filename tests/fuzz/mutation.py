"""Mutates real files, where no coverage leads the way: for hypothesis and for the cage."""

import random
from typing import Final

from tests.fuzz.mending import mend

TOKENS: Final = (
    b"\xff" * 2, b"\xff" * 4, b"\xff" * 8, bytes(4), b"\x80" * 10, b"PK\x05\x06", b"PK\x01\x02", b"PK\x03\x04",
    b"PK\x06\x06", b"Rar!\x1a\x07", b"%PDF-", b"obj", b"endobj", b"stream\n", b"endstream", b"xref", b"trailer",
    b"startxref", b"%%EOF", b"<<", b">>", b"[", b"]", b"/ObjStm", b"/JavaScript", b"1 0 R",
    b"/Filter /FlateDecode", b"/Prev 9", b"/Length 99999999", b"\xfe\xff", b"\xff\xfe", b"\x1b[", b"\xe2\x80\xae",
    b"\xf3\xa0\x81\x81", b"\xff\xd8\xff", b"\xff\xd9", b"II*\x00", b'"findings"', b'"members"', b'"crc32"',
    b'"place"', b'"blake2sp"', b"null", b"true", b"1e9", b"-1", b"[[[[", b"\n",
)  # fmt: skip


def mutate(content: bytes, other: bytes, chance: random.Random) -> bytes:
    """`content` after one to eight changes, some of them pieces of `other`; three times in four with right sums."""
    changed = bytearray(content)
    for _ in range(chance.randint(1, 8)):
        _change(changed, other, chance)
    return mend(bytes(changed)) if chance.random() < 0.75 else bytes(changed)


def _change(changed: bytearray, other: bytes, chance: random.Random) -> None:
    at = chance.randrange(len(changed) + 1)
    length = min(len(changed) - at, 1 << chance.randrange(8))
    match chance.randrange(7):
        case 0:
            del changed[at : at + length]
        case 1:
            changed[at:at] = changed[at : at + length]
        case 2:
            start = chance.randrange(len(other) + 1)
            changed[at : at + length] = other[start : start + length]
        case 3:
            token = chance.choice(TOKENS)
            changed[at : at + len(token)] = token
        case 4:
            changed[at:at] = chance.choice(TOKENS)
        case 5:
            changed[at : at + length] = chance.randbytes(length)
        case _:
            for place in range(at, min(at + 2, len(changed))):
                changed[place] ^= 1 << chance.randrange(8)
