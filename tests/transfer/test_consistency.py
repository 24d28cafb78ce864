"""Whether ledger and log agree is known without reading the whole log again, and never wrongly.

Invariant T15.
"""

import shutil
from pathlib import Path

import pytest

from audit.events import Event, LogRecord
from audit.log import AuditLog
from tests.worlds.crossing import DAY, Low, make_sides
from transfer.errors import LedgerError
from transfer.low_side.consistency import verify_agreement
from transfer.low_side.outbox import Outbox
from transfer.names import new_packet_id

MANY = 2_500  # lines: more than are worth a write not to read them again


def _log(low: Low, lines: int) -> None:
    low.audit.extend(
        [LogRecord(event=Event.SUBMISSION_SEALED, packet=new_packet_id(), lane="clear") for _ in range(lines)]
    )


def _read(low: Low, monkeypatch: pytest.MonkeyPatch) -> int:
    """Check, and return how many bytes of the log were read for it."""
    read = [0]
    real = AuditLog.lines_after

    def counting(log: AuditLog, seq: int, *, size_max: int | None = None) -> bytes:
        text = real(log, seq, size_max=size_max)
        read[0] += len(text)
        return text

    with monkeypatch.context() as patched:
        patched.setattr(AuditLog, "lines_after", counting)
        verify_agreement(low.outbox, low.audit)
    return read[0]


def test_only_new_lines_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    low, _ = make_sides(tmp_path)
    _log(low, MANY)
    size = (low.home / "audit.jsonl").stat().st_size
    assert _read(low, monkeypatch) >= size
    assert _read(low, monkeypatch) < 2_000
    _log(low, 10)
    assert _read(low, monkeypatch) < 5_000


def test_a_ledger_older_than_the_log_is_found_whatever_was_read_before(tmp_path: Path) -> None:
    low, _ = make_sides(tmp_path)
    low.put(1)
    _log(low, MANY)
    low.later()
    verify_agreement(low.outbox, low.audit)
    shutil.copyfile(low.home / "outbox.sqlite", tmp_path / "old")
    low.export(tmp_path / "stick")
    _log(low, MANY)
    verify_agreement(low.outbox, low.audit)
    shutil.copyfile(tmp_path / "old", low.home / "outbox.sqlite")
    for _ in range(2):
        with pytest.raises(LedgerError, match="older than the log"):
            verify_agreement(low.outbox, low.audit)


def test_what_was_read_of_another_log_counts_for_nothing(tmp_path: Path) -> None:
    low, _ = make_sides(tmp_path)
    _log(low, MANY)
    verify_agreement(low.outbox, low.audit)
    (low.home / "audit.jsonl").unlink()
    low.audit.append(Event.BATCH_EXPORTED, batch=7, lane="clear", count=1, digest="0" * 64)
    _log(low, MANY + 10)
    with pytest.raises(LedgerError, match="batch 7"):
        verify_agreement(low.outbox, low.audit)


def test_a_ledger_of_an_earlier_version_is_taken_over(tmp_path: Path) -> None:
    low, _ = make_sides(tmp_path)
    low.put(1)
    low.later()
    low.export(tmp_path / "stick")
    with low.outbox._ledger.transaction() as db:
        db.execute("DROP TABLE checked")
        db.execute("PRAGMA user_version = 2")
    outbox = Outbox(low.home / "outbox.sqlite")
    assert [batch.number for batch in outbox.outstanding()] == [1]
    verify_agreement(outbox, AuditLog(low.home / "audit.jsonl", today=lambda: DAY))
