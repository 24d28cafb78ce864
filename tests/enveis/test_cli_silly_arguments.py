"""What people type by mistake: each argument of each command answers nonsense with one sentence, and does nothing.

Each line of `CALLS` is a call that would work, but for one argument: `@dest=kind` is where the nonsense goes.

Invariants K5 and E4.
"""

import contextlib
import io
import re
import shlex
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from enveis.command import Command, file_name, folder_name
from enveis.main import main
from enveis.stations import STATIONS, is_lone, load_commands
from tests.worlds.two_homes import TwoHomes

LONG = "9" * 5000
NONSENSE = {
    # The last name cannot be decoded: it comes from a file system in another encoding.
    "read": [".", "/", "..", "", "folder", "folder/", "missing", "binary", "binary/x", "x" * 5000, "\udcff"],
    "made": [".", "/", "..", "", "folder", "folder/", "binary", "binary/x", "missing/x", "x" * 5000],
    "in": ["", "missing", "binary", "binary/x", "x" * 5000],  # a folder that has to be there
    "new": ["", "binary", "binary/x", "x" * 5000],  # one that may not be there yet
    "log": [".", "/", "..", "", "folder", "folder/", "missing", "binary/x", "x" * 5000, "\udcff"],
    "put": [".", "/", "..", "", "folder", "folder/", "binary/x", "missing/x", "x" * 5000],  # replaces what is there
    "empty": [""],  # what follows would be tried, with a scanner and all
    "number": ["", ".", "/", "-", "9" * 20, LONG, f"-{LONG}", "1.5", "٣", "1_0", "nan", "binary"],
    "text": ["", ".", "/", "folder", "binary", LONG, "x\ny", "\udcff"],
}
CALLS = """
demo        demo --keep @keep=empty
run         run --listen @listen=number
low         gateway serve --listen @listen=number
none        gateway init --desk-key {high}/desk.pub --recipients @recipients=read
none        gateway init --recipients {high}/recipients.txt --desk-key @desk_key=read
none        gateway init --recipients {high}/recipients.txt --desk-key {high}/desk.pub --continues @continues=read
none        gateway init --recipients {high}/recipients.txt --desk-key {high}/desk.pub --name @name=text
low         gateway recipients --yes @file=read
low         gateway desk-key --yes @file=read
low         gateway rekey --yes @statement=read
low         gateway accept-bundle --yes @file=read
low         gateway accept-bundle --yes {bundle} --min-serial @min_serial=number
low         transfer export @destination=in
low         transfer export --device @device=text
low         transfer reexport @what=number {card}
low         transfer reexport 1 @what=in
low         transfer reexport 1 --device @device=text
high        transfer import @source=in
high        transfer import {stick} --answers @answers=put
high        transfer import --device @device=text
high        transfer import {stick} --share @share=read
high        transfer import {stick} --shares-passphrase-file @shares_passphrase_file=read --share {share}
sealed      transfer import {stick} --passphrase-file @passphrase_file=read
low         transfer acknowledge @words=text
low         transfer acknowledge abandon ability --missing @missing=text
low         transfer acknowledge --answers @answers=read
low         transfer discard --sentence x @packets=text
low         transfer discard --all --sentence @sentence=text
low         transfer resend @numbers=number
none        desk init --backup @backup=made
none        desk init --passphrase-file @passphrase_file=read
high        desk pair --yes @pairing=read
high        desk pair --yes {low}/gateway.pairing --replaces @replaces=text
high        desk distrust --yes @gateway=text
high        desk head {gateway} --to @to=made
high        desk head --to new @gateway=text
high        desk recipients --new --backup @backup=made
sealed      desk recipients --new --passphrase-file @passphrase_file=read
high        desk open {packet} --to @to=new
high        desk open @packet=text
high        desk erase --yes @packet=text
high        desk close @packets=text
sealed      desk inbox --sort --passphrase-file @passphrase_file=read
high        desk reply {packet} --text-file @text_file=read
high        desk reply --text-file {high}/desk.toml @packet=text
high        desk grant --files-max 2 --file-max 1G --days 3 @packet=text
high        desk grant {packet} --file-max 1G --days 3 --files-max @files_max=number
high        desk grant {packet} --files-max 2 --days 3 --file-max @file_max=text
high        desk grant {packet} --files-max 2 --file-max 1G --days @days=number
high        desk counters --bodies 1 --officials 1 --received @received=number
high        desk counters --officials 1 --bodies @bodies=number
high        desk counters --bodies 1 --officials @officials=number
high        desk bundle --to {card} --yes @gateway=text
high        desk bundle {gateway} --yes --to @to=in
high        desk bundle {gateway} --yes --to {card} --qr @qr=made
high        desk bundle {gateway} --yes --to {card} --days @days=number
high        desk bundle {gateway} --yes --to missing --also @also=text
high        desk challenge {packet} --verifier me --purpose this --to @to=made
high        desk challenge {packet} --verifier me --to missing/x --purpose @purpose=text
high        desk challenge {packet} --purpose this --to missing/x --verifier @verifier=text
high        desk challenge --verifier me --purpose this --to new @packet=text
high        desk verify-proof @proof=read
high        desk verify-proof {challenge} --challenge @challenge=read
high        desk verify-proof {challenge} --packet @packet=text
sealed      desk open 0000 --passphrase-file @passphrase_file=read
none        quarantine inspect @files=read
none        quarantine inspect --socket @socket=text missing
none        quarantine inspect {high}/desk.toml --budget @budget=number
none        audit verify @log=log
none        audit verify {low}/audit.jsonl --heads {stick} --key @key=read
none        audit verify {low}/audit.jsonl --key {low}/gateway.pub --heads @heads=in
none        audit show @log=log
none        audit show {low}/audit.jsonl --day @day=number
none        audit show {low}/audit.jsonl --since @since=number
none        audit show {low}/audit.jsonl --until @until=number
none        audit show {low}/audit.jsonl --event @event=text
none        audit show {low}/audit.jsonl --packet @packet=text
high        keys split --to new --identity @identity=read
high        keys split --to new --number @number=number
sealed      keys split --to new --passphrase-file @passphrase_file=read
high        keys split --to new --needed @needed=number
high        keys split --to new --of @of=number
high        keys split --to new --group @group=text
high        keys split --to new --group 2of3 --groups-needed @groups_needed=number
high        keys split --to @to=new
high        keys split --to new --shares-passphrase-file @shares_passphrase_file=read
high        keys combine --share {share} --share {other} --to @to=made
high        keys combine --to new --share {share} --share @share=read
high        keys combine --to new --share {share} --share {other} --recipients @recipients=read
high        keys combine --to new --share {share} --share {other} --passphrase-file @passphrase_file=read
high        keys combine --to new --share {share} --share {other} --shares-passphrase-file @shares_passphrase_file=read
high        keys paper --to @to=made
high        keys paper --share {share} --to @to=made
high        keys paper --to new --identity @identity=read
high        keys paper --to new --number @number=number
sealed      keys paper --to new --passphrase-file @passphrase_file=read
high        keys paper --to new --share @share=read
high        keys rehearse --backup @backup=read
high        keys rehearse --share @share=read
high        keys rehearse --share {share} --share {other} --shares-passphrase-file @shares_passphrase_file=read
sealed      keys rehearse --passphrase-file @passphrase_file=read
none        receipt new --classic --to @to=in
none        receipt prove --yes @challenge=read
none        receipt prove --yes {challenge} --to @to=made
"""
LINES = [line.split(maxsplit=1) for line in CALLS.strip().splitlines()]
# Each is added by one function to several commands (enveis/unlocking.py): it is tried with two of them.
SHARED = {"share", "shares_passphrase_file", "passphrase_file"}


class Captured:
    """What TwoHomes asks pytest's capsys for, for a fixture that outlives one test."""

    def __init__(self) -> None:
        self.out, self.err = io.StringIO(), io.StringIO()

    def readouterr(self) -> Any:
        class Read:
            out, err = self.out.getvalue(), self.err.getvalue()

        for stream in (self.out, self.err):
            stream.seek(0)
            stream.truncate()
        return Read


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Two homes between which a packet crossed, and what was carried; the desk `sealed` has a passphrase."""
    root = tmp_path_factory.mktemp("silly")
    captured = Captured()
    with contextlib.redirect_stdout(captured.out), contextlib.redirect_stderr(captured.err):
        homes = TwoHomes(root, captured, "--classic")  # type: ignore[arg-type]
        packet = homes.put()
        homes.export()
        homes.take()
        shares = homes.call("keys", "split", "--to", root / "shares", home=homes.high)["files"]
        bundle = homes.call("desk", "bundle", homes.gateway, "--to", homes.card, "--yes", home=homes.high)["file"]
        asked = ["--verifier", "me", "--purpose", "this", "--to", root / "challenge"]
        homes.say("desk", "challenge", packet, *asked, home=homes.high)
        (root / "passphrase").write_text("correct horse battery staple\n")
        homes.say("desk", "init", "--passphrase-file", root / "passphrase", home=root / "sealed")
    return {
        **{name: str(root / name) for name in ("low", "high", "sealed", "stick", "card", "challenge")},
        "root": str(root),
        "packet": packet,
        "gateway": homes.gateway,
        "bundle": bundle,
        "share": shares[0],
        "other": shares[2],
    }


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, in which lie a folder and a file that is no text."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ENVEIS_HOME", raising=False)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "kept").write_bytes(b"kept")
    (tmp_path / "binary").write_bytes(bytes(reversed(range(256))) * 20)
    return tmp_path


def snapshot(*roots: Path) -> dict[Path, bytes]:
    """Everything that lies there, but for ledgers: asking one makes it."""
    found = [
        path for root in roots for path in root.rglob("*") if ".sqlite" not in path.name and "lock" not in path.name
    ]
    return {path: path.read_bytes() if path.is_file() else b"" for path in found}


@pytest.mark.parametrize(("home", "line"), LINES, ids=[line for _, line in LINES])
def test_nonsense_is_answered_with_a_sentence(
    home: str, line: str, places: dict[str, str], here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = snapshot(here, Path(places["root"]))
    words = shlex.split(line)
    slot = next(place for place, word in enumerate(words) if word.startswith("@"))
    _, kind = words[slot][1:].split("=")
    for number, nonsense in enumerate(NONSENSE[kind]):
        root = places.get(home, str(here / f"home-{number}"))
        arguments = [word.format(**places) for word in words]
        arguments[slot] = nonsense
        try:
            status = main([*([] if home == "demo" else ["--home", root]), *arguments])
        except SystemExit as error:  # argparse
            status = int(error.code or 0)
        said = capsys.readouterr()
        shown = f"{nonsense[:40]!r}: {status} {said.err[:600]}"
        assert "Traceback" not in said.err, shown
        assert "fault in Enveis" not in said.err, shown
        assert len([word for word in said.err.splitlines() if word.startswith("enveis")]) <= 1, shown
        if kind != "text":
            assert status in ((2, 4) if words[0] == "quarantine" else (1, 2)), shown
            if status == 1:
                assert said.err.startswith("enveis: "), shown
                assert said.err.count("\n") == 1, shown
        after = snapshot(here, Path(places["root"]))
        assert after == before or not status, shown
        before = after


def commands() -> Iterator[tuple[str, Command]]:
    for station in STATIONS:
        loaded = load_commands(station)
        for command in loaded:
            yield station if is_lone(station, loaded) else f"{station} {command.name}", command


def test_no_argument_is_left_out() -> None:
    called = {(words, argument) for _, line in LINES for words, argument in [tried(line)]}
    anywhere = {argument for _, argument in called}
    for name, command in commands():
        parser = ArgumentParser(add_help=False)
        command.arguments(parser)
        for action in parser._actions:
            if action.nargs != 0 and not action.choices:
                found = (name, action.dest) in called or (action.dest in SHARED and action.dest in anywhere)
                assert found, f"{name} {action.dest}"


def tried(line: str) -> tuple[str, str]:
    words = line.split()
    name = words[0] if words[0] in ("demo", "run") else " ".join(words[:2])
    return name, next(word[1:].split("=")[0] for word in words if word.startswith("@"))


def test_no_secret_is_an_argument() -> None:
    """Whoever lists the processes of a machine reads their arguments: what is secret is typed, or in a file."""
    of_secrets = 0
    for name, command in commands():
        parser = ArgumentParser(add_help=False)
        command.arguments(parser)
        for action in parser._actions:
            if re.search("share|passphrase|identity|secret|proof", action.dest):
                of_secrets += 1
                assert action.nargs == 0 or action.type in (file_name, folder_name), f"{name} {action.dest}"
    assert of_secrets > 20
