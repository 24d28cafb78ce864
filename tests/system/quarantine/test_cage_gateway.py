"""A gateway proves its cage, starts it before any key is read, and without it does not start.

Invariants G22 and G23.
"""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway import serve
from gateway import start_cage as caging
from gateway.errors import GatewayError
from gateway.home.config import UNCAGED, GatewayConfig
from gateway.home.home import GatewayHome
from gateway.start_cage import start_cage
from quarantine.cage.attacks import ATTACKS
from quarantine.cage.layers import Cage, Layer
from quarantine.errors import CageError
from quarantine.scanner.local_clamd import LocalClamd
from quarantine.workers.cage_test import AttackOutcome, prove_cage
from quarantine.workers.zygote_client import ZygoteClient
from tests.worlds.gateway_process import GatewayProcess
from tests.worlds.waiting import wait_until

ACCEPTING = replace(GatewayConfig(), uncaged_inspection=UNCAGED)


@pytest.mark.parametrize("layer", [Layer.LANDLOCK, Layer.SECCOMP])
def test_without_a_required_layer_a_gateway_does_not_start(layer: Layer) -> None:
    with pytest.raises(GatewayError, match=f"this kernel does not have {layer}"):
        start_cage(GatewayConfig(), missing=lambda: (layer,))


@pytest.mark.parametrize("layer", [Layer.LANDLOCK, Layer.SECCOMP])
def test_unless_somebody_typed_a_whole_sentence(layer: Layer) -> None:
    zygote = start_cage(ACCEPTING, missing=lambda: (layer,))
    assert zygote is not None
    zygote.close()


@pytest.mark.parametrize("word", ["true", "yes", UNCAGED.lower(), UNCAGED + ".", UNCAGED[:-1]])
def test_no_other_words_do(word: str) -> None:
    with pytest.raises(ValueError, match="uncaged_inspection"):
        replace(GatewayConfig(), uncaged_inspection=word)


def test_a_cage_that_lets_an_attack_through_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    # Without these a worker may signal the gateway, whatever the kernel reports.
    hole = frozenset({Layer.SECCOMP, Layer.NAMESPACES, Layer.LANDLOCK})
    monkeypatch.setattr(caging, "ZygoteClient", lambda _cage, **_: ZygoteClient(Cage(hole)))
    with pytest.raises(GatewayError, match=r"does not withstand attacks here: a file could .*signal the gateway"):
        start_cage(GatewayConfig())


def test_workers_that_never_answer_prove_nothing(tmp_path: Path) -> None:
    program = tmp_path / "silent.py"
    program.write_text(
        "import sys, os\nfrom quarantine.workers import spares, zygote as zygote_process\n"
        "spares.work = lambda *_: os._exit(0)\nzygote_process.main(sys.argv[1:])\n"
    )
    with ZygoteClient(program=(str(program),)) as zygote, pytest.raises(CageError, match="harmless text"):
        prove_cage(zygote)


def test_switched_off_inspection_needs_no_cage() -> None:
    assert start_cage(replace(GatewayConfig(), inspection=False), missing=lambda: (Layer.SECCOMP,)) is None


def test_the_zygote_starts_before_any_key_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []
    start = start_cage

    def starting(config: GatewayConfig) -> ZygoteClient | None:
        events.append("cage")
        return start(config)

    class EnoughError(Exception):
        pass

    def loading(self: GatewayHome) -> None:
        events.append("keys")
        raise EnoughError

    home = GatewayProcess(tmp_path, inspection=True).home
    monkeypatch.setattr(serve, "harden_process", lambda: None)
    monkeypatch.setattr(serve, "start_cage", starting)
    monkeypatch.setattr(GatewayHome, "load", loading)
    with pytest.raises(EnoughError):
        serve.serve(home, on_listening=lambda *_: None)
    assert events == ["cage", "keys"]


def check(tmp_path: Path, **settings: Any) -> "subprocess.CompletedProcess[str]":
    home = GatewayProcess(tmp_path, **settings).home
    command = [sys.executable, "-m", "enveis", "gateway", "check", "--json", "--home", str(home.root)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_check_ends_with_a_failure_where_the_scanner_is_unfit(tmp_path: Path) -> None:
    done = check(tmp_path, inspection=True, clamd_socket=str(tmp_path / "absent.sock"))
    assert done.returncode == 1
    (state,) = (row["state"] for row in json.loads(done.stdout) if row["what"] == "scanner")
    assert state.startswith("UNFIT: ")
    assert "Until the scanner is fit for use, every file counts as undecided and is held." in done.stderr


def test_check_does_not_ask_for_a_scanner_that_is_not_wanted(tmp_path: Path) -> None:
    assert check(tmp_path, inspection=False, clamd_socket=str(tmp_path / "absent.sock")).returncode == 0


def test_check_shows_the_proof(tmp_path: Path, clamd: LocalClamd) -> None:
    done = check(tmp_path, inspection=True, clamd_socket=str(clamd.socket_path))
    assert done.returncode == 0, done.stderr
    rows = {row["what"]: row["state"] for row in json.loads(done.stdout)}
    for attack in ATTACKS.values():
        assert AttackOutcome(rows[f"a file cannot {attack.sentence}"]).is_stopped
    assert rows["cage"].startswith("Landlock ABI ")


def test_a_running_gateway_has_its_zygote_and_takes_it_along(tmp_path: Path) -> None:
    with GatewayProcess(tmp_path, inspection=True, inspection_budget_seconds=5) as gateway:
        children = Path(f"/proc/{gateway.pid}/task/{gateway.pid}/children").read_text().split()
        zygotes = [pid for pid in children if b"quarantine.workers.zygote" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        assert len(zygotes) == 1
        # It was given nothing: no descriptor of the gateway's, no environment.
        assert Path(f"/proc/{zygotes[0]}/environ").read_bytes().split(b"\0")[:-1] in ([], [b"LC_CTYPE=C.UTF-8"])
        assert gateway.submit([("message", "x")], [("a.txt", b"text\n")]).words
        os.kill(gateway.pid, 9)
        gateway.stop()
        wait_until(lambda: not alive(int(zygotes[0])))


def alive(pid: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
