"""Symbols that arrived one after the other: compared in one piece and written with one system call. Pure."""

from dataclasses import dataclass

from transfer.diode.receiver.link_state import LinkState, OpenObject
from transfer.diode.wire.datagram import RUN, Datagram, is_veiled


@dataclass(slots=True)
class SymbolRun:
    """Consecutive source symbols of one block that are not written yet."""

    state: LinkState
    object: OpenObject
    tag: bytes
    block: int
    first: int
    next: int  # the symbol that would continue it
    end: int  # source symbols of the block
    size: int  # bytes of a symbol
    session: int
    # The fields of a datagram that continues the run, if it is not veiled; RUN in wire/datagram.py.
    length: int
    front: bytes
    middle: bytes
    pieces: list[memoryview]


def begin_run(state: LinkState, item: OpenObject, datagram: Datagram, untrusted: memoryview) -> SymbolRun:
    """Return the run that starts with this symbol."""
    front, _, middle, _ = RUN.unpack_from(untrusted)
    if is_veiled(untrusted):
        middle = b""  # veiled datagrams have no bytes in common
    return SymbolRun(
        state,
        item,
        datagram.tag,
        datagram.block,
        first=datagram.esi,
        next=datagram.esi + 1,
        end=item.header.geometry.count(datagram.block),
        size=len(datagram.payload),
        session=datagram.session,
        length=len(untrusted),
        front=front,
        middle=middle,
        pieces=[datagram.payload],
    )
