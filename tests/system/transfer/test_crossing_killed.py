"""SIGKILL at every step of a crossing: the next command completes it, nothing is lost, forgotten or logged twice.

Invariant T4.
"""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from audit.chain import parse_line, split_lines
from audit.log import AuditLog
from keys.identity import encode_identity_file
from tests.worlds.crossing import High, Low, make_sides, no_progress
from transfer.low_side.acknowledge import acknowledge
from transfer.low_side.export import reexport

RUN = """
import importlib, os, signal, sys
from pathlib import Path
from keys.identity import read_identities
from keys.signing import parse_signing_key
from tests.worlds.crossing import High, Low
from transfer.batch.batch import gateway_id
from transfer.low_side.acknowledge import acknowledge

home, step, where, when = Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
(identity,) = read_identities(home / "identity.txt", lambda: "")
key = parse_signing_key((home / "key").read_text())
low = Low(home / "low", identity, key=key)
low.later()
high = High(home / "high", identity, {gateway_id(key.public): key.public})

module, kind, name = where.split(":")
owner = getattr(importlib.import_module(module), kind) if kind else importlib.import_module(module)
real = getattr(owner, name)

def deadly(*arguments, **named):
    if when == "after":
        real(*arguments, **named)
    os.kill(os.getpid(), signal.SIGKILL)

setattr(owner, name, deadly)
if step == "export":
    low.export(home / "stick")
elif step == "import":
    high.take(next((home / "stick").glob("enveis-*")))
else:
    acknowledge(low.side, step)
"""


def killed(folder: Path, low: Low, *, step: str, where: str, when: str) -> None:
    (folder / "identity.txt").write_bytes(encode_identity_file(low.identity, None))
    (folder / "identity.txt").chmod(0o600)
    (folder / "key").write_text(low.key.encode())
    command = [sys.executable, "-c", RUN, str(folder), step, where, when]
    ended = subprocess.run(command, check=False, cwd=Path(__file__).parents[3], capture_output=True, text=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr


def logged(log: AuditLog) -> list[str]:
    assert log.check().faults == ()
    return [str(parse_line(line).record.event) for line in split_lines(log.lines_after(0))]


def finish(low: Low, high: High, stick: Path, ids: set[str]) -> None:
    """Do what an operator would, and find everything in its place, once."""
    report = low.export(stick)
    for number in report.outstanding:
        if not list(stick.glob(f"enveis-*-{number:06d}")):
            reexport(low.side, stick, number, progress=no_progress)
    assert list(stick.glob(".enveis-*")) == []
    bags = sorted(stick.glob("enveis-*"))
    assert [bag.name[-6:] for bag in bags] == ["000001"]
    results = [high.take(bag) for bag in bags]
    assert set(results[0].arrived) == high.filed() == ids
    assert high.arrivals.alarms() == []
    acknowledge(low.side, results[0].code)
    assert low.spooled() == set()
    events = logged(low.audit)
    counts = [events.count(event) for event in ("batch-exported", "batch-acknowledged", "packet-deleted")]
    assert counts == [1, 1, len(ids)]
    assert logged(high.audit).count("batch-imported") == 1
    assert len(high.copy(low)) > 0


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    "where",
    [
        "transfer.usb.bag_writer:BagWriter:add_packet",
        "transfer.usb.bag_writer:BagWriter:finish",
        "transfer.low_side.outbox:Outbox:record",
        "transfer.usb.bag_writer:BagWriter:publish",
        "audit.log:AuditLog:extend",
        "transfer.low_side.outbox:Outbox:mark_logged",
    ],
)
def test_an_export_that_was_killed(tmp_path: Path, where: str, when: str) -> None:
    low, high = make_sides(tmp_path)
    ids = {str(low.put(number)) for number in range(3)}
    (tmp_path / "stick").mkdir()
    killed(tmp_path, low, step="export", where=where, when=when)
    low.later()
    finish(low, high, tmp_path / "stick", ids)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    "where",
    [
        "transfer.high_side.import_bag::stage",
        "transfer.high_side.import_bag::file_packets",
        "transfer.high_side.log_copy:LogCopy:store",
        "audit.log:AuditLog:adopt",
        "transfer.high_side.arrivals:Arrivals:record",
        "audit.log:AuditLog:extend",
        "transfer.high_side.arrivals:Arrivals:mark_logged",
    ],
)
def test_an_import_that_was_killed(tmp_path: Path, where: str, when: str) -> None:
    low, high = make_sides(tmp_path)
    ids = {str(low.put(number)) for number in range(3)}
    low.later()
    low.export(tmp_path / "stick")
    killed(tmp_path, low, step="import", where=where, when=when)
    finish(low, high, tmp_path / "stick", ids)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    "where",
    [
        "transfer.low_side.outbox:Outbox:acknowledge",
        "transfer.spool.spool:Spool:remove_all",
        "audit.log:AuditLog:extend",
        "transfer.low_side.outbox:Outbox:settle",
    ],
)
def test_an_acknowledgement_that_was_killed(tmp_path: Path, where: str, when: str) -> None:
    low, high = make_sides(tmp_path)
    ids = {str(low.put(number)) for number in range(3)}
    low.later()
    code = high.take(low.export(tmp_path / "stick").batches[0].folder).code
    killed(tmp_path, low, step=code, where=where, when=when)
    finish(low, high, tmp_path / "stick", ids)
