"""One datagram of the link: its fields, its MAC, its veil (WIRE.md, 2). Does no input or output.

Nothing that arrives is trusted before its MAC is compared. A datagram that fails is dropped whole.
"""

import hashlib
import hmac
import struct
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20

from transfer.diode.errors import DatagramError, DropReason

VERSION: Final = 1  # WIRE.md 2.2
VEILED: Final = 1  # bit of the flags; WIRE.md 2.5
MAC_SIZE: Final = 16  # bytes; WIRE.md 2.3
TAG_SIZE: Final = 8  # bytes of a batch's digest that name it in a datagram; WIRE.md 2.2
HEAD: Final = struct.Struct(">BBHQQII8sII")  # WIRE.md 2.2
OVERHEAD: Final = HEAD.size + MAC_SIZE  # bytes of a datagram beside its payload
# The same header in a run of consecutive symbols: only sequence and ESI differ within the run.
RUN: Final = struct.Struct(">12sQ20sI")
_RUN_FRONT: Final = struct.Struct(">BBHQ")
_RUN_MIDDLE: Final = struct.Struct(">II8sI")
CLEAR_SIZE: Final = 20  # bytes that are never veiled: version, flags, link, session, sequence
IP_OVERHEAD: Final = 48  # bytes of an IPv6 and a UDP header; IPv4's are 20 less
MTU_MIN: Final = 1280  # RFC 8200, 5
MTU_MAX: Final = 9000
SYMBOL_STEP: Final = 8  # symbols are a multiple of it; WIRE.md 2.1

_MAC_DOMAIN: Final = b"enveis-link-v1"  # BLAKE2b's personalisation; WIRE.md 2.3
_VEIL_DOMAIN: Final = b"enveis-veil-v1"
_LINK_ID: Final = struct.Struct(">H")
_SESSION: Final = struct.Struct(">Q")


class DatagramKind(IntEnum):
    """What a datagram carries; WIRE.md 2.4."""

    OBJECT = 1
    HISTORY = 2
    HEARTBEAT = 3
    SYMBOL = 4
    PADDING = 5


_KINDS: Final = {int(kind): kind for kind in DatagramKind}


class Datagram(NamedTuple):
    """An authentic datagram. `payload` is borrowed from the buffer that it was received into."""

    session: int
    sequence: int
    kind: DatagramKind
    number: int
    tag: bytes
    block: int
    esi: int
    payload: memoryview


def symbol_size(mtu: int) -> int:
    """Return the bytes of payload in each datagram of a link with this MTU; WIRE.md 2.1."""
    if not MTU_MIN <= mtu <= MTU_MAX:
        raise ValueError(f"'mtu' must be from {MTU_MIN} to {MTU_MAX}")
    return (mtu - IP_OVERHEAD - OVERHEAD) // SYMBOL_STEP * SYMBOL_STEP


SYMBOL_MIN: Final = symbol_size(MTU_MIN)
SYMBOL_MAX: Final = symbol_size(MTU_MAX)


def link_id(gateway: str) -> int:
    """Return the two bytes by which a datagram names its gateway: the first of the gateway's id."""
    return int(gateway[:4], 16)


class LinkKey:
    """The secret that both ends of one link share. Its `repr` shows nothing."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._keyed = hashlib.blake2b(key=secret, person=_MAC_DOMAIN, digest_size=MAC_SIZE)

    def __repr__(self) -> str:
        return "LinkKey()"

    def mac(self, content: bytes | bytearray | memoryview) -> bytes:
        """Return the MAC of `content`, which is everything in a datagram before the MAC."""
        state = self._keyed.copy()  # the block with the key in it is hashed once, not for each datagram
        state.update(content)
        return state.digest()

    def veil(self, session: int, sequence: int, content: bytes | memoryview) -> bytes:
        """Return `content` veiled, or unveiled: a stream cipher, under a key for each session; WIRE.md 2.5."""
        key = hashlib.blake2b(_SESSION.pack(session), key=self._secret, person=_VEIL_DOMAIN, digest_size=32).digest()
        nonce = bytes(8) + _SESSION.pack(sequence)  # block counter, then RFC 8439's nonce
        return Cipher(ChaCha20(key, nonce), mode=None).encryptor().update(content)


class DatagramWriter:
    """Writes the datagrams of one session, all of one size, numbered without a gap.

    Args:
        key: The link's secret.
        link: The gateway's `link_id`.
        session: Never used before under this key.
        symbol: Bytes of payload.
        veiled: Whether an observer of the link must not be able to distinguish one datagram from another.
    """

    def __init__(self, key: LinkKey, *, link: int, session: int, symbol: int, veiled: bool = False) -> None:
        self.symbol = symbol
        self.size = symbol + OVERHEAD
        self._key = key
        self._link = link
        self._session = session
        self._flags = VEILED if veiled else 0
        self._sequence = 0

    def write_symbols(
        self, slots: Sequence[memoryview], content: memoryview, *, number: int, tag: bytes, block: int, first: int
    ) -> None:
        """Write symbols of one block, one after the other, each as `write` would: one datagram into each of `slots`.

        Nearly all datagrams are written here, so the fields that do not change are packed once.

        Args:
            slots: As many as there are symbols, each at least `size` bytes.
            content: The symbols.
            number: Of the batch.
            tag: Of the batch.
            block: Its number in the object.
            first: The ESI of the first symbol.
        """
        if self._flags:
            for index, slot in enumerate(slots):
                piece = content[index * self.symbol : (index + 1) * self.symbol]
                self.write(slot, DatagramKind.SYMBOL, piece, number=number, tag=tag, block=block, esi=first + index)
            return
        front = _RUN_FRONT.pack(VERSION, self._flags, self._link, self._session)
        middle = _RUN_MIDDLE.pack(DatagramKind.SYMBOL, number, tag, block)
        pack_into, mac, at, symbol, sequence = RUN.pack_into, self._key.mac, HEAD.size, self.symbol, self._sequence
        self._sequence += len(slots)
        end, size, start = at + symbol, self.size, 0
        for esi, slot in enumerate(slots, first):
            pack_into(slot, 0, front, sequence, middle, esi)
            slot[at:end] = content[start : start + symbol]
            slot[end:size] = mac(slot[:end])
            sequence += 1
            start += symbol

    def write(
        self,
        into: memoryview,
        kind: DatagramKind,
        payload: bytes | memoryview = b"",
        *,
        number: int = 0,
        tag: bytes = bytes(TAG_SIZE),
        block: int = 0,
        esi: int = 0,
    ) -> None:
        """Write the next datagram into the first `size` bytes of `into`; a short payload is filled with zeros."""
        sequence, end = self._sequence, HEAD.size + self.symbol
        self._sequence += 1
        HEAD.pack_into(
            into, 0, VERSION, self._flags, self._link, self._session, sequence, kind, number, tag, block, esi
        )
        filled = HEAD.size + len(payload)
        into[HEAD.size : filled] = payload
        if filled < end:
            into[filled:end] = bytes(end - filled)
        if self._flags:
            into[CLEAR_SIZE:end] = self._key.veil(self._session, sequence, into[CLEAR_SIZE:end])
        into[end : self.size] = self._key.mac(into[:end])


def is_veiled(datagram: memoryview) -> bool:
    """Return whether a parsed datagram arrived veiled."""
    return bool(datagram[1] & VEILED)


def parse_datagram(untrusted: memoryview, keys: Mapping[int, LinkKey]) -> tuple[int, Datagram]:
    """Return the link and the datagram, after its MAC was compared; nothing else in it is trusted before that.

    Args:
        untrusted: One whole datagram.
        keys: The secret of each link that is accepted here, by its `link_id`.

    Raises:
        DatagramError: The datagram has to be dropped.

    Invariant L3.
    """
    size = len(untrusted)
    symbol = size - OVERHEAD
    if not SYMBOL_MIN <= symbol <= SYMBOL_MAX or symbol % SYMBOL_STEP:
        raise DatagramError(DropReason.SIZE)
    version, flags, link, session, sequence, kind, number, tag, block, esi = HEAD.unpack_from(untrusted)
    if version != VERSION or flags & ~VEILED:
        raise DatagramError(DropReason.VERSION)
    key = keys.get(link)
    if key is None:
        raise DatagramError(DropReason.LINK)
    end = size - MAC_SIZE
    if not hmac.compare_digest(key.mac(untrusted[:end]), untrusted[end:]):
        raise DatagramError(DropReason.MAC)
    payload = untrusted[HEAD.size : end]
    if flags:
        content = untrusted[:CLEAR_SIZE].tobytes() + key.veil(session, sequence, untrusted[CLEAR_SIZE:end])
        *_, kind, number, tag, block, esi = HEAD.unpack_from(content)
        payload = memoryview(content)[HEAD.size :]
    known = _KINDS.get(kind)
    if known is None:
        raise DatagramError(DropReason.FORM)
    return link, Datagram(session, sequence, known, number, tag, block, esi, payload)
