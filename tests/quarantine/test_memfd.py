import asyncio
import fcntl
import mmap
import os
import time
from array import array

import pytest

from quarantine.budgets import Budgets
from quarantine.errors import FileTooLargeError
from quarantine.memfd import MemfdWriter, SealedMemfd, Slots, seal_bytes_in_memory
from tests.worlds.waiting import WATCHDOG, descriptors, descriptors_before


def test_what_was_written_is_there() -> None:
    with MemfdWriter(10) as writer:
        writer.write(b"hello ")
        writer.write(memoryview(b"you"))
        memfd = writer.seal()
    with memfd:
        assert (memfd.size, memfd.head(100), memfd.head(5)) == (9, b"hello you", b"hello")
        assert os.read(memfd.fd, 100) == b"hello you"


def test_a_view_of_wider_items_counts_its_bytes() -> None:
    items = array("I", range(10))
    with MemfdWriter(40) as writer:
        writer.write(memoryview(items))
        with writer.seal() as memfd:
            assert (memfd.size, memfd.head(100)) == (40, items.tobytes())


def test_beyond_the_limit_nothing_is_written() -> None:
    with MemfdWriter(10) as writer:
        writer.write(b"x" * 10)
        with pytest.raises(FileTooLargeError):
            writer.write(b"x")
        with writer.seal() as memfd:
            assert memfd.size == 10


@pytest.fixture
def sealed() -> SealedMemfd:
    return seal_bytes_in_memory(b"original")


def test_a_sealed_memfd_cannot_be_changed(sealed: SealedMemfd) -> None:
    with sealed:
        for change in (
            lambda: os.write(sealed.fd, b"changed"),
            lambda: os.pwrite(sealed.fd, b"changed", 0),
            lambda: os.ftruncate(sealed.fd, 1),
            lambda: os.ftruncate(sealed.fd, 1000),
            lambda: mmap.mmap(sealed.fd, 8, prot=mmap.PROT_WRITE),
            lambda: fcntl.fcntl(sealed.fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE),
        ):
            with pytest.raises(PermissionError):
                change()
        assert sealed.head(100) == b"original"


def test_opening_it_again_does_not_help(sealed: SealedMemfd) -> None:
    with sealed:
        again = os.open(f"/proc/self/fd/{sealed.fd}", os.O_RDWR)
        try:
            with pytest.raises(PermissionError):
                os.write(again, b"changed")
        finally:
            os.close(again)
        with pytest.raises(PermissionError):
            os.close(os.open(f"/proc/self/fd/{sealed.fd}", os.O_RDWR | os.O_TRUNC))
        assert sealed.head(100) == b"original"


def test_an_unsealed_writer_leaves_no_descriptor() -> None:
    before = descriptors_before()
    with MemfdWriter(10) as writer:
        writer.write(b"x")
    with seal_bytes_in_memory(b"x"):
        pass
    assert descriptors() == before


async def test_no_more_files_in_memory_than_slots() -> None:
    slots = Slots(2, file_max=100, resident_max=20)
    assert slots.bytes_bound == 240
    first = await slots.take(deadline=time.monotonic() + 1)
    second = await slots.take(deadline=time.monotonic() + 1)
    assert first is not None
    assert second is not None
    assert await slots.take(deadline=time.monotonic() + 0.05) is None
    waiting = asyncio.create_task(slots.take(deadline=time.monotonic() + WATCHDOG))
    await asyncio.sleep(0)
    first.give_back()
    first.give_back()  # the second time must not make a third slot
    assert await waiting is not None
    assert await slots.take(deadline=time.monotonic() + 0.05) is None


def test_nonsense_limits_are_refused() -> None:
    with pytest.raises(ValueError, match="slot"):
        Slots(0)
    with pytest.raises(ValueError, match="above zero"):
        Budgets(members=0)
