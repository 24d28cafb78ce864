"""The acknowledgement words that a desk gives for what arrived (BATCH.md 6), and the file that carries them. Pure.

They are a MAC under the batch's secret, which only the desk's identity can open. They guard against mistakes and
stolen sticks, not against an owned gateway, which has the secret too and could delete anyway.

The answers file (BATCH.md 6.6) is for lists of missing packets that nobody wants to type. It travels on a fresh disc
or on paper, and is trusted no more than typed words are.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from keys.words import Purpose, encode_words, parse_words
from transfer.batch.batch import NUMBER_MAX, PACKETS_MAX, GatewayId
from transfer.names import PacketId, parse_packet_id
from transfer.record import HEX_64, Record, RecordError, encode_record, parse_record

SECRET_SIZE: Final = 32  # bytes, random, one for each batch
CODE_BITS: Final = 70  # seven words and a check word; BATCH.md 6.2 asks for at least 66
FORMAT: Final = "enveis-answers"
VERSION: Final = 1
ANSWERS_MAX: Final = 1000  # batches in one file
ANSWER_FILE_MAX: Final = 64 * 1024 * 1024  # bytes; a thousand batches of which every packet is missing
VALUES_MAX: Final = 1_010_000  # of an answers file; all its ids are a million

_WORDS_MAX: Final = 200  # characters of eight acknowledgement words
_FORMAT: Final = re.compile(FORMAT)
_MAC_SIZE: Final = 16  # bytes of BLAKE2b, of which the first CODE_BITS become acknowledgement words
_DOMAIN: Final = b"enveis-ack-v1"  # BLAKE2b's personalisation


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """A desk's answer to one batch: the acknowledgement words for what arrived, and the packets that did not."""

    gateway: GatewayId
    number: int
    words: str
    missing: tuple[PacketId, ...]


def acknowledgement_words(secret: bytes, *, digest: str, arrived: Iterable[PacketId]) -> str:
    """Return the acknowledgement words for exactly these packets of the batch with this digest.

    Args:
        secret: The batch's 32 bytes.
        digest: SHA-256 of batch.json, in hexadecimal; binds gateway, number and everything signed.
        arrived: The packets that were opened to their last chunk and stored.
    """
    return encode_words(_code(secret, digest, arrived), bits=CODE_BITS, purpose=Purpose.ACKNOWLEDGEMENT)


def parse_acknowledgement(untrusted_text: str) -> int:
    """Return the number that typed acknowledgement words encode, or raise keys.words.WordsError."""
    return parse_words(untrusted_text, bits=CODE_BITS, purpose=Purpose.ACKNOWLEDGEMENT)


def is_acknowledgement(code: int, secret: bytes, *, digest: str, arrived: Iterable[PacketId]) -> bool:
    """Return whether the typed number is the one for exactly these packets."""
    size = -(-CODE_BITS // 8)
    return hmac.compare_digest(code.to_bytes(size), _code(secret, digest, arrived).to_bytes(size))


def encode_answers(answers: Sequence[Acknowledgement]) -> bytes:
    """Return the bytes of an answers file."""
    items = [
        {"gateway": item.gateway, "number": item.number, "words": item.words, "missing": list(item.missing)}
        for item in answers
    ]
    return encode_record({"format": FORMAT, "version": VERSION, "answers": items})


def parse_answers(untrusted: bytes) -> tuple[Acknowledgement, ...]:
    """Return the acknowledgements in an answers file.

    Raises:
        RecordError: Not the format, or out of bounds.
    """
    if not untrusted.isascii():  # one character of four bytes would make all others as large
        raise RecordError("the answers file has characters that no answer has")
    record = parse_record(untrusted, name="the answers file", largest=ANSWER_FILE_MAX, values=VALUES_MAX)
    record.matching("format", _FORMAT)
    record.integer("version", low=VERSION, high=VERSION)
    answers = record.items("answers", most=ANSWERS_MAX, read=_read_acknowledgement)
    record.close()
    return answers


def _code(secret: bytes, digest: str, arrived: Iterable[PacketId]) -> int:
    if len(secret) != SECRET_SIZE:
        raise ValueError("a batch's secret has 32 bytes")
    mac = hashlib.blake2b(bytes.fromhex(digest), key=secret, person=_DOMAIN, digest_size=_MAC_SIZE)
    for packet in sorted(arrived):
        mac.update(bytes.fromhex(packet))
    return int.from_bytes(mac.digest()) >> 8 * _MAC_SIZE - CODE_BITS


def _read_acknowledgement(untrusted: object, name: str) -> Acknowledgement:
    record = Record(untrusted, name=name)
    acknowledgement = Acknowledgement(
        gateway=GatewayId(record.matching("gateway", HEX_64)),
        number=record.integer("number", low=1, high=NUMBER_MAX),
        words=record.text("words", longest=_WORDS_MAX),
        missing=record.items("missing", most=PACKETS_MAX, read=_read_id),
    )
    record.close()
    return acknowledgement


def _read_id(untrusted: object, name: str) -> PacketId:
    return Record({"id": untrusted}, name=name).one_of("id", parse_packet_id)
