"""The text form of an age file (C2SP age.md, "ASCII armor"): strict PEM, for small files such as identities."""

from typing import Final

from keys.age.errors import ArmorError
from keys.base64_text import encode_base64, parse_base64

BEGIN: Final = b"-----BEGIN AGE ENCRYPTED FILE-----"
_END: Final = b"-----END AGE ENCRYPTED FILE-----"
_COLUMNS: Final = 64  # base64 characters in a full line


def is_armored(sealed: bytes) -> bool:
    """Return whether the bytes begin like the text form."""
    return sealed.lstrip().startswith(BEGIN[:10])


def encode_armor(sealed: bytes) -> bytes:
    """Return the text form of a binary age file."""
    text = encode_base64(sealed).encode("ascii")
    lines = [text[i : i + _COLUMNS] for i in range(0, len(text), _COLUMNS)]
    return b"\n".join([BEGIN, *lines, _END]) + b"\n"


def parse_armor(untrusted_text: bytes) -> bytes:
    """Return the binary age file in `untrusted_text`.

    White space around it is allowed, LF and CRLF may end a line; all else is refused, so that nobody can hide
    other text in what looks like a sealed file.

    Raises:
        ArmorError: Anything else than one armored file.
    """
    lines = untrusted_text.strip(b" \t\r\n").replace(b"\r\n", b"\n").split(b"\n")
    if len(lines) < 2 or lines[0] != BEGIN or lines[-1] != _END:
        raise ArmorError("an armored age file has a wrong first or last line")
    body = lines[1:-1]
    if any(len(line) != _COLUMNS for line in body[:-1]) or any(not 0 < len(line) <= _COLUMNS for line in body[-1:]):
        raise ArmorError("an armored age file has a line of the wrong length")
    try:
        return parse_base64(b"".join(body).decode("ascii"))
    except ValueError:
        raise ArmorError("an armored age file is not canonical base64") from None
