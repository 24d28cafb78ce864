"""What real processes load: the low side never has the code that opens packets, nor the desk's.

Invariant E1.
"""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from enveis.demo.two_machines import encode_form, free_port
from enveis.main import main
from gateway.home.home import GatewayHome
from quarantine.scanner.local_clamd import LocalClamd
from tests.worlds.waiting import WATCHDOG, ended, wait_until

# Runs the command as its own process would, and writes down at the end what was loaded.
RECORDER = """
import atexit, json, sys
target = sys.argv.pop(1)
atexit.register(lambda: open(target, "w").write(json.dumps(sorted(sys.modules))))
from enveis.main import main
sys.exit(main(sys.argv[1:]))
"""
STATIONS = ("gateway", "quarantine", "transfer", "keys", "audit", "desk", "disk", "enveis")


def loaded(tmp_path: Path, *arguments: str | Path, status: int = 0) -> set[str]:
    target = tmp_path / "modules.json"
    done = subprocess.run(
        [sys.executable, "-c", RECORDER, target, *map(str, arguments)], check=False, capture_output=True, text=True
    )
    assert done.returncode == status, done.stderr
    modules = json.loads(target.read_text())
    assert "structlog" not in modules, "it takes half of a command's time"
    assert not {"zxcvbn", "keys.passphrase_strength"}.intersection(modules), "only a new passphrase needs it"
    return ours(target)


def ours(target: Path) -> set[str]:
    return {name for name in json.loads(target.read_text()) if name.partition(".")[0] in STATIONS}


def of(modules: set[str], *packages: str) -> set[str]:
    return {name for name in modules if name.partition(".")[0] in packages}


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    root = tmp_path_factory.mktemp("homes")
    low, high = root / "low", root / "high"
    assert main(["desk", "init", "--classic", "--home", str(high), "--backup", str(root / "backup")]) == 0
    files = ["--recipients", str(high / "recipients.txt"), "--desk-key", str(high / "desk.pub")]
    assert main(["gateway", "init", "--home", str(low), *files]) == 0
    assert main(["desk", "pair", str(low / "gateway.pairing"), "--yes", "--home", str(high)]) == 0
    return low, high


def forbidden_on_the_low_side(modules: set[str]) -> set[str]:
    opening = {"keys.identity", "keys.shares", "keys.passphrase", "enveis.commands.desk"}
    return of(modules, "desk") | (modules & opening)


@pytest.fixture
def serving(
    homes: tuple[Path, Path], clamd: LocalClamd, tmp_path: Path
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    config = homes[0] / "gateway.toml"
    text = config.read_text()
    config.write_text(text.replace("/run/clamav/clamd.ctl", str(clamd.socket_path)))
    port = free_port("127.0.0.1")
    command = ["gateway", "serve", "--home", str(homes[0]), "--listen", f"127.0.0.1:{port}"]
    with ended(subprocess.Popen([sys.executable, "-c", RECORDER, tmp_path / "modules.json", *command])) as process:
        yield process, port
    config.write_text(text)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=WATCHDOG):
            return True
    except OSError:
        return False


def test_a_gateway_that_served_a_submission_never_loaded_what_opens_it(
    serving: tuple[subprocess.Popen[bytes], int], tmp_path: Path
) -> None:
    process, port = serving
    wait_until(lambda: _answers(port))
    body, kind = encode_form([("message", "hello")], [("a.txt", b"text\n")])
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/submit", body, {"Content-Type": kind, "Connection": "close"}
    )
    with urllib.request.urlopen(request, timeout=WATCHDOG) as answer:  # noqa: S310
        assert b'id="receipt"' in answer.read()
    process.send_signal(signal.SIGTERM)
    assert process.wait(WATCHDOG) == 0
    modules = ours(tmp_path / "modules.json")
    assert {"gateway.serve", "transfer.packet.writer", "quarantine.inspector", "keys.recipient"} <= modules
    assert forbidden_on_the_low_side(modules) == set()


def test_commands_of_the_low_side(homes: tuple[Path, Path], tmp_path: Path) -> None:
    low, high = homes
    stick = tmp_path / "stick"
    stick.mkdir()
    init = ["--recipients", high / "recipients.txt", "--desk-key", high / "desk.pub"]
    for command in (
        ["gateway", "init", "--home", tmp_path / "other", *init],
        ["gateway", "check", "--home", low],
        ["transfer", "export", "--own-disk", stick, "--home", low],
        ["audit", "show", "--home", low],
        ["audit", "verify", low / "audit.jsonl"],
        ["keys", "show", "--home", low],
        ["receipt", "new", "--classic"],
        ["gateway", "recipients", high / "recipients.txt", "--yes", "--home", low],
        ["gateway", "desk-key", high / "desk.pub", "--yes", "--home", low],
    ):
        # There is no scanner here, and `check` says so.
        status = 1 if command[1] == "check" else 0
        assert forbidden_on_the_low_side(loaded(tmp_path, *command, status=status)) == set(), command


def test_only_a_new_passphrase_loads_what_guesses_it(homes: tuple[Path, Path], tmp_path: Path) -> None:
    for command in (["desk", "init", "--help"], ["keys", "split", "--help"], ["keys", "rehearse", "--help"]):
        loaded(tmp_path, *command)
    (tmp_path / "p").write_text("correct horse battery staple\n")
    made: list[str | Path] = ["desk", "init", "--home", tmp_path / "sealed", "--passphrase-file", tmp_path / "p"]
    with pytest.raises(AssertionError, match="only a new passphrase needs it"):
        loaded(tmp_path, *made)


def test_taking_a_bundle_loads_nothing_of_the_desk(homes: tuple[Path, Path], tmp_path: Path) -> None:
    low, high = homes
    gateway = GatewayHome(low).load().gateway
    assert main(["desk", "bundle", gateway, "--to", str(tmp_path), "--yes", "--home", str(high)]) == 0
    (bundle,) = tmp_path.glob("enveis-bundle-*.zip")
    modules = loaded(tmp_path, "gateway", "accept-bundle", bundle, "--yes", "--home", low)
    assert {"gateway.replies.reply_store", "transfer.bundle.bundle"} <= modules
    assert forbidden_on_the_low_side(modules) == set()


def test_commands_of_the_desk_load_no_gateway(homes: tuple[Path, Path], tmp_path: Path) -> None:
    _, high = homes
    stick = tmp_path / "stick"
    stick.mkdir()
    inbox = loaded(tmp_path, "desk", "inbox", "--home", high)
    imported = loaded(tmp_path, "transfer", "import", stick, "--home", high, status=1)  # an empty stick
    assert "desk.home" in imported
    for modules in (inbox, imported):
        assert of(modules, "gateway", "quarantine") == set()


def test_help_loads_one_station_and_no_library(tmp_path: Path) -> None:
    assert of(loaded(tmp_path), "gateway", "quarantine", "transfer", "keys", "audit", "desk") == set()
    assert of(loaded(tmp_path, "gateway", "--help"), "gateway", "desk", "keys", "transfer") == set()
    for call in (("--version",), ("completion", "bash"), ("completion", "zsh")):
        assert of(loaded(tmp_path, *call), "gateway", "quarantine", "transfer", "keys", "audit", "desk") == set()


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("gateway.serve", ("desk", "enveis")),
        ("quarantine.workers.worker", ("gateway", "transfer", "keys", "audit", "desk", "disk", "enveis")),
        ("audit.log", ("gateway", "quarantine", "transfer", "desk", "enveis")),
        ("transfer.high_side.import_bag", ("gateway", "quarantine", "desk", "enveis")),
        ("desk.arrival.opening", ("gateway", "enveis")),
        ("keys.receipt", ("gateway", "quarantine", "transfer", "audit", "desk", "disk", "enveis")),
    ],
)
def test_stations_do_not_know_each_other(module: str, forbidden: tuple[str, ...]) -> None:
    script = f"import sys, {module}; print(*sys.modules)"
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, env=environment)
    # The base of expected errors is the one thing that all stations share (ADR 0042).
    assert of(set(done.stdout.split()), *forbidden) - {"disk", "disk.expected"} == set()
    if module in {"gateway.serve", "transfer.high_side.import_bag", "keys.receipt"}:
        assert "keys.identity" not in done.stdout.split()
