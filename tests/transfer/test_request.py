"""One request of a source: always as large, read strictly, and signed in every field."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from keys.ed25519 import ed25519_public
from transfer.names import PacketId
from transfer.packet.request import (
    REQUEST_SIZE,
    Asks,
    RequestId,
    RequestNote,
    encode_request,
    encode_signed,
    parse_request,
    request_members,
    sign_request,
)
from transfer.packet.visit_signature import VisitError, verify_visit_text
from transfer.record import RecordError

SEED = bytes(range(32))
WITHDRAWAL = RequestNote(
    RequestId("12" * 16), "ab" * 8, date(2026, 11, 30), Asks.WITHDRAW, PacketId("cd" * 16), "ef" * 32
)
DELETION = sign_request(
    SEED, RequestNote(RequestId("34" * 16), "ab" * 8, date(2026, 11, 30), Asks.DELETE_REPLIES, lookup="56" * 16)
)


@pytest.mark.parametrize("note", [WITHDRAWAL, DELETION])
def test_a_request_is_read_back_and_always_as_large(note: RequestNote) -> None:
    assert len(encode_request(note)) == REQUEST_SIZE
    assert parse_request(encode_request(note)) == note
    json.loads(encode_request(note))  # for other readers: spaces at the end are part of JSON


def _changed(note: RequestNote, **fields: Any) -> bytes:
    return json.dumps(json.loads(encode_request(note)) | fields).encode().ljust(REQUEST_SIZE)


@pytest.mark.parametrize(
    "untrusted",
    [
        b"",
        bytes(REQUEST_SIZE),
        encode_request(WITHDRAWAL)[:-1],
        encode_request(WITHDRAWAL) + b" ",
        _changed(WITHDRAWAL, more=1),
        _changed(WITHDRAWAL, enveis_request=2),
        _changed(WITHDRAWAL, asks="erase"),
        _changed(WITHDRAWAL, withdraws=""),
        _changed(WITHDRAWAL, withdraw_token=""),
        _changed(WITHDRAWAL, lookup="56" * 16),
        _changed(WITHDRAWAL, visit="00" * 64),
        _changed(WITHDRAWAL, received="2026-02-30"),
        _changed(WITHDRAWAL, withdraws="../../x"),
        _changed(DELETION, visit=""),
        _changed(DELETION, lookup=""),
        _changed(DELETION, withdraws="cd" * 16),
        _changed(DELETION, withdraw_token="ef" * 32),
        _changed(DELETION, asks="withdraw"),
    ],
)
def test_what_is_not_exactly_a_request_is_refused(untrusted: bytes) -> None:
    with pytest.raises(RecordError):
        parse_request(untrusted)


CHANGES: list[Callable[[RequestNote], RequestNote]] = [
    lambda note: replace(note, request=RequestId("35" * 16)),
    lambda note: replace(note, gateway="ac" * 8),
    lambda note: replace(note, received=date(2026, 12, 1)),
    lambda note: replace(note, lookup="57" * 16),
    lambda note: replace(note, asks=Asks.WITHDRAW),
    lambda note: replace(note, visit=f"{int(note.visit, 16) ^ 1:0128x}"),
]


@pytest.mark.parametrize("change", CHANGES)
def test_nothing_that_a_source_signed_can_be_altered(change: Callable[[RequestNote], RequestNote]) -> None:
    signing = ed25519_public(SEED)
    verify_visit_text(signing, encode_signed(DELETION), DELETION.visit)
    altered = change(DELETION)
    with pytest.raises(VisitError):
        verify_visit_text(signing, encode_signed(altered), altered.visit)


def test_members_are_numbered() -> None:
    assert request_members(2) == ("requests/0001.age", "requests/0002.age")
    assert request_members(0) == ()
