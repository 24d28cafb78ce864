"""minisign's formats, proved both ways against the real program."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.errors import KeyMaterialError
from keys.signing import SignatureError, SigningKey, parse_signing_key, parse_verify_key, signature_key_id

KEY = SigningKey.from_seed(bytes(range(32)), key_id="0123456789ABCDEF")
MESSAGE = b'{"number":1}\n'
SIGNATURE = KEY.sign(MESSAGE, trusted_comment="enveis batch v1")


def minisign(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["minisign", *arguments], cwd=cwd, capture_output=True, text=True, check=False)


def test_the_program_verifies_what_we_sign(tmp_path: Path) -> None:
    (tmp_path / "ours.pub").write_text(KEY.public.encode())
    (tmp_path / "message").write_bytes(MESSAGE)
    (tmp_path / "message.minisig").write_text(SIGNATURE)
    good = minisign("-V", "-p", "ours.pub", "-m", "message", cwd=tmp_path)
    assert good.returncode == 0, good.stderr
    assert "Trusted comment: enveis batch v1" in good.stdout
    (tmp_path / "message").write_bytes(MESSAGE + b" ")
    assert minisign("-V", "-p", "ours.pub", "-m", "message", cwd=tmp_path).returncode != 0


def test_the_program_signs_with_our_secret_key_file(tmp_path: Path) -> None:
    (tmp_path / "ours.key").write_text(KEY.encode())
    (tmp_path / "message").write_bytes(MESSAGE)
    made = minisign("-S", "-s", "ours.key", "-m", "message", "-t", "by the program", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert KEY.public.verify(MESSAGE, (tmp_path / "message.minisig").read_text()) == "by the program"


def test_we_read_the_key_pair_of_the_program(tmp_path: Path) -> None:
    assert minisign("-G", "-W", "-p", "its.pub", "-s", "its.key", cwd=tmp_path).returncode == 0
    key = parse_signing_key((tmp_path / "its.key").read_text())
    public = parse_verify_key((tmp_path / "its.pub").read_text())
    assert key.public == public
    comment, line = (tmp_path / "its.pub").read_text().splitlines()
    # The program prints the number without leading zeros.
    assert comment.endswith(f"minisign public key {public.key_id.lstrip('0')}")
    assert key.encode().splitlines()[1] == (tmp_path / "its.key").read_text().splitlines()[1]
    assert public.encode().splitlines()[1] == line
    (tmp_path / "message").write_bytes(MESSAGE)
    (tmp_path / "message.minisig").write_text(key.sign(MESSAGE, trusted_comment="x"))
    assert minisign("-V", "-p", "its.pub", "-m", "message", cwd=tmp_path).returncode == 0
    assert minisign("-S", "-l", "-s", "its.key", "-m", "message", cwd=tmp_path).returncode == 0
    with pytest.raises(SignatureError, match="prehashed"):
        public.verify(MESSAGE, (tmp_path / "message.minisig").read_text())


def test_keys_come_back_as_they_were_written() -> None:
    fresh = SigningKey.generate()
    assert parse_signing_key(fresh.encode()) == fresh
    assert parse_verify_key(fresh.public.encode()) == fresh.public
    assert parse_verify_key(fresh.public.encode().splitlines()[1] + "\n") == fresh.public


def test_the_secret_half_is_not_printed() -> None:
    assert bytes(range(32)).hex() not in repr(KEY)
    assert repr(bytes(range(32))) not in repr(KEY)


def test_any_flipped_bit_after_the_untrusted_comment_is_refused() -> None:
    # Exhaustive: the unused bits of the last base64 digits are few, and random positions miss them.
    for position in range(SIGNATURE.index("\n") + 1, len(SIGNATURE) - 1):
        for bit in range(7):
            broken = SIGNATURE[:position] + chr(ord(SIGNATURE[position]) ^ 1 << bit) + SIGNATURE[position + 1 :]
            with pytest.raises(SignatureError):
                KEY.public.verify(MESSAGE, broken)


def test_another_message_is_refused() -> None:
    with pytest.raises(SignatureError, match="does not match"):
        KEY.public.verify(MESSAGE + b" ", SIGNATURE)


@given(st.text())
def test_text_that_is_no_key_or_signature_is_refused(text: str) -> None:
    with pytest.raises(KeyMaterialError):
        parse_verify_key(text)
    with pytest.raises(KeyMaterialError):
        parse_signing_key(text)
    with pytest.raises(SignatureError):
        KEY.public.verify(MESSAGE, text)


def test_another_key_of_the_same_name_does_not_pass() -> None:
    namesake = SigningKey.from_seed(bytes(32), key_id=KEY.public.key_id)
    with pytest.raises(SignatureError, match="does not match"):
        namesake.public.verify(MESSAGE, SIGNATURE)
    stranger = SigningKey.from_seed(bytes(range(32)), key_id="0" * 16)
    with pytest.raises(SignatureError, match="another key"):
        stranger.public.verify(MESSAGE, SIGNATURE)


def test_a_comment_from_another_signature_is_refused() -> None:
    other = KEY.sign(b"other", trusted_comment="enveis bundle v1").split("\n")
    mixed = SIGNATURE.split("\n")
    mixed[2:4] = other[2:4]
    with pytest.raises(SignatureError):
        KEY.public.verify(MESSAGE, "\n".join(mixed))


@pytest.mark.parametrize("comment", ["two\nlines", "x" * 1025, "bell\a"])
def test_a_comment_is_one_line(comment: str) -> None:
    with pytest.raises(ValueError, match="comment"):
        KEY.sign(MESSAGE, trusted_comment=comment)


def test_password_protected_and_damaged_secret_keys_are_refused() -> None:
    import base64

    blob = bytearray(base64.b64decode(KEY.encode().splitlines()[1]))

    def text(changed: bytes) -> str:
        return base64.b64encode(changed).decode() + "\n"

    with pytest.raises(KeyMaterialError, match="password"):
        parse_signing_key(text(bytes(blob[:2]) + b"Sc" + bytes(blob[4:])))
    wrong_half = bytearray(blob)
    wrong_half[6 + 48 + 8 + 32] ^= 1
    with pytest.raises(KeyMaterialError, match="halves"):
        parse_signing_key(text(bytes(wrong_half)))
    with pytest.raises(KeyMaterialError, match="checksum"):
        parse_signing_key(text(bytes(blob[:-1]) + b"\x01"))


def test_a_low_order_point_is_no_key() -> None:
    import base64

    blob = b"Ed" + bytes(8) + b"\x01" + bytes(31)
    with pytest.raises(KeyMaterialError, match="valid"):
        parse_verify_key(base64.b64encode(blob).decode())


def test_a_signature_names_its_key() -> None:
    assert signature_key_id(SIGNATURE) == KEY.public.key_id
    with pytest.raises(SignatureError):
        signature_key_id("nothing")
