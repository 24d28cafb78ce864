"""A packet made over HTTP is opened without Enveis: by age and unzip; by npm age-encryption where it is hybrid."""

import subprocess
from pathlib import Path

from keys.identity import encode_identity_file
from keys.recipient import KeyKind
from tests.worlds.gateway_process import GatewayProcess
from tests.worlds.oracles import NODE, npm_packages
from tests.worlds.waiting import WATCHDOG

OPEN_WITH_NPM = """
import { readFileSync, writeFileSync } from "node:fs";
import { Decrypter } from "age-encryption";
const opener = new Decrypter();
opener.addIdentity(readFileSync(0, "utf8").trim());
writeFileSync("packet.zip", await opener.decrypt(readFileSync("packet.age")));
"""


def test_age_and_unzip_open_a_classic_packet(tmp_path: Path) -> None:
    _submit(tmp_path, KeyKind.CLASSIC)
    command = ["age", "-d", "-i", "identity.txt", "-o", "packet.zip", "packet.age"]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=WATCHDOG)
    _check_zip(tmp_path)


def test_npm_age_encryption_and_unzip_open_a_hybrid_packet(tmp_path: Path) -> None:
    identity = _submit(tmp_path, KeyKind.HYBRID)
    (tmp_path / "open.mjs").write_text(OPEN_WITH_NPM)
    (tmp_path / "node_modules").symlink_to(npm_packages())
    subprocess.run([NODE, "open.mjs"], cwd=tmp_path, input=identity, text=True, check=True, timeout=WATCHDOG)
    _check_zip(tmp_path)


def _submit(root: Path, kind: KeyKind) -> str:
    with GatewayProcess(root, kind=kind) as gateway:
        assert gateway.submit([("message", "hello")], [("a.txt", b"line\n" * 50_000)]).words
        (packet,) = gateway.leftovers()
        (root / "packet.age").write_bytes(packet.read_bytes())
    (root / "identity.txt").write_bytes(encode_identity_file(gateway.identity, None))
    return gateway.identity.encode()


def _check_zip(root: Path) -> None:
    subprocess.run(["unzip", "-tq", "packet.zip"], cwd=root, check=True, timeout=WATCHDOG)
    listed = subprocess.run(["unzip", "-Z1", "packet.zip"], cwd=root, check=True, capture_output=True, text=True)
    assert listed.stdout.split() == ["files/01.txt", "message.json", "manifest.json", "padding"]
    unpacked = subprocess.run(["unzip", "-p", "packet.zip", "files/01.txt"], cwd=root, check=True, capture_output=True)
    assert unpacked.stdout == b"line\n" * 50_000
