"""A gateway's and a desk's home, worked with by the commands that people call: for tests."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from enveis.main import main
from gateway.home.home import GatewayHome
from keys.recipient import sealed_to
from tests.worlds.spooled import lay
from transfer.names import Lane, PacketId, new_packet_id
from transfer.packet.manifest import Manifest, ReceiptNote, encode_manifest
from transfer.packet.message import Message, encode_message
from transfer.packet.writer import PacketWriter


class TwoHomes:
    """Calls commands in this process; `say` returns what was printed, `call` the JSON answer."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str], *init: str) -> None:
        self.root, self.low, self.high = root, root / "low", root / "high"
        self.stick, self.backup, self.card = root / "stick", root / "backup.txt", root / "card"
        self._capsys = capsys
        for folder in (self.stick, self.card):
            folder.mkdir()
        self.say("desk", "init", "--backup", self.backup, *init, home=self.high)
        files = ["--recipients", self.high / "recipients.txt", "--desk-key", self.high / "desk.pub"]
        self.say("gateway", "init", *files, home=self.low)
        self.say("desk", "pair", self.low / "gateway.pairing", "--yes", home=self.high)

    @property
    def gateway(self) -> str:
        """The gateway's id of today."""
        return GatewayHome(self.low).load_pairing().gateway

    def say(self, *arguments: object, home: Path, status: int = 0) -> str:
        """Return standard output and error, after comparing the exit status."""
        found = main(["--home", str(home), *map(str, arguments)])
        captured = self._capsys.readouterr()
        assert found == status, captured
        return captured.out + captured.err

    def call(self, *arguments: object, home: Path, status: int = 0) -> Any:
        """Return the answer in JSON."""
        found = main(["--home", str(home), "--json", *map(str, arguments)])
        captured = self._capsys.readouterr()
        assert found == status, captured
        return json.loads(captured.out)

    def forget_output(self) -> None:
        """Drop what a call past `say` and `call` printed."""
        self._capsys.readouterr()

    def put(self, text: str = "hello") -> PacketId:
        """Seal a packet as the gateway does, into its spool; its tick has passed."""
        material = GatewayHome(self.low).load()
        packet = new_packet_id()
        manifest = Manifest(
            packet=packet,
            gateway=material.gateway,
            received=datetime.now(UTC).date(),
            lane=Lane.CLEAR,
            sealed_to=sealed_to(material.recipients),
            receipt=ReceiptNote("ab" * 16, str(material.recipients[0]), "cd" * 32, "ef" * 32),
            files=(),
        )
        writer = PacketWriter(material.recipients)
        rest = writer.finish(encode_message(Message(text=text)), encode_manifest(manifest))
        lay(self.low / "spool", packet, b"".join([writer.header, *rest]))
        return packet

    def export(self) -> list[Path]:
        """Put what waits onto the stick and return the bags."""
        return [
            Path(batch["bag"])
            for batch in self.call("transfer", "export", "--own-disk", self.stick, home=self.low)["batches"]
        ]

    def take(self, *more: object, status: int = 0) -> Any:
        """Import the stick."""
        return self.call("transfer", "import", self.stick, *more, home=self.high, status=status)

    def acknowledge(self, answer: Any) -> None:
        """Carry the words of an import back."""
        for batch in answer["batches"]:
            self.call("transfer", "acknowledge", *batch["words"].split(), home=self.low)

    def events(self, home: Path) -> list[str]:
        """Return the events in a station's log."""
        return [row["event"] for row in self.call("audit", "show", home=home)]
