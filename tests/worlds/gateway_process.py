"""A real gateway in a process of its own, spoken to over HTTP by hand, so that requests can be as bad as they like."""

import contextlib
import http.client
import io
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from babel.messages.pofile import read_po

import gateway.pages
from gateway.home.config import GatewayConfig
from gateway.home.home import GatewayHome, init_gateway
from gateway.replies.reply_store import ReplyStore
from keys.age.small import open_bytes
from keys.identity import generate_identity
from keys.recipient import KeyKind, parse_recipient
from keys.signing import SigningKey
from tests.worlds.spooled import spooled
from tests.worlds.waiting import WATCHDOG
from transfer.batch.batch import GatewayId
from transfer.bundle.bundle import sign_bundle
from transfer.bundle.contents import BundleList, Grant, entry_of
from transfer.bundle.reply import Reply, ReplyId, State, new_reply_id, seal_reply
from transfer.names import Lane
from transfer.packet.manifest import Manifest, ReceiptNote, parse_manifest
from transfer.packet.message import Message, parse_message
from transfer.packet.request import RequestNote, parse_request, request_members
from transfer.spool.request_journal import RequestJournal
from transfer.spool.spool import Spool

TEST_SETTINGS: dict[str, Any] = {"tick_seconds": 1, "inspection": False, "languages": ("en", "nb", "nn", "da")}
WORDS = re.compile(r'<output id="receipt"[^>]*>(.+)</output>')


@dataclass(frozen=True)
class Answer:
    """One HTTP answer."""

    status: int
    headers: dict[str, str]
    text: str

    def hidden(self, name: str) -> str:
        """The value of a hidden field."""
        match = re.search(rf'<input type="hidden" name="{name}" value="([^"]*)">', self.text)
        assert match is not None, f"no hidden field {name}"
        return match[1]

    @property
    def button(self) -> list[tuple[str, str]]:
        """The fields of the withdraw button."""
        return [(name, self.hidden(name)) for name in ("packet", "day", "token", "mark")]

    @property
    def without_tokens(self) -> str:
        """The page without the tokens of its forms, which are never the same."""
        return re.sub(r'(name="form" value=")[0-9a-f]{32}"', r'\1"', self.text)

    @property
    def words(self) -> str | None:
        """The return words, when the answer is a receipt."""
        match = WORDS.search(self.text)
        return " ".join(re.sub("<[^>]*>", "", match[1]).split()) if match else None


@dataclass(frozen=True)
class OpenedPacket:
    """A packet as the desk would see it."""

    lane: Lane
    sealed: bytes
    manifest: Manifest
    message: Message
    files: dict[str, bytes]
    plaintext: bytes
    requests: tuple[RequestNote, ...] = ()


# Like `python -m enveis`, with constants of the program set first: a limit of time that a test is not about.
_WITH_CONSTANTS = """
import importlib, json, sys
for name, value in json.loads(sys.argv.pop(1)).items():
    module, _, constant = name.rpartition(".")
    getattr(importlib.import_module(module), constant)
    setattr(importlib.import_module(module), constant, value)
from enveis.main import main
sys.exit(main())
"""
DAY = 24 * 3600  # seconds: a limit that is never reached in a test
# The journal as it is, although a tick of hours may end during the test.
NO_PACKETS_OF_REQUESTS = {"gateway.return_visit.requests_packet.LOOK_EVERY": DAY}
_SENTENCES = Path(gateway.pages.__file__).with_name("locale") / "nb" / "LC_MESSAGES" / "messages.po"
_TEMPLATES = Path(gateway.pages.__file__).with_name("templates")


def words_shown(words: str, text: str) -> list[str]:
    """Return which of a receipt's words stand in a text, but for those that our own pages have by chance.

    `class`, `main`, `style`, `true` and `width` are words of a receipt and of HTML.
    """
    with _SENTENCES.open("rb") as stream:  # of all sentences, in English, for whoever translates them
        ours = {word for message in read_po(stream) for word in re.findall(r"\w+", str(message.id))}
    for template in _TEMPLATES.glob("*.html"):
        ours.update(re.findall(r"\w+", template.read_text("utf-8")))
    return [word for word in words.split() if word not in ours and re.search(rf"\b{word}\b", text)]


class GatewayProcess:
    """Start with `with`; every setting of gateway.toml may be given.

    `constants` names constants of modules and what they are in this process.
    """

    def __init__(
        self,
        root: Path,
        *,
        kind: KeyKind = KeyKind.CLASSIC,
        wrapper: Iterable[str] = (),
        constants: Mapping[str, float] | None = None,
        **settings: Any,
    ) -> None:
        self.root = root
        self.home = GatewayHome(root / "low")
        self.identity = generate_identity(kind)
        self.log = root / "gateway.log"
        self._wrapper = list(wrapper)
        self._constants = dict(constants or {})
        recipients, desk_key = root / "recipients.txt", root / "desk.pub"
        recipients.write_text(f"{self.identity.recipient}\n")
        self.desk = SigningKey.generate()
        desk_key.write_text(self.desk.public.encode())
        config = replace(GatewayConfig(), **{**TEST_SETTINGS, **settings})
        init_gateway(self.home, recipients=recipients, desk_key=desk_key, config=config)
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None

    def wrapped(self, *wrapper: str) -> Self:
        """Start through `wrapper` from now on; nothing stands for no wrapper."""
        self._wrapper = list(wrapper)
        return self

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start, and wait until the form can be reached."""
        program = ["-c", _WITH_CONSTANTS, json.dumps(self._constants)] if self._constants else ["-m", "enveis"]
        command = [*self._wrapper, sys.executable, *program, "gateway", "serve"]
        command += ["--home", str(self.home.root), "--listen", "127.0.0.1:0"]
        reading, writing = os.pipe()
        with self.log.open("ab") as log, open(reading, "rb") as said:  # noqa: PTH123 - a file descriptor
            tee = subprocess.Popen(["tee", "-a", str(self.log)], stdin=subprocess.PIPE, stdout=writing)
            os.close(writing)
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=tee.stdin)
            self._tee = tee
            assert tee.stdin is not None
            tee.stdin.close()
            for line in said:
                if match := re.search(rb"http://127\.0\.0\.1:([0-9]+)/", line):
                    self.port = int(match[1])
                    break
            else:
                raise RuntimeError(f"the gateway did not start: {self.log.read_text()}")
            # tee must not meet a closed pipe: it goes on into the log alone.
            self._said = os.dup(said.fileno())

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End the process; return its exit code."""
        if self.process is None:
            return 0
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)
        code = self.process.wait(WATCHDOG)
        self._tee.wait(WATCHDOG)
        os.close(self._said)
        self.process = None
        return code

    @property
    def pid(self) -> int:
        """The process id of the gateway itself, also when strace started it."""
        if self.process is None:
            raise RuntimeError("the gateway does not run")
        if self._wrapper[:1] == ["strace"]:
            children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
            with contextlib.suppress(OSError, ValueError):
                return int(children.read_text().split()[0])
        return self.process.pid

    def connect(self) -> socket.socket:
        """Return a connected socket."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=WATCHDOG)

    def get(self, path: str, method: str = "GET") -> Answer:
        """Ask for a page."""
        return self.raw(f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())

    def raw(self, request: bytes) -> Answer:
        """Send bytes, then read the answer."""
        with self.connect() as connection:
            connection.sendall(request)
            return read_answer(connection)

    def submit(self, fields: Iterable[tuple[str, str]] = (), files: Iterable[tuple[str, bytes]] = ()) -> Answer:
        """Send the form."""
        return self.post("/submit", fields, files)

    def post(
        self, path: str, fields: Iterable[tuple[str, str]] = (), files: Iterable[tuple[str, bytes]] = ()
    ) -> Answer:
        """Send a form to `path`, in English."""
        body, boundary = form_body(fields, files)
        return self.raw(form_head(boundary, len(body), f"/en{path}") + body)

    def come_back(self, words: str) -> Answer:
        """Type return words."""
        return self.post("/return", [("words", words)])

    def take_bundle(
        self,
        serial: int,
        replies: Iterable[tuple[ReceiptNote, str]] = (),
        *,
        grants: tuple[Grant, ...] = (),
        state: State = State.ANSWERED,
    ) -> None:
        """Have the gateway take a bundle of the desk with these replies: to which receipt, and the text."""
        today, sealed, entries = datetime.now(UTC).date(), dict[ReplyId, bytes](), []
        for receipt, text in replies:
            reply = Reply(new_reply_id(), receipt.lookup, today, state, text)
            sealed[reply.id] = seal_reply(reply, parse_recipient(receipt.recipient))
            entries.append(entry_of(reply.id, receipt.lookup, sealed[reply.id], today + timedelta(days=90)))
        gateway = self.home.load().gateway
        contents = BundleList(
            gateway=GatewayId(gateway),
            serial=serial,
            issued=today,
            expires=today + timedelta(days=30),
            counters=None,
            grants=tuple(sorted(grants, key=lambda grant: grant.lookup)),
            replies=tuple(sorted(entries, key=lambda entry: entry.id)),
            tombstones=(),
        )
        bundle = sign_bundle(contents, sealed, self.desk)
        ReplyStore(self.home.reply_store).accept(bundle, gateway=gateway, min_serial=None, today=today)

    def packets(self) -> list[OpenedPacket]:
        """Open every packet in the spool, oldest first."""
        found = []
        for lane in Lane:
            for path in sorted((self.home.spool / lane).rglob("*.age"), key=_made):
                with contextlib.suppress(FileNotFoundError):  # taken back at this moment
                    found.append(self.open(lane, path.read_bytes()))
        return found

    def open(self, lane: Lane, sealed: bytes) -> OpenedPacket:
        """Open one packet."""
        plaintext = open_bytes(sealed, [self.identity])
        with zipfile.ZipFile(io.BytesIO(plaintext)) as archive:
            assert archive.testzip() is None
            manifest = parse_manifest(archive.read("manifest.json"))
            message = parse_message(archive.read("message.json"))
            files = {note.name: archive.read(note.member) for note in manifest.files}
            asked = [archive.read(name) for name in request_members(manifest.requests)]
        requests = tuple(parse_request(open_bytes(request, [self.identity])) for request in asked)
        return OpenedPacket(lane, sealed, manifest, message, files, plaintext, requests)

    def asked(self) -> list[RequestNote]:
        """Open every request that waits for its tick, as nobody but the desk can."""
        with RequestJournal(self.home.requests)._file.reading() as db:
            rows = db.execute("SELECT sealed FROM waiting WHERE tick > 0").fetchall()
        return [parse_request(open_bytes(row[0], [self.identity])) for row in rows]

    def empty_spool(self) -> None:
        """Remove whatever waits, as if it had left."""
        for path in self.home.spool.rglob("*"):
            if path.is_file():
                path.unlink()
        Spool(self.home.spool, quota=1, reserve=0, tick=1).recount()

    def leftovers(self) -> list[Path]:
        """Return whatever is in the spool, but for the tokens of packets that wait in a lane or were taken back."""
        waiting = spooled(self.home.spool)
        tokens = {path for path in (self.home.spool / "withdrawable").iterdir() if path.name in waiting}
        tokens |= set((self.home.spool / "withdrawable" / "done").iterdir())
        return [path for path in self.home.spool.rglob("*") if path.is_file() and path not in tokens]


def _made(path: Path) -> int:
    try:
        return path.stat().st_ctime_ns
    except FileNotFoundError:
        return 0


def form_body(fields: Iterable[tuple[str, str]], files: Iterable[tuple[str, bytes]]) -> tuple[bytes, str]:
    """Return a multipart body and its boundary."""
    boundary = f"----{secrets.token_hex(12)}"
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields
    ]
    for name, content in files:
        parts.append(file_head(boundary, name) + content + b"\r\n")
    return b"".join(parts) + f"--{boundary}--\r\n".encode(), boundary


def file_head(boundary: str, name: str) -> bytes:
    """Return what stands before a file's bytes."""
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n'
    return head.encode() + b"Content-Type: application/octet-stream\r\n\r\n"


def form_head(boundary: str, length: int, path: str = "/submit", *more: str) -> bytes:
    """Return the head of a request with such a body, and `more` header lines."""
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: x",
        "Connection: close",
        f"Content-Type: multipart/form-data; boundary={boundary}",
        f"Content-Length: {length}",
        *more,
    ]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode()


def read_answer(connection: socket.socket) -> Answer:
    """Read one answer."""
    response = http.client.HTTPResponse(connection)
    try:
        response.begin()
        text = response.read().decode()
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, text)
    finally:
        response.close()
