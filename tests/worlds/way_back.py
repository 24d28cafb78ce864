"""A gateway and a desk with real keys, and packets of every purpose: for tests of what goes back to a source."""

import io
import json
import sys
import time
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from enveis.main import main
from gateway.home.home import GatewayHome
from gateway.replies.mailboxes import Mailboxes
from keys.receipt import (
    ReceiptWords,
    ReturnSecrets,
    new_receipt_words,
    public_receipt,
    return_secrets,
)
from keys.recipient import KeyKind
from tests.builders.requests import a_deletion, a_packet_of, a_withdrawal
from tests.worlds.spooled import lay
from transfer.bundle.reply import Reply, open_reply
from transfer.names import Lane, PacketId, new_packet_id
from transfer.packet.manifest import MadeBy, Manifest, PacketPurpose, ReceiptNote, encode_manifest
from transfer.packet.message import Message, encode_message
from transfer.packet.request import RequestNote
from transfer.packet.visit_signature import new_withdraw_token, sign_visit, withdrawal_of
from transfer.packet.writer import PacketWriter

KIND = KeyKind.CLASSIC


class Source:
    """Somebody with a receipt, and what its words lead to."""

    def __init__(self) -> None:
        self.words: ReceiptWords = new_receipt_words()
        self.public = public_receipt(self.words, KIND)
        self.secrets: ReturnSecrets = return_secrets(self.words.return_words, KIND)
        self.token = new_withdraw_token()

    @property
    def seed(self) -> bytes:
        return self.secrets.signing_seed


class WayBackMachines:
    """Both machines; `call` answers JSON, `say` what a person reads."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self.low, self.high = root, root / "low", root / "high"
        self.disc = root / "disc"
        self.disc.mkdir()
        self._capsys, self._monkeypatch = capsys, monkeypatch
        backup = str(root / "backup")
        assert main(["desk", "init", "--classic", "--home", str(self.high), "--backup", backup]) == 0
        files = ["--recipients", str(self.high / "recipients.txt"), "--desk-key", str(self.high / "desk.pub")]
        assert main(["gateway", "init", "--home", str(self.low), *files]) == 0
        assert main(["desk", "pair", str(self.low / "gateway.pairing"), "--yes", "--home", str(self.high)]) == 0
        capsys.readouterr()

    @property
    def gateway(self) -> str:
        return GatewayHome(self.low).load().gateway

    def call(self, *arguments: str | Path, status: int = 0, typed: str = "") -> Any:
        return json.loads(self._run("--json", *arguments, status=status, typed=typed)[0] or "null")

    def say(self, *arguments: str | Path, status: int = 0, typed: str = "") -> str:
        return "".join(self._run(*arguments, status=status, typed=typed))

    def desk(self, *arguments: str | Path, status: int = 0, typed: str = "") -> str:
        return self.say("desk", *arguments, "--home", self.high, status=status, typed=typed)

    def accept(self, file: Path, *arguments: str, status: int = 0) -> str:
        return self.say("gateway", "accept-bundle", file, "--yes", *arguments, "--home", self.low, status=status)

    def bundle(self, *arguments: str | Path) -> Path:
        """The desk makes the next bundle."""
        to: list[str | Path] = ["--to", self.disc, "--yes", "--home", self.high]
        return Path(self.call("desk", "bundle", self.gateway, *to, *arguments)["file"])

    def mailboxes(self) -> Mailboxes:
        material = GatewayHome(self.low).load()
        path = GatewayHome(self.low).reply_store
        return Mailboxes(
            path, gateway=material.gateway, desk_key=material.desk_key, today=lambda: datetime.now(UTC).date()
        )

    def read(self, source: Source) -> list[Reply]:
        """What the source sees on coming back."""
        return [
            open_reply(reply.sealed, [source.secrets.reply_key], reply_id=reply.id, lookup=reply.lookup)
            for reply in self.mailboxes().replies(source.secrets.lookup)
        ]

    def send(
        self,
        source: Source,
        purpose: PacketPurpose = PacketPurpose.FIRST,
        *,
        text: str = "hello",
        seed: bytes | None = None,
        made_by: MadeBy = MadeBy.GATEWAY,
        withdrawal: str = "",
        received: date | None = None,
        promised: date | None = None,
    ) -> PacketId:
        """Seal a packet as a gateway does, and bring it to the desk's inbox.

        `seed` signs a later visit; `withdrawal` is the token with which one may be withdrawn.
        """
        material = GatewayHome(self.low).load()
        packet, message = new_packet_id(), encode_message(Message(text=text))
        note = ReceiptNote(**asdict(source.public), made_by=made_by)
        if purpose is PacketPurpose.FIRST:
            withdrawal = source.token
        else:
            note = replace(note, proof="")
        manifest = Manifest(
            packet=packet,
            gateway=material.gateway,
            received=received or datetime.now(UTC).date(),
            promised=promised,
            lane=Lane.CLEAR,
            sealed_to="00" * 8,
            receipt=note,
            files=(),
            purpose=purpose,
            withdrawal=withdrawal_of(withdrawal) if withdrawal else "",
        )
        if seed is not None:
            manifest = replace(manifest, visit=sign_visit(seed, manifest, message))
        writer = PacketWriter(material.recipients)
        self._carry(packet, b"".join([writer.header, *writer.finish(message, encode_manifest(manifest))]))
        return packet

    def withdrawal(self, packet: PacketId, token: str) -> RequestNote:
        """What a source asks who presses the button after the packet has left."""
        return a_withdrawal(self.gateway, packet, token)

    def deletion(self, source: Source, seed: bytes | None = None) -> RequestNote:
        """What a source asks who deletes the replies; signed with another `seed`, it is not the source."""
        return a_deletion(self.gateway, source.public.lookup, source.seed if seed is None else seed)

    def ask(self, *asked: RequestNote | bytes, counted: int | None = None) -> PacketId:
        """Bring a packet of requests to the desk's inbox; bytes are what lies in the place of one.

        `counted` is how many its manifest says there are.
        """
        recipients = GatewayHome(self.low).load().recipients
        packet, sealed = a_packet_of(asked, gateway=self.gateway, recipients=recipients, counted=counted)
        self._carry(packet, sealed)
        return packet

    def _carry(self, packet: PacketId, sealed: bytes) -> None:
        lay(self.low / "spool", packet, sealed, start=int(time.time()) - 24 * 3600)
        stick = self.root / f"stick-{packet}"
        stick.mkdir()
        self.call("transfer", "export", "--own-disk", stick, "--home", self.low)
        self.call("transfer", "import", stick, "--home", self.high)

    def _run(self, *arguments: str | Path, status: int, typed: str) -> tuple[str, str]:
        stdin = io.TextIOWrapper(io.BytesIO(typed.encode()))
        with self._monkeypatch.context() as patch:
            patch.setattr(sys, "stdin", stdin)
            found = main([*map(str, arguments)])
        captured = self._capsys.readouterr()
        assert found == status, captured.err
        assert "Traceback" not in captured.err
        return captured.out, captured.err
