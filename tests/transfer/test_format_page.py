"""transfer/packet/FORMAT.md against the code: each field's row has the code's bounds and values, examples are real.

Invariants T1 and E5.
"""

import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gateway.problems import RefusedReason
from keys.age import header
from keys.recipient import RECIPIENTS_MAX
from quarantine.findings import Grade
from quarantine.verdict import Reason
from transfer import names, record
from transfer.packet import manifest, message, request
from transfer.packet.manifest import encode_manifest, parse_manifest
from transfer.packet.message import encode_message, parse_message
from transfer.packet.request import request_members
from transfer.packet.writer import PADDED_MIN, padded_size

PAGE = (Path(manifest.__file__).parent / "FORMAT.md").read_text()
MANIFEST_EXAMPLE, MESSAGE_EXAMPLE = (block.encode() for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL))


def number(value: int) -> str:
    return f"{value:,}"


def code(values: Any) -> list[str]:
    return [f"`{value}`" for value in values]


def pattern(compiled: re.Pattern[str]) -> list[str]:
    return [f"`{compiled.pattern}`"]


FIELD = [f"at most {number(message.FIELD_MAX)} characters"]
NAME = [f"at most {number(manifest.NAME_MAX)} characters"]
HASH = pattern(record.HEX_256)
CODE = ["a code (4.6)"]
# Section, and what the row of each of its fields must say. A field that is not named here fails the first test.
ROWS: dict[str, dict[str, list[str]]] = {
    "4.1": {
        "enveis_packet": code([manifest.MANIFEST_VERSION]),
        "packet": pattern(names._PACKET_ID),
        "gateway": pattern(record.HEX_64),
        "received": ["a day"],
        "promised": ["a day or empty", f"{manifest._PROMISE_MAX.days} days after it"],
        "lane": code(names.Lane),
        "sealed_to": pattern(record.HEX_64),
        "purpose": code(manifest.PacketPurpose),
        "visit": [*pattern(record.HEX_512), "or empty"],
        "withdrawal": [*HASH, "or empty"],
        "requests": [f"0 to {number(manifest.REQUESTS_MAX)}", "4.9"],
        "receipt": ["4.2", "`null`"],
        "files": [f"at most {manifest.FILES_MAX} objects", "4.3"],
        "refused": [f"at most {manifest.REFUSED_MAX} objects", "4.5"],
    },
    "4.2": {
        "lookup": pattern(record.HEX_128),
        "recipient": pattern(manifest._RECIPIENT),
        "signing": HASH,
        "proof": [*HASH, "or empty"],
        "made_by": code(manifest.MadeBy),
    },
    "4.3": {
        "member": pattern(manifest._MEMBER),
        "name": NAME,
        "type": CODE,
        "size": [f"0 to 2^{manifest.FILE_MAX.bit_length() - 1}"],
        "sha256": HASH,
        "outcome": code(manifest.Outcome),
        "reason": CODE,
        "findings": [f"at most {manifest.FINDINGS_MAX} objects", "4.4"],
    },
    "4.4": {"code": CODE, "grade": [*CODE, *code(Grade)]},
    "4.5": {"name": NAME, "reason": [*CODE, *code(RefusedReason)]},
    "4.9": {
        "enveis_request": code([request.REQUEST_VERSION]),
        "request": pattern(record.HEX_128),
        "gateway": pattern(record.HEX_64),
        "received": ["a day"],
        "asks": code(request.Asks),
        "withdraws": [*pattern(names._PACKET_ID), "or empty"],
        "withdraw_token": [*HASH, "or empty"],
        "lookup": [*pattern(record.HEX_128), "or empty"],
        "visit": [*pattern(record.HEX_512), "or empty"],
    },
    "5.1": {
        "enveis_message": code([message.MESSAGE_VERSION]),
        "kind": code(message.MessageKind),
        "text": [f"at most {number(message.TEXT_MAX)} characters"],
        "public_body": FIELD,
        "public_body_other": FIELD,
        "people": [f"at most {message.PEOPLE_MAX} objects", "5.2"],
        "contact": ["5.3"],
        "employed": ["`true` or `false`"],
        "relation": ["`null`", *code(message.Relation)],
        "road": ["`null`", *code(message.Origin)],
        "writer_role": FIELD,
        "read_back": ["`null`, `true` or `false`"],
        "page_language": ["at most 35 characters"],
    },
    "5.2": {
        "side": code(message.Side),
        "given_name": FIELD,
        "family_names": [f"at most {message.FAMILY_NAMES_MAX} texts", *FIELD],
        "role": FIELD,
        "workplace": FIELD,
    },
    "5.3": {
        "name": FIELD,
        "phone": FIELD,
        "email": FIELD,
        "address": FIELD,
        "language": FIELD,
        "please_call": ["`true` or `false`"],
    },
}
PARAGRAPHS = {
    "1.2": [f"1 to {RECIPIENTS_MAX} stanzas"],
    "1.3": [f"{number(header.HEADER_MAX)} bytes"],
    "2.2": [f"0 to {manifest.FILES_MAX}", f"0 to {number(manifest.REQUESTS_MAX)}", request_members(2)[0]],
    "3.2": [f"Up to {number(PADDED_MIN)}"],
    "4.1": [f"at most {number(manifest.MANIFEST_MAX)} bytes", f"`{record.DAY.pattern}`"],
    "4.8": [f"1 to {number(manifest.REQUESTS_MAX)}"],
    "4.9": [f"exactly {number(request.REQUEST_SIZE)} bytes"],
    "4.6": [f"`{manifest._CODE.pattern}`", *code(Reason)],
    "5.1": [f"at most {number(message.MESSAGE_MAX)} bytes"],
}


def section(number_: str) -> str:
    """The text from one numbered paragraph to the next."""
    found = re.search(rf"^{re.escape(number_)}\. .*?(?=^\d+\.\d+\. |^## |\Z)", PAGE, re.DOTALL | re.MULTILINE)
    assert found, f"no paragraph {number_}"
    return found[0]


def rows(number_: str) -> dict[str, str]:
    """The rows of a paragraph's table of three columns, by the field in their first cell."""
    return dict(re.findall(r"^\| `(\w+)` \|(.*\|.*)\|$", section(number_), re.MULTILINE))


def keys_of(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from keys_of(item)


@pytest.mark.parametrize("number_", ROWS)
def test_every_row_says_what_the_code_does(number_: str) -> None:
    found = rows(number_)
    assert list(found) == list(ROWS[number_])
    for field, wanted in ROWS[number_].items():
        for words in wanted:
            assert words in found[field], f"{number_} {field}: {words}"


@pytest.mark.parametrize("number_", PARAGRAPHS)
def test_every_bound_outside_of_the_tables(number_: str) -> None:
    for words in PARAGRAPHS[number_]:
        assert words in section(number_)


def test_the_examples_are_what_the_encoder_writes() -> None:
    assert encode_manifest(parse_manifest(MANIFEST_EXAMPLE)) == MANIFEST_EXAMPLE
    assert encode_message(parse_message(MESSAGE_EXAMPLE)) == MESSAGE_EXAMPLE


@pytest.mark.parametrize(("example", "chapter"), [(MANIFEST_EXAMPLE, "4."), (MESSAGE_EXAMPLE, "5.")])
def test_the_examples_have_every_field_and_no_other(example: bytes, chapter: str) -> None:
    described = {
        field
        for number_, fields in ROWS.items()
        if number_.startswith(chapter) and number_ != "4.9"
        for field in fields
    }
    assert set(keys_of(json.loads(example))) == described


def test_the_sizes_of_the_table() -> None:
    table = re.findall(r"^\| (?:0 to )?([\d,]+) \| ([\d,]+) \|$", section("3.2"), re.MULTILINE)
    assert len(table) == 4
    for size, padded in table:
        assert padded_size(int(size.replace(",", ""))) == int(padded.replace(",", ""))


def test_the_formula_is_the_codes() -> None:
    for size in [*range(PADDED_MIN, 4 * PADDED_MIN, 977), 2**31 - 1, 2**32 + 1, 10 * 2**28]:
        exponent = size.bit_length() - 1  # floor(log2 S)
        mask = 2 ** (exponent - ((exponent.bit_length() - 1) + 1)) - 1
        assert padded_size(size) == (size + mask) & ~mask


def test_the_text_that_is_signed_of_a_request() -> None:
    note = request.RequestNote(
        request.RequestId("12" * 16), "ab" * 8, date(2026, 11, 30), request.Asks.DELETE_REPLIES, lookup="34" * 16
    )
    (text,) = re.findall(r"```text\n(.*?)```", section("4.9"), re.DOTALL)
    for field in ("request", "gateway", "received", "lookup"):
        text = text.replace(f"<{field}>", str(getattr(note, field)))
    assert request.encode_signed(note) == text.encode()
