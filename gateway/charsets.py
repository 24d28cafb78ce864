"""Text in whatever encoding it came: a name or a field is never a reason to lose what a source sent.

The pages ask for UTF-8. Old programs send what their system uses, mostly Windows-1252 or its part Latin-1.
"""

import codecs
from typing import Final

# Windows-1252, and a mark for the five bytes that it leaves out. As a table: one step for each byte, whatever they are.
_WINDOWS_1252: Final = "".join(bytes([byte]).decode("cp1252", errors="replace") for byte in range(256))


def readable(untrusted: bytes) -> str:
    """Return the text of these bytes: as UTF-8, and as Windows-1252 where that cannot be what they are.

    UTF-8 with single damaged places stays UTF-8, with a mark at each. Costs some passes over the bytes, in C.
    """
    text = untrusted.decode("utf-8", errors="replace")
    damaged = text.count("\ufffd")
    if not damaged:
        return text
    others = len(text) - len(text.encode("ascii", errors="ignore"))
    return text if damaged * 2 < others else codecs.charmap_decode(untrusted, "strict", _WINDOWS_1252)[0]
