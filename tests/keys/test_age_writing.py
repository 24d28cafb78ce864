"""What we write: read by ourselves whatever the split, and by the age tool and npm age-encryption.

Invariants K1, K2 and K3.
"""

import io
import os
import subprocess
from array import array
from pathlib import Path

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from hypothesis import given
from hypothesis import strategies as st

from keys.age.armor import encode_armor, parse_armor
from keys.age.errors import AgeError, NoMatchError, PayloadError
from keys.age.reader import open_header, open_stream
from keys.age.seekable import PartReader, SeekableReader
from keys.age.small import open_bytes, seal_bytes
from keys.age.stream import CHUNK_SIZE, StreamSealer, open_chunks
from keys.age.writer import AgeWriter
from keys.errors import KeyMaterialError
from keys.identity import Identity, Passphrase, encode_identity_file, generate_identity, parse_identity, read_identities
from keys.recipient import KeyKind, parse_recipient, parse_recipients
from tests.worlds.oracles import NODE, npm_packages
from tests.worlds.waiting import WATCHDOG

SIZES = [0, 1, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, 2 * CHUNK_SIZE, 3 * CHUNK_SIZE + 7]
KINDS = [KeyKind.CLASSIC, KeyKind.HYBRID]


def seal_all(pieces: list[bytes], key: bytes) -> bytes:
    sealer = StreamSealer(key)
    return b"".join([*map(sealer.update, pieces), sealer.finish()])


@given(size=st.sampled_from(SIZES), step=st.integers(1_000, 2 * CHUNK_SIZE))
def test_split_of_input_does_not_matter(size: int, step: int) -> None:
    plaintext = bytes(i % 251 for i in range(size))
    pieces = [plaintext[i : i + step] for i in range(0, size, step)]
    key = bytes(32)
    sealed = seal_all(pieces, key)
    assert sealed == seal_all([plaintext], key)
    assert b"".join(open_chunks(io.BytesIO(sealed), key)) == plaintext


@pytest.mark.parametrize("size", SIZES)
def test_position_and_pending_tell_what_is_not_sealed_yet(size: int) -> None:
    sealer = StreamSealer(bytes(32))
    plaintext = bytes(i % 251 for i in range(size))
    sealed = sealer.update(plaintext)
    assert sealer.position == size
    assert plaintext.endswith(sealer.pending)
    assert len(sealed) // (CHUNK_SIZE + 16) * CHUNK_SIZE + len(sealer.pending) == size


def test_a_view_of_wider_items_counts_its_bytes() -> None:
    items = array("I", range(CHUNK_SIZE // 2))
    sealed = seal_all([memoryview(items), memoryview(items)[:3]], bytes(32))  # type: ignore[list-item]
    assert b"".join(open_chunks(io.BytesIO(sealed), bytes(32))) == items.tobytes() + items[:3].tobytes()


@pytest.mark.parametrize(("start", "end"), [(0, 0), (0, 15), (20, 10)])
def test_a_payload_without_room_for_a_chunk_is_cut(start: int, end: int) -> None:
    with os.fdopen(os.memfd_create("payload"), "wb") as stream, pytest.raises(PayloadError):
        SeekableReader(lambda size, at: os.pread(stream.fileno(), size, at), bytes(32), start=start, end=end)


def test_the_key_of_a_payload_is_not_printed() -> None:
    identity = generate_identity(KeyKind.CLASSIC)
    opened = open_header(io.BytesIO(seal_bytes(b"", [identity.recipient])), [identity])
    assert repr(opened.payload_key) not in repr(opened)


def test_nothing_is_sealed_after_the_last_chunk() -> None:
    sealer = StreamSealer(bytes(32))
    sealer.finish()
    with pytest.raises(RuntimeError):
        sealer.update(b"more")
    with pytest.raises(RuntimeError):
        sealer.finish()


@given(position=st.integers(0, 2 * CHUNK_SIZE), size=st.integers(0, CHUNK_SIZE))
def test_a_part_of_an_unfinished_payload_can_be_read(position: int, size: int) -> None:
    plaintext = bytes(i % 253 for i in range(3 * CHUNK_SIZE))
    sealed = b"header" + StreamSealer(bytes(32)).update(plaintext + b"x")
    part = PartReader(lambda n, at: sealed[at : at + n], bytes(32), payload_start=6, position=position, size=size)
    assert b"".join(iter(part.read, b"")) == plaintext[position : position + size]


@given(position=st.integers(0, 100_000))
def test_any_flipped_bit_is_refused(position: int) -> None:
    identity = Identity(KeyKind.CLASSIC, b"\x07" * 32)
    sealed = bytearray(seal_bytes(bytes(CHUNK_SIZE + 1000), [identity.recipient]))
    position %= len(sealed) * 8
    sealed[position // 8] ^= 1 << position % 8
    with pytest.raises(AgeError):
        open_bytes(bytes(sealed), [identity])


@pytest.mark.parametrize("kind", KINDS)
def test_a_seekable_reader_needs_the_payload_key_only(kind: KeyKind) -> None:
    identity = generate_identity(kind)
    plaintext = bytes(range(256)) * 1024
    writer = AgeWriter([identity.recipient])
    sealed = writer.header + writer.update(plaintext) + writer.finish()
    opened = open_header(io.BytesIO(sealed), [identity])
    assert opened.payload_key == writer.payload_key
    assert opened.header_size == len(writer.header)
    reader = SeekableReader(
        lambda n, at: sealed[at : at + n], writer.payload_key, start=len(writer.header), end=len(sealed)
    )
    assert io.BufferedReader(reader).read() == plaintext
    with pytest.raises(AgeError):
        SeekableReader(
            lambda n, at: sealed[at : at + n], writer.payload_key, start=len(writer.header), end=len(sealed) - 1
        )


def test_recipients_of_different_kinds_are_never_mixed() -> None:
    classic, hybrid = generate_identity(KeyKind.CLASSIC).recipient, generate_identity(KeyKind.HYBRID).recipient
    with pytest.raises(ValueError, match="different kinds"):
        AgeWriter([classic, hybrid])
    with pytest.raises(KeyMaterialError, match="mixes"):
        parse_recipients(f"{classic}\n{hybrid}\n")


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_for_two_is_opened_by_each_and_by_nobody_else(kind: KeyKind) -> None:
    first, second, other = (generate_identity(kind) for _ in range(3))
    sealed = seal_bytes(b"hello", [first.recipient, second.recipient])
    assert open_bytes(sealed, [first]) == open_bytes(sealed, [other, second]) == b"hello"
    with pytest.raises(NoMatchError):
        open_stream(io.BytesIO(sealed), [other])


@pytest.mark.parametrize("kind", KINDS)
def test_keys_survive_their_text_form(kind: KeyKind) -> None:
    identity = generate_identity(kind)
    assert parse_identity(identity.encode()) == identity
    assert parse_recipient(str(identity.recipient)) == identity.recipient
    assert identity.encode() not in repr(identity)


@pytest.mark.parametrize(
    "text",
    ["", "age1", "age1qqqq", "AGE-SECRET-KEY-1QQQ", "age1pq1" + "q" * 50, "x" * 5000, "åge1qq", "age1" + "q" * 58],
)
def test_bad_recipients_get_a_sentence(text: str) -> None:
    with pytest.raises(KeyMaterialError):
        parse_recipient(text)


def test_a_low_order_recipient_is_refused_when_it_is_read_not_when_a_source_sends() -> None:
    from keys.bech32 import encode_bech32

    with pytest.raises(KeyMaterialError, match="usable"):
        parse_recipient(encode_bech32("age", bytes(32)))


def test_a_machine_without_ml_kem_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    recipient = str(generate_identity(KeyKind.HYBRID).recipient)

    class Missing:
        @staticmethod
        def from_public_bytes(_: bytes) -> None:
            raise UnsupportedAlgorithm("no ML-KEM")

        from_seed_bytes = from_public_bytes

    monkeypatch.setattr("keys.age.wrap.MLKEM768PublicKey", Missing)
    monkeypatch.setattr("keys.age.wrap.MLKEM768PrivateKey", Missing)
    with pytest.raises(KeyMaterialError, match="ML-KEM"):
        parse_recipient(recipient)
    with pytest.raises(KeyMaterialError, match="ML-KEM"):
        _ = generate_identity(KeyKind.HYBRID).recipient


def test_a_mistyped_character_is_noticed() -> None:
    text = str(generate_identity(KeyKind.CLASSIC).recipient)
    for i in range(4, len(text)):
        wrong = text[:i] + ("q" if text[i] != "q" else "p") + text[i + 1 :]
        with pytest.raises(KeyMaterialError):
            parse_recipient(wrong)


def test_the_age_tool_opens_ours_and_we_open_its(tmp_path: Path) -> None:
    identity = generate_identity(KeyKind.CLASSIC)
    (tmp_path / "identity.txt").write_bytes(encode_identity_file(identity, None))
    plaintext = bytes(range(256)) * 600
    (tmp_path / "ours.age").write_bytes(seal_bytes(plaintext, [identity.recipient]))
    opened = subprocess.run(
        ["age", "-d", "-i", tmp_path / "identity.txt", tmp_path / "ours.age"], capture_output=True, check=True
    )
    assert opened.stdout == plaintext
    theirs = subprocess.run(
        ["age", "-r", str(identity.recipient)], input=plaintext, capture_output=True, check=True
    ).stdout
    assert open_bytes(theirs, [identity]) == plaintext
    armored = subprocess.run(
        ["age", "-a", "-r", str(identity.recipient)], input=plaintext, capture_output=True, check=True
    ).stdout
    assert parse_armor(armored) == parse_armor(encode_armor(parse_armor(armored)))
    assert open_bytes(parse_armor(armored), [identity]) == plaintext


def test_npm_age_encryption_opens_our_hybrid_and_we_open_its(tmp_path: Path) -> None:
    identity = generate_identity(KeyKind.HYBRID)
    plaintext = bytes(range(256)) * 600
    (tmp_path / "ours.age").write_bytes(seal_bytes(plaintext, [identity.recipient]))
    (tmp_path / "plain").write_bytes(plaintext)
    (tmp_path / "node_modules").symlink_to(npm_packages())
    (tmp_path / "both.mjs").write_text(
        """
        import { readFileSync, writeFileSync } from "node:fs";
        import { Decrypter, Encrypter } from "age-encryption";
        const [identity, recipient] = readFileSync(0, "utf8").trim().split("\\n");
        const opener = new Decrypter(); opener.addIdentity(identity);
        writeFileSync("opened", await opener.decrypt(readFileSync("ours.age")));
        const sealer = new Encrypter(); sealer.addRecipient(recipient);
        writeFileSync("theirs.age", await sealer.encrypt(readFileSync("plain")));
        """
    )
    keys = f"{identity.encode()}\n{identity.recipient}\n"
    subprocess.run([NODE, "both.mjs"], cwd=tmp_path, input=keys, text=True, check=True, timeout=WATCHDOG)
    assert (tmp_path / "opened").read_bytes() == plaintext
    assert open_bytes((tmp_path / "theirs.age").read_bytes(), [identity]) == plaintext


@pytest.mark.parametrize("kind", KINDS)
def test_an_identity_file_with_a_passphrase(kind: KeyKind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Work 18 takes a second each time; what is tested here does not depend on it.
    monkeypatch.setattr("keys.age.wrap.wrap_scrypt.__kwdefaults__", {"work": 10})
    identity = generate_identity(kind)
    path = tmp_path / "identity.txt"
    path.write_bytes(encode_identity_file(identity, "correct horse"))
    assert read_identities(path, lambda: "correct horse") == (identity,)
    with pytest.raises(KeyMaterialError, match="wrong passphrase"):
        read_identities(path, lambda: "wrong horse")
    path.write_bytes(encode_armor(path.read_bytes()))
    assert read_identities(path, lambda: "correct horse") == (identity,)


def test_a_plain_identity_file_asks_for_nothing(tmp_path: Path) -> None:
    def never() -> str:
        raise AssertionError("asked")

    identity = generate_identity(KeyKind.CLASSIC)
    path = tmp_path / "identity.txt"
    path.write_bytes(encode_identity_file(identity, None))
    assert read_identities(path, never) == (identity,)
    for content in (b"", b"\xff\xfe", b"hello\n", b"# only a comment\n"):
        path.write_bytes(content)
        with pytest.raises(KeyMaterialError):
            read_identities(path, never)


def test_a_passphrase_is_never_one_of_several(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="different kinds"):
        AgeWriter([Passphrase("x"), generate_identity(KeyKind.CLASSIC).recipient])
