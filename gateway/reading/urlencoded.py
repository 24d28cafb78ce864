"""Url-encoded forms, piece by piece: what `curl -d` and a form without an `enctype` send. Text only, never a file.

A push parser like that of `multipart`: it holds one name and half an escape, and gives each value on as it comes, so
that whoever takes the fields counts them before they are kept (WHATWG URL, 5.1).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

NAME_MAX: Final = 256  # bytes of a field's name as it is sent; ours have 24 at most
PAIRS_MAX: Final = 5_000  # empty ones are counted too: each costs a step


class UrlencodedError(ValueError):
    """This is no url-encoded form: a name too long, a name without a value, too many pairs, or an end too early."""


@dataclass(frozen=True, slots=True)
class FieldBegins:
    """The name of a field whose value comes next."""

    untrusted_name: bytes


class UrlencodedParser:
    """Splits one body; `length` is how many bytes of it were announced."""

    def __init__(self, length: int) -> None:
        self._left = length
        self._pairs = 0
        self._name = bytearray()  # as it is sent, until its equals sign
        self._escape = b""  # the beginning of an escape at the end of a piece
        self._is_in_value = False

    def parse(self, untrusted_piece: bytes) -> Iterator[FieldBegins | bytes | None]:
        """Yield a field's name, then its value in pieces, then None at its end. No bytes are the end of the body.

        Raises:
            UrlencodedError: It is malformed.
        """
        if not untrusted_piece:
            yield from self._end()
            return
        self._left -= len(untrusted_piece)
        if self._left < 0:
            raise UrlencodedError("more than was announced")
        at = 0
        while at < len(untrusted_piece):
            end = untrusted_piece.find(b"&", at)
            yield from self._take(untrusted_piece[at : end if end >= 0 else None])
            if end < 0:
                return
            yield from self._pair_ends()
            at = end + 1

    def _end(self) -> Iterator[FieldBegins | bytes | None]:
        # Nothing else shows that a body was cut off.
        if self._left:
            raise UrlencodedError("less than was announced")
        yield from self._pair_ends()

    def _take(self, untrusted: bytes) -> Iterator[FieldBegins | bytes | None]:
        if not self._is_in_value:
            name, equals, untrusted = untrusted.partition(b"=")
            self._name += name
            if len(self._name) > NAME_MAX:
                raise UrlencodedError("no field has such a long name")
            if not equals:
                return
            self._is_in_value = True
            yield FieldBegins(_decoded(bytes(self._name)))
        untrusted = self._escape + untrusted
        cut = untrusted.rfind(b"%", max(0, len(untrusted) - 2))
        untrusted, self._escape = (untrusted, b"") if cut < 0 else (untrusted[:cut], untrusted[cut:])
        if untrusted:
            yield _decoded(untrusted)

    def _pair_ends(self) -> Iterator[FieldBegins | bytes | None]:
        self._pairs += 1
        if self._pairs > PAIRS_MAX:
            raise UrlencodedError("too many fields")
        if self._is_in_value:
            if self._escape:
                yield _decoded(self._escape)
            yield None
        elif self._name:
            # No form sends that: it is a text with an ampersand that nobody encoded, and the rest of it would vanish.
            raise UrlencodedError("a name without a value")
        self._name, self._escape, self._is_in_value = bytearray(), b"", False


def _decoded(untrusted: bytes) -> bytes:
    return unquote_to_bytes(untrusted.replace(b"+", b" "))
