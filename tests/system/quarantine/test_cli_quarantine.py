"""`enveis quarantine inspect` on a real clamd: the exit status says the worst verdict of all files."""

import json
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from enveis.demo.sample_files import deflated_zip, one_page_pdf, stored_rar
from quarantine.budgets import Budgets
from quarantine.scanner.canaries import eicar
from quarantine.scanner.local_clamd import LocalClamd
from tests.builders.jpeg_files import jpeg
from tests.worlds.gateway_process import GatewayProcess


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    (folder / "clear.pdf").write_bytes(one_page_pdf("hello"))
    (folder / "clear.txt").write_bytes(b"hello\n")
    (folder / "clear.zip").write_bytes(deflated_zip({"a.txt": b"hello\n"}))
    (folder / "clear.rar").write_bytes(stored_rar({"a.txt": b"hello\n"}))
    (folder / "held.rar").write_bytes(stored_rar({"a.txt": eicar()}))
    (folder / "refused.txt").write_bytes(b"MZ\0\0")
    (folder / "refused.exe").write_bytes(b"hello\n")
    return folder


def inspect(files: Path, clamd: LocalClamd, *names: str) -> tuple[int, list[str]]:
    command = [sys.executable, "-m", "enveis", "--json", "quarantine", "inspect", "--socket", str(clamd.socket_path)]
    done = subprocess.run(
        [*command, *(str(files / name) for name in names)], check=False, capture_output=True, text=True
    )
    assert done.stderr == ""
    return done.returncode, [row["verdict"] for row in json.loads(done.stdout)]


def test_the_worst_verdict_counts(files: Path, clamd: LocalClamd) -> None:
    clear = ["clear.pdf", "clear.txt", "clear.zip", "clear.rar"]
    assert inspect(files, clamd, *clear) == (0, ["clear"] * 4)
    assert inspect(files, clamd, "clear.txt", "refused.txt", "refused.exe") == (2, ["clear", "refused", "refused"])
    assert inspect(files, clamd, "refused.txt", "held.rar", "clear.txt") == (1, ["refused", "held", "clear"])


def test_a_file_that_cannot_be_read_hides_no_other_and_is_no_verdict(files: Path, clamd: LocalClamd) -> None:
    assert inspect(files, clamd, "absent.txt", "clear.txt") == (4, ["not read", "clear"])
    assert inspect(files, clamd, "absent.txt", "held.rar") == (1, ["not read", "held"])


def test_a_failure_is_no_verdict(files: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "enveis", "--home", str(tmp_path / "absent"), "quarantine", "inspect"]
    done = subprocess.run([*command, str(files / "clear.txt")], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (4, "", 1)


def test_without_a_scanner_nothing_is_decided(files: Path, clamd: LocalClamd, tmp_path: Path) -> None:
    class Gone:
        socket_path = tmp_path / "absent.sock"

    assert inspect(files, Gone(), "clear.txt") == (3, ["undecided"])  # type: ignore[arg-type]


def test_a_gateway_s_own_settings_are_used(files: Path, clamd: LocalClamd, tmp_path: Path) -> None:
    def verdict(name: str, **settings: Any) -> str:
        folder = tmp_path / secrets.token_hex(4)
        folder.mkdir()
        home = GatewayProcess(folder, clamd_socket=str(clamd.socket_path), **settings).home
        command = [sys.executable, "-m", "enveis", "--json", "quarantine", "inspect", str(files / name)]
        done = subprocess.run([*command, "--home", str(home.root)], check=False, capture_output=True, text=True)
        assert done.stderr == ""
        return str(json.loads(done.stdout)[0]["verdict"])

    (files / "program.zip").write_bytes(deflated_zip({"tool.exe": b"hello\n", "a.txt": b"hello\n"}))
    (files / "picture.jpg").write_bytes(jpeg())
    assert verdict("program.zip") == "clear"
    assert verdict("program.zip", also_hold=("archive.executable",)) == "held"
    assert verdict("program.zip", budgets=Budgets(members=1)) == "held"
    assert verdict("picture.jpg") == "refused"
    assert verdict("picture.jpg", allowed_types=("jpg",)) == "clear"
    assert verdict("program.zip", file_max_bytes=100) == "refused"
