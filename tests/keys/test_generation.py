"""Signed recipients: minisign agrees, and nothing but what the desk's key signed for this purpose is taken."""

import subprocess
from pathlib import Path

import pytest

from keys.generation import GenerationError, sign_recipients, verify_recipients
from keys.identity import generate_identity
from keys.recipient import KeyKind, encode_recipients, sealed_to
from keys.signing import SigningKey

KEY = SigningKey.generate()
RECIPIENTS = tuple(generate_identity(KeyKind.CLASSIC).recipient for _ in range(2))
TEXT = encode_recipients(RECIPIENTS)
SIGNATURE = sign_recipients(RECIPIENTS, number=7, key=KEY)


def test_signed_and_verified() -> None:
    generation = verify_recipients(TEXT, SIGNATURE, KEY.public)
    assert (generation.number, generation.recipients) == (7, RECIPIENTS)
    assert generation.name == sealed_to(reversed(RECIPIENTS))  # type: ignore[arg-type]


def test_minisign_verifies_it(tmp_path: Path) -> None:
    (tmp_path / "recipients.txt").write_bytes(TEXT)
    (tmp_path / "recipients.txt.minisig").write_text(SIGNATURE)
    (tmp_path / "desk.pub").write_text(KEY.public.encode())
    command = ["minisign", "-V", "-p", "desk.pub", "-m", "recipients.txt"]
    said = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    assert f"Trusted comment: enveis-recipients v1 7 {sealed_to(RECIPIENTS)}" in said


@pytest.mark.parametrize(
    ("text", "signature", "reason"),
    [
        (TEXT + b"\n", SIGNATURE, "does not match"),
        (TEXT.splitlines(keepends=True)[0], SIGNATURE, "does not match"),
        (TEXT, sign_recipients(RECIPIENTS, number=8, key=SigningKey.generate()), "another key"),
        (TEXT, "", "not a minisign signature"),
        (TEXT, KEY.sign(TEXT, trusted_comment="enveis-bundle v1 x 7"), "not made for a recipients file"),
        (TEXT, KEY.sign(TEXT, trusted_comment=f"enveis-recipients v1 07 {sealed_to(RECIPIENTS)}"), "not made for"),
        (TEXT, KEY.sign(TEXT, trusted_comment="enveis-recipients v1 7 " + "0" * 16), "one form"),
        (
            b"# x\n" + TEXT,
            KEY.sign(b"# x\n" + TEXT, trusted_comment=f"enveis-recipients v1 7 {sealed_to(RECIPIENTS)}"),
            "one form",
        ),
    ],
    # Names that are the same in every run, whatever keys were made for it.
    ids=[
        "more",
        "less",
        "another key",
        "no signature",
        "a bundle's",
        "another number",
        "other recipients",
        "a comment",
    ],
)
def test_anything_else_is_refused(text: bytes, signature: str, reason: str) -> None:
    with pytest.raises(GenerationError, match=reason):
        verify_recipients(text, signature, KEY.public)


@pytest.mark.parametrize("number", [0, -1, 10_000])
def test_numbers_have_bounds(number: int) -> None:
    with pytest.raises(GenerationError, match="number"):
        sign_recipients(RECIPIENTS, number=number, key=KEY)
