"""The gateway's home: complete or not there, private, and refused when something in it is wrong."""

import os
import stat
from pathlib import Path

import pytest

from disk.settings import SettingsError
from gateway.errors import GatewayError
from gateway.home.config import GatewayConfig
from gateway.home.home import GatewayHome, init_gateway
from keys.identity import generate_identity
from keys.recipient import KeyKind
from keys.signing import SigningKey


@pytest.fixture
def handed(tmp_path: Path) -> tuple[Path, Path]:
    recipients, desk = tmp_path / "recipients.txt", tmp_path / "desk.pub"
    keys = [generate_identity(KeyKind.HYBRID).recipient for _ in range(2)]
    recipients.write_text(f"# a comment with a name\n{keys[0]}\n{keys[1]}\n")
    desk.write_text(SigningKey.generate().public.encode())
    return recipients, desk


@pytest.fixture
def home(tmp_path: Path, handed: tuple[Path, Path]) -> GatewayHome:
    home = GatewayHome(tmp_path / "low")
    old = os.umask(0)
    try:
        init_gateway(home, recipients=handed[0], desk_key=handed[1], config=GatewayConfig())
    finally:
        os.umask(old)
    return home


def test_init_makes_everything_and_load_reads_it(home: GatewayHome) -> None:
    names = sorted(str(path.relative_to(home.root)) for path in home.root.rglob("*"))
    assert names == [
        "audit.jsonl",
        "desk.pub",
        "gateway.key",
        "gateway.pairing",
        "gateway.pub",
        "gateway.toml",
        "outbox.sqlite",
        "recipients.txt",
        "spool",
        "spool/clear",
        "spool/held",
        "spool/incoming",
        "spool/withdrawable",
        "way-back.sqlite",
        "withdraw.key",
    ]
    for path in [home.root, *home.root.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)
    material = home.load()
    assert material.config == GatewayConfig()
    assert [recipient.kind for recipient in material.recipients] == [KeyKind.HYBRID] * 2
    assert material.gateway == home.load_pairing().gateway
    assert home.load_pairing().key == material.signing_key.public
    assert "a comment" not in home.recipients.read_text()


def test_init_never_overwrites(home: GatewayHome, handed: tuple[Path, Path]) -> None:
    before = {path: path.read_bytes() for path in home.root.rglob("*") if path.is_file()}
    with pytest.raises(FileExistsError):
        init_gateway(home, recipients=handed[0], desk_key=handed[1], config=GatewayConfig())
    assert before == {path: path.read_bytes() for path in home.root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"x" * 70_000, b"hello", None, "mixed", "secret"])
def test_init_with_a_wrong_file_makes_nothing(
    tmp_path: Path, handed: tuple[Path, Path], which: int, content: bytes | str | None
) -> None:
    match content:
        case None:
            handed[which].unlink()
        case "mixed":
            kinds = (KeyKind.HYBRID, KeyKind.CLASSIC)
            handed[which].write_text("\n".join(str(generate_identity(kind).recipient) for kind in kinds))
        case "secret":
            handed[which].write_text(generate_identity(KeyKind.HYBRID).encode())
        case bytes():
            handed[which].write_bytes(content)
        case _:
            pytest.fail("nothing is known of this content")
    with pytest.raises(GatewayError) as raised:
        init_gateway(GatewayHome(tmp_path / "low"), recipients=handed[0], desk_key=handed[1], config=GatewayConfig())
    assert "\n" not in str(raised.value)
    assert str(handed[which]) in str(raised.value)
    assert not (tmp_path / "low").exists()


@pytest.mark.parametrize("name", ["gateway.key", "gateway.pairing"])
@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_a_secret_that_others_may_read_is_refused(home: GatewayHome, name: str, mode: int) -> None:
    (home.root / name).chmod(mode)
    with pytest.raises(GatewayError, match="can be read by others"):
        home.load()


@pytest.mark.parametrize("name", ["gateway.key", "gateway.pub", "recipients.txt", "desk.pub"])
def test_a_missing_or_damaged_file_is_named(home: GatewayHome, name: str) -> None:
    (home.root / name).write_text("damaged")
    with pytest.raises(GatewayError, match=name.replace(".", r"\.")):
        home.load()
    (home.root / name).unlink()
    with pytest.raises(GatewayError, match=name.replace(".", r"\.")):
        home.load()


def test_a_public_key_of_another_gateway_is_refused(home: GatewayHome) -> None:
    home.public_key.write_text(SigningKey.generate().public.encode())
    with pytest.raises(GatewayError, match="does not belong"):
        home.load()


def test_wrong_settings_and_no_home(home: GatewayHome, tmp_path: Path) -> None:
    home.config.write_text("files_max = 0\n")
    with pytest.raises(SettingsError, match="files_max"):
        home.load()
    with pytest.raises(GatewayError, match="not a gateway's home"):
        GatewayHome(tmp_path / "nowhere").load()
