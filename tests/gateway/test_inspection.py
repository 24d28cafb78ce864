"""The inspection of one submission under its budget: slow, dead and broken inspectors, few slots, nothing lost."""

import asyncio
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.submission import inspection as module
from gateway.submission.inspection import Inspections, SubmissionInspection
from gateway.submission.intake import KeptFile
from gateway.submission.plaintext_span import Span
from gateway.submission.sealed_upload import SealedUpload
from keys.identity import generate_identity
from keys.recipient import KeyKind
from quarantine.file_types import FileType
from quarantine.inspector import Inspector
from quarantine.memfd import SealedMemfd, Slot, Slots
from quarantine.verdict import Clear, Reason, Undecided, Verdict
from tests.worlds.waiting import WATCHDOG, descriptors, descriptors_before, until
from transfer.spool.spool import Spool

IDENTITY = generate_identity(KeyKind.CLASSIC)


class _Fake(Inspector):
    """Judges as `judge` says; remembers what it was shown, and how many at one time."""

    def __init__(self, judge: Callable[[bytes], None] = lambda _: None) -> None:
        self._judge = judge
        self._lock = threading.Lock()
        self.seen: list[bytes] = []
        self.deadlines: list[float] = []
        self.now = self.most = 0

    def inspect(self, memfd: SealedMemfd, file_type: FileType, digest: str, *, deadline: float) -> Verdict:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
            self.deadlines.append(deadline)
        try:
            content = memfd.head(memfd.size)
            self.seen.append(content)
            self._judge(content)
            return Clear(digest)
        finally:
            with self._lock:
                self.now -= 1


class _Upload:
    """Files sealed into a real packet, from which the inspection reads them back."""

    def __init__(self, folder: Path) -> None:
        spool = Spool(folder, quota=50_000_000, reserve=0, tick=1)
        spool.prepare()
        self.sealed = SealedUpload(spool, lambda: spool.admit(1_000_000), [IDENTITY.recipient])
        self.count = 0

    def file(self, content: bytes) -> tuple[KeptFile, Span]:
        self.count += 1
        self.sealed.begin(f"files/{self.count:02}.txt")
        self.sealed.write(content)
        member = self.sealed.end()
        return KeptFile("a.txt", FileType.TXT, member), self.sealed.span(member)


@pytest.fixture
def upload(tmp_path: Path) -> _Upload:
    return _Upload(tmp_path)


def _shared(inspector: Inspector | None, *, slots: int = 2, budget: float = WATCHDOG) -> Inspections:
    return Inspections(inspector, Slots(slots, file_max=1_000_000), budget, 1_000_000)


async def _rest(before: int) -> None:
    """Wait until the descriptors are what they were."""
    await until(lambda: descriptors() == before)


async def _slots_are_free(shared: Inspections, count: int) -> None:
    taken = [await shared.slots.take(deadline=time.monotonic() + WATCHDOG) for _ in range(count)]
    assert all(taken)
    for slot in taken:
        assert slot is not None
        slot.give_back()


async def test_each_file_is_seen_whole_while_the_next_one_arrives(upload: _Upload) -> None:
    upload.file(b"first, so that the packet exists")[1].close()
    before = descriptors_before()
    fake = _Fake()
    shared = _shared(fake)
    inspection = shared.open()
    contents = [b"small", b"x" * 65_536, os.urandom(300_000), b""]
    for content in contents:
        inspection.add(*upload.file(content))
        await asyncio.sleep(0.05)
    verdicts = await inspection.verdicts()
    await inspection.close()
    assert [type(verdict) for verdict in verdicts] == [Clear] * 4
    assert sorted(fake.seen) == sorted(contents)
    await _rest(before)
    await _slots_are_free(shared, 2)


async def test_no_more_than_the_slots_are_in_memory(upload: _Upload) -> None:
    fake = _Fake(lambda _: time.sleep(0.05))
    shared = _shared(fake, slots=2)
    inspection = shared.open()
    for number in range(6):
        inspection.add(*upload.file(b"%d" % number))
    assert all(isinstance(verdict, Clear) for verdict in await inspection.verdicts())
    await inspection.close()
    assert fake.most == 2


async def test_an_inspector_that_never_returns_delays_a_receipt_by_the_budget_at_most(upload: _Upload) -> None:
    upload.file(b"first")[1].close()
    before = descriptors_before()
    go_on = threading.Event()
    shared = _shared(_Fake(lambda _: _wait(go_on)), slots=1, budget=0.4)
    deadlines = _deadlines_of_slots(shared)
    inspection = shared.open()
    for number in range(3):
        inspection.add(*upload.file(b"%d" % number))
    verdicts = await inspection.verdicts()
    await inspection.close()
    # Three files and one slot: the budget is the whole submission's, queueing included.
    assert len(deadlines) == 3
    assert len(set(deadlines)) == 1
    assert not go_on.is_set()
    assert [type(verdict) for verdict in verdicts] == [Undecided] * 3
    assert verdicts[0] == Undecided(verdicts[0].digest, Reason.OUT_OF_TIME)
    assert await shared.slots.take(deadline=time.monotonic() + 0.1) is None
    go_on.set()
    await _rest(before)
    await _slots_are_free(shared, 1)


def _wait(event: threading.Event) -> None:
    event.wait(WATCHDOG)


def _deadlines_of_slots(shared: Inspections) -> list[float]:
    """Return a list to which every wait for a slot adds its deadline."""
    deadlines, real = list[float](), shared.slots.take

    async def take(*, deadline: float) -> Slot | None:
        deadlines.append(deadline)
        return await real(deadline=deadline)

    shared.slots.take = take  # type: ignore[method-assign]  # of this object only
    return deadlines


async def test_the_budget_begins_with_the_last_byte(upload: _Upload) -> None:
    fake = _Fake()
    shared = _shared(fake, slots=1, budget=0.3)
    slot = await shared.slots.take(deadline=time.monotonic() + 1)
    assert slot is not None
    deadlines = _deadlines_of_slots(shared)
    inspection = shared.open()
    inspection.add(*upload.file(b"waits for a slot while the upload goes on"))
    # The budget has passed twice.
    await until(lambda: len(deadlines) == 3)
    slot.give_back()
    await until(inspection._tasks[0].done)
    (verdict,) = await inspection.verdicts()
    await inspection.close()
    assert isinstance(verdict, Clear)


async def test_the_inspector_is_told_when_the_submission_s_budget_ends(upload: _Upload) -> None:
    fake = _Fake(lambda _: time.sleep(0.2))
    shared = _shared(fake, slots=1, budget=60.0)
    inspection = shared.open()
    for number in range(2):
        inspection.add(*upload.file(b"%d" % number))
    started = time.monotonic()
    await inspection.verdicts()
    await inspection.close()
    first, second = fake.deadlines
    assert first == second
    assert started <= first - 60.0 <= time.monotonic()


async def test_a_broken_inspector_loses_no_file(upload: _Upload, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[BaseException] = []
    monkeypatch.setattr(module, "log", lambda _, fault: said.append(fault))

    def fail(content: bytes) -> None:
        if content == b"bad":
            raise RuntimeError("broken")

    shared = _shared(_Fake(fail))
    inspection = shared.open()
    for content in (b"good", b"bad"):
        inspection.add(*upload.file(content))
    good, bad = await inspection.verdicts()
    await inspection.close()
    assert isinstance(good, Clear)
    assert bad == Undecided(bad.digest, Reason.INSPECTION_FAILED)
    assert [type(fault) for fault in said] == [RuntimeError]
    await _slots_are_free(shared, 2)


async def test_what_is_not_on_the_disk_as_written_is_undecided(
    upload: _Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(module, "log")  # expected, and no fault of ours
    kept, span = upload.file(os.urandom(300_000))
    span.payload_key = bytes(32)
    fake = _Fake()
    inspection = _shared(fake).open()
    inspection.add(kept, span)
    (verdict,) = await inspection.verdicts()
    await inspection.close()
    assert verdict == Undecided(kept.member.sha256, Reason.INSPECTION_FAILED)
    assert fake.seen == []


async def test_switched_off_is_undecided_and_holds_nothing(upload: _Upload) -> None:
    upload.file(b"first")[1].close()
    before = descriptors_before()
    inspection = _shared(None).open()
    kept, span = upload.file(b"x")
    inspection.add(kept, span)
    assert await inspection.verdicts() == [Undecided(kept.member.sha256, Reason.SWITCHED_OFF)]
    await inspection.close()
    await _rest(before)


async def test_a_submission_that_breaks_off_leaves_no_slot_no_descriptor_and_no_key(upload: _Upload) -> None:
    upload.file(b"first")[1].close()
    before = descriptors_before()
    shared = _shared(_Fake(lambda _: time.sleep(0.1)), slots=1)
    inspection: SubmissionInspection = shared.open()
    spans = []
    for number in range(4):
        kept, span = upload.file(b"%d" % number)
        spans.append(span)
        inspection.add(kept, span)
        if number == 1:
            await asyncio.sleep(0.03)  # the first is in a thread now, the second waits for a slot
    await inspection.close()
    await _rest(before)
    assert all(span.payload_key == b"" and span.tail == b"" for span in spans)
    await _slots_are_free(shared, 1)


async def test_a_submission_without_files_waits_for_nothing() -> None:
    inspection = _shared(_Fake()).open()
    assert await inspection.verdicts() == []
    await inspection.close()
