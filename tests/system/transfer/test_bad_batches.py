"""What a stranger, a broken stick or an owned gateway can put before the desk: named, refused, nothing taken.

Invariants T2, T3, T12 and T13.
"""

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audit.chain import parse_line, split_lines
from audit.events import Event, LogRecord
from audit.log import AuditLog
from keys.age.small import seal_bytes
from keys.identity import generate_identity
from keys.recipient import KeyKind
from keys.signing import SigningKey
from tests.worlds.crossing import DAY, High, Low, make_sides
from tests.worlds.json_texts import watch_json
from transfer.batch.batch import AuditPart, gateway_id
from transfer.errors import BatchError, ContradictionError, LedgerError, UnknownGatewayError
from transfer.high_side.arrivals import Arrivals, MissingReason
from transfer.high_side.log_copy import LogCopy
from transfer.low_side.acknowledge import acknowledge
from transfer.names import Lane
from transfer.record import encode_record

Spoil = Callable[[Path], None]


def write(name: str, content: bytes) -> Spoil:
    def spoil(bag: Path) -> None:
        (bag / name).write_bytes(content)

    return spoil


def remove(name: str) -> Spoil:
    return lambda bag: (bag / name).unlink()


def flip(name: str, position: int) -> Spoil:
    def spoil(bag: Path) -> None:
        content = bytearray((bag / name).read_bytes())
        content[position] ^= 1
        (bag / name).write_bytes(content)

    return spoil


def another_letter(name: str, position: int) -> Spoil:
    """A change that leaves base64 what it is."""

    def spoil(bag: Path) -> None:
        content = bytearray((bag / name).read_bytes())
        content[position] = ord("A") if content[position] != ord("A") else ord("B")
        (bag / name).write_bytes(content)

    return spoil


def link(name: str) -> Spoil:
    """Exchange a file by a link to a copy of it: the content is right, the way to it is not."""

    def spoil(bag: Path) -> None:
        path = bag / name
        moved = path.rename(bag.parent / "elsewhere")
        path.symlink_to(moved)

    return spoil


def pipe(name: str) -> Spoil:
    def spoil(bag: Path) -> None:
        (bag / name).unlink()
        os.mkfifo(bag / name)

    return spoil


def folder(name: str) -> Spoil:
    def spoil(bag: Path) -> None:
        (bag / name).unlink()
        (bag / name).mkdir()

    return spoil


def device(name: str) -> Spoil:
    def spoil(bag: Path) -> None:
        (bag / name).unlink()
        os.mknod(bag / name, 0o600 | 0o020000, os.makedev(1, 5))  # /dev/zero

    return spoil


def endless(name: str) -> Spoil:
    """A file of a terabyte that takes no space: reading it whole would end the process."""

    def spoil(bag: Path) -> None:
        os.truncate(bag / name, 2**40)

    return spoil


@pytest.fixture
def sides(tmp_path: Path) -> tuple[Low, High, Path]:
    """A desk that has one batch already, and a second bag that is fine so far."""
    low, high = make_sides(tmp_path)
    low.put(1)
    low.later()
    high.take(low.export(tmp_path / "stick").batches[0].folder)
    low.put(2)
    low.put(3)
    low.later()
    return low, high, low.export(tmp_path / "stick").batches[0].folder


def state(high: High, low: Low) -> Any:
    """Everything a refused batch must leave as it was."""
    files = {path.name: path.read_bytes() for path in high.inbox.iterdir()}
    return files, high.copy(low), high.arrivals.packets(), high.arrivals.gaps(gateway_id(low.key.public))


def refused(low: Low, high: High, bag: Path, kind: type[BatchError] = BatchError) -> str:
    before = state(high, low)
    seq = high.audit.head().seq
    with pytest.raises(kind) as caught:
        high.take(bag)
    assert state(high, low) == before
    logged = [parse_line(line).record for line in split_lines(high.audit.lines_after(seq))]
    assert logged == [LogRecord(event=Event.BATCH_REFUSED)]
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (flip("batch.json", 100), "forged or damaged"),
        (write("batch.json", b""), "forged or damaged"),
        (write("batch.json", b"{" * 600_000), "larger than"),
        (remove("batch.json"), "batch.json cannot be read: No such file"),
        (link("batch.json"), "batch.json cannot be read: Too many levels of symbolic links"),
        (pipe("batch.json"), "not a regular file"),
        (folder("batch.json"), "not a regular file"),
        (device("batch.json"), "not a regular file"),
        (endless("batch.json"), "larger than"),
        (another_letter("batch.json.minisig", 90), "forged or damaged"),
        (write("batch.json.minisig", b"\xff\xfe"), "signature cannot be read"),
        (remove("batch.json.minisig"), "batch.json.minisig cannot be read"),
        (endless("batch.json.minisig"), "larger than"),
        (flip("data/audit.jsonl", 100), "data/audit.jsonl is damaged"),
        (remove("data/audit.jsonl"), "data/audit.jsonl cannot be read"),
        (endless("data/audit.jsonl"), "data/audit.jsonl is larger than"),
        (link("data/audit.jsonl"), "symbolic links"),
        (flip("data/secret.age", -1), "data/secret.age is damaged"),
        (remove("data/secret.age"), "data/secret.age cannot be read"),
        (device("data/secret.age"), "not a regular file"),
        (endless("data/secret.age"), "data/secret.age is larger than"),
    ],
)
def test_a_damaged_batch_is_refused_as_a_whole(sides: tuple[Low, High, Path], spoil: Spoil, named: str) -> None:
    low, high, bag = sides
    spoil(bag)
    assert named in refused(low, high, bag)


@pytest.mark.parametrize("spoil", [flip("batch.json", 100), another_letter("batch.json.minisig", 90)])
def test_nothing_of_a_forged_batch_is_parsed(
    sides: tuple[Low, High, Path], spoil: Spoil, monkeypatch: pytest.MonkeyPatch
) -> None:
    low, high, bag = sides
    spoil(bag)
    manifest = (bag / "batch.json").read_bytes()
    parsed = watch_json(monkeypatch)
    assert "forged or damaged" in refused(low, high, bag)
    assert manifest not in parsed


@pytest.mark.parametrize("what", [link, pipe, folder, device, endless, remove])
def test_a_packet_that_is_no_plain_file_is_only_missing(sides: tuple[Low, High, Path], what: Any) -> None:
    _, high, bag = sides
    lost, whole = sorted(path.stem for path in (bag / "data/packets").iterdir())
    what(f"data/packets/{lost}.age")(bag)
    result = high.take(bag)
    assert result.arrived == (whole,)
    assert [item.id for item in result.missing] == [lost]
    assert whole in high.filed()
    assert lost not in high.filed()


def test_a_linked_folder_is_not_entered(sides: tuple[Low, High, Path]) -> None:
    low, high, bag = sides
    moved = (bag / "data").rename(bag.parent / "data elsewhere")
    (bag / "data").symlink_to(moved)
    assert "data/audit.jsonl cannot be read" in refused(low, high, bag)
    (bag.parent / "way").symlink_to(bag)
    assert "cannot be read as a batch" in _refused_before_reading(high, bag.parent / "way")
    assert "cannot be read as a batch" in _refused_before_reading(high, bag.parent / "nothing")


def _refused_before_reading(high: High, bag: Path) -> str:
    with pytest.raises(BatchError) as caught:
        high.take(bag)
    return str(caught.value)


def test_what_the_list_does_not_name_is_not_touched(sides: tuple[Low, High, Path]) -> None:
    _, high, bag = sides
    (bag / "data/packets/../../autorun.inf").write_bytes(b"x")
    (bag / f"data/packets/{'9' * 32}.age").write_bytes(b"x")
    os.mkfifo(bag / "data/packets/pipe")
    result = high.take(bag)
    assert len(result.arrived) == 2
    assert len(high.filed()) == 3


def test_an_unknown_gateway_is_named(sides: tuple[Low, High, Path], tmp_path: Path) -> None:
    low, high, _ = sides
    stranger = Low(tmp_path / "stranger", high.identity)
    stranger.put(1)
    stranger.later()
    bag = stranger.export(tmp_path / "their stick").batches[0].folder
    message = refused(low, high, bag, UnknownGatewayError)
    assert gateway_id(stranger.key.public) in message
    assert "paired" in message


def test_a_batch_with_the_id_of_a_known_gateway_and_another_key_is_forged(
    sides: tuple[Low, High, Path], tmp_path: Path
) -> None:
    low, high, _ = sides
    forged = SigningKey.from_seed(bytes(32), key_id=low.key.public.key_id)
    forger = Low(tmp_path / "forger", high.identity, key=forged)
    forger.put(7)
    forger.later()
    assert "forged" in refused(low, high, forger.export(tmp_path / "their stick").batches[0].folder)


def test_a_batch_for_another_desk_is_refused(sides: tuple[Low, High, Path], tmp_path: Path) -> None:
    low, high, bag = sides
    high.identity = generate_identity(KeyKind.CLASSIC)
    assert "not sealed to this desk" in refused(low, high, bag)


def resign(low: Low, bag: Path, change: Callable[[dict[str, Any], Path], None]) -> None:
    """What an owned gateway can do: anything, with a genuine signature."""
    fields = json.loads((bag / "batch.json").read_bytes())
    change(fields, bag)
    manifest = encode_record(fields)
    (bag / "batch.json").write_bytes(manifest)
    comment = f"enveis-batch v1 {fields['gateway']} {fields['number']}"
    (bag / "batch.json.minisig").write_text(low.key.sign(manifest, trusted_comment=comment))


def put_log(text: bytes, *, head: str) -> Callable[[dict[str, Any], Path], None]:
    def change(fields: dict[str, Any], bag: Path) -> None:
        (bag / "data/audit.jsonl").write_bytes(text)
        fields["audit"] |= {"size": len(text), "sha256": hashlib.sha256(text).hexdigest(), "head": head}

    return change


def rewritten(low: Low, tmp_path: Path, lines: int) -> tuple[bytes, str]:
    """Return a log of as many lines that differs from its second line on."""
    log = AuditLog(tmp_path / "rewritten.jsonl", today=lambda: DAY)
    log.extend([LogRecord(event=Event.GATEWAY_STOPPED)] * (lines - 1))
    return log.lines_after(0), log.head().hash


def test_a_rewritten_history_is_refused(sides: tuple[Low, High, Path], tmp_path: Path) -> None:
    low, high, bag = sides
    fields = json.loads((bag / "batch.json").read_bytes())
    first, last = fields["audit"]["first"], fields["audit"]["last"]
    text, head = rewritten(low, tmp_path, last)
    lines = split_lines(text)
    part = b"".join(line + b"\n" for line in lines[first - 1 :])
    resign(low, bag, put_log(part, head=head))
    assert "history was rewritten" in refused(low, high, bag, ContradictionError)

    def from_the_start(fields: dict[str, Any], bag: Path) -> None:
        put_log(text, head=head)(fields, bag)
        fields["audit"]["first"] = 1

    resign(low, bag, from_the_start)
    assert "history was rewritten" in refused(low, high, bag, ContradictionError)

    def nothing_new(fields: dict[str, Any], bag: Path) -> None:
        put_log(b"", head=head)(fields, bag)
        fields["audit"] |= {"first": first, "last": first - 1}

    resign(low, bag, nothing_new)
    assert "history was rewritten" in refused(low, high, bag, ContradictionError)


def test_lines_that_contradict_the_head_of_a_batch_without_lines_are_refused(tmp_path: Path) -> None:
    """The head of line 2 came signed with an empty part; later line 2 itself comes, and it is another one."""
    low, high = make_sides(tmp_path)
    low.put(1)
    log = (low.home / "audit.jsonl").read_bytes()
    first = low.audit.head()
    part, empty = (
        AuditPart(1, first.seq, first.hash, len(log), ""),
        AuditPart(first.seq + 1, first.seq, "ab" * 32, 0, ""),
    )
    history = LogCopy(high.home / "gateways", gateway_id(low.key.public))
    history.verify(empty, b"", heads={})
    history.verify(part, log, heads={first.seq: {first.hash}})
    for heads in (
        {first.seq: {empty.head}},
        {first.seq: {first.hash, empty.head}},
        {1: {empty.head}},
        {0: {empty.head}},
    ):
        with pytest.raises(ContradictionError, match=f"another line {min(heads)} "):
            history.verify(part, log, heads=heads)
    with pytest.raises(ContradictionError):
        history.verify(empty, b"", heads={first.seq: {first.hash}})


def test_the_heads_of_accepted_batches_are_remembered(tmp_path: Path) -> None:
    low, high = make_sides(tmp_path)
    low.put(1)
    low.later()
    report = high.take(low.export(tmp_path / "stick").batches[0].folder)
    audit = report.batch.audit
    gateway = report.batch.gateway
    assert high.arrivals.heads(gateway, first=0, last=audit.last) == {audit.last: {audit.head}}
    assert high.arrivals.heads(gateway, first=audit.last + 1, last=audit.last + 9) == {}


def test_a_history_that_contradicts_an_early_part_is_refused(tmp_path: Path) -> None:
    low, high = make_sides(tmp_path)
    bags = []
    for number in range(3):
        low.put(number)
        low.later()
        bags.append(low.export(tmp_path / "stick").batches[0].folder)
    high.take(bags[2])
    fields = json.loads((bags[1] / "batch.json").read_bytes())
    text, head = rewritten(low, tmp_path, fields["audit"]["last"])
    part = b"".join(line + b"\n" for line in split_lines(text)[fields["audit"]["first"] - 1 :])
    good = shutil.copytree(bags[1], tmp_path / "good")
    resign(low, bags[1], put_log(part, head=head))
    assert "history was rewritten" in refused(low, high, bags[1], ContradictionError)
    high.take(bags[0])
    assert high.take(good).gaps == ()
    assert high.copy(low).count(b"\n") == json.loads((bags[2] / "batch.json").read_bytes())["audit"]["last"]


@pytest.mark.parametrize("fault", ["head", "cut", "hole", "text", "short"])
def test_a_log_part_that_is_no_chain_is_refused(sides: tuple[Low, High, Path], fault: str) -> None:
    low, high, bag = sides
    text = (bag / "data/audit.jsonl").read_bytes()
    lines = split_lines(text)
    head = json.loads((bag / "batch.json").read_bytes())["audit"]["head"]
    parts = {
        "head": (text, "ab" * 32),
        "cut": (text[:-1], head),
        "hole": (b"".join(line + b"\n" for line in (lines[0], *lines[2:])), head),
        "text": (b"our own text\n" * len(lines), head),
        "short": (b"".join(line + b"\n" for line in lines[:-1]), head),
    }
    resign(low, bag, put_log(parts[fault][0], head=parts[fault][1]))
    assert "audit log" in refused(low, high, bag)


def test_a_secret_of_another_length_is_refused(sides: tuple[Low, High, Path]) -> None:
    low, high, bag = sides
    sealed = seal_bytes(b"short", [high.identity.recipient])

    def change(fields: dict[str, Any], bag: Path) -> None:
        (bag / "data/secret.age").write_bytes(sealed)
        fields["secret"] = {"size": len(sealed), "sha256": hashlib.sha256(sealed).hexdigest()}

    resign(low, bag, change)
    assert "wrong length" in refused(low, high, bag)


def test_another_packet_never_takes_the_place_of_one_that_came(sides: tuple[Low, High, Path], tmp_path: Path) -> None:
    """Two gateways, one packet id: by chance it does not happen."""
    _, high, _ = sides
    kept = {path.name: path.read_bytes() for path in high.inbox.iterdir()}
    other = Low(tmp_path / "second gateway", high.identity)
    high.trusted[gateway_id(other.key.public)] = other.key.public
    clash = other.put(1, b"another content")
    other.later()
    result = high.take(other.export(tmp_path / "their stick").batches[0].folder)
    assert (result.arrived, [item.id for item in result.missing]) == ((), [clash])
    assert {path.name: path.read_bytes() for path in high.inbox.iterdir()} == kept
    # The same where a crash kept the first from the ledger.
    for name in ("arrivals.sqlite", "arrivals.begun"):
        (high.home / name).unlink()
    high.arrivals = Arrivals(high.home / "arrivals.sqlite")
    assert high.take(tmp_path / "their stick" / result_name(other)).arrived == ()
    assert {path.name: path.read_bytes() for path in high.inbox.iterdir()} == kept


def test_a_gateway_that_replays_anothers_packets_does_not_keep_them_back(tmp_path: Path) -> None:
    """It may have copied the stick; the packets' own gateway could never delete them."""
    low, high = make_sides(tmp_path)
    thief = Low(tmp_path / "thief", high.identity)
    high.trusted[gateway_id(thief.key.public)] = thief.key.public
    packet = low.put(1)
    thief.put(1, sealed=low.spool.path(Lane.CLEAR, packet).read_bytes())
    low.later()
    thief.later()
    bag = low.export(tmp_path / "stick").batches[0].folder
    sealed = bag / "data" / "packets" / f"{packet}.age"
    sealed.rename(tmp_path / "away")
    assert high.take(bag).arrived == ()
    assert high.take(thief.export(tmp_path / "their stick").batches[0].folder).arrived == (packet,)
    (tmp_path / "away").rename(sealed)
    result = high.take(bag)
    assert (result.arrived, result.duplicates, result.missing) == ((packet,), (packet,), ())
    assert high.arrivals.missing(gateway_id(low.key.public)) == []
    assert acknowledge(low.side, result.code).deleted == (packet,)


def test_what_comes_with_a_new_key_is_not_missing_any_more(tmp_path: Path) -> None:
    """Damaged on the old key's stick, whole on the new one's: the list of what is missing ends with it."""
    low, high = make_sides(tmp_path)
    successor = Low(tmp_path / "successor", high.identity)
    high.trusted[gateway_id(successor.key.public)] = successor.key.public
    lost, other = low.put(1), low.put(2)
    for number, packet in ((1, lost), (2, other)):
        successor.put(number, sealed=low.spool.path(Lane.CLEAR, packet).read_bytes())
    low.later()
    successor.later()
    bag = low.export(tmp_path / "stick").batches[0].folder
    (bag / "data" / "packets" / f"{lost}.age").unlink()
    assert high.take(bag).arrived == (other,)
    assert [missed.id for missed in high.arrivals.missing(gateway_id(low.key.public))] == [lost]
    assert high.take(successor.export(tmp_path / "new stick").batches[0].folder).duplicates == (other,)
    assert high.filed() == {lost, other}
    for key in (low.key, successor.key):
        assert high.arrivals.missing(gateway_id(key.public)) == []


def test_another_content_under_its_id_does_not_end_that_a_packet_is_missing(tmp_path: Path) -> None:
    """A second gateway names what it likes: what the first one lists by its hash has not come by that."""
    low, high = make_sides(tmp_path)
    gateway = gateway_id(low.key.public)
    other = Low(tmp_path / "second gateway", high.identity)
    high.trusted[gateway_id(other.key.public)] = other.key.public
    packet = low.put(1)
    other.put(1, b"another content")
    low.later()
    other.later()
    bag = low.export(tmp_path / "stick").batches[0].folder
    sealed = bag / "data" / "packets" / f"{packet}.age"
    sealed.rename(tmp_path / "away")
    assert high.take(bag).arrived == ()
    assert high.take(other.export(tmp_path / "their stick").batches[0].folder).arrived == (packet,)
    assert [(missed.id, missed.reason) for missed in high.arrivals.missing(gateway)] == [(packet, "damaged")]
    # The true one is not taken either now, and stays below: the desk reports it as missing.
    (tmp_path / "away").rename(sealed)
    result = high.take(bag)
    assert (result.arrived, [item.reason for item in result.missing]) == ((), [MissingReason.OTHER])
    assert [missed.reason for missed in high.arrivals.missing(gateway)] == ["other-packet-of-that-id"]


def test_what_a_gateway_read_wrongly_at_first_is_not_missing_when_it_comes(tmp_path: Path) -> None:
    """A bad sector was signed as it was read: the same gateway brings the packet later, with another hash."""
    low, high = make_sides(tmp_path)
    packet = low.put(1)
    low.later()
    path = low.spool.path(Lane.CLEAR, packet)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    result = high.take(low.export(tmp_path / "stick").batches[0].folder)
    assert [item.reason for item in result.missing] == [MissingReason.SEALED]
    acknowledge(low.side, result.code, missing=[packet])
    path.write_bytes(whole)
    assert high.take(low.export(tmp_path / "again").batches[0].folder).arrived == (packet,)
    assert high.arrivals.missing(gateway_id(low.key.public)) == []


def test_a_ledger_of_an_earlier_version_is_taken_over(tmp_path: Path) -> None:
    low, high = make_sides(tmp_path)
    lost = low.put(1)
    low.later()
    bag = low.export(tmp_path / "stick").batches[0].folder
    sealed = bag / "data" / "packets" / f"{lost}.age"
    sealed.rename(tmp_path / "away")
    high.take(bag)
    db = sqlite3.connect(high.home / "arrivals.sqlite", isolation_level=None)
    db.execute("ALTER TABLE missing DROP COLUMN sha256")
    db.execute("PRAGMA user_version = 2")
    db.close()
    high.arrivals = Arrivals(high.home / "arrivals.sqlite")
    gateway = gateway_id(low.key.public)
    assert [missed.id for missed in high.arrivals.missing(gateway)] == [lost]
    (tmp_path / "away").rename(sealed)
    assert high.take(bag).arrived == (lost,)
    assert high.arrivals.missing(gateway) == []


@pytest.mark.parametrize("empty", [False, True])
def test_a_desks_ledger_that_is_lost_is_never_begun_anew(tmp_path: Path, *, empty: bool) -> None:
    """It would have forgotten every alarm and everything that is missing, without a word."""
    _, high = make_sides(tmp_path)  # a fresh desk has none, and begins one
    path = high.home / "arrivals.sqlite"
    path.unlink()
    if empty:
        path.touch()
    for _ in range(2):
        with pytest.raises(LedgerError, match="restore it from a backup") as caught:
            Arrivals(path)
        assert str(high.home / "arrivals.begun") in str(caught.value)
    assert path.exists() == empty
    (high.home / "arrivals.begun").unlink()  # somebody decided so
    assert Arrivals(path).packets() == []


def result_name(low: Low) -> str:
    return f"enveis-{gateway_id(low.key.public)}-000001"


def test_an_import_that_a_crash_ended_is_repeated(
    sides: tuple[Low, High, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    low, high, bag = sides
    from transfer.high_side.arrivals import Arrivals

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Arrivals, "record", interrupted)
        with pytest.raises(KeyboardInterrupt):
            high.take(bag)
    result = high.take(bag)
    assert (len(result.arrived), result.repeated) == (2, False)
    assert high.copy(low) == low.audit.lines_after(0)[: len(high.copy(low))]


FULL = """
import resource, signal, sys
from pathlib import Path
from tests.worlds.crossing import Low, High, make_sides
from keys.identity import read_identities
from keys.signing import parse_signing_key

home = Path(sys.argv[1])
(identity,) = read_identities(home / "identity.txt", lambda: "")
key = parse_signing_key((home / "key").read_text())
low = Low(home / "low", identity, key=key)
low.later()
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
try:
    if sys.argv[3] == "export":
        low.export(home / "stick")
    else:
        from transfer.batch.batch import AuditPart, gateway_id
        High(home / "high", identity, {gateway_id(key.public): key.public}).take(Path(sys.argv[3]))
except OSError as error:
    sys.exit(error.strerror)
"""


def starved(folder: Path, low: Low, *, limit: int, what: str) -> subprocess.CompletedProcess[str]:
    """Run a transfer in a process whose files cannot grow beyond `limit` bytes: a full disk or stick."""
    from keys.identity import encode_identity_file

    (folder / "identity.txt").write_bytes(encode_identity_file(low.identity, None))
    (folder / "identity.txt").chmod(0o600)
    (folder / "key").write_text(low.key.encode())
    command = [sys.executable, "-c", FULL, str(folder), str(limit), what]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[3])


def everything(folder: Path) -> dict[str, bytes]:
    """Return the files of a home, but for what is counted of its spool: that can be made again at any time."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.parent.name != "spool.room"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_a_stick_that_fails_leaves_both_sides_as_they_were(tmp_path: Path) -> None:
    low, high = make_sides(tmp_path)
    ids = [low.put(number, os.urandom(60_000 + 90_000 * number)) for number in range(3)]
    assert low.side.outbox.last() is None
    (tmp_path / "stick").mkdir()
    for limit in (100_000, 200_000):  # between the packets; and while the third is copied
        before = everything(low.home)
        result = starved(tmp_path, low, limit=limit, what="export")
        assert "File too large" in result.stderr
        assert list((tmp_path / "stick").iterdir()) == []
        after = everything(low.home)
        after.pop("outbox.lock", None)
        before.pop("outbox.lock", None)
        assert after == before
        assert low.side.outbox.last() is None
    low.later()
    bag = low.export(tmp_path / "stick").batches[0]
    assert bag.number == 1

    result = starved(tmp_path, low, limit=200_000, what=str(bag.folder))
    assert "File too large" in result.stderr
    assert high.filed() == set()
    assert high.arrivals.packets() == []
    assert low.spooled() == set(ids)
    assert high.take(bag.folder).arrived == tuple(ids)


def test_a_stick_without_room_takes_what_fits(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    low, _ = make_sides(tmp_path)
    for number in range(4):
        low.put(number, os.urandom(1_000_000))
    low.later()
    stick = tmp_path / "stick"
    stick.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4200k", "none", stick], check=False).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        report = low.export(stick)
        assert [batch.packets for batch in report.batches] == [2]
        assert report.remaining == 2
        from transfer.errors import BagError

        with pytest.raises(BagError, match="no space"):
            low.export(stick)
    finally:
        subprocess.run(["umount", stick], check=True)
