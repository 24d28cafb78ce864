"""What people hand over and is no ordinary file: each command answers it with one sentence, soon and in little memory.

The table of docs/strange-files.md, cell by cell. A new argument that names a file fails here until it is in the table.

Invariant T16.
"""

import contextlib
import io
import os
import re
import resource
import shlex
import signal
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path

import pytest

from enveis.command import file_name, file_or_folder_name, folder_name
from enveis.main import main
from tests.builders.strange_files import MARK, MEDIA, NEITHER, PAGE, SAYS, cells_of, strange_table
from tests.enveis.test_cli_silly_arguments import LINES, SHARED, commands, places, snapshot, tried
from tests.worlds.waiting import WATCHDOG

__all__ = ["places"]  # the fixture: two homes between which a packet crossed

MEMORY = 2**30  # bytes of address space beyond what this process has: a reader without a bound takes all of it


def slot_of(line: str) -> tuple[str, str, str]:
    """Return command, argument and kind of a line of the silly arguments."""
    command, argument = tried(line)
    return command, argument, next(word for word in line.split() if word.startswith("@")).split("=")[1]


# It is refused before the file is opened; the option is tried with other commands.
EARLIER = "desk open 0000"
CALLS = [
    (home, line, *slot_of(line)) for home, line in LINES if slot_of(line)[2] in SAYS and not line.startswith(EARLIER)
]
ROWS = list(dict.fromkeys(call[2:] for call in CALLS))


class HungError(BaseException):
    """It took longer than anything but a wait without an end; no `except` of a command catches it."""


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    """Let nothing hang, and nothing read a device until the memory of the machine is gone."""

    def give_up(*_: object) -> None:
        raise HungError

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    size = int(re.findall(r"VmSize:\s+(\d+)", Path("/proc/self/status").read_text())[0]) * 1024
    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(int(WATCHDOG))
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("medium", MEDIA)
@pytest.mark.parametrize(("home", "line", "command", "argument", "kind"), CALLS, ids=[call[1] for call in CALLS])
def test_what_is_no_ordinary_file(
    places: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    home: str,
    line: str,
    command: str,
    argument: str,
    kind: str,
    medium: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ENVEIS_HOME", raising=False)
    strange = tmp_path / "strange"
    try:
        MEDIA[medium](strange)
    except PermissionError:
        pytest.skip("making a device needs root")
    before, cell = snapshot(Path(places["root"])), cells_of(command, argument, kind)[medium]
    arguments = [word.format(**places) if word[0] != "@" else str(strange) for word in shlex.split(line)]
    at = [] if command == "quarantine inspect" else ["--home", places.get(home, str(tmp_path / "home"))]
    status = main([*at, *arguments])
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    assert "fault in Enveis" not in said.err
    assert len([word for word in said.err.splitlines() if word.startswith("enveis: ")]) <= 1, said.err
    if cell.says:
        assert status in {1, 2, 4}, said
        assert re.search(cell.says, said.err + said.out), said
        assert snapshot(Path(places["root"])) == before
        assert os.path.lexists(strange)


def test_the_page_has_this_table() -> None:
    assert PAGE.read_text("utf-8").partition(MARK)[2] == strange_table(ROWS)


def test_every_argument_that_names_a_file_is_in_the_table() -> None:
    rows = {(command, argument) for command, argument, _ in ROWS}
    for name, command in commands():
        parser = ArgumentParser(add_help=False)
        command.arguments(parser)
        for action in parser._actions:
            if action.type in (file_name, folder_name, file_or_folder_name):
                shared = action.dest in SHARED and any(argument == action.dest for _, argument in rows)
                found = (name, action.dest) in rows or (name, action.dest) in NEITHER or shared
                assert found or name == "demo", f"{name} {action.dest}"


@pytest.mark.parametrize("medium", [medium for medium in MEDIA if medium != "folder"])
@pytest.mark.parametrize(
    "command", [["gateway", "check"], ["transfer", "status"], ["desk", "inbox"], ["keys", "show"], ["audit", "verify"]]
)
def test_a_home_that_is_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str], medium: str
) -> None:
    MEDIA[medium](tmp_path / "strange")
    assert main(["--home", str(tmp_path / "strange"), *command]) in {1, 2}
    said = capsys.readouterr()
    assert said.err.startswith("enveis: ")
    assert said.err.count("\n") == 1
    assert "fault in Enveis" not in said.err


@pytest.mark.parametrize("medium", [medium for medium in MEDIA if medium not in {"folder", "empty file"}])
def test_a_log_and_its_heads_with_strange_things_in_their_folders(
    places: dict[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    medium: str,
) -> None:
    """Beside a log lie its closed files, and a folder of heads has batches in folders: both are a stranger's, too."""
    (tmp_path / "heads" / "bag").mkdir(parents=True)
    MEDIA[medium](tmp_path / "heads" / "bag" / "batch.json")
    (tmp_path / "heads" / "bag" / "batch.json.minisig").touch()
    log = Path(places["low"]) / "audit.jsonl"
    key = ["--key", str(Path(places["low"]) / "gateway.pub")]
    assert main(["audit", "verify", str(log), *key, "--heads", str(tmp_path / "heads")]) == 1
    said = capsys.readouterr().err
    assert re.search("named pipe|device|symbolic link|larger than|not a regular", said), said

    (tmp_path / "log.jsonl").write_bytes(log.read_bytes())
    (tmp_path / "log.closed").mkdir()
    MEDIA[medium](tmp_path / "log.closed" / f"{1:016}-{2:016}.jsonl")
    for command in ("verify", "show"):
        assert main(["audit", command, str(tmp_path / "log.jsonl")]) == 1
        said = capsys.readouterr().err
        assert re.search("named pipe|device|symbolic link|sparse", said), said
        assert "fault in Enveis" not in said


@pytest.mark.parametrize(
    "command",
    [
        ["desk", "reply", "{packet}"],
        ["receipt", "prove", "--yes", "{challenge}"],
        ["keys", "combine", "--to", "new", "--shares"],
    ],
)
def test_an_input_without_an_end_is_read_to_a_bound(
    places: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    with Path("/dev/zero").open("rb") as endless:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(endless))
        status = main(["--home", places["high"], *(word.format(**places) for word in command)])
        with contextlib.suppress(ValueError):
            endless.close()
    said = capsys.readouterr()
    assert status == 1
    assert len([word for word in said.err.splitlines() if word.startswith("enveis: ")]) == 1, said.err
