"""The desk's answers as a file, for lists of missing packets that nobody wants to type (BATCH.md 6.6). Pure.

It travels on a fresh disc or on paper as text; what it holds is what the words and ids hold that people read out, and
it is believed no more than typed words are.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from transfer.batch.batch import NUMBER_MAX, PACKETS_MAX, GatewayId
from transfer.names import PacketId, parse_packet_id
from transfer.record import HEX_64, Record, encode_record, parse_record

FORMAT: Final = "enveis-answers"
VERSION: Final = 1
ANSWERS_MAX: Final = 1000  # batches in one file
ANSWER_FILE_MAX: Final = 64 * 1024 * 1024  # bytes; a thousand batches of which everything is missing
_WORDS_MAX: Final = 200  # characters of eight words
_FORMAT: Final = re.compile(FORMAT)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the desk says of one batch: the words for what arrived, and what did not."""

    gateway: GatewayId
    number: int
    words: str
    missing: tuple[PacketId, ...]


def encode_answers(answers: Sequence[Answer]) -> bytes:
    """Return the bytes of an answers file."""
    items = [
        {"gateway": item.gateway, "number": item.number, "words": item.words, "missing": list(item.missing)}
        for item in answers
    ]
    return encode_record({"format": FORMAT, "version": VERSION, "answers": items})


def parse_answers(untrusted: bytes) -> tuple[Answer, ...]:
    """Return what an answers file says.

    Raises:
        RecordError: Not the format, or out of bounds.
    """
    record = parse_record(untrusted, name="the answers file", largest=ANSWER_FILE_MAX)
    record.matching("format", _FORMAT)
    record.integer("version", low=VERSION, high=VERSION)
    answers = record.items("answers", most=ANSWERS_MAX, read=_read_answer)
    record.close()
    return answers


def _read_answer(untrusted: object, name: str) -> Answer:
    record = Record(untrusted, name=name)
    answer = Answer(
        gateway=GatewayId(record.matching("gateway", HEX_64)),
        number=record.integer("number", low=1, high=NUMBER_MAX),
        words=record.text("words", longest=_WORDS_MAX),
        missing=record.items("missing", most=PACKETS_MAX, read=_read_id),
    )
    record.close()
    return answer


def _read_id(untrusted: object, name: str) -> PacketId:
    return Record({"id": untrusted}, name=name).one_of("id", parse_packet_id)
