"""One submission from its first part to its last: which parts are kept, where they go, and what is refused.

Pushed by the transport with the events of the multipart parser; knows no socket, no clock and no page. What a
source sends goes from here to three places only: into the sealed upload, into `fields` in memory, or nowhere.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from gateway.form import Fields
from gateway.limits import Limits
from gateway.problems import Problem, RefusedFile, RefusedReason, SubmissionError
from gateway.reading.body_room import BodyRoom
from gateway.reading.kept_fields import KeptFields
from gateway.submission.plaintext_span import Span
from gateway.submission.sealed_upload import SealedUpload
from quarantine.file_types import HEAD_SIZE, FileType, RefusedType, TypeRefusal, accepted_type
from transfer.packet.manifest import NAME_MAX
from transfer.packet.writer import PacketMember

FILES_FIELD: Final = "files"
_TABLE: Final = ".csv"
REFUSED_MAX: Final = 100  # refused files that are listed; a form cannot send more by itself

_REASONS: Final = {
    TypeRefusal.NAME_NOT_ALLOWED: RefusedReason.NAME,
    TypeRefusal.CONTENT_NOT_RECOGNISED: RefusedReason.CONTENT,
    TypeRefusal.NAME_AND_CONTENT_DISAGREE: RefusedReason.DISAGREE,
}


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file that was sealed."""

    untrusted_name: str
    type: FileType
    member: PacketMember


class Files(Enum):
    """What happens to files; text is always accepted."""

    TAKEN = auto()
    REFUSED = auto()  # each is listed as refused, and the rest continues
    NOT_WAITED_FOR = auto()  # the first one ends the submission: what follows is too long to be read for nothing


class Intake:
    """Takes the parts in the order in which they come; `part`, then `data` as often as needed, then `part_end`.

    Args:
        room: What the body takes of the memory for texts.
        on_file: Called with each finished file and its plaintext's span, which it has to close.
        wider: Called once with the fields, when a file is beyond the limits: returns what else this source may send.
        files: Whether files are accepted at the moment.
    """

    def __init__(
        self,
        upload: SealedUpload,
        limits: Limits,
        on_file: Callable[[KeptFile, Span], None],
        room: BodyRoom,
        *,
        wider: Callable[[Fields], Awaitable[Limits]] | None = None,
        files: Files = Files.TAKEN,
    ) -> None:
        self.kept: list[KeptFile] = []
        self.refused: list[RefusedFile] = []
        self.refused_sizes: list[int] = []  # bytes, of each refused file that has come to its end
        self._upload = upload
        self._limits = limits
        self._on_file = on_file
        self._wider = wider
        self._files = files
        self._part: KeptFields | _File | None = None
        self._room = room
        self._typed = KeptFields(limits, room)

    @property
    def fields(self) -> Fields:
        """What was typed, as far as it is here."""
        return self._typed.fields

    def part(self, untrusted_name: str, untrusted_filename: str | None) -> None:
        """A part begins."""
        # Under whatever field it comes, also without a name: a refused file is listed, never dropped in silence.
        if untrusted_filename is not None or untrusted_name == FILES_FIELD:
            # A file field that nobody chose a file for is sent too: nameless and empty.
            self._part = _File((untrusted_filename or "")[-NAME_MAX:])
            return
        self._part = self._typed
        self._typed.begin(untrusted_name)

    async def data(self, untrusted_piece: bytes) -> None:
        """Bytes of the part that was begun.

        Raises:
            SubmissionError: A limit of the fields was passed.
            SpoolFullError, OSError: The packet could not be written.
        """
        match self._part:
            case _File() as file:
                await self._file_data(file, untrusted_piece)
            case KeptFields() as typed:
                typed.data(untrusted_piece)
            case None:
                raise RuntimeError("data outside of a part")

    async def part_end(self) -> None:
        """The part is complete."""
        part, self._part = self._part, None
        match part:
            case _File():
                await self._file_end(part)
                if part.is_refused:
                    self.refused_sizes.append(part.size)
            case KeptFields():
                part.end()
            case None:
                raise RuntimeError("the end of no part")

    async def _file_data(self, file: "_File", untrusted_piece: bytes) -> None:
        file.size += len(untrusted_piece)
        if file.is_refused:
            return
        if file.type is None:
            # The type is decided on the head, before a byte is sealed.
            file.head += untrusted_piece
            if len(file.head) < HEAD_SIZE or not (self._room.may_write and await self._accept(file)):
                return
            untrusted_piece = bytes(file.head)
        if file.size > self._limits.file_max_bytes:
            await self._widen()
        if file.size > self._limits.file_max_bytes:
            self._refuse(file, RefusedReason.SIZE)
            # Only what was kept before it continues; see SealedUpload.start_over.
            self._upload.end()
            members = await _to_its_end(self._upload.start_over, [kept.member for kept in self.kept])
            self.kept = [
                KeptFile(kept.untrusted_name, kept.type, member)
                for kept, member in zip(self.kept, members, strict=True)
            ]
            return
        self._upload.write(untrusted_piece)

    async def _file_end(self, file: "_File") -> None:
        if file.is_refused or not (file.untrusted_name or file.size):
            return
        if file.type is None:
            self._room.take_place(anyway=True)
            if not await self._accept(file):
                return
            self._upload.write(file.head)
        member = self._upload.end()
        kept = KeptFile(file.untrusted_name, file.accepted, member)
        self.kept.append(kept)
        self._on_file(kept, self._upload.span(member))

    async def _accept(self, file: "_File") -> bool:
        """Decide on a file whose head is known; begin its member, or refuse it."""
        if self._files is Files.NOT_WAITED_FOR:
            raise SubmissionError(Problem.FILES_OFF, fields=self.fields)
        if self._files is Files.REFUSED:
            self._refuse(file, RefusedReason.FILES_OFF)
            return False
        if not file.size:
            self._refuse(file, RefusedReason.EMPTY)
            return False
        is_table = file.untrusted_name.lower().endswith(_TABLE)
        if is_table or len(self.kept) >= self._limits.files_max or file.size > self._limits.file_max_bytes:
            await self._widen()
        if len(self.kept) >= self._limits.files_max:
            self._refuse(file, RefusedReason.COUNT)
            return False
        name = file.untrusted_name[: -len(_TABLE)] + ".txt" if is_table and self._limits.tables else file.untrusted_name
        try:
            file.type = accepted_type(name, bytes(file.head), self._limits.allowed)
        except RefusedType as error:
            self._refuse(file, _REASONS[error.refusal])
            return False
        if file.size > self._limits.file_max_bytes:
            self._refuse(file, RefusedReason.SIZE)
            return False
        self._upload.begin(f"files/{len(self.kept) + 1:02}.{file.type}")
        return True

    async def _widen(self) -> None:
        wider, self._wider = self._wider, None
        if wider is not None:
            self._limits = await wider(self.fields)

    def _refuse(self, file: "_File", reason: RefusedReason) -> None:
        file.is_refused = True
        file.head.clear()
        if len(self.refused) < REFUSED_MAX:
            self.refused.append(RefusedFile(file.untrusted_name, reason))


async def _to_its_end(
    start_over: Callable[[Sequence[PacketMember]], list[PacketMember]], members: Sequence[PacketMember]
) -> list[PacketMember]:
    """Run `start_over` in a thread. Cancelled, this still ends after the thread.

    A thread that continued while the upload is discarded would leave a packet in the spool that nobody ever ends.
    """
    work = asyncio.ensure_future(asyncio.to_thread(start_over, members))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work])
        raise


class _File:
    """A file being read; `head` is its beginning until its type is decided."""

    def __init__(self, untrusted_name: str) -> None:
        self.untrusted_name = untrusted_name
        self.head = bytearray()
        self.size = 0  # bytes so far
        self.type: FileType | None = None
        self.is_refused = False

    @property
    def accepted(self) -> FileType:
        if self.type is None:
            raise RuntimeError("the type is not decided")
        return self.type
