"""A desk's copy of one gateway's audit log: grows by the parts that batches bring, in whatever order they come."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from audit.chain import EMPTY, LINE_MAX, Head, check_chain, hash_line, parse_line, split_lines
from audit.errors import AuditError, LineError
from audit.log import AuditLog
from audit.utc_day import utc_today
from disk.durable import make_private_folder, replace, sync_folder
from transfer.batch.batch import AuditPart, GatewayId
from transfer.errors import BatchError, ContradictionError, CopyDamagedError

_CHAPTER: Final = "A copy of a log that is damaged or gone"
_DIGITS: Final = 16  # of a line number in a file name, so that names sort like numbers


@dataclass(frozen=True, slots=True)
class _OurLine:
    """A line that we have, and the file that it is in."""

    path: Path
    text: bytes


class LogCopy:
    """`<folder>/<gateway>.audit.jsonl`, and beside it `<gateway>.audit.d/` for parts that came too early."""

    def __init__(self, folder: Path, gateway: GatewayId) -> None:
        self._early = folder / f"{gateway}.audit.d"
        self._path = folder / f"{gateway}.audit.jsonl"
        # The copy never logs anything itself, so the day is never asked for.
        self._copy = AuditLog(self._path, today=utc_today)

    def head(self) -> Head:
        """Return the last line of the copy that follows from the first without a gap.

        Raises:
            CopyDamagedError: The last line is not a line of a log.
        """
        with _readable(self._path):
            return self._copy.head()

    def verify_copy(self, signed: Head) -> None:
        """Check that the copy reaches `signed`, and has the same line there.

        Args:
            signed: The last head that was signed before the first missing batch (`Arrivals.reached`).

        Raises:
            CopyDamagedError: It was changed or cut, or it is gone.
        """
        head = self.head()
        if head.seq < signed.seq:
            raise CopyDamagedError(
                f"{self._path} ends at line {head.seq}, but batches that were accepted here signed line {signed.seq}: "
                f"it was cut, it is gone, or a part in {self._early.name} is damaged (docs/sticks.md, '{_CHAPTER}')"
            )
        with _readable(self._path):
            lines = split_lines(self._copy.lines_after(signed.seq - 1, size_max=LINE_MAX + 1)) if signed.seq else []
        if signed.seq and [hash_line(line) for line in lines[:1]] != [signed.hash]:
            raise _damaged(self._path)

    def verify(self, part: AuditPart, text: bytes, *, heads: Mapping[int, Collection[str]]) -> None:
        """Check a part against its signed description, the lines that came before, and every head that was signed.

        Args:
            part: The batch's signed description of the lines.
            text: The lines.
            heads: What accepted batches signed for lines `part.first` - 1 to `part.last`, by number. A batch
                without new lines signs a head too, perhaps of a line that only comes now.

        Raises:
            BatchError: The lines do not fit their signed description.
            ContradictionError: They differ from lines that we have.
            CopyDamagedError: Our lines cannot be read, or a signed head proves that ours were changed.
        """
        lines = _lines_of(part, text)
        self.head()  # otherwise its damage would be found only after the packets were filed
        known = self._known(part, len(text))
        prev = parse_line(lines[0]).prev if lines else part.head
        named = {part.first - 1: prev} | {part.first + place: hash_line(line) for place, line in enumerate(lines)}
        for seq in sorted(named.keys() & heads.keys()):
            if set(heads[seq]) != {named[seq]}:
                raise ContradictionError(_contradiction(seq))
        # The chain down from a head that was signed before proves the lines in hand, and disproves ours.
        vouched = max(named.keys() & heads.keys(), default=-1)
        for place, line in enumerate(lines):
            ours = known.get(part.first + place)
            if ours is not None and ours.text != line:
                raise _differs(ours, part.first + place, vouched)
        before = known.get(part.first - 1)
        if before is not None and hash_line(before.text) != prev:
            raise _differs(before, part.first - 1, vouched)
        after = known.get(part.last + 1)
        if after is not None:
            with _readable(after.path):
                prev_of_after = parse_line(after.text).prev
            if prev_of_after != part.head:
                raise _differs(after, part.last, vouched)

    def store(self, part: AuditPart, text: bytes) -> None:
        """Keep a part that was verified, durably; join it and earlier ones to the copy where they fit.

        A part that was damaged here is left where it is, and the copy ends before it: `verify_copy` reports that.
        """
        if text:
            make_private_folder(self._early)
            sync_folder(self._early.parent)
            replace(self._early / f"{part.first:0{_DIGITS}}-{part.last:0{_DIGITS}}.jsonl", [text])
        for path, first in self._early_parts():
            head = self._copy.head()
            if first > head.seq + 1:
                break
            try:
                lines = split_lines(path.read_bytes())[head.seq + 1 - first :]
                self._copy.adopt(b"".join(line + b"\n" for line in lines))
            except AuditError:
                break
            path.unlink()

    def _known(self, part: AuditPart, size: int) -> dict[int, _OurLine]:
        """Return the lines that we have from just before the part of `size` bytes to just after it, by number."""
        wanted = range(part.first - 1, part.last + 2)
        found: dict[int, _OurLine] = {}
        for path, text in self._texts_around(part, size):
            with _readable(path):
                lines = split_lines(text)
                first = parse_line(lines[0]).seq if lines else 0
            numbered = enumerate(lines, start=first)
            found |= {seq: _OurLine(path, line) for seq, line in numbered if seq in wanted}
        return found

    def _texts_around(self, part: AuditPart, size: int) -> Iterator[tuple[Path, bytes]]:
        with _readable(self._path):
            # No more than the part and a line on each side: where ours differ, the first that does lies within.
            text = self._copy.lines_after(max(0, part.first - 2), size_max=size + 2 * (LINE_MAX + 1))
        yield self._path, text
        for path, first in self._early_parts():
            if first <= part.last + 1 and int(path.stem[_DIGITS + 1 :]) >= part.first - 1:
                yield path, path.read_bytes()

    def _early_parts(self) -> list[tuple[Path, int]]:
        return [(path, int(path.name[:_DIGITS])) for path in sorted(self._early.glob("*.jsonl"))]


def _lines_of(part: AuditPart, text: bytes) -> list[bytes]:
    try:
        lines = split_lines(text)
        prev = parse_line(lines[0]).prev if lines else part.head
        start = Head(part.first - 1, prev)
        report = check_chain(lines, start=start)
    except (LineError, AuditError) as error:
        raise BatchError(f"the batch's part of the audit log cannot be read: {error}") from None
    if report.faults:
        raise BatchError(f"the batch's part of the audit log is not a chain: {report.faults[0].reason}")
    if report.head != Head(part.last, part.head) or (part.first == 1 and prev != EMPTY.hash):
        raise BatchError("the batch's part of the audit log does not end in the head that was signed")
    return lines


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Report which file is damaged, and what to do, when what we kept is no longer a log."""
    try:
        yield
    except AuditError:
        raise _damaged(path) from None


def _differs(ours: _OurLine, number: int, vouched: int) -> Exception:
    return _damaged(ours.path) if number <= vouched else ContradictionError(_contradiction(number))


def _damaged(path: Path) -> CopyDamagedError:
    return CopyDamagedError(
        f"{path} is damaged, in this desk's copy of a gateway's log: move it away (docs/sticks.md, '{_CHAPTER}')"
    )


def _contradiction(number: int) -> str:
    return (
        f"the gateway's audit log now has another line {number} than the one that this desk has: its history was "
        "rewritten, or it was restored from an old copy"
    )
