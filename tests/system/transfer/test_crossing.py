"""From the spool over a stick into the inbox and back by words: whole, in part, twice, in any order.

Invariants T4, T5 and T9.
"""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import bagit
import pytest

from audit.chain import parse_line, split_lines
from audit.events import Event
from disk.lock import BusyError, exclusive
from keys.words import WordsError
from tests.worlds.crossing import DAY, MIDNIGHT, High, Low, make_sides, no_progress
from tests.worlds.spooled import lay, spooled
from transfer.errors import BagError, CodeError, LedgerError, SpoiltPacketError
from transfer.high_side.alarms import Alarm, AlarmKind
from transfer.high_side.arrivals import Arrivals, Gap, MissingReason
from transfer.low_side.acknowledge import acknowledge
from transfer.low_side.export import export, reexport
from transfer.low_side.outbox import BatchState, Outbox
from transfer.low_side.recovery import resume
from transfer.names import Lane, PacketId
from transfer.usb.bag_writer import find_bags


def events(low: Low) -> list[str]:
    return [str(parse_line(line).record.event) for line in split_lines(low.audit.lines_after(0))]


def test_a_batch_crosses_and_its_words_empty_the_spool(tmp_path: Path) -> None:
    low, high = make_sides(tmp_path)
    ids = [low.put(number, b"x" * 200_000 * number) for number in range(3)]
    assert low.export(tmp_path / "stick").batches == ()  # the tick has not passed
    low.later()
    waiting = low.put(9)  # arrives after it
    report = low.export(tmp_path / "stick")
    assert [(batch.number, batch.packets, batch.lane) for batch in report.batches] == [(1, 3, Lane.CLEAR)]
    assert report.outstanding == (1,)
    before = {path.name: path.read_bytes() for path in spooled(low.spool.root).values()}

    result = high.take(report.batches[0].folder)
    assert result.arrived == tuple(ids)
    assert (result.missing, result.duplicates, result.gaps, result.alarms) == ((), (), (), ())
    assert high.filed() == set(ids)
    for packet in ids:
        assert (high.inbox / f"{packet}.age").read_bytes() == before[f"{packet}.age"]
        assert (high.inbox / f"{packet}.age").stat().st_mode & 0o777 == 0o600

    assert low.spooled() == {*ids, waiting}  # nothing goes before the words come
    done = acknowledge(low.side, result.code)
    assert (done.number, done.deleted, done.returned) == (1, tuple(ids), ())
    assert low.spooled() == {waiting}
    assert events(low)[-4:] == ["batch-acknowledged", "packet-deleted", "packet-deleted", "packet-deleted"]
    assert acknowledge(low.side, result.code).repeated
    assert low.audit.check().faults == ()
    assert events(low).count("batch-acknowledged") == 1


def test_lanes_never_mix_and_numbers_run_over_both(tmp_path: Path) -> None:
    low, high = make_sides(tmp_path)
    held, clear = low.put(1, lane=Lane.HELD), low.put(2)
    low.later()
    report = low.export(tmp_path / "stick")
    assert [(batch.number, batch.lane) for batch in report.batches] == [(1, Lane.CLEAR), (2, Lane.HELD)]
    for batch, packet in zip(report.batches, (clear, held), strict=True):
        assert high.take(batch.folder).arrived == (packet,)
    assert {stored.id: stored.lane for stored in high.arrivals.packets()} == {held: Lane.HELD, clear: Lane.CLEAR}


def test_other_programs_accept_the_bag(tmp_path: Path) -> None:
    low, _ = make_sides(tmp_path)
    for number in range(3):
        low.put(number)
    low.later()
    bag = low.export(tmp_path / "stick").batches[0].folder
    bagit.Bag(str(bag)).validate()
    listed = {line.split("  ")[1] for name in ("manifest", "tagmanifest")
              for line in (bag / f"{name}-sha256.txt").read_text().splitlines()}  # fmt: skip
    present = {str(path.relative_to(bag)) for path in bag.rglob("*") if path.is_file()}
    assert listed == present - {"tagmanifest-sha256.txt"}

    (tmp_path / "gateway.pub").write_text(low.key.public.encode())
    arguments = ["minisign", "-V", "-p", str(tmp_path / "gateway.pub"), "-m", str(bag / "batch.json")]
    checked = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert f"{low.key.public.key_id.lower()} 1" in checked.stdout

    # The signed head is the hash of the last line that travels along: jq and b2sum are enough to see it.
    head = "tail -n1 data/audit.jsonl | tr -d '\\n' | b2sum -l 256 | cut -d' ' -f1; jq -r .audit.head batch.json"
    shown = subprocess.run(["bash", "-c", head], cwd=bag, capture_output=True, text=True, check=True).stdout.split()
    assert shown[0] == shown[1]
    assert (bag / "data/audit.jsonl").read_bytes() == low.audit.lines_after(0, size_max=10_000)[
        : (bag / "data/audit.jsonl").stat().st_size
    ]


def test_nothing_in_a_bag_tells_a_time(tmp_path: Path) -> None:
    low, _ = make_sides(tmp_path)
    for number in (3, 1, 2):  # the order in which they came
        low.put(number)
    low.later()
    bag = low.export(tmp_path / "stick").batches[0].folder
    for path in (bag, *bag.rglob("*")):
        assert path.stat().st_mtime == MIDNIGHT, path
        # Another user reads it at the desk, whatever the umask was here; all in it is sealed and signed.
        assert path.stat().st_mode & 0o777 == (0o755 if path.is_dir() else 0o644), path
    fields = json.loads((bag / "batch.json").read_bytes())
    assert fields["day"] == DAY.isoformat()
    assert [entry["id"] for entry in fields["packets"]] == sorted(entry["id"] for entry in fields["packets"])


def test_a_batch_takes_the_oldest_thousand(tmp_path: Path) -> None:
    low, _ = make_sides(tmp_path)
    sealed = b"not read here"
    for number in range(1001):
        packet = PacketId(f"{number:032x}")
        lay(low.spool.root, packet, sealed, start=5_000 - (number > 0))  # the lowest id is the youngest
    report = low.export(tmp_path / "stick")
    assert [batch.packets for batch in report.batches] == [1000, 1]
    assert report.remaining == 0
    assert [path.name for path in (report.batches[1].folder / "data/packets").iterdir()] == [f"{0:032x}.age"]
    bagit.Bag(str(report.batches[0].folder)).validate(fast=True)


def test_exported_packets_are_in_no_second_batch(tmp_path: Path) -> None:
    low, _ = make_sides(tmp_path)
    low.put(1)
    low.later()
    assert len(low.export(tmp_path / "stick").batches) == 1
    second = low.export(tmp_path / "stick")
    assert (second.batches, second.remaining, second.outstanding) == ((), 0, (1,))


def test_the_same_batch_can_be_exported_again(tmp_path: Path) -> None:
    low, high = make_sides(tmp_path)
    low.put(1)
    low.later()
    first = low.export(tmp_path / "stick").batches[0]
    low.put(2)
    (tmp_path / "other").mkdir()
    again = reexport(low.side, tmp_path / "other", 1, progress=no_progress)
    for path in first.folder.rglob("*"):
        twin = again.folder / path.relative_to(first.folder)
        assert path.is_dir() or path.read_bytes() == twin.read_bytes()
    with pytest.raises(BagError, match="already exists"):
        reexport(low.side, tmp_path / "stick", 1, progress=no_progress)
    code = high.take(again.folder).code
    assert high.take(first.folder).code == code
    acknowledge(low.side, code)
    for number in (1, 2):
        with pytest.raises(LedgerError):
            reexport(low.side, tmp_path / "other", number, progress=no_progress)


def test_a_packet_that_is_gone_here_does_not_keep_the_others(tmp_path: Path) -> None:
    low, high = make_sides(tmp_path)
    gone, spoilt, whole = low.put(1), low.put(2), low.put(3)
    low.later()
    shutil.rmtree(low.export(tmp_path / "stick").batches[0].folder)
    low.spool.path(Lane.CLEAR, gone).unlink()
    low.spool.path(Lane.CLEAR, spoilt).write_bytes(b"spoilt by the disk")
    again = reexport(low.side, tmp_path / "stick", 1, progress=no_progress)
    assert again.unreadable == (gone, spoilt)
    bagit.Bag(str(again.folder)).validate()
    result = high.take(again.folder)
    assert result.arrived == (whole,)
    assert [item.id for item in result.missing] == [gone, spoilt]


def test_a_packet_that_cannot_be_read_here_does_not_keep_the_others(tmp_path: Path) -> None:
    low, high = make_sides(tmp_path)
    spoilt, sound = low.put(1), low.put(2)
    path = low.spool.path(Lane.CLEAR, spoilt)
    content = path.read_bytes()
    path.unlink()
    path.mkdir()  # root may read everything else
    low.later()
    report = low.export(tmp_path / "stick")
    assert [batch.unreadable for batch in report.batches] == [(spoilt,)]
    assert report.remaining == 1
    assert high.take(report.batches[0].folder).arrived == (sound,)
    with pytest.raises(SpoiltPacketError, match="cannot be read"):
        low.export(tmp_path / "stick")
    path.rmdir()
    path.write_bytes(content)
    later = low.export(tmp_path / "stick").batches[0]
    assert (later.number, later.unreadable) == (2, ())
    assert high.take(later.folder).arrived == (spoilt,)


def test_what_is_called_unfinished_on_a_stick_goes_whatever_it_is(tmp_path: Path) -> None:
    low, _ = make_sides(tmp_path)
    low.put(1)
    low.later()
    (tmp_path / "stick").mkdir()
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").touch()
    (tmp_path / "stick" / ".enveis-unfinished-file").touch()
    (tmp_path / "stick" / ".enveis-unfinished-link").symlink_to(tmp_path / "kept")
    report = low.export(tmp_path / "stick")
    assert list((tmp_path / "stick").iterdir()) == [report.batches[0].folder]
    assert (tmp_path / "kept" / "file").exists()


def test_partial_arrival_deletes_exactly_what_arrived(tmp_path: Path) -> None:
    low, high = make_sides(tmp_path)
    whole, changed, cut, absent = (low.put(number, b"y" * 100_000) for number in range(4))
    low.later()
    bag = low.export(tmp_path / "stick").batches[0].folder

    def packet(name: str) -> Path:
        return bag / "data/packets" / f"{name}.age"

    spoilt = bytearray(packet(changed).read_bytes())
    spoilt[50_000] ^= 1
    packet(changed).write_bytes(spoilt)
    packet(cut).write_bytes(packet(cut).read_bytes()[:-1])
    packet(absent).unlink()
    result = high.take(bag)
    assert result.arrived == (whole,)
    assert [(item.id, item.reason) for item in result.missing] == [
        (lost, MissingReason.DAMAGED) for lost in (changed, cut, absent)
    ]
    assert high.filed() == {whole}

    for wrong in ([], [changed], [changed, cut], [changed, cut, absent, whole]):
        with pytest.raises(CodeError, match="with just these packets missing; nothing was deleted"):
            acknowledge(low.side, result.code, missing=wrong)
    # A typing error is pointed out by its place, not guessed.
    for typed in ("00", "0000", "f" * 32, f"{cut[:-1]}1", ""):
        with pytest.raises(CodeError, match=r"number 2 of the 3 ids after --missing.* nothing was deleted"):
            acknowledge(low.side, result.code, missing=[changed, typed, absent])
    with pytest.raises(CodeError, match=r"^the id after --missing"):
        acknowledge(low.side, result.code, missing=["f" * 32])
    assert low.spooled() == {whole, changed, cut, absent}
    done = acknowledge(low.side, result.code, missing=[changed[:8].upper(), cut, f" {absent} "])
    assert (done.deleted, done.returned) == ((whole,), (changed, cut, absent))
    assert low.spooled() == {changed, cut, absent}

    # What did not arrive goes into the next batch, and closes the list of what is missing.
    gateway = result.batch.gateway
    assert [(missed.id, missed.reason) for missed in high.arrivals.missing(gateway)] == [
        (lost, "damaged") for lost in (changed, cut, absent)
    ]
    second = low.export(tmp_path / "stick").batches[0]
    assert (second.number, second.packets) == (2, 3)
    assert high.take(second.folder).arrived == (changed, cut, absent)
    assert high.arrivals.missing(gateway) == []


def test_a_packet_that_does_not_open_is_not_acknowledged(tmp_path: Path) -> None:
    low, high = make_sides(tmp_path)
    from keys.age.small import seal_bytes
    from keys.identity import generate_identity
    from keys.recipient import KeyKind

    whole = low.put(1)
    stranger = generate_identity(KeyKind.CLASSIC)
    foreign = low.put(2, sealed=seal_bytes(b"z", [stranger.recipient]))
    broken = low.put(3, sealed=seal_bytes(b"z" * 70_000, [low.identity.recipient])[:-1] + b"\0")
    low.later()
    result = high.take(low.export(tmp_path / "stick").batches[0].folder)
    assert result.arrived == (whole,)
    assert [(item.id, item.reason) for item in result.missing] == [
        (foreign, MissingReason.SEALED),
        (broken, MissingReason.SEALED),
    ]
    assert high.filed() == {whole}


def test_what_the_words_cover_is_on_the_disk_before_it_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not only SIGKILL: after a power cut too, what the low side was told to delete is in the inbox."""
    low, high = make_sides(tmp_path)
    ids = {low.put(number) for number in range(3)}
    low.later()
    bag = low.export(tmp_path / "stick").batches[0].folder
    steps: list[str] = []
    sync, replace, record = os.fsync, Path.replace, Arrivals.record

    def fsync(fd: int) -> None:
        steps.append(f"synced {Path(f'/proc/self/fd/{fd}').readlink().name}")
        sync(fd)

    def replaced(path: Path, target: Path) -> Path:
        if target.parent == high.inbox:
            steps.append(f"filed {target.name}")
        return replace(path, target)

    def recorded(arrivals: Arrivals, *arguments: Any, **named: Any) -> list[Alarm]:
        steps.append("recorded")
        return record(arrivals, *arguments, **named)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", replaced)
    monkeypatch.setattr(Arrivals, "record", recorded)
    assert set(high.take(bag).arrived) == ids
    monkeypatch.undo()
    filed = [steps.index(f"filed {packet}.age") for packet in ids]
    for packet in ids:
        assert steps.index(f"synced {packet}.age") < min(filed)
    inbox = steps.index(f"synced {high.inbox.name}", max(filed))
    assert inbox < steps.index("recorded")


def test_twice_is_once(tmp_path: Path) -> None:
    low, high = make_sides(tmp_path)
    packet = low.put(1)
    low.later()
    bag = low.export(tmp_path / "stick").batches[0].folder
    first = high.take(bag)
    (high.inbox / f"{packet}.age").unlink()  # the desk has dealt with it meanwhile
    seq = high.audit.head().seq
    second = high.take(bag)
    assert (second.code, second.arrived, second.duplicates) == (first.code, (packet,), (packet,))
    assert second.repeated
    assert high.filed() == set()
    assert high.audit.head().seq == seq
    assert len(high.arrivals.packets()) == 1


def test_any_order_lists_gaps_and_keeps_the_gateways_log(tmp_path: Path) -> None:
    low, high = make_sides(tmp_path)
    bags = []
    for number in range(1, 6):
        low.put(number)
        low.later()
        bags.append(low.export(tmp_path / "stick").batches[0].folder)
    assert find_bags(tmp_path / "stick") == bags
    assert find_bags(bags[0]) == [bags[0]]
    assert high.take(bags[4]).gaps == (Gap(1, 4),)
    assert high.copy(low) == b""
    assert high.take(bags[1]).gaps == (Gap(1, 1), Gap(3, 4))
    assert high.take(bags[0]).gaps == (Gap(3, 4),)
    assert high.take(bags[3]).gaps == (Gap(3, 3),)
    last = high.take(bags[2])
    assert (last.gaps, last.alarms) == ((), ())
    whole = b"".join((bag / "data/audit.jsonl").read_bytes() for bag in bags)
    assert high.copy(low) == whole == low.audit.lines_after(0)[: len(whole)]
    assert list((high.home / "gateways").glob("*.audit.d/*")) == []
    for bag in bags:
        high.take(bag)
    assert high.copy(low) == whole


def test_one_number_with_two_digests_raises_an_alarm(tmp_path: Path) -> None:
    """A gateway that was set back: its list of batches is older than what it exported."""
    low, high = make_sides(tmp_path)
    low.put(1)
    low.later()
    old = low.export(tmp_path / "stick").batches[0].folder
    low.put(2)
    low.later()
    second = low.export(tmp_path / "stick").batches[0].folder
    (low.home / "outbox.sqlite").unlink()
    low.outbox = Outbox.begin(low.home / "outbox.sqlite")
    new = low.export(tmp_path / "other").batches[0].folder
    assert old.name == new.name
    assert high.take(old).alarms == ()
    result = high.take(new)
    assert [alarm.kind for alarm in result.alarms] == [AlarmKind.TWO_DIGESTS]
    assert len(result.arrived) == 2  # evidence is taken; the alarm is for people
    logged = [parse_line(line).record for line in split_lines(high.audit.lines_after(0))]
    assert [record.digest for record in logged if record.event is Event.BATCH_CONFLICT] == [result.digest]
    assert high.take(new).alarms == ()  # known by now
    assert high.take(second).alarms == ()
    assert len(high.arrivals.alarms()) == 1


def test_a_batch_that_names_another_predecessor_raises_an_alarm(tmp_path: Path) -> None:
    low, high = make_sides(tmp_path)
    low.put(1)
    low.later()
    first = low.export(tmp_path / "stick").batches[0].folder
    low.put(2)
    low.later()
    import sqlite3

    with sqlite3.connect(low.home / "outbox.sqlite") as db:
        db.execute("UPDATE batches SET digest = ?", ("ab" * 32,))
    db.close()
    second = low.export(tmp_path / "stick").batches[0].folder
    assert high.take(first).alarms == ()
    assert [alarm.kind for alarm in high.take(second).alarms] == [AlarmKind.BROKEN_ORDER]
    other = High(tmp_path / "other desk", high.identity, high.trusted)
    assert other.take(second).alarms == ()
    assert [alarm.kind for alarm in other.take(first).alarms] == [AlarmKind.BROKEN_ORDER]


def test_wrong_words_delete_nothing(tmp_path: Path) -> None:
    low, high = make_sides(tmp_path)
    low.put(1)
    low.later()
    code = high.take(low.export(tmp_path / "stick").batches[0].folder).code
    words = code.split()
    before = low.spooled()
    with pytest.raises(WordsError, match="8 words are needed"):
        acknowledge(low.side, "acid")
    with pytest.raises(WordsError, match="word 3"):
        acknowledge(low.side, " ".join([*words[:2], "xylophone", *words[3:]]))
    with pytest.raises(WordsError, match="fit together"):
        # Once in a thousand runs two neighbours are the same word.
        place = next(place for place in range(7) if words[place] != words[place + 1])
        acknowledge(low.side, " ".join([*words[:place], words[place + 1], words[place], *words[place + 2 :]]))
    from keys.words import Purpose, encode_words

    for number in range(200):
        with pytest.raises(CodeError):
            acknowledge(low.side, encode_words(number, bits=70, purpose=Purpose.ACKNOWLEDGEMENT))
    assert low.spooled() == before
    assert "batch-acknowledged" not in events(low)


def test_an_acknowledgement_cannot_be_made_from_the_bag_alone(tmp_path: Path) -> None:
    """Whoever finds the stick has everything in it, but not the secret, which is not in the low side's log either."""
    low, high = make_sides(tmp_path)
    packet = low.put(1)
    low.later()
    bag = low.export(tmp_path / "stick").batches[0].folder
    secret = low.side.outbox.find(1).secret
    assert secret is not None
    for path in (path for path in bag.rglob("*") if path.is_file()):
        content = path.read_bytes()
        assert secret not in content
        assert secret.hex().encode() not in content
    from transfer.batch.acknowledgement import acknowledgement_words

    digest = hashlib.sha256((bag / "batch.json").read_bytes()).hexdigest()
    sealed = (bag / "data/secret.age").read_bytes()
    for guess in (bytes(32), hashlib.sha256(sealed).digest(), bytes.fromhex(digest), sealed[-32:]):
        with pytest.raises(CodeError):
            acknowledge(low.side, acknowledgement_words(guess, digest=digest, arrived=[packet]))
    assert acknowledge(low.side, high.take(bag).code).deleted == (packet,)


def test_the_secret_is_gone_after_it_was_used(tmp_path: Path) -> None:
    low, high = make_sides(tmp_path)
    low.put(1)
    low.later()
    bag = low.export(tmp_path / "stick").batches[0].folder
    secret = low.side.outbox.find(1).secret
    assert secret is not None
    assert secret in (low.home / "outbox.sqlite").read_bytes()
    acknowledge(low.side, high.take(bag).code)
    assert secret not in (low.home / "outbox.sqlite").read_bytes()
    assert (low.home / "outbox.sqlite").stat().st_mode & 0o777 == 0o600
    assert low.side.outbox.find(1).state is BatchState.SETTLED


@pytest.mark.parametrize("point", ["remove_all", "extend", "settle"])
def test_an_interrupted_acknowledgement_is_completed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    low, high = make_sides(tmp_path)
    ids = [low.put(number) for number in range(3)]
    low.later()
    code = high.take(low.export(tmp_path / "stick").batches[0].folder).code
    calls = 0

    def interrupted(*_: object, **__: object) -> None:
        nonlocal calls
        calls += 1
        raise KeyboardInterrupt

    side = low.side
    target = {"remove_all": side.spool, "extend": side.audit, "settle": side.outbox}[point]
    with monkeypatch.context() as patch:
        patch.setattr(target, point, interrupted)
        with pytest.raises(KeyboardInterrupt):
            acknowledge(side, code)
    assert calls == 1
    assert low.side.outbox.find(1).state is BatchState.ACKNOWLEDGED
    assert acknowledge(low.side, code).repeated  # the same words once more complete it
    assert low.spooled() == set()
    assert low.side.outbox.packets(1) == set()
    logged = events(low)
    assert (logged.count("batch-acknowledged"), logged.count("packet-deleted")) == (1, len(ids))


def test_an_interrupted_export_keeps_its_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    low, high = make_sides(tmp_path)
    low.put(1)
    low.later()
    from transfer.usb.bag_writer import BagWriter

    def interrupted(_: BagWriter) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(BagWriter, "publish", interrupted)
        with pytest.raises(KeyboardInterrupt):
            low.export(tmp_path / "stick")
    assert list((tmp_path / "stick").iterdir()) == []
    assert [batch.published for batch in low.side.outbox.outstanding()] == [False]
    low.put(2)
    low.later()
    held = export(low.side, tmp_path / "stick", progress=no_progress, lanes=[Lane.HELD])
    assert held.batches == ()  # another lane's batch is not completed on this stick
    report = low.export(tmp_path / "stick")
    # The batch that was noted comes first, with its own number and list.
    assert [(batch.number, batch.packets) for batch in report.batches] == [(1, 1), (2, 1)]
    assert (report.remaining, report.outstanding) == (0, (1, 2))
    for batch in report.batches:
        assert len(high.take(batch.folder).arrived) == 1
    resume(low.side)
    assert [batch.published for batch in low.side.outbox.outstanding()] == [True, True]
    assert events(low).count("batch-exported") == 2


def test_one_transfer_at_a_time(tmp_path: Path) -> None:
    low, high = make_sides(tmp_path)
    low.put(1)
    low.later()
    bag = low.export(tmp_path / "stick").batches[0].folder
    with exclusive(low.home / "outbox.lock"), pytest.raises(BusyError):
        low.export(tmp_path / "stick")
    high.inbox.mkdir()
    with exclusive(high.inbox / ".lock"), pytest.raises(BusyError):
        high.take(bag)
    assert high.take(bag).arrived


def test_a_stick_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    low, _ = make_sides(tmp_path)
    with pytest.raises(BagError, match="mounted"):
        export(low.side, tmp_path / "nowhere", progress=no_progress)
    assert not (tmp_path / "nowhere").exists()


def test_a_stick_that_gives_back_something_else_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    low, _ = make_sides(tmp_path)
    low.put(1)
    low.later()
    real = os.posix_fadvise

    def forget(fd: int, *rest: int) -> None:
        """What comes back from the medium differs in one bit from what was written."""
        path = Path(f"/proc/self/fd/{fd}").readlink()
        if path.suffix == ".age" and path.parent.name == "packets":
            content = bytearray(path.read_bytes())
            content[-1] ^= 1
            path.write_bytes(content)
        real(fd, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(os, "posix_fadvise", forget)
        with pytest.raises(BagError, match="does not return what was written"):
            low.export(tmp_path / "stick")
    assert list((tmp_path / "stick").iterdir()) == []
    assert low.export(tmp_path / "stick").batches[0].number == 1


def test_a_packet_is_never_in_memory_as_a_whole(tmp_path: Path) -> None:
    import tracemalloc

    low, high = make_sides(tmp_path)
    size = 48 * 1024 * 1024
    low.put(1, bytes(size))
    low.later()
    tracemalloc.start()
    try:
        bag = low.export(tmp_path / "stick").batches[0].folder
        assert len(high.take(bag).arrived) == 1
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < size // 4
