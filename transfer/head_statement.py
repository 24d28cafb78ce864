"""`last-head.json`: which line of a gateway's log is the last that the desk trusts, signed by the desk's key. Pure.

A gateway whose key was lost or stolen gets a new key and a new log, which begins by naming this line. The old chain
ends where the desk says, whatever somebody with the old key appends to it. The signature is `last-head.json.minisig`,
its trusted comment `enveis-head v1 <gateway> <line>`.
"""

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

from audit.chain import SEQ_MAX, Head
from keys.errors import KeyMaterialError
from keys.signing import SigningKey, VerifyKey
from transfer.batch.batch import GatewayId
from transfer.errors import TransferError
from transfer.packet.manifest import parse_day
from transfer.record import HEX_64, HEX_256, SMALL_RECORD, RecordError, encode_record, parse_record

FORMAT: Final = "enveis-head"
VERSION: Final = 1
STATEMENT_MAX: Final = 4096  # bytes of the file
_FORMAT: Final = re.compile(FORMAT)


class StatementError(TransferError):
    """A statement of the last trusted head cannot be used."""


@dataclass(frozen=True, slots=True)
class HeadStatement:
    """Where a gateway's old chain ends for the desk, and the UTC day of that decision; line 0 if nothing ever came."""

    gateway: GatewayId
    head: Head
    day: date


def encode_statement(statement: HeadStatement) -> bytes:
    """Return the bytes of last-head.json."""
    return encode_record(
        {
            "format": FORMAT,
            "version": VERSION,
            "gateway": statement.gateway,
            "line": statement.head.seq,
            "hash": statement.head.hash,
            "day": statement.day.isoformat(),
        }
    )


def sign_statement(statement: HeadStatement, key: SigningKey) -> str:
    """Return the text of last-head.json.minisig."""
    return key.sign(encode_statement(statement), trusted_comment=_comment(statement))


def verify_statement(untrusted: bytes, untrusted_signature: str, desk_key: VerifyKey) -> HeadStatement:
    """Return the statement, once the desk's signature was checked.

    Raises:
        StatementError: Signed by another key, altered, or made for something else.
    """
    try:
        comment = desk_key.verify(untrusted, untrusted_signature)
    except KeyMaterialError as error:
        raise StatementError(f"the statement is not signed by this desk's key: {error}") from None
    try:
        record = parse_record(untrusted, name="the statement", largest=STATEMENT_MAX, values=SMALL_RECORD)
        record.matching("format", _FORMAT)
        record.integer("version", low=VERSION, high=VERSION)
        statement = HeadStatement(
            gateway=GatewayId(record.matching("gateway", HEX_64)),
            head=Head(record.integer("line", low=0, high=SEQ_MAX), record.matching("hash", HEX_256)),
            day=record.one_of("day", parse_day),
        )
        record.close()
    except RecordError as error:
        raise StatementError(f"the statement cannot be read: {error}") from None
    if comment != _comment(statement):
        raise StatementError("the signature is genuine, but was not made for this statement")
    return statement


def _comment(statement: HeadStatement) -> str:
    return f"{FORMAT} v{VERSION} {statement.gateway} {statement.head.seq}"
