"""Standard base64 (RFC 4648, section 4) with one text for each value: for headers, armor, keys and signatures."""

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
