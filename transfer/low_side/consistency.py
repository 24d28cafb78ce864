"""A check that a gateway's ledger and its log still belong together: neither was lost, cut off, or set back alone.

Each batch signs the log's last line, and the log reports the export of each batch. If the two do not fit, the next
batch would contradict what the desk has, or carry the number of another batch.
"""

import contextlib
from typing import Final

from audit.chain import EMPTY, LINE_MAX, Head, hash_line, parse_line, split_lines
from audit.errors import LineError
from audit.events import Event
from audit.log import AuditLog
from transfer.batch.batch import parse_batch
from transfer.errors import LedgerError
from transfer.low_side.outbox import OutBatch, Outbox

_PIECE: Final = 2 * 1024 * 1024  # bytes of the log that are read at a time
_REMEMBER: Final = 2_000  # lines that it is worth a write not to read again
_EXPORTED: Final = f'"event":"{Event.BATCH_EXPORTED}"'.encode()
_WAY_OUT: Final = "find out what happened, then give this gateway a new key ('enveis gateway rekey'): its packets stay"


def verify_agreement(outbox: Outbox, audit: AuditLog) -> None:
    """Return when another batch may be made; of the log only what came since the last time is read.

    Raises:
        LedgerError: The log lost what a batch signed, or the ledger is older than the log; one sentence names the way
            out.
        AuditError: The log cannot be read.
    """
    audit.head()  # raises when the log was lost
    last = outbox.last()
    verify_signed_line(last, audit)
    first = max(last.audit_last if last else 0, _checked(outbox, audit))
    logged, head = _highest_logged(audit, after=first)
    # Read again: another process may have made it meanwhile, and then the ledger knew of it first.
    known = outbox.last()
    if logged > (known.number if known else 0):
        raise LedgerError(f"the ledger is older than the log, which has the export of batch {logged}: {_WAY_OUT}")
    if head.seq - first >= _REMEMBER:
        outbox.note_checked(head)


def verify_signed_line(last: OutBatch | None, audit: AuditLog) -> None:
    """Return when the log still has the line that the last batch signed, as it was signed.

    Raises:
        LedgerError: It was lost, or is another line.
        AuditError: The log cannot be read.
    """
    if last is None or last.audit_last == 0:
        return
    lines = split_lines(audit.lines_after(last.audit_last - 1, size_max=LINE_MAX + 1))
    if not lines or hash_line(lines[0]) != parse_batch(last.manifest).audit.head:
        raise LedgerError(
            f"the audit log no longer has line {last.audit_last} as batch {last.number} signed it, and the desk "
            f"would refuse the next batch: {_WAY_OUT}"
        )


def _checked(outbox: Outbox, audit: AuditLog) -> int:
    """Return up to which line the log was read before, if it still has that line."""
    head = outbox.checked()
    lines = split_lines(audit.lines_after(head.seq - 1, size_max=LINE_MAX + 1)) if head != EMPTY else []
    return head.seq if lines and hash_line(lines[0]) == head.hash else 0


def _highest_logged(audit: AuditLog, *, after: int) -> tuple[int, Head]:
    """Return the highest batch number that the lines after `after` report as exported, 0 if none, and the last line."""
    highest, head = 0, EMPTY
    while lines := split_lines(audit.lines_after(after, size_max=_PIECE)):
        for line in lines:
            if _EXPORTED in line:
                with contextlib.suppress(LineError):  # a spoilt line does not stop packets from leaving
                    highest = max(highest, parse_line(line).record.batch or 0)
        after += len(lines)
        head = Head(after, hash_line(lines[-1]))
    return highest, head
