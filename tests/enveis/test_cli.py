"""The command line: one sentence for what may go wrong, no traceback ever, help without loading a station.

Invariant E3.
"""

import io
import json
import os
import signal
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import pytest

from enveis import main as entry
from enveis.command import Command
from enveis.demo.stopping import Stopping
from enveis.errors import RefusedError, UsageError
from enveis.main import main
from enveis.stations import STATIONS
from enveis.terminal import Terminal, amount, visible


def enveis(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if k != "ENVEIS_HOME"}
    command = [sys.executable, "-m", "enveis", *map(str, arguments)]
    return subprocess.run(
        command, check=False, capture_output=True, text=True, env=clean | environment, stdin=subprocess.DEVNULL
    )


@pytest.fixture
def homes(tmp_path: Path) -> tuple[Path, Path]:
    low, high = tmp_path / "low", tmp_path / "high"
    assert main(["desk", "init", "--classic", "--home", str(high), "--backup", str(tmp_path / "backup")]) == 0
    files = ["--recipients", str(high / "recipients.txt"), "--desk-key", str(high / "desk.pub")]
    assert main(["gateway", "init", "--home", str(low), *files]) == 0
    return low, high


LONE = {"demo", "run"}  # stations that are one command: alone, they do it


@pytest.mark.parametrize(
    "arguments",
    [[], ["--help"], *([name, "--help"] for name in STATIONS), *([name] for name in STATIONS if name not in LONE)],
)
def test_help_is_readable(arguments: list[str]) -> None:
    done = enveis(*arguments)
    assert done.returncode == 0
    assert done.stderr == ""
    assert done.stdout.startswith("usage: enveis")
    assert max(map(len, done.stdout.splitlines())) < 110


def test_a_station_alone_lists_its_commands_and_does_nothing(tmp_path: Path) -> None:
    done = enveis("--home", tmp_path / "none", "desk", "--json")
    assert done.returncode == 0
    assert "  inbox " in done.stdout
    assert not (tmp_path / "none").exists()


def test_the_version_is_that_of_the_package() -> None:
    project = tomllib.loads((Path(entry.__file__).parents[1] / "pyproject.toml").read_text("utf-8"))["project"]
    done = enveis("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"enveis {project['version']}\n", "")


def test_every_station_is_listed() -> None:
    listed = enveis().stdout
    assert all(f"  {name}" in listed for name in STATIONS)


@pytest.mark.parametrize(
    "arguments",
    [["bogus"], ["gateway", "bogus"], ["gateway", "init"], ["desk", "inbox"], ["gateway", "--hom", "x"]],
)
def test_a_wrong_call_is_2(arguments: list[str]) -> None:
    done = enveis(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_the_home_may_stand_before_after_or_in_the_environment(homes: tuple[Path, Path]) -> None:
    high = str(homes[1])
    for call in (
        enveis("--home", high, "--json", "desk", "inbox"),
        enveis("desk", "--home", high, "--json", "inbox"),
        enveis("desk", "inbox", "--json", "--home", high),
        enveis("desk", "inbox", "--json", ENVEIS_HOME=high),
        enveis("desk", "inbox", "--json", "--home", high, ENVEIS_HOME="/nonexistent"),
    ):
        assert (call.returncode, call.stdout, call.stderr) == (0, "[]\n", "")


def test_init_pair_check_and_show(homes: tuple[Path, Path]) -> None:
    low, high = homes
    refused = enveis("desk", "pair", low / "gateway.pairing", "--home", high)
    assert refused.returncode == 2  # no terminal to ask on
    assert not list((high / "gateways").iterdir())
    paired = enveis("desk", "pair", low / "gateway.pairing", "--home", high, "--yes", "--json")
    assert json.loads(paired.stdout)["new"] is True
    shown = {
        row["what"]: row["state"] for row in json.loads(enveis("gateway", "check", "--home", low, "--json").stdout)
    }
    assert shown["fingerprint of the pairing"] in paired.stderr
    assert shown["recipients"] == "2 classic"
    keys = [json.loads(enveis("keys", "show", "--home", home, "--json").stdout) for home in homes]
    words = [{row["file"]: row["fingerprint words"] for row in rows} for rows in keys]
    assert words[0]["recipients.txt"] == words[1]["recipients.txt"] == shown["fingerprint of the recipients"]
    assert words[0]["desk.pub"] == words[1]["desk.pub"]


def test_expected_failures_are_one_sentence(homes: tuple[Path, Path], tmp_path: Path) -> None:
    low, high = homes
    (tmp_path / "bad.toml").write_text("x")
    (tmp_path / "other").mkdir()
    calls: list[Sequence[str | Path]] = [
        ["gateway", "check", "--home", high],
        ["desk", "inbox", "--home", low],
        ["desk", "open", "00000000", "--home", high],
        ["desk", "init", "--home", high],
        ["desk", "pair", tmp_path / "absent", "--yes", "--home", high],
        ["desk", "pair", high / "desk.pub", "--yes", "--home", high],
        ["keys", "show", "--home", tmp_path / "other"],
        [
            "gateway",
            "init",
            "--home",
            tmp_path / "x",
            "--recipients",
            tmp_path / "backup",
            "--desk-key",
            high / "desk.pub",
        ],
        ["gateway", "init", "--home", low, "--recipients", high / "recipients.txt", "--desk-key", high / "desk.pub"],
    ]
    for call in calls:
        done = enveis(*call)
        assert done.returncode == 1, (call, done)
        assert done.stdout == ""
        assert done.stderr.startswith("enveis: ")
        assert done.stderr.count("\n") == 1


def test_an_unknown_setting_is_named(homes: tuple[Path, Path]) -> None:
    (homes[0] / "gateway.toml").write_text("qouta_bytes = 1\n")
    done = enveis("gateway", "check", "--home", homes[0])
    assert done.returncode == 1
    assert "unknown key 'qouta_bytes'" in done.stderr


def test_a_passphrase_comes_from_a_file_and_never_in_an_argument(tmp_path: Path) -> None:
    (tmp_path / "p").write_text("correct horse battery staple\n")
    made = enveis("desk", "init", "--classic", "--home", tmp_path / "high", "--passphrase-file", tmp_path / "p")
    assert made.returncode == 0
    assert (tmp_path / "high" / "identity.txt").read_bytes().startswith(b"age-encryption.org/v1")
    (tmp_path / "binary").write_bytes(b"\xff\n")
    binary = enveis("desk", "init", "--home", tmp_path / "3", "--passphrase-file", tmp_path / "binary")
    assert (binary.returncode, "UTF-8" in binary.stderr) == (1, True)
    (tmp_path / "empty").write_text("\n")
    refused = enveis("desk", "init", "--home", tmp_path / "2", "--passphrase-file", tmp_path / "empty")
    assert refused.returncode == 1
    assert "empty passphrase" in refused.stderr


def test_answers_that_nobody_gives_are_no(homes: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Closed(""))
    assert main(["desk", "pair", str(homes[0] / "gateway.pairing"), "--home", str(homes[1])]) == 1
    monkeypatch.setattr("sys.stdin", Closed("no\n"))
    assert main(["desk", "pair", str(homes[0] / "gateway.pairing"), "--home", str(homes[1])]) == 1
    assert list((homes[1] / "gateways").iterdir()) == []
    monkeypatch.setattr("sys.stdin", Closed("yes\n"))
    assert main(["desk", "pair", str(homes[0] / "gateway.pairing"), "--home", str(homes[1])]) == 0
    assert len(list((homes[1] / "gateways").iterdir())) == 1


def test_a_terminal_that_cannot_show_a_letter_is_no_fault(tmp_path: Path) -> None:
    done = enveis("desk", "init", "--classic", "--home", tmp_path / "Ærø", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert "\\xc6r\\xf8" in done.stdout


@pytest.mark.parametrize("said", [["correct horse battery staple", "correct horse battery stable"], [""], []])
def test_a_passphrase_that_is_not_given_twice_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], said: list[str]
) -> None:
    answers = iter(said)

    def ask(_prompt: str) -> str:
        if not said:
            raise EOFError
        return next(answers, "")

    monkeypatch.setattr("getpass.getpass", ask)
    assert main(["desk", "init", "--passphrase", "--home", str(tmp_path / "high")]) == 1
    assert "nothing was done" in capsys.readouterr().err
    assert not (tmp_path / "high").exists()


@pytest.fixture
def station(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A command of which the test decides what it does."""
    module = ModuleType("station_of_a_test")
    monkeypatch.setitem(sys.modules, "station_of_a_test", module)
    monkeypatch.setitem(STATIONS, "test", ("station_of_a_test", "for a test"))
    return module


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (RefusedError("it is\nnot done"), 1, "enveis: it is not done\n"),
        (UsageError("say more"), 2, "enveis: say more\n"),
        (FileNotFoundError(2, "No such file", "/x"), 1, "enveis: /x: No such file\n"),
        (OSError(28, "No space left"), 1, "enveis: No space left\n"),
        (KeyboardInterrupt(), 130, ""),
        (
            KeyError("the secret text of a source"),
            70,
            "enveis: This is a fault in Enveis (KeyError at enveis/test_cli.py:",
        ),
    ],
)
def test_how_a_command_may_end(
    station: ModuleType, capsys: pytest.CaptureFixture[str], error: BaseException, status: int, words: str
) -> None:
    def fail(*_: object) -> int:
        raise error

    station.COMMAND = Command("test", "for a test", fail)  # type: ignore[attr-defined]
    assert main(["test"]) == status
    said = capsys.readouterr().err
    assert said.startswith(words)
    assert "secret text" not in said
    assert "Traceback" not in said


def test_the_end_may_be_asked_for_at_any_time() -> None:
    with Stopping() as stopping:
        assert not stopping.wait(0)
        stopping.interrupt_if_asked()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        # Whoever swallowed the interruption, it is remembered.
        assert stopping.wait(60)
        with pytest.raises(KeyboardInterrupt):
            stopping.interrupt_if_asked()
    with Stopping() as stopping:
        stopping.politely()
        signal.raise_signal(signal.SIGHUP)
        assert stopping.wait(60)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_reader_that_goes_away_is_no_fault(homes: tuple[Path, Path]) -> None:
    command = f"{sys.executable} -m enveis keys show --home {homes[0]} | true"
    done = subprocess.run(["bash", "-c", command], check=False, capture_output=True, text=True)
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Blåbær 文字 ✉ (a)", "Blåbær 文字 ✉ (a)"),
        ("\x1b[2J\x07", "<U+001B>[2J<U+0007>"),
        ("a\u202eb\u2066", "a<U+202E>b<U+2066>"),
        ("a\u200bb\ufeff\U000e0041", "a<U+200B>b<U+FEFF><U+E0041>"),
        ("a\x85b\x9b\u2028c\rd", "a<U+0085>b<U+009B><U+2028>c<U+000D>d"),
        ("a\u00a0b\u3000c", "a b c"),
        ("a\ud800", "a<U+D800>"),
        ("a\nb\tc", "a<U+000A>b<U+0009>c"),
    ],
)
def test_a_strangers_text_is_made_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_lines_stay_lines_where_they_may() -> None:
    assert visible("a\n\tb\r\x1b", lines=True) == "a\n\tb<U+000D><U+001B>"


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_tables_hold_no_control_characters_and_colours_are_for_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    plain, tty = io.StringIO(), Tty()
    Terminal(out=plain).table(("a", "b"), [("x\x1b[0m", None)])
    assert plain.getvalue() == "a             b\nx<U+001B>[0m  -\n"
    Terminal(out=tty).table(("a",), [("x",)])
    assert "\x1b[1m" in tty.getvalue()
    monkeypatch.setenv("NO_COLOR", "1")
    quiet = Tty()
    Terminal(out=quiet).table(("a",), [("x",)])
    assert "\x1b" not in quiet.getvalue()
    machine = io.StringIO()
    Terminal(out=machine, as_json=True).table(("a", "b"), [("ø\u202e", 1)])
    assert json.loads(machine.getvalue()) == [{"a": "ø\u202e", "b": 1}]
    assert machine.getvalue().isascii()


@pytest.mark.parametrize("colours", [True, False])
def test_nothing_that_is_shown_can_act_on_a_terminal(monkeypatch: pytest.MonkeyPatch, colours: bool) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    evil, shown = "a\x1b[31m\x1b]0;x\x07\nb\u202e", "a<U+001B>[31m<U+001B>]0;x<U+0007><U+000A>b<U+202E>"
    for name, before, after in (("say", "", ""), ("note", "", ""), ("warn", "\x1b[33m", "\x1b[0m")):
        stream = Tty() if colours else io.StringIO()
        getattr(Terminal(out=stream, err=stream), name)(evil)
        assert stream.getvalue() == (f"{before}{shown}{after}\n" if colours else f"{shown}\n")
    stream = io.StringIO()
    Terminal(out=stream).say("a\tb")  # in a text of a source
    assert stream.getvalue() == "a\tb\n"
    # What is ours to make bold is bold, beside the answer too, and plain where the one is a terminal and not the other.
    out, err = Tty() if colours else io.StringIO(), io.StringIO()
    terminal = Terminal(out=out, err=err)
    terminal.say(f"words: {terminal.strong(evil)}.")
    terminal.note(f"words: {terminal.strong('zoo')}.")
    assert out.getvalue() == (f"words: \x1b[1m{shown}\x1b[0m.\n" if colours else f"words: {shown}.\n")
    assert err.getvalue() == "words: zoo.\n"


def test_progress_is_a_bar_on_a_terminal_and_lines_in_a_log(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    for stream in (Tty(), io.StringIO()):
        with Terminal(err=stream).progress("sealing") as progress:
            for step in range(101):
                clock[0] += 1.0
                progress(step * 1024 * 1024, 100 * 1024 * 1024)
        text = stream.getvalue()
        if isinstance(stream, Tty):
            assert "50%  50.0 MiB of 100.0 MiB" in text
            assert "\n" not in text
            assert text.endswith("\r\x1b[K")
        else:
            assert "\x1b" not in text
            assert "\r" not in text
            assert 5 <= len(text.splitlines()) <= 12


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 bytes"),
        (1023, "1023 bytes"),
        (1024, "1.0 KiB"),
        (2**20, "1.0 MiB"),
        (2**28, "256.0 MiB"),
        (2**41, "2048.0 GiB"),
    ],
)
def test_amounts(number: int, text: str) -> None:
    assert amount(number) == text
