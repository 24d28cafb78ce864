"""The backup identity is a way back: it alone opens what was sealed for the desk."""

import subprocess
from pathlib import Path

from desk.config import DeskConfig
from desk.home import DeskHome, init_desk
from keys.age.small import open_bytes
from keys.identity import read_identities
from keys.recipient import KeyKind, parse_recipients
from transfer.packet.writer import PacketWriter


def _packet(home: DeskHome) -> bytes:
    writer = PacketWriter(parse_recipients(home.recipients.read_text()))
    return writer.header + b"".join(writer.finish(b"{}", b"{}"))


def test_the_age_tool_opens_a_classic_packet_with_the_backup(tmp_path: Path) -> None:
    home, backup = DeskHome(tmp_path / "high"), tmp_path / "backup.txt"
    init_desk(home, kind=KeyKind.CLASSIC, backup=backup, passphrase=None, config=DeskConfig())
    (tmp_path / "packet.age").write_bytes(_packet(home))
    opened = subprocess.run(["age", "-d", "-i", backup, tmp_path / "packet.age"], capture_output=True, check=True)
    assert opened.stdout.startswith(b"PK")


def test_desk_and_backup_each_open_a_hybrid_packet(tmp_path: Path) -> None:
    home, backup = DeskHome(tmp_path / "high"), tmp_path / "backup.txt"
    init_desk(home, kind=KeyKind.HYBRID, backup=backup, passphrase=None, config=DeskConfig())
    packet = _packet(home)
    identities = [read_identities(path, lambda: "")[0] for path in (home.identity, backup)]
    assert identities[0] != identities[1]
    for identity in identities:
        assert open_bytes(packet, [identity]).startswith(b"PK")
