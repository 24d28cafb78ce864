"""A bundle: what is signed comes out, and nothing that anybody changed, moved or signed otherwise is taken.

Invariant G15.
"""

import hashlib
import io
import struct
import subprocess
import tracemalloc
import zipfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.recipient import KeyKind
from keys.secret import SecretKey
from keys.signing import SigningKey
from tests.builders.bundles import (
    DESK,
    GATEWAY,
    LOOKUP,
    SOURCE,
    TODAY,
    a_bundle,
    a_file,
    a_reply,
    altered,
    reply_id,
    sealed,
)
from transfer.bundle.bundle import BUNDLE_MAX, encode_bundle, open_bundle, sign_bundle
from transfer.bundle.contents import Counters, Grant, Tombstone, encode_list, entry_of, parse_list
from transfer.bundle.qr_frames import join_frames
from transfer.bundle.reply import PLAINTEXT_MAX, SEALED_MAX, open_reply, seal_reply
from transfer.bundle.zip_reader import NotOurZipError, read_zip, write_zip
from transfer.errors import BundleError, ReplyError
from transfer.record import RecordError

FULL = a_bundle(
    7,
    [(1, LOOKUP), (2, "cd" * 16)],
    counters=Counters(received=120, bodies=14, officials=30),
    grants=(Grant(LOOKUP, 50, 2**30, TODAY + timedelta(days=14)),),
    tombstones=[3],
)
FILE = a_file(FULL)


def test_what_was_signed_comes_out() -> None:
    assert open_bundle(FILE, DESK.public) == FULL
    assert open_bundle(a_file(a_bundle(1)), DESK.public).contents.replies == ()


def test_other_programs_read_it(tmp_path: Path) -> None:
    """unzip, minisign and age are what a reviewer has."""
    (tmp_path / "bundle.zip").write_bytes(FILE)
    (tmp_path / "desk.pub").write_text(DESK.public.encode())
    subprocess.run(["unzip", "-q", "bundle.zip"], cwd=tmp_path, check=True)
    done = subprocess.run(
        ["minisign", "-Vm", "bundle.json", "-p", "desk.pub"], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert f"enveis-bundle v1 {GATEWAY} 7" in done.stdout
    listed = FULL.contents.replies[0]
    assert hashlib.sha256((tmp_path / "replies" / f"{listed.id}.age").read_bytes()).hexdigest() == listed.sha256


@given(place=st.integers(0, len(FILE) - 1), flip=st.integers(1, 255))
@settings(max_examples=300, deadline=None)
def test_no_byte_can_be_changed(place: int, flip: int) -> None:
    changed = bytearray(FILE)
    changed[place] ^= flip
    with pytest.raises(BundleError):
        open_bundle(bytes(changed), DESK.public)


@pytest.mark.parametrize("content", [b"", b"PK", FILE[:-1], FILE + b"\0", b"\0" + FILE, b"a" * 1000])
def test_what_is_no_bundle_is_refused(content: bytes) -> None:
    with pytest.raises(BundleError, match="not a bundle"):
        open_bundle(content, DESK.public)


def test_too_large_is_refused_before_anything_is_read() -> None:
    with pytest.raises(BundleError, match="too large: 16 MiB is the most"):
        open_bundle(bytes(BUNDLE_MAX + 1), DESK.public)


def test_a_stranger_cannot_sign_one() -> None:
    stranger = SigningKey.generate()
    with pytest.raises(BundleError, match=r"another key .*desk\.pub"):
        open_bundle(a_file(a_bundle(1, key=stranger)), DESK.public)
    same_name = SigningKey.from_seed(bytes(32), key_id=DESK.public.key_id)
    with pytest.raises(BundleError, match="altered or forged"):
        open_bundle(a_file(a_bundle(1, key=same_name)), DESK.public)


def test_what_the_desk_signed_as_something_else_is_no_bundle() -> None:
    other = DESK.sign(FULL.list_bytes, trusted_comment=f"enveis-bundle v1 {GATEWAY} 8")
    with pytest.raises(BundleError, match="was not made for this bundle"):
        open_bundle(encode_bundle(replace(FULL, signature=other)), DESK.public)


def test_nothing_is_parsed_before_the_signature_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(_: bytes) -> None:
        raise AssertionError("parsed")

    monkeypatch.setattr("transfer.bundle.bundle.parse_list", never)
    forged = replace(FULL, list_bytes=FULL.list_bytes.replace(b'"serial": 7', b'"serial": 8'))
    with pytest.raises(BundleError, match="altered or forged"):
        open_bundle(encode_bundle(forged), DESK.public)
    with pytest.raises(AssertionError, match="parsed"):
        open_bundle(FILE, DESK.public)


def test_replies_cannot_be_exchanged_left_out_or_added() -> None:
    one, two = (entry.id for entry in FULL.contents.replies)
    exchanged = {one: FULL.sealed[two], two: FULL.sealed[one]}
    with pytest.raises(BundleError, match="a reply in it is not the one"):
        open_bundle(encode_bundle(replace(FULL, sealed=exchanged)), DESK.public)
    members = read_zip(FILE, most=9)
    for others in (members[:-1], (*members, members[-1]), (*members[:2], members[3], members[2])):
        with pytest.raises(BundleError, match="not exactly those that its list names"):
            open_bundle(write_zip(others), DESK.public)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"expires": TODAY - timedelta(days=1)}, "expires before it was issued"),
        ({"expires": TODAY + timedelta(days=367)}, "366 days later"),
        ({"replies": FULL.contents.replies[::-1]}, "not sorted"),
        ({"replies": FULL.contents.replies[:1] * 2}, "names one thing twice"),
        ({"grants": FULL.contents.grants * 2}, "names one thing twice"),
        ({"tombstones": (Tombstone(reply_id(1), TODAY),)}, "carries a reply that it lists as deleted"),
        ({"replies": (entry_of(reply_id(1), LOOKUP, b"x", TODAY - timedelta(days=1)),)}, "had expired"),
        ({"serial": 0}, "'serial'"),
        ({"serial": 10**6}, "'serial'"),
        ({"gateway": "x"}, "'gateway'"),
        ({"counters": Counters(-1, 0, 0)}, "'received'"),
        ({"grants": (Grant(LOOKUP, 101, 1, TODAY),)}, "'files_max'"),
        ({"replies": (replace(FULL.contents.replies[0], size=SEALED_MAX + 1),)}, "'size'"),
    ],
)
def test_a_list_out_of_bounds_is_refused(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(RecordError, match=sentence):
        parse_list(encode_list(altered(FULL, **changes)))
    with pytest.raises(BundleError, match="cannot be made"):
        sign_bundle(altered(FULL, **changes), {}, DESK)


def test_there_is_one_way_to_write_a_list() -> None:
    assert encode_list(parse_list(FULL.list_bytes)) == FULL.list_bytes
    for other in (FULL.list_bytes + b"\n", FULL.list_bytes.replace(b'"serial": 7', b'"serial":  7')):
        with pytest.raises(RecordError, match="one form"):
            parse_list(other)


# -- the ZIP


def test_zips_of_others_are_not_ours() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("bundle.json", b"{}")
    with pytest.raises(NotOurZipError):
        read_zip(stream.getvalue(), most=5)
    with pytest.raises(NotOurZipError):
        read_zip(FILE, most=3)


def test_members_that_share_bytes_cost_no_memory() -> None:
    body = bytes(2**20)
    plain = write_zip([("a", body)])
    directory = plain.index(b"PK\1\2")
    entry, end = plain[directory:-22], plain[-22:]
    shared = end[:8] + struct.pack("<2H2L", 5_000, 5_000, 5_000 * len(entry), directory) + end[20:]
    tracemalloc.start()
    with pytest.raises(NotOurZipError):
        read_zip(plain[:directory] + entry * 5_000 + shared, most=5_002)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * len(body)


@given(members=st.lists(st.tuples(st.from_regex(r"[a-z]{1,9}", fullmatch=True), st.binary(max_size=99)), max_size=4))
def test_a_zip_of_ours_is_read_as_it_was_written(members: list[tuple[str, bytes]]) -> None:
    assert read_zip(write_zip(members), most=4) == tuple(members)


@given(content=st.binary(max_size=400))
def test_noise_is_no_zip(content: bytes) -> None:
    with pytest.raises(NotOurZipError):
        read_zip(content + b"PK\5\6" + content, most=9)


# -- replies


def test_a_reply_opens_with_the_receipts_key_alone() -> None:
    reply = a_reply(1, text="Linje én.\n\tLinje to.")
    assert open_reply(seal_reply(reply, SOURCE.recipient), [SOURCE], reply_id=reply.id, lookup=LOOKUP) == reply
    with pytest.raises(ReplyError, match="none of the given keys"):
        other = SecretKey(KeyKind.CLASSIC, bytes(range(2, 34)))
        open_reply(sealed(1), [other], reply_id=reply.id, lookup=LOOKUP)
    hybrid = SecretKey(KeyKind.HYBRID, bytes(range(32)))
    content = seal_reply(a_reply(1, text="x" * 60_000), hybrid.recipient)
    assert len(content) <= SEALED_MAX
    assert open_reply(content, [hybrid], reply_id=reply.id, lookup=LOOKUP).text == "x" * 60_000


def test_a_reply_under_another_name_is_refused() -> None:
    for name, lookup in ((reply_id(2), LOOKUP), (reply_id(1), "cd" * 16)):
        with pytest.raises(ReplyError, match="not the one that its name promises"):
            open_reply(sealed(1), [SOURCE], reply_id=name, lookup=lookup)


def test_sizes_tell_a_class_only() -> None:
    sizes = {len(seal_reply(a_reply(1, text="x" * count), SOURCE.recipient)) for count in (0, 1, 500, 3_800)}
    assert len(sizes) == 1
    longer = {len(seal_reply(a_reply(1, text="x" * count), SOURCE.recipient)) for count in (4_100, 6_000, 7_900)}
    assert len(longer) == 1
    assert longer != sizes


@pytest.mark.parametrize("text", ["a\x00", "\x1b[2J", "a\rb", "abc\u202edcba", "zero\u200bwidth", "\x85"])
def test_what_a_page_would_not_show_is_not_sealed(text: str) -> None:
    with pytest.raises(ReplyError, match="invisible"):
        seal_reply(a_reply(1, text=text), SOURCE.recipient)


def test_too_long_a_reply_is_refused() -> None:
    with pytest.raises(ReplyError, match="too long: 64 KiB"):
        seal_reply(a_reply(1, text="x" * PLAINTEXT_MAX), SOURCE.recipient)


@pytest.mark.parametrize(
    "line", ["ENVEISÅÆØ", "ENVEIS\u212a\u017f", "ENVEIS", "ENVEIS=", "ENVEISA", "\u0130", "{}", "A" * 5_000]
)
def test_whatever_a_scanner_types_is_answered_in_a_sentence(line: str) -> None:
    with pytest.raises(BundleError, match=r"line 2 is not a code|missing"):
        join_frames("\n" + line)
