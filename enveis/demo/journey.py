"""`enveis demo`: the whole journey once, on real components, in a temporary folder; exits 0 only if every check passed.

The gateway and every step of the two operators are processes of their own, called as a person would call them.
"""

import json
import signal
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Final

from enveis.command import Command, folder_name
from enveis.demo.sample_files import deflated_zip, one_page_pdf, stored_rar
from enveis.demo.two_machines import RunningGateway, TwoMachines, Upload, free_port
from enveis.errors import RefusedError
from enveis.terminal import Terminal
from gateway.home.config import MIB, GatewayConfig
from quarantine.scanner.canaries import eicar
from quarantine.scanner.local_clamd import LocalClamd
from transfer.names import Lane

TICK: Final = 2  # seconds; six hours on a real gateway
HOST: Final = "127.0.0.1"
STEP_TIMEOUT: Final = 120.0  # seconds for one command
MARK: Final = "The bridge at Lillevik was never inspected"  # in every text; searched for on the low side
FILE_STEM: Final = "from-the-mayors-office"  # in every file's name


@dataclass(frozen=True, slots=True)
class Submission:
    """What one source sends, and the lane it should arrive in."""

    title: str
    text: str
    files: tuple[Upload, ...]
    lane: Lane


def _run(arguments: Namespace, terminal: Terminal) -> int:
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    if arguments.keep is not None:
        _Journey(TwoMachines(arguments.keep.absolute()), terminal).travel()
        return 0
    with tempfile.TemporaryDirectory(prefix="enveis-demo-") as folder:
        _Journey(TwoMachines(Path(folder)), terminal).travel()
    return 0


class _Journey:
    """One run of the demonstration; every method is a step and raises RefusedError when a check fails."""

    def __init__(self, machines: TwoMachines, terminal: Terminal) -> None:
        self._machines = machines
        self._terminal = terminal
        self._step = 0
        self._secrets = [MARK, FILE_STEM]  # what the low side must never store in the clear

    def travel(self) -> None:
        machines = self._machines
        self._set_up()
        with LocalClamd(machines.scanner) as scanner:
            self._say(f"A virus scanner runs (clamd, process {scanner.pid}).")
            if scanner.is_test_database:
                self._detail("It has only test signatures: this machine has no real virus database.")
            # The scanner's socket is known only now.
            self._machines.prepare(_config(scanner.socket_path))
            self._say_homes()
            with RunningGateway(machines, HOST, free_port(HOST)) as gateway:
                self._say(f"LOW SIDE: the gateway shows its form at {gateway.address}")
                sent = [self._submit(gateway, submission) for submission in submissions()]
                self._look_for_plaintext("while both packets wait on the low side")
                time.sleep(TICK + 1)
                self._carry_over()
                self._open_all(sent)
                self._look_for_plaintext("after the journey")
        self._say(self._terminal.strong("Everything was verified: what was opened is what was sent, byte for byte."))

    def _set_up(self) -> None:
        self._say(f"Two machines are made in {self._machines.root}; a folder stands for the USB stick.")

    def _say_homes(self) -> None:
        low, high = self._machines.low, self._machines.high
        self._say(f"HIGH SIDE: {high.root} has the only keys that open packets (and a backup, kept elsewhere).")
        self._say(f"LOW SIDE: {low.root} has public keys only: whoever steals all of it can read nothing.")
        self._detail(f"Both sides show the same fingerprint words for their pairing: {low.load_pairing().fingerprint}")

    def _submit(self, gateway: RunningGateway, submission: Submission) -> Submission:
        names = ", ".join(f"{name} ({len(content)} bytes)" for name, content in submission.files)
        self._say(f"A source sends {submission.title}: {names}")
        words = gateway.submit(
            [("message", submission.text), ("public_body_other", "The harbour office"), ("kind", "complaint")],
            submission.files,
        )
        self._secrets += words.values()
        self._detail(f"The receipt's return words, shown once and stored nowhere: {words['receipt']}")
        return submission

    def _carry_over(self) -> None:
        low, high, stick = self._machines.low.root, self._machines.high.root, self._machines.stick
        report = self._enveis("transfer", "export", "--own-disk", stick, "--home", low)
        lanes = ", ".join(f"batch {batch['number']} ({batch['lane']})" for batch in report["batches"])
        self._say(
            f"LOW SIDE: sealed packets are written to the stick in signed batches: {lanes}. The copies here stay."
        )
        _demand(report["remaining"] == 0, "every packet was exported")
        imported = self._enveis("transfer", "import", stick, "--home", high)
        _demand(not imported["refused"], "no batch was refused")
        count = sum(len(batch["arrived"]) for batch in imported["batches"])
        _demand(count == 2, "both packets arrived")
        self._say(
            f"HIGH SIDE: {count} packets arrived; each one was opened to its last byte before it was acknowledged."
        )
        for batch in imported["batches"]:
            done = self._enveis("transfer", "acknowledge", batch["words"], "--home", low)
            self._say(f"LOW SIDE: the acknowledgement words for batch {batch['number']} are typed in: {batch['words']}")
            _demand(done["deleted"] == batch["arrived"], "exactly what arrived is deleted")
        left = [path for path in self._machines.low.spool.rglob("*") if path.is_file()]
        _demand(not left, "the acknowledgement emptied the spool")
        self._detail("Only now are the low side's copies deleted; its spool is empty.")

    def _open_all(self, sent: list[Submission]) -> None:
        high = self._machines.high.root
        inbox = {entry["lane"]: entry["packet"] for entry in self._enveis("desk", "inbox", "--home", high)}
        _demand(set(inbox) == {str(submission.lane) for submission in sent}, "each arrived in its lane")
        for submission in sent:
            packet = inbox[str(submission.lane)]
            opened = self._enveis("desk", "open", packet, "--home", high)
            locked = [note["name"] for note in opened["manifest"]["files"] if note["outcome"] != "clear"]
            self._say(f"HIGH SIDE: packet {packet[:8]}… arrived in the lane '{submission.lane}' and is opened.")
            if locked:
                self._detail(f"Locked until a person decides: {', '.join(locked)}. The other files are written.")
                _demand(submission.lane is Lane.HELD, "only the held packet has locked files")
                folder = Path(opened["folder"]).with_name(f"{packet}-unlocked")
                opened = self._enveis("desk", "open", packet, "--held", "--to", folder, "--home", high)
            _demand(opened["message"]["text"] == submission.text, "the text is what was typed")
            files = {note["name"]: opened["written"][note["member"]] for note in opened["manifest"]["files"]}
            _demand(len(files) == len(submission.files), "every file is there")
            for name, content in submission.files:
                _demand(Path(files[name]).read_bytes() == content, f"{name} is equal byte for byte")
            self._detail(f"{len(files)} files are equal to what was sent, byte for byte.")

    def _look_for_plaintext(self, when: str) -> None:
        """Search every file of the low side, names included, for what only the source and the desk may know."""
        files = [path for path in self._machines.low.root.rglob("*") if path.is_file()]
        files += [path for path in self._machines.stick.rglob("*") if path.is_file()]
        files.append(self._machines.log)
        forms = [form for secret in self._secrets for form in (secret.encode(), secret.encode("utf-16-le"))]
        forms.append(eicar())
        for path in files:
            content = path.read_bytes() + str(path.relative_to(self._machines.root)).encode()
            _demand(not any(form in content for form in forms), f"no plaintext in {path}")
        self._say(f"{len(files)} files of low side, stick and log were searched {when}: nothing in them is readable.")

    def _enveis(self, *arguments: str | Path) -> Any:
        command = [sys.executable, "-m", "enveis", "--json", *map(str, arguments)]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=STEP_TIMEOUT)
        if done.returncode != 0:
            lines = done.stderr.strip().splitlines()
            raise RefusedError(f"'enveis {arguments[0]} {arguments[1]}' failed: {lines[-1] if lines else 'no output'}")
        return json.loads(done.stdout)

    def _say(self, sentence: str) -> None:
        self._step += 1
        self._terminal.say(f"{self._step:2}. {sentence}")

    def _detail(self, sentence: str) -> None:
        self._terminal.say(f"    {sentence}")


def submissions() -> tuple[Submission, Submission]:
    """Return what the two sources send."""
    note = f"{MARK}.\nThe report of 2024 is a copy of the one of 2019.\n".encode() * 40
    return (
        Submission(
            title="a text and four files",
            text=f"{MARK}. Blåbær, 文字, \u202eodd characters\u202c included.",
            files=(
                (f"{FILE_STEM}.pdf", one_page_pdf(f"{MARK}.")),
                (f"{FILE_STEM}.txt", note),
                (f"{FILE_STEM}.zip", deflated_zip({f"{FILE_STEM}.txt": note, "photo.raw": bytes(range(256))})),
                (f"{FILE_STEM}.rar", stored_rar({f"{FILE_STEM}.txt": note})),
            ),
            lane=Lane.CLEAR,
        ),
        Submission(
            title="a virus (the harmless EICAR test file) among clean files",
            text=f"{MARK}. They sent me this, please look.",
            files=(
                (f"{FILE_STEM}-letter.txt", note),
                (f"{FILE_STEM}-invoice.txt", eicar()),
                (f"{FILE_STEM}-scan.pdf", one_page_pdf("A clean page")),
            ),
            lane=Lane.HELD,
        ),
    )


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    # As Ctrl-C: the gateway and the scanner are ended, the folder is removed.
    raise KeyboardInterrupt


def _config(socket: Path) -> GatewayConfig:
    return GatewayConfig(
        name="the demonstration",
        quota_bytes=1024 * MIB,
        reserve_bytes=16 * MIB,
        tick_seconds=TICK,
        clamd_socket=str(socket),
    )


def _demand(passed: bool, what: str) -> None:  # noqa: FBT001 - reads as an assertion that -O does not remove
    if not passed:
        raise RefusedError(f"the demonstration failed; this is not true: {what}")


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--keep", type=folder_name, metavar="FOLDER", help="make the two machines in FOLDER, and keep them"
    )


COMMAND = Command("demo", "run the whole journey once, unattended", _run, _arguments)
