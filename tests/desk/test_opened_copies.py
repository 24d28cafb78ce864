"""What was opened: shown again without a second copy, listed, and closed by a person or by time. Invariants D1, D9."""

import hashlib
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from desk.arrival.opened_copies import (
    OPENED_AT,
    OpenedCopy,
    close_copies,
    close_due,
    list_opened,
    opened_folder,
    reading_packets,
    write_copy,
)
from desk.arrival.opening import OpenedFile, OpenPacket
from desk.config import DeskConfig
from desk.home import DeskHome, init_desk
from disk import durable
from disk.lock import BusyError
from keys.recipient import KeyKind
from transfer.names import Lane, PacketId, new_packet_id
from transfer.packet.manifest import FileNote, FindingNote, Manifest, Outcome, ReceiptNote, encode_manifest
from transfer.packet.message import Message, encode_message
from transfer.packet.writer import PacketWriter

NOW = datetime(2026, 11, 30, 17, 5, tzinfo=UTC)
LIMIT = timedelta(hours=12)
CLEAR, HELD = b"clear " * 20_000, b"held"
Opens = Callable[[PacketId], AbstractContextManager[OpenPacket]]


@pytest.fixture
def home(tmp_path: Path) -> DeskHome:
    home = DeskHome(tmp_path / "high")
    init_desk(home, kind=KeyKind.CLASSIC, backup=None, passphrase=None, config=DeskConfig())
    return home


def note(number: int, content: bytes, outcome: Outcome) -> FileNote:
    findings = (FindingNote("scanner.malware", "danger"),) if outcome is Outcome.HELD else ()
    digest = hashlib.sha256(content).hexdigest()
    return FileNote(f"files/{number:02}.txt", f"{number}.txt", "txt", len(content), digest, outcome, "", findings)


@pytest.fixture
def opens(home: DeskHome) -> Opens:
    """Put a packet with a clear and a held file into the inbox, and open it."""
    (recipient,) = home.load_recipients()
    identities = home.load_identities(str)

    def open_it(packet: PacketId) -> OpenPacket:
        notes = (note(1, CLEAR, Outcome.CLEAR), note(2, HELD, Outcome.HELD))
        receipt = ReceiptNote("ab" * 16, str(recipient), "cd" * 32, "ef" * 32)
        manifest = Manifest(packet, "0" * 16, date(2026, 11, 30), Lane.HELD, "0" * 16, receipt, notes)
        if not home.packet(packet).exists():
            writer = PacketWriter([recipient])
            pieces = [writer.header]
            for number, content in enumerate((CLEAR, HELD), start=1):
                pieces += [writer.begin(f"files/{number:02}.txt"), writer.write(content), writer.end()[0]]
            pieces += writer.finish(encode_message(Message(text="a text")), encode_manifest(manifest))
            home.packet(packet).write_bytes(b"".join(pieces))
        return OpenPacket(home.packet(packet), packet, identities)

    return open_it


def write(home: DeskHome, opens: Opens, packet: PacketId, *, held: bool = False) -> tuple[OpenedFile, ...]:
    with opens(packet) as opened:
        return write_copy(opened, opened_folder(home, packet), held=held, progress=lambda *_: None, now=NOW)


def tree(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {path.name: (path.stat().st_ino, path.read_bytes()) for path in folder.iterdir()}


def events(home: DeskHome) -> list[str]:
    return [line for line in home.audit.read_text().splitlines() if '"packet-closed"' in line]


def test_a_second_time_nothing_is_written_again(home: DeskHome, opens: Opens) -> None:
    packet = new_packet_id()
    first = write(home, opens, packet)
    before = tree(opened_folder(home, packet))
    assert write(home, opens, packet) == first
    assert tree(opened_folder(home, packet)) == before
    assert [path.name for path in (home.root / "opened").iterdir()] == [packet]


def test_what_is_held_is_added_when_somebody_decides_later_and_stays_listed(home: DeskHome, opens: Opens) -> None:
    packet = new_packet_id()
    write(home, opens, packet)
    folder = opened_folder(home, packet)
    assert not (folder / "02.txt").exists()
    assert [file.path for file in write(home, opens, packet, held=True)] == [folder / "01.txt", folder / "02.txt"]
    assert (folder / "02.txt").read_bytes() == HELD
    assert [file.path for file in write(home, opens, packet)] == [folder / "01.txt", folder / "02.txt"]


def test_what_was_changed_here_is_named_and_not_replaced(home: DeskHome, opens: Opens, tmp_path: Path) -> None:
    packet = new_packet_id()
    write(home, opens, packet)
    path = opened_folder(home, packet) / "01.txt"
    (tmp_path / "same").write_bytes(CLEAR)
    for change in (
        lambda: path.write_bytes(CLEAR[:-1] + b"?"),
        lambda: path.write_bytes(CLEAR + b"more"),
        lambda: path.symlink_to(tmp_path / "same"),
        path.mkdir,
        lambda: os.mkfifo(path),
    ):
        path.rmdir() if path.is_dir() else path.unlink()
        change()
        assert [file.is_changed for file in write(home, opens, packet)] == [True, False]
    path.unlink()
    assert [file.is_changed for file in write(home, opens, packet)] == [False, False]
    assert path.read_bytes() == CLEAR


def test_a_folder_of_something_else_is_not_touched(home: DeskHome, opens: Opens) -> None:
    one, other = new_packet_id(), new_packet_id()
    write(home, opens, one)
    opened_folder(home, one).rename(opened_folder(home, other))
    before = tree(opened_folder(home, other))
    with pytest.raises(FileExistsError, match="not empty"):
        write(home, opens, other)
    assert tree(opened_folder(home, other)) == before


def test_it_is_listed_since_when_each_is_open(home: DeskHome, opens: Opens) -> None:
    assert list_opened(home) == ()
    packet = new_packet_id()
    write(home, opens, packet)
    (home.root / "opened" / "notes").mkdir()
    (home.root / "opened" / "loose").write_text("")
    assert list_opened(home) == (OpenedCopy(packet, opened_folder(home, packet), NOW),)
    for garbage in ("", "yesterday", "2026-11-30T17:05:00", "9" * 100):
        (opened_folder(home, packet) / OPENED_AT).write_text(garbage)
        assert [copy.since for copy in list_opened(home)] == [None]


@pytest.mark.parametrize(
    ("later", "due"),
    [
        (timedelta(), False),
        (LIMIT - timedelta(seconds=1), False),
        (LIMIT, True),
        (-LIMIT + timedelta(seconds=1), False),
        (-LIMIT, True),  # the clock was ahead by so much: whatever it was, it is over
    ],
)
def test_what_was_open_for_too_long_is_closed(home: DeskHome, opens: Opens, later: timedelta, due: bool) -> None:
    packet = new_packet_id()
    write(home, opens, packet)
    (opened_folder(home, packet) / "notes of a person").mkdir()
    closed = close_due(home, now=(NOW + later).astimezone(timezone(timedelta(hours=2))), limit=LIMIT)
    assert [copy.packet for copy in closed] == ([packet] if due else [])
    assert opened_folder(home, packet).exists() is not due
    assert len(events(home)) == due
    assert home.packet(packet).exists()


def test_a_copy_that_does_not_say_since_when_is_open_from_now_on(home: DeskHome, opens: Opens) -> None:
    packet = new_packet_id()
    write(home, opens, packet)
    (opened_folder(home, packet) / OPENED_AT).unlink()
    later = NOW + timedelta(days=400)
    assert close_due(home, now=later, limit=LIMIT) == ()
    assert [copy.since for copy in list_opened(home)] == [later]
    assert [copy.packet for copy in close_due(home, now=later + LIMIT, limit=LIMIT)] == [packet]


def test_what_a_killed_command_left_is_closed_with_the_next(home: DeskHome, opens: Opens) -> None:
    packet = new_packet_id()
    left = home.root / "opened" / f".{packet}.x1y2z3"
    left.mkdir(parents=True)
    (left / "01.txt").write_bytes(CLEAR)
    with reading_packets(home), pytest.raises(BusyError, match="nothing was closed"):
        close_due(home, now=NOW, limit=LIMIT)
    assert left.exists(), "somebody may be opening it just now"
    assert [copy.packet for copy in close_due(home, now=NOW, limit=LIMIT)] == [packet]
    assert list((home.root / "opened").iterdir()) == []


def test_what_a_killed_close_left_is_no_copy_and_is_removed_by_the_next_command(
    home: DeskHome, opens: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    packet = new_packet_id()
    write(home, opens, packet)

    def killed(folder: Path) -> None:
        (folder / OPENED_AT).unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("shutil.rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            close_copies(home, list_opened(home))
    assert not opened_folder(home, packet).exists()
    assert [copy.packet for copy in close_due(home, now=NOW, limit=LIMIT)] == [packet]
    assert list((home.root / "opened").iterdir()) == []


def test_where_nothing_is_due_nobody_is_disturbed(home: DeskHome, opens: Opens) -> None:
    write(home, opens, new_packet_id())
    with reading_packets(home):
        assert close_due(home, now=NOW, limit=LIMIT) == ()


def test_a_copy_is_removed_after_the_log_has_a_line_and_its_name_is_synced(
    home: DeskHome, opens: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    packets = [new_packet_id(), new_packet_id()]
    for packet in packets:
        write(home, opens, packet)
    steps: list[object] = []
    real = durable.sync_folder

    def synced(folder: Path) -> None:
        steps.append((folder.name, sorted(path.name for path in folder.iterdir()), len(events(home))))
        real(folder)

    monkeypatch.setattr("desk.arrival.opened_copies.sync_folder", synced)
    close_copies(home, list_opened(home))
    first, second = sorted(packets)
    assert steps == [("opened", [second], 1), ("opened", [], 2)]
    assert first in events(home)[0]


def test_a_link_in_the_place_of_a_copy_is_removed_and_not_followed(home: DeskHome, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "kept").write_text("")
    packet = new_packet_id()
    (home.root / "opened").mkdir()
    opened_folder(home, packet).symlink_to(tmp_path / "elsewhere")
    close_copies(home, list_opened(home))
    assert not os.path.lexists(opened_folder(home, packet))
    assert (tmp_path / "elsewhere" / "kept").exists()
