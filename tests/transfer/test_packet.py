"""The packet: what goes in comes out, sizes reveal a bucket only, and other tools open it.

Invariant T1.
"""

import io
import json
import subprocess
import zipfile
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.age.reader import open_header
from keys.age.seekable import SeekableReader
from keys.age.small import open_bytes
from keys.identity import encode_identity_file, generate_identity
from keys.recipient import KeyKind, Recipient
from transfer.names import Lane, PacketId
from transfer.packet import stored_zip
from transfer.packet import writer as packet
from transfer.packet.manifest import (
    FILES_MAX,
    NAME_MAX,
    REFUSED_MAX,
    FileNote,
    FindingNote,
    Manifest,
    Outcome,
    PacketPurpose,
    ReceiptNote,
    RefusedNote,
    encode_manifest,
    parse_manifest,
)
from transfer.packet.message import (
    FAMILY_NAMES_MAX,
    FIELD_MAX,
    PEOPLE_MAX,
    TEXT_MAX,
    Contact,
    Message,
    MessageKind,
    Origin,
    Person,
    Relation,
    Side,
    encode_message,
    parse_message,
)
from transfer.packet.writer import PacketMember, PacketWriter, padded_size
from transfer.record import RecordError

IDENTITY = generate_identity(KeyKind.CLASSIC)
MESSAGE = Message(
    kind=MessageKind.COMPLAINT,
    text="They lost my papers.\nTwice. <b>& ✉ 文字</b>",
    public_body="Police",
    people=(Person(Side.COMPLAINED_ABOUT, "Kari", ("Nordmann", "Hansen"), "officer", "passport office"),),
    contact=Contact(email="a@example.org", please_call=True),
    employed=True,
    relation=Relation.USER,
    road=Origin.CONVERSATION,
    writer_role="foreman",
    read_back=False,
    page_language="en",
)
MANIFEST = Manifest(
    packet=PacketId("0123456789abcdef" * 2),
    gateway="00112233aabbccdd",
    received=date(2026, 11, 21),
    lane=Lane.HELD,
    sealed_to="0011223344556677",
    receipt=ReceiptNote("ab" * 16, str(generate_identity(KeyKind.HYBRID).recipient), "cd" * 32, "ef" * 32),
    files=(
        FileNote("files/01.pdf", "my scan.pdf", "pdf", 7, "00" * 32, Outcome.CLEAR),
        FileNote(
            "files/02.zip", "../x\u202e.zip", "zip", 0, "11" * 32, Outcome.HELD, "", (FindingNote("a.b-c", "danger"),)
        ),
    ),
    refused=(RefusedNote("tool.exe", "type.name"),),
    promised=date(2026, 12, 4),
)


def write_packet(files: dict[str, list[bytes]]) -> tuple[bytes, list[PacketMember], PacketWriter]:
    writer = PacketWriter([IDENTITY.recipient])
    sealed = [writer.header]
    members = []
    for name, pieces in files.items():
        sealed.append(writer.begin(name))
        sealed += [writer.write(piece) for piece in pieces]
        last, member = writer.end()
        sealed.append(last)
        members.append(member)
    sealed += writer.finish(encode_message(MESSAGE), encode_manifest(MANIFEST))
    return b"".join(sealed), members, writer


@given(st.lists(st.lists(st.binary(max_size=100_000), max_size=4), max_size=3))
@settings(max_examples=30, deadline=None)
def test_what_goes_in_comes_out(contents: list[list[bytes]]) -> None:
    files = {f"files/{i + 1:02}.txt": pieces for i, pieces in enumerate(contents)}
    sealed, members, _ = write_packet(files)
    payload = open_bytes(sealed, [IDENTITY])
    assert len(payload) == padded_size(len(payload))
    with zipfile.ZipFile(io.BytesIO(payload)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [*files, "message.json", "manifest.json", "padding"]
        for (name, pieces), member in zip(files.items(), members, strict=True):
            assert archive.read(name) == b"".join(pieces)
            assert payload[member.position : member.position + member.size] == b"".join(pieces)
        assert parse_message(archive.read("message.json")) == MESSAGE
        assert parse_manifest(archive.read("manifest.json")) == MANIFEST
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_small_packets_have_one_size() -> None:
    sizes = {len(write_packet({"files/01.txt": [bytes(n)]})[0]) for n in (0, 1, 1_000, 20_000)}
    assert len(sizes) == 1


@pytest.mark.parametrize(("size", "padded"), [(0, 65536), (65537, 67584), (100_001, 100_352), (2**31, 2**31)])
def test_padded_sizes(size: int, padded: int) -> None:
    assert padded_size(size) == padded


@given(st.integers(1, 2**42))
def test_padding_costs_little_and_is_stable(size: int) -> None:
    padded = padded_size(size)
    assert padded_size(padded) == padded >= size
    assert size <= packet.PADDED_MIN or padded - size <= size * 0.07


@pytest.mark.parametrize("shortfall", [0, 1, 30, 75, 76, 77, 100, 200, 5_000])
def test_sizes_around_the_border_of_zip64(shortfall: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # The border is moved down in the library and in our count alike: real ones stand at 2 GiB.
    limit = 200_000
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", limit)
    monkeypatch.setattr(packet, "ZIP64_LIMIT", limit)
    monkeypatch.setattr(stored_zip, "ZIP64_LIMIT", limit)
    for base in (0, limit // 2, limit):
        sealed, _, _ = write_packet(
            {"files/01.txt": [bytes(limit - shortfall - base // 2)], "files/02.txt": [bytes(base)]}
        )
        payload = open_bytes(sealed, [IDENTITY])
        assert len(payload) == padded_size(len(payload))


def test_a_broken_upload_is_no_packet() -> None:
    writer = PacketWriter([IDENTITY.recipient])
    sealed = writer.header + writer.begin("files/01.txt") + writer.write(bytes(200_000))
    with pytest.raises(Exception, match="chunk"):
        open_bytes(sealed, [IDENTITY])


def test_members_are_read_through_the_payload_key() -> None:
    sealed, members, writer = write_packet({"files/01.txt": [b"a" * 100_000], "files/02.txt": [b"b" * 10]})
    start = open_header(io.BytesIO(sealed), [IDENTITY]).header_size
    reader = SeekableReader(
        lambda size, offset: sealed[offset : offset + size], writer.payload_key, start=start, end=len(sealed)
    )
    with zipfile.ZipFile(io.BufferedReader(reader)) as archive:
        assert archive.read("files/02.txt") == b"b" * 10
    assert members[1].size == 10


def test_other_tools_open_a_packet(tmp_path: Path) -> None:
    sealed, _, _ = write_packet({"files/01.txt": [b"hello"], "files/02.zip": [bytes(300_000)]})
    (tmp_path / "identity.txt").write_bytes(encode_identity_file(IDENTITY, None))
    (tmp_path / "p.age").write_bytes(sealed)
    subprocess.run("age -d -i identity.txt p.age > p.zip && unzip -qt p.zip", shell=True, cwd=tmp_path, check=True)  # noqa: S602 - fixed text
    piped = subprocess.run(  # noqa: S602 - fixed text
        "age -d -i identity.txt p.age | bsdtar -xOf - files/01.txt",
        shell=True,
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    assert piped.stdout == b"hello"


@pytest.mark.parametrize(
    "change",
    [
        lambda fields: fields.update(extra=1),
        lambda fields: fields.pop("lane"),
        lambda fields: fields.update(enveis_packet=2),
        lambda fields: fields.update(packet="../../etc/passwd"),
        lambda fields: fields.update(received="2026-11-21T10:00"),
        lambda fields: fields.update(received="2026-02-30"),
        lambda fields: fields.pop("promised"),
        lambda fields: fields.update(promised=None),
        lambda fields: fields.update(promised="2026-11-20"),
        lambda fields: fields.update(promised="2027-11-23"),
        lambda fields: fields.update(promised="2027-02-30"),
        lambda fields: fields["files"][0].update(member="files/../x.pdf"),
        lambda fields: fields.update(packet=5),
        lambda fields: fields.update(received=["2026-11-21"]),
        lambda fields: fields.update(lane={}),
        lambda fields: fields["files"][0].update(reason=None),
        lambda fields: fields["files"][0].update(reason=[]),
        lambda fields: fields["files"][0].update(reason=7),
        lambda fields: fields["files"][0].update(size=-1),
        lambda fields: fields["files"][0].update(size=True),
        lambda fields: fields["files"][0].update(name="\ud800"),
        lambda fields: fields["files"].append(fields["files"][0]),
        lambda fields: fields["receipt"].update(proof="xyz"),
    ],
)
def test_a_manifest_that_is_not_exactly_the_format_is_refused(change) -> None:  # type: ignore[no-untyped-def]
    fields = json.loads(encode_manifest(MANIFEST))
    assert parse_manifest(json.dumps(fields).encode()) == MANIFEST
    change(fields)
    with pytest.raises(RecordError):
        parse_manifest(json.dumps(fields).encode())


@pytest.mark.parametrize(
    "untrusted",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b"\xff",
        b'{"a":NaN}',
        b'{"a":1,"a":2}',
        b"[" * 100_000,
        b"9" * 10_000,
        b" " * 30_000_000 + b"{}",
    ],
)
def test_rubbish_instead_of_a_message(untrusted: bytes) -> None:
    with pytest.raises(RecordError):
        parse_message(untrusted)


def test_whatever_the_bounds_of_the_fields_allow_is_read_again() -> None:
    """A gateway writes what keeps to them, and shows a receipt; the desk must not refuse it for its size."""
    worst = "\x01"  # six bytes in JSON
    person = Person(
        Side.COMPLAINED_ABOUT,
        worst * FIELD_MAX,
        (worst * FIELD_MAX,) * FAMILY_NAMES_MAX,
        worst * FIELD_MAX,
        worst * FIELD_MAX,
    )
    message = replace(
        MESSAGE,
        text=worst * TEXT_MAX,
        public_body_other=worst * FIELD_MAX,
        people=(person,) * PEOPLE_MAX,
        contact=Contact(*(worst * FIELD_MAX,) * 5),
    )
    assert parse_message(encode_message(message)) == message
    name = worst * NAME_MAX
    files = [replace(MANIFEST.files[1], member=f"files/{number:02}.zip", name=name) for number in range(FILES_MAX)]
    refused = (RefusedNote(name, "size"),) * REFUSED_MAX
    manifest = replace(MANIFEST, files=tuple(files), refused=refused)
    assert parse_manifest(encode_manifest(manifest)) == manifest


def test_an_empty_message_is_known_as_such() -> None:
    assert Message(text=" \n", public_body="Police").is_empty
    assert not MESSAGE.is_empty


def test_a_recipient_is_needed() -> None:
    with pytest.raises(ValueError, match="somebody"):
        PacketWriter([])
    with pytest.raises(ValueError, match="kinds"):
        PacketWriter([IDENTITY.recipient, Recipient.from_secret(KeyKind.HYBRID, bytes(32))])


@pytest.mark.parametrize("days", [0, 366])
def test_a_promise_within_its_bounds_is_read(days: int) -> None:
    manifest = replace(MANIFEST, promised=MANIFEST.received + timedelta(days=days))
    assert parse_manifest(encode_manifest(manifest)) == manifest
    assert parse_manifest(encode_manifest(replace(MANIFEST, promised=None))).promised is None


def test_only_what_is_answered_carries_a_promise() -> None:
    assert MANIFEST.receipt is not None
    later = replace(MANIFEST, purpose=PacketPurpose.ADDITION, receipt=replace(MANIFEST.receipt, proof=""))
    assert parse_manifest(encode_manifest(later)) == later
    request = replace(later, purpose=PacketPurpose.REQUESTS, receipt=None, files=(), refused=(), withdrawal="")
    request = replace(request, promised=None, requests=1)
    assert parse_manifest(encode_manifest(request)).promised is None
    with pytest.raises(RecordError, match="purpose"):
        parse_manifest(encode_manifest(replace(request, promised=later.promised)))
