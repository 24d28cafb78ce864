"""The decode process: computes the symbols that were lost. Has no key and no socket, and loads the coder.

A block may kill it, since the coder is foreign code; then it is restarted. A block that kills it repeatedly is dropped
and has to be received again.
"""

import os
from typing import Final

from disk.durable import is_disk_full
from transfer.diode.coder import decode_block
from transfer.diode.receiver.object_files import OpenFiles, write_at
from transfer.diode.receiver.open_objects import OpenShelf
from transfer.diode.receiver.symbol_map import BlockState

TRIES_MAX: Final = 16  # attempts, each with one more symbol, before a block is dropped and received again


def decode_ready(objects: OpenShelf) -> int:
    """Decode every READY block; return the number of attempts. An object without disk space is postponed."""
    attempts = 0
    for header, files in objects.scan():
        block = files.symbols.find(BlockState.READY)
        while block >= 0:
            try:
                _decode(files, block)
            except OSError as error:
                if not is_disk_full(error):
                    raise
                files.symbols.take_back_try(block)  # the disk failed, not the block
                objects.postpone(header.name)
                break
            attempts += 1
            block = files.symbols.find(BlockState.READY, block + 1)
    return attempts


def _decode(files: OpenFiles, block: int) -> None:
    symbols, geometry = files.symbols, files.symbols.geometry
    # Counted before the attempt, because the attempt may kill this process.
    if symbols.note_try(block) > TRIES_MAX:
        symbols.set_state(block, BlockState.FORGET)
        return
    size, count, first = geometry.symbol, geometry.count(block), geometry.first(block)
    missing = symbols.missing_symbols(block)
    source = memoryview(os.pread(files.data, count * size, first * size))
    absent = frozenset(missing)
    given: list[tuple[int, bytes | memoryview]]
    given = [(esi, source[esi * size : (esi + 1) * size]) for esi in range(count) if esi not in absent]
    esis = symbols.repairs(block)
    repair = memoryview(os.pread(files.repair, len(esis) * size, block * geometry.slots * size))
    given += [(esi, repair[slot * size : (slot + 1) * size]) for slot, esi in enumerate(esis)]
    found = decode_block(given, count=count, symbol=size)
    if found is None:
        symbols.set_state(block, BlockState.OPEN)  # until as many extra symbols have arrived as there were tries
        return
    view = memoryview(found)
    for esi in missing:
        write_at(files.data, [view[esi * size : (esi + 1) * size]], (first + esi) * size)
    symbols.set_state(block, BlockState.DONE)
