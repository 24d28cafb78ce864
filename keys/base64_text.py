"""Standard base64 (RFC 4648, section 4), padded or not, with exactly one text for each value."""

import base64
import binascii


def encode_base64(plain: bytes) -> str:
    """Return padded base64 in one line."""
    return base64.b64encode(plain).decode("ascii")


def parse_base64(untrusted_text: str) -> bytes:
    """Return the bytes behind padded base64 in one line.

    Raises:
        ValueError: A foreign character, white space, wrong padding, or bits set after the end: with these, two
            different texts would mean the same.
    """
    try:
        plain = base64.b64decode(untrusted_text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("not base64") from None
    if encode_base64(plain) != untrusted_text:
        raise ValueError("not canonical base64")
    return plain


def encode_unpadded(plain: bytes) -> str:
    """Return base64 in one line without padding, as the header of an age file has it."""
    return encode_base64(plain).rstrip("=")


def parse_unpadded(untrusted_text: str) -> bytes:
    """Return the bytes behind base64 in one line without padding.

    Raises:
        ValueError: Padding, or what `parse_base64` refuses.
    """
    if untrusted_text.endswith("="):
        raise ValueError("padded base64")
    return parse_base64(untrusted_text + "=" * (-len(untrusted_text) % 4))
