"""A desk's copy of one gateway's audit log: grows by the parts that batches bring, in whatever order they come."""

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from audit.chain import EMPTY, Head, check_chain, hash_line, parse_line, split_lines
from audit.errors import AuditError, LineError
from audit.log import AuditLog
from disk.durable import make_private_folder, replace, sync_folder
from transfer.batch import AuditPart, GatewayId
from transfer.errors import BatchError, ContradictionError

_DIGITS: Final = 16  # of a line number in a file name, so that names sort like numbers


class GatewayHistory:
    """`<folder>/<gateway>.audit.jsonl`, and beside it `<gateway>.audit.d/` for parts that came too early."""

    def __init__(self, folder: Path, gateway: GatewayId) -> None:
        self._early = folder / f"{gateway}.audit.d"
        # The copy says nothing of its own, so no day is ever asked for.
        self._copy = AuditLog(folder / f"{gateway}.audit.jsonl", today=_today)

    def head(self) -> Head:
        """Return the last line of the copy that follows from the first without a gap."""
        return self._copy.head()

    def verify(self, part: AuditPart, text: bytes, *, heads: Mapping[int, Collection[str]]) -> None:
        """Check a part against its signed description, every line that came before, and every head that was signed.

        Args:
            part: What the batch's list says of the lines.
            text: The lines.
            heads: What accepted batches signed for lines `part.first` - 1 to `part.last`, by number. A batch
                without new lines signs a head too, perhaps of a line that only comes now.

        Raises:
            BatchError: The lines are not what the batch's list says of them.
            ContradictionError: They say something else than lines that we have.
        """
        lines = _lines_of(part, text)
        known = self._known(part)
        prev = parse_line(lines[0]).prev if lines else part.head
        says = {part.first - 1: prev} | {part.first + place: hash_line(line) for place, line in enumerate(lines)}
        for seq in sorted(says.keys() & heads.keys()):
            if set(heads[seq]) != {says[seq]}:
                raise ContradictionError(_contradiction(seq))
        for place, line in enumerate(lines):
            if known.get(part.first + place, line) != line:
                raise ContradictionError(_contradiction(part.first + place))
        before = known.get(part.first - 1)
        if before is not None and hash_line(before) != prev:
            raise ContradictionError(_contradiction(part.first - 1))
        after = known.get(part.last + 1)
        if after is not None and parse_line(after).prev != part.head:
            raise ContradictionError(_contradiction(part.last))

    def store(self, part: AuditPart, text: bytes) -> None:
        """Keep a part that was verified, durably; join it and earlier ones to the copy where they fit."""
        if text:
            make_private_folder(self._early)
            sync_folder(self._early.parent)
            replace(self._early / f"{part.first:0{_DIGITS}}-{part.last:0{_DIGITS}}.jsonl", [text])
        for path, first in self._early_parts():
            head = self._copy.head()
            if first > head.seq + 1:
                break
            lines = split_lines(path.read_bytes())[head.seq + 1 - first :]
            self._copy.adopt(b"".join(line + b"\n" for line in lines))
            path.unlink()

    def _known(self, part: AuditPart) -> dict[int, bytes]:
        """Return the lines that we have from just before the part to just after it, by number."""
        wanted = range(part.first - 1, part.last + 2)
        texts = [self._copy.lines_after(max(0, part.first - 2))]
        texts += [
            path.read_bytes()
            for path, first in self._early_parts()
            if first <= part.last + 1 and int(path.stem[_DIGITS + 1 :]) >= part.first - 1
        ]
        found: dict[int, bytes] = {}
        for text in texts:
            lines = split_lines(text)
            first = parse_line(lines[0]).seq if lines else 0
            found |= {first + place: line for place, line in enumerate(lines) if first + place in wanted}
        return found

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
        raise BatchError(f"the batch's part of the audit log is no chain: {report.faults[0].reason}")
    if report.head != Head(part.last, part.head) or (part.first == 1 and prev != EMPTY.hash):
        raise BatchError("the batch's part of the audit log does not end in the head that was signed")
    return lines


def _contradiction(number: int) -> str:
    return (
        f"the gateway's audit log now says something else at line {number} than what this desk has: its history was "
        "rewritten, or it was restored from an old copy"
    )


def _today() -> date:
    return datetime.now(UTC).date()
