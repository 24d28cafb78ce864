"""Streams behind more than one filter, or under encryption: unpacked piece by piece, counted, searched and dropped.

The search of the raw bytes inflates what is simply deflated. It sees nothing of a bomb, a name or a photograph's place
behind a chain of filters (ISO 32000-1, 7.4), nor of anything in a PDF that is encrypted and opens without a password.
"""

import base64
import contextlib
import math
import re
import time
import zlib
from collections.abc import Callable, Iterator
from typing import Final

from pypdf.generic import ArrayObject, StreamObject

from quarantine.budgets import MIB, Budgets
from quarantine.findings import Code
from quarantine.image.jpeg import JPEG_MAGIC, jpeg_privacy
from quarantine.pdf.bare_names import BareNames
from quarantine.pdf.lzw import unpack_lzw
from quarantine.pdf.values import name_of, value_of

_PIECE: Final = 64 * 1024  # bytes
_UNPACKED: Final = MIB  # bytes of one step
_FILTERS_MAX: Final = 4
_PICTURE: Final = 512 * 1024  # bytes of a picture in which its metadata lies
_PICTURES_MAX: Final = 200
_SAMPLE: Final = 4 * MIB  # bytes of a picture that are unpacked when the budget is spent
_BOMB: Final = 512  # times its size; see raw_bytes.py
_ASCII85_MAX: Final = 16 * MIB  # bytes that are read as base 85; 10 MB take a second
_NAME_MAX: Final = 128  # bytes of a name that two pieces share
_BLANK: Final = b"\x00\t\n\x0c\r "
_NO_HEX: Final = bytes(set(range(256)) - set(b"0123456789abcdefABCDEF>"))  # passed over, as readers do
_SHORT: Final = {
    "/AHx": "/ASCIIHexDecode", "/A85": "/ASCII85Decode", "/LZW": "/LZWDecode", "/Fl": "/FlateDecode",
    "/RL": "/RunLengthDecode", "/DCT": "/DCTDecode", "/CCF": "/CCITTFaxDecode",
}  # table 94  # fmt: skip
_OF_PICTURES: Final = frozenset({"/DCTDecode", "/JPXDecode", "/CCITTFaxDecode", "/JBIG2Decode"})
_SLOW: Final = frozenset({"/LZWDecode", "/RunLengthDecode", "/ASCII85Decode"})  # unpacked in Python
_SLOW_CPU: Final = 1.5  # CPU seconds for all of these: some 2 MB of LZW
_COMPRESSING: Final = frozenset({"/FlateDecode", "/LZWDecode", "/RunLengthDecode", "/BrotliDecode"})

Pieces = Iterator[bytes]


class FilteredStreams:
    """Of one document."""

    def __init__(self, budgets: Budgets, names: BareNames) -> None:
        self.is_encrypted = False
        self._stream_max = self._left = budgets.member_bytes
        self._names = names
        self._slow_left = _SLOW_CPU
        self._pictures = 0

    def examine(self, stream: StreamObject) -> set[Code]:
        """Return what is found in one stream; raises whatever a broken one makes Python raise."""
        filters = _filters(stream)
        codes = {Code.PDF_FILTERS} if sum(one in _COMPRESSING for one in filters) > 1 else set[Code]()
        before = [one for one in filters if one not in _OF_PICTURES]
        if any(one not in _UNPACK for one in before) or len(filters) > _FILTERS_MAX:
            # No reader of today unpacks it, or another one does.
            return codes | {Code.PDF_FILTERS}
        if before in ([], ["/FlateDecode"]) and not self.is_encrypted and filters == before:
            return codes  # the raw bytes showed it
        if filters == ["/DCTDecode"] and not self.is_encrypted:
            return codes
        return codes | self._unpack(stream, before)

    def _unpack(self, stream: StreamObject, before: list[str]) -> set[Code]:
        data: bytes = stream._data  # noqa: SLF001 - as it stands in the file, decrypted; there is no public way
        is_picture = name_of(stream, "/Subtype") == "/Image"
        most = self._stream_max if self._left > 0 else _SAMPLE
        pieces: Pieces = (data[at : at + _PIECE] for at in range(0, len(data), _PIECE))
        for one in before:
            pieces = _UNPACK[one](pieces)
        head, size, last = bytearray(), 0, b""
        began = time.process_time()
        until = began + max(0.0, self._slow_left) if _SLOW & set(before) else math.inf
        for piece in pieces:
            size += len(piece)
            self._left -= len(piece)
            if len(head) < _PICTURE:
                head += piece
            if not is_picture:
                self._names.search_decoded(last + piece)
                last = piece[-_NAME_MAX:]
            if size > most or time.process_time() > until:
                break
        if _SLOW & set(before):
            self._slow_left -= time.process_time() - began
        codes = self._picture(bytes(head))
        if size > self._stream_max or (size > most and size > _BOMB * len(data)):
            return codes | {Code.PDF_BUDGET}
        if size > most or time.process_time() > until:
            return codes | {Code.PDF_PICTURES_SAMPLED if is_picture else Code.PDF_NOT_ALL_WALKED}
        return codes

    def _picture(self, head: bytes) -> set[Code]:
        if not head.startswith(JPEG_MAGIC) or self._pictures >= _PICTURES_MAX:
            return set()
        self._pictures += 1
        return jpeg_privacy(head[:_PICTURE])


def _filters(stream: StreamObject) -> list[str]:
    value = value_of(stream, "/Filter")
    names = [str(one.get_object()) for one in value] if isinstance(value, ArrayObject) else [name_of(stream, "/Filter")]
    return [_SHORT.get(name, name) for name in names if name]


def _same(pieces: Pieces) -> Pieces:
    return pieces


def _hex(pieces: Pieces) -> Pieces:
    left = b""
    for piece in pieces:
        digits, end, _ = piece.translate(None, _NO_HEX).partition(b">")
        digits = left + digits
        even = len(digits) // 2 * 2
        left = digits[even:]
        yield bytes.fromhex(digits[:even].decode("ascii"))
        if end:
            break
    if left:
        yield bytes.fromhex(left.decode("ascii") + "0")


def _base85(pieces: Pieces) -> Pieces:
    read = bytearray()
    for piece in pieces:
        read += piece
        if b"~" in piece or len(read) > _ASCII85_MAX:
            break
    text = bytes(read).translate(None, _BLANK).removeprefix(b"<~").partition(b"~")[0]
    # By whole groups, so that one broken group does not take the others along.
    for match in re.finditer(rb"(?:z|[!-u]{5}){1,4096}|[!-u]{1,4}", text):
        with contextlib.suppress(ValueError):
            yield base64.a85decode(match[0])


def _inflate(pieces: Pieces) -> Pieces:
    inflater = zlib.decompressobj()
    for piece in pieces:
        rest = piece
        while rest and not inflater.eof:
            try:
                yield inflater.decompress(rest, _UNPACKED)
            except zlib.error:
                return  # what came out before it was counted
            rest = inflater.unconsumed_tail
        if inflater.eof:
            return


def _run_lengths(pieces: Pieces) -> Pieces:
    packed = bytearray()
    for piece in pieces:
        packed += piece
        out, at = bytearray(), 0
        while at < len(packed):
            length = packed[at]
            if length == 128:  # end of data; 7.4.5
                yield bytes(out)
                return
            needs = length + 2 if length < 128 else 2
            if at + needs > len(packed):
                break
            out += packed[at + 1 : at + needs] if length < 128 else bytes((packed[at + 1],)) * (257 - length)
            at += needs
        del packed[:at]
        yield bytes(out)


_UNPACK: Final[dict[str, Callable[[Pieces], Pieces]]] = {
    "/ASCIIHexDecode": _hex,
    "/ASCII85Decode": _base85,
    "/FlateDecode": _inflate,
    "/RunLengthDecode": _run_lengths,
    "/LZWDecode": unpack_lzw,
    "/Crypt": _same,
}
