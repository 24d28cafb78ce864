"""Parts in, a sealed packet out, against a real spool: how the bytes are split and in which order parts come."""

import asyncio
import hashlib
import io
import itertools
import os
import threading
import zipfile
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from multipart import MultipartSegment, PushMultipartParser

from gateway.form import FIELD_BYTES_MAX, FIELDS_MAX
from gateway.limits import Limits
from gateway.problems import Problem, RefusedReason, SubmissionError
from gateway.reading.body_room import BodyRoom
from gateway.reading.text_memory import SMALL_TEXT, TextMemory
from gateway.reading.upload_slots import UploadSlots
from gateway.submission.intake import REFUSED_MAX, Intake, KeptFile
from gateway.submission.plaintext_span import Span
from gateway.submission.sealed_upload import SealedUpload
from keys.age.small import open_bytes
from keys.identity import generate_identity
from keys.recipient import KeyKind
from quarantine.file_types import HEAD_SIZE, FileType
from tests.builders.body_rooms import body_room
from tests.worlds.waiting import WATCHDOG, descriptors, descriptors_before, until
from transfer.names import Lane
from transfer.packet.manifest import NAME_MAX
from transfer.spool.spool import Spool, SpoolFullError

IDENTITY = generate_identity(KeyKind.CLASSIC)
LIMIT = 100_000  # bytes of one file
LIMITS = Limits(files_max=3, file_max_bytes=LIMIT, message_max_bytes=5000, allowed=frozenset(FileType))
QUOTA = 50 * 1024 * 1024


class _Desk:
    """One submission: a spool, an upload, an intake; collects what the inspection would be given."""

    def __init__(self, folder: Path, limits: Limits = LIMITS) -> None:
        self.spool = Spool(folder, quota=QUOTA, reserve=0, tick=1)
        self.spool.prepare()
        self.upload = SealedUpload(self.spool, lambda: self.spool.admit(1_000_000), [IDENTITY.recipient])
        self.seen: list[bytes] = []
        self.intake = Intake(self.upload, limits, self._look, body_room())

    def _look(self, kept: KeptFile, span: Span) -> None:
        with span:
            content = b"".join(span.pieces())
        assert hashlib.sha256(content).hexdigest() == kept.member.sha256
        self.seen.append(content)

    async def take(self, name: str, filename: str | None, *pieces: bytes) -> None:
        self.intake.part(name, filename)
        for piece in pieces:
            await self.intake.data(piece)
        await self.intake.part_end()

    def files(self) -> dict[str, bytes]:
        """Commit; return the packet's files by the names that the source gave."""
        packet = self.upload.hand_over(Lane.CLEAR, b"{}", b"{}")()
        with zipfile.ZipFile(io.BytesIO(open_bytes(packet.path.read_bytes(), [IDENTITY]))) as archive:
            assert archive.testzip() is None
            members = [name for name in archive.namelist() if name.startswith("files/")]
            assert members == [kept.member.name for kept in self.intake.kept]
            return {kept.untrusted_name: archive.read(kept.member.name) for kept in self.intake.kept}

    def leftovers(self) -> list[Path]:
        return [path for path in self.spool.root.rglob("*") if path.is_file()]


@pytest.fixture
def desk(tmp_path: Path) -> _Desk:
    return _Desk(tmp_path)


def _body(parts: Sequence[tuple[str, str | None, bytes]]) -> bytes:
    body = b""
    for name, filename, content in parts:
        of_file = "" if filename is None else f'; filename="{filename}"'
        body += f'--b\r\nContent-Disposition: form-data; name="{name}"{of_file}\r\n\r\n'.encode() + content + b"\r\n"
    return body + b"--b--\r\n"


async def _push(intake: Intake, body: bytes, cuts: Sequence[int]) -> None:
    parser = PushMultipartParser("b", content_length=len(body))
    places = [0, *sorted(cuts), len(body)]
    for start, end in itertools.pairwise(places):
        if start < end:
            for event in parser.parse(body[start:end]):
                if event is None:
                    await intake.part_end()
                elif isinstance(event, MultipartSegment):
                    intake.part(event.name or "", event.filename)
                else:
                    await intake.data(event)


# Text around the sizes where something changes: the head, an age chunk, the limit of a file.
SIZES = st.sampled_from([0, 1, HEAD_SIZE - 1, HEAD_SIZE, HEAD_SIZE + 1, 65_535, 65_536, LIMIT - 1, LIMIT])
PARTS = st.lists(
    st.one_of(
        st.tuples(st.just("files"), st.sampled_from(["a.txt", "b.TXT", "æ.txt"]), SIZES.map(lambda n: b"t\r\n--" * n)),
        st.tuples(st.just("files"), st.just("p.pdf"), SIZES.map(lambda n: b"%PDF-1.4\n" + b"x" * n)),
        st.tuples(st.just("files"), st.sampled_from(["x.exe", "x.pdf"]), SIZES.map(lambda n: b"MZ" + b"x" * n)),
        st.tuples(st.just("files"), st.just("large.txt"), st.just(b"y" * (LIMIT + 1))),
        st.tuples(st.just("files"), st.just(""), st.just(b"")),
        st.tuples(st.just("message"), st.none(), st.binary(max_size=50)),
        st.tuples(st.just("stranger"), st.none(), st.binary(max_size=50)),
    ),
    max_size=6,
)


@settings(max_examples=40, deadline=None)
@given(PARTS, st.data())
def test_neither_the_order_of_parts_nor_their_split_matters(
    parts: list[tuple[str, str | None, bytes]], data: st.DataObject
) -> None:
    parts = [(name, filename, content[: LIMIT + 1]) for name, filename, content in parts]
    body = _body(parts)
    cuts = data.draw(st.lists(st.integers(0, len(body)), max_size=8))
    found = []
    for split in (cuts, ()):
        with TemporaryDirectory() as folder:
            desk = _Desk(Path(folder))
            asyncio.run(_push(desk.intake, body, split))
            kept = [(kept.untrusted_name, kept.type, kept.member.size) for kept in desk.intake.kept]
            seen = list(desk.seen)
            found.append((kept, desk.intake.refused, desk.intake.fields.values, seen, desk.files()))
            assert len(desk.leftovers()) == 1
    assert found[0] == found[1]
    kept, refused, _, seen, files = found[0]
    sent = [(filename, content) for name, filename, content in parts if name == "files" and (filename or content)]
    assert len(kept) + len(refused) == len(sent)
    wanted = [(name, content) for name, content in sent if name in ("a.txt", "b.TXT", "æ.txt", "p.pdf")]
    wanted = [(name, content) for name, content in wanted if 0 < len(content) <= LIMIT][:3]
    assert [(name, len(content)) for name, content in wanted] == [(name, size) for name, _, size in kept]
    assert seen == [content for _, content in wanted]
    assert files == dict(wanted)


@pytest.mark.parametrize("place", [0, 1, 2])
async def test_a_file_over_the_limit_goes_and_exactly_the_others_stay(desk: _Desk, place: int) -> None:
    sent = [("a.txt", b"a" * 70_000), ("b.txt", b"b" * LIMIT)]
    sent.insert(place, ("large.txt", b"SECRETMARK" * 10_001))
    for name, content in sent:
        await desk.take("files", name, *(content[start : start + 7000] for start in range(0, len(content), 7000)))
    assert desk.files() == dict(entry for entry in sent if entry[0] != "large.txt")
    assert [(file.untrusted_name, file.reason) for file in desk.intake.refused] == [("large.txt", RefusedReason.SIZE)]
    (packet,) = desk.leftovers()
    assert b"SECRETMARK" not in open_bytes(packet.read_bytes(), [IDENTITY])


async def test_two_files_over_the_limit(desk: _Desk) -> None:
    for name in ("1.txt", "a.txt", "2.txt", "b.txt"):
        await desk.take("files", name, *[name[:1].encode() * 30_000] * (3 if name in ("a.txt", "b.txt") else 4))
    assert desk.files() == {"a.txt": b"a" * 90_000, "b.txt": b"b" * 90_000}


async def test_a_packet_that_starts_over_holds_no_descriptor_of_the_old_one(desk: _Desk) -> None:
    before = descriptors_before()
    await desk.take("files", "a.txt", b"a" * 70_000)
    await desk.take("files", "large.txt", b"b" * 70_000, b"b" * 70_000)
    assert descriptors() == before + 1
    desk.upload.discard()
    assert descriptors() == before
    assert desk.leftovers() == []


async def test_cancelled_while_it_starts_over_nothing_is_left(desk: _Desk) -> None:
    before = descriptors_before()
    await desk.take("files", "a.txt", b"a" * 70_000)
    begun, go_on, over = threading.Event(), threading.Event(), threading.Event()
    start_over = desk.upload.start_over

    def slowly(kept: Sequence[object]) -> object:
        begun.set()
        go_on.wait(WATCHDOG)
        try:
            return start_over(kept)  # type: ignore[arg-type]
        finally:
            over.set()

    async def submission() -> None:
        try:
            with mock.patch.object(desk.upload, "start_over", slowly):
                await desk.take("files", "large.txt", b"b" * 70_000, b"b" * 70_000)
        finally:
            desk.upload.discard()

    task = asyncio.create_task(submission())
    await asyncio.to_thread(begun.wait, WATCHDOG)
    task.cancel()
    await asyncio.sleep(0.05)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.to_thread(over.wait, WATCHDOG)
    await until(lambda: desk.leftovers() == [])
    await until(lambda: descriptors() == before)


async def test_without_room_to_start_over_nothing_is_left(desk: _Desk) -> None:
    before = descriptors_before()
    await desk.take("files", "a.txt", b"a" * 70_000)
    with mock.patch.object(desk.spool, "admit", side_effect=SpoolFullError("full")), pytest.raises(SpoolFullError):
        await desk.take("files", "large.txt", b"b" * 70_000, b"b" * 70_000)
    desk.upload.discard()
    assert desk.leftovers() == []
    assert descriptors() == before
    # The room was given back too: this needs nearly all of it.
    desk.spool.admit(48_900_000).release()


async def test_an_upload_takes_room_on_the_disk_once_there_is_something_to_keep(desk: _Desk) -> None:
    # A thousand heads that announce something would fill the spool without a byte.
    desk.spool.admit(48_900_000).release()
    await desk.take("message", None, b"a text")
    desk.spool.admit(48_900_000).release()
    await desk.take("files", "a.txt", b"a" * 70_000)
    with pytest.raises(SpoolFullError):
        desk.spool.admit(48_900_000)
    desk.upload.discard()
    desk.spool.admit(48_900_000).release()


async def test_a_large_upload_opens_no_packet_before_it_has_its_place(desk: _Desk) -> None:
    places = UploadSlots(1, min_rate=1)
    with BodyRoom(TextMemory(), 10**9, lambda: None, places=places) as room:
        intake = Intake(desk.upload, LIMITS, desk._look, room)
        intake.part("files", "a.txt")
        room.arrived(SMALL_TEXT)
        await intake.data(b"x" * SMALL_TEXT)
        room.take_place()
        assert (len(places), desk.leftovers()) == (0, [])
        room.arrived(1)
        room.take_place()
        await intake.data(b"x")
        assert (len(places), len(desk.leftovers())) == (1, 1)
        await intake.part_end()
    # A file that ends before that needs one, too.
    with BodyRoom(TextMemory(), 10**9, lambda: None, places=places) as room:
        intake = Intake(desk.upload, LIMITS, desk._look, room)
        room.arrived(100)
        intake.part("files", "a.txt")
        await intake.data(b"x" * 50)
        await intake.part_end()
        assert len(places) == 1


async def test_without_descriptors_to_start_over_none_is_lost(desk: _Desk) -> None:
    before = descriptors_before()
    await desk.take("files", "a.txt", b"a" * 70_000)
    await desk.take("files", "b.txt", b"b" * 70_000)
    real, left = os.dup, [1]

    def dup(fd: int) -> int:
        if not left:
            raise OSError(24, "too many open files")
        left.pop()
        return real(fd)

    with mock.patch("gateway.submission.plaintext_span.os.dup", dup), pytest.raises(OSError, match="too many"):
        await desk.take("files", "large.txt", b"b" * 70_000, b"b" * 70_000)
    desk.upload.discard()
    assert descriptors() == before


async def test_nothing_is_created_before_there_is_something_to_keep(desk: _Desk) -> None:
    await desk.take("message", None, b"text")
    await desk.take("files", "", b"")
    await desk.take("files", "x.exe", b"MZ" * 10_000)
    desk.intake.part("files", "a.txt")
    await desk.intake.data(b"a" * (HEAD_SIZE - 1))
    assert desk.leftovers() == []
    await desk.intake.part_end()
    assert len(desk.leftovers()) == 1


async def test_a_nameless_file_with_content_is_not_lost_in_silence(desk: _Desk) -> None:
    await desk.take("files", "", b"content")
    assert [file.reason for file in desk.intake.refused] == [RefusedReason.NAME]


@pytest.mark.parametrize("name", ["notes.txt", "cloud.pdf", "photo.heic", "a folder"])
async def test_an_empty_file_is_listed_and_never_sealed(desk: _Desk, name: str) -> None:
    await desk.take("files", name)
    await desk.take("files", name, b"")
    await desk.take("message", None, b"text")
    assert [(file.untrusted_name, file.reason) for file in desk.intake.refused] == [(name, RefusedReason.EMPTY)] * 2
    assert desk.intake.kept == []
    assert desk.leftovers() == []


@pytest.mark.parametrize("name", ["notes.txt", "cloud.pdf", "cloud.zip", "photo.jpg"])
async def test_a_file_of_nothing_but_zeros_is_no_file_of_its_type(desk: _Desk, name: str) -> None:
    await desk.take("files", name, bytes(HEAD_SIZE), bytes(100))
    assert [file.reason for file in desk.intake.refused] == [RefusedReason.CONTENT]


async def test_texts_that_come_twice_are_all_kept_within_the_limit_of_one(desk: _Desk) -> None:
    await desk.take("message", None, b"first")
    await desk.take("message", None, b"second")
    await desk.take("message", None, b"first")
    assert desk.intake.fields.text("message") == "first\n\nsecond"
    error = await _refused(desk, "message", b"x" * 4990)
    assert error.problem is Problem.TEXT_TOO_LONG
    assert error.fields.text("message") == "first\n\nsecond\n\n" + "x" * 4990


async def test_a_name_is_cut_at_its_beginning(desk: _Desk) -> None:
    await desk.take("files", "x" * 3000 + ".txt", b"hello")
    (kept,) = desk.intake.kept
    assert kept.untrusted_name == "x" * (NAME_MAX - 4) + ".txt"


async def test_so_many_refused_files_are_listed_and_no_more(desk: _Desk) -> None:
    for _ in range(REFUSED_MAX + 5):
        await desk.take("files", "x.exe", b"MZ")
    assert len(desk.intake.refused) == REFUSED_MAX


async def _refused(desk: _Desk, name: str, *pieces: bytes) -> SubmissionError:
    with pytest.raises(SubmissionError) as caught:
        await desk.take(name, None, *pieces)
    return caught.value


async def test_limits_of_the_fields_keep_what_was_typed(desk: _Desk) -> None:
    await desk.take("public_body", None, b"A court")
    error = await _refused(desk, "message", b"x" * 5000, b"x")
    assert error.problem is Problem.TEXT_TOO_LONG
    assert (error.fields.first("public_body"), error.fields.first("message")) == ("A court", "x" * 5001)
    error = await _refused(desk, "contact_name", b"x" * (FIELD_BYTES_MAX + 1))
    assert (error.problem, error.field_name) == (Problem.FIELD_TOO_LONG, "contact_name")


async def test_exactly_the_limits_are_taken(desk: _Desk) -> None:
    await desk.take("message", None, b"x" * 4000, b"x" * 1000)
    await desk.take("contact_name", None, b"x" * FIELD_BYTES_MAX)
    left = LIMITS.fields_max_bytes - len("message") - 5000 - len("contact_name") - FIELD_BYTES_MAX
    for number in itertools.count():
        name = f"person-{number % 200 + 1}-role"
        size = min(FIELD_BYTES_MAX, left - len(name) - len("contact_phone") - 1)
        await desk.take(name, None, b"x" * size)
        left -= len(name) + size
        if size < FIELD_BYTES_MAX:
            break
    # Names count as values do.
    await desk.take("contact_phone", None, b"x")
    assert (await _refused(desk, "contact_phone", b"")).problem is Problem.FIELD_TOO_LONG


async def test_whatever_the_field_all_of_them_have_one_limit() -> None:
    # Four hundred parts of one name took a gigabyte and a half.
    room = body_room()
    intake = Intake(mock.create_autospec(SealedUpload, instance=True), LIMITS, mock.Mock(), room)
    with pytest.raises(SubmissionError) as refused:
        for number in range(400):
            intake.part(f"person-{number % 200 + 1}-{('role', 'workplace')[number % 2]}", None)
            await intake.data("\U0001f600".encode() * (FIELD_BYTES_MAX // 4))
            await intake.part_end()
    assert refused.value.problem is Problem.FIELD_TOO_LONG
    kept = sum(len(name) + sum(map(len, values)) for name, values in intake.fields.values.items())
    assert kept <= LIMITS.fields_max_bytes + FIELD_BYTES_MAX


async def test_so_many_fields_and_no_more(desk: _Desk) -> None:
    for _ in range(FIELDS_MAX):
        await desk.take("unknown", None, b"")
    assert (await _refused(desk, "unknown")).problem is Problem.MALFORMED


async def test_an_unknown_field_takes_no_memory(desk: _Desk) -> None:
    await desk.take("unknown", None, *[b"x" * LIMIT] * 50)
    assert desk.intake.fields.values == {}
