"""A passphrase as people hand it in, and the forms of it that a key is derived from. Pure.

One letter is written in several ways: "å" is one character (NFC), or an a and a ring (NFD, as some systems and editors
write it). Editors add a mark before the first letter of a file (BOM), and fingers a blank after the last one. We seal
with NFC, without mark and blanks, so that whoever types the same letters opens it, with the age tool too. What was
sealed elsewhere opens as it was typed.
"""

import unicodedata
from typing import Final

FILE_MAX: Final = 4096  # bytes of a passphrase file; a larger one is refused, and a passphrase never cut

_MARK: Final = "\ufeff"  # BOM: what Windows editors put before the first letter
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")  # the same mark in the two byte orders; UTF-8 never begins so


def parse_first_line(untrusted_content: bytes) -> str:
    """Return the first line of a passphrase file as it is, without its line end; UTF-8, or UTF-16 with its mark.

    Raises:
        UnicodeDecodeError: It is not such text.
    """
    is_wide = untrusted_content.startswith(_UTF_16)
    end = untrusted_content.find(b"\n") if not is_wide else _wide_end(untrusted_content)
    line = untrusted_content if end < 0 else untrusted_content[:end]
    return line.decode("utf-16" if is_wide else "utf-8").removesuffix("\r")


def _wide_end(untrusted_content: bytes) -> int:
    """Return where the first line ends in UTF-16, whose line end is two bytes at an even place; -1 if it does not."""
    end = b"\n\0" if untrusted_content.startswith(_UTF_16[0]) else b"\0\n"
    places = range(0, len(untrusted_content) - 1, 2)
    return next((place for place in places if untrusted_content[place : place + 2] == end), -1)


def sealing_form(typed: str) -> str:
    """Return the form of a passphrase that we seal with; empty when only blanks were typed."""
    return unicodedata.normalize("NFC", typed.removeprefix(_MARK).rstrip())


def opening_forms(typed: str) -> tuple[str, ...]:
    """Return the forms to try on what may have been sealed elsewhere: one for plain ASCII, three at most.

    Each costs a whole derivation (scrypt: about a second), so a form comes only where it differs, and the likeliest
    first: ours, then exactly what was typed, then NFD.
    """
    ours = sealing_form(typed)
    forms = dict.fromkeys((ours, typed, unicodedata.normalize("NFD", ours)))
    return tuple(form for form in forms if form)


def has_control_characters(text: str) -> bool:
    """Return whether keys that write nothing are in it (an arrow, a tab): another keyboard or program may differ."""
    return any(unicodedata.category(letter) == "Cc" for letter in text)
