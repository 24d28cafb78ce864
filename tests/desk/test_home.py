"""The desk's home: complete or not there, never overwritten, its backup elsewhere.

Invariant A4.
"""

import errno
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from audit.errors import LogDamagedError
from desk.arrival.inbox import list_inbox
from desk.config import DeskConfig, encode_desk_config
from desk.errors import DeskError
from desk.home import DeskHome, init_desk, pair, read_pairing
from disk.settings import SettingsError, read_settings
from keys.errors import KeyMaterialError
from keys.identity import read_identities
from keys.recipient import KeyKind
from keys.signing import SigningKey
from transfer.errors import LedgerError
from transfer.high_side.arrivals import Arrivals
from transfer.pairing import Pairing, encode_pairing

WORDS = "correct horse"


def never() -> str:
    raise AssertionError("asked for a passphrase")


@pytest.fixture
def home(tmp_path: Path) -> DeskHome:
    home = DeskHome(tmp_path / "high")
    init_desk(home, kind=KeyKind.CLASSIC, backup=tmp_path / "backup.txt", passphrase=None, config=DeskConfig())
    return home


def test_init_makes_everything(home: DeskHome, tmp_path: Path) -> None:
    names = sorted(path.name for path in home.root.iterdir())
    assert names == [
        "audit.jsonl",
        "desk.key",
        "desk.pub",
        "desk.toml",
        "gateways",
        "identity.txt",
        "inbox",
        "recipients.txt",
        "recipients.txt.minisig",
    ]
    for path in [home.root, tmp_path / "backup.txt", *home.root.iterdir()]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)
    both = [*home.load_identities(never), *read_identities(tmp_path / "backup.txt", never)]
    assert home.load_recipients() == tuple(identity.recipient for identity in both)
    assert home.load_config() == DeskConfig()
    assert "keys-created" in home.audit.read_text()


def test_init_never_overwrites_home_or_backup(home: DeskHome, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for root, backup in ((home.root, tmp_path / "new"), (tmp_path / "other", tmp_path / "backup.txt")):
        with pytest.raises(FileExistsError):
            init_desk(DeskHome(root), kind=KeyKind.CLASSIC, backup=backup, passphrase=None, config=DeskConfig())
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert not (tmp_path / "other").exists()


def test_a_backup_in_the_home_itself_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeskError, match="outside the home"):
        init_desk(
            DeskHome(tmp_path / "high"),
            kind=KeyKind.CLASSIC,
            backup=tmp_path / "x" / ".." / "high" / "backup.txt",
            passphrase=None,
            config=DeskConfig(),
        )
    assert not (tmp_path / "high").exists()


def test_a_passphrase_seals_both_identities(tmp_path: Path) -> None:
    home = DeskHome(tmp_path / "high")
    init_desk(home, kind=KeyKind.HYBRID, backup=tmp_path / "b", passphrase=WORDS, config=DeskConfig())
    for path in (home.identity, tmp_path / "b"):
        assert path.read_bytes().startswith(b"age-encryption.org/v1\n")
    assert home.load_identities(lambda: WORDS)[0].recipient == home.load_recipients()[0]
    with pytest.raises(KeyMaterialError, match="wrong passphrase"):
        home.load_identities(lambda: "wrong")


@pytest.mark.parametrize("name", ["identity.txt", "desk.key"])
def test_a_secret_that_others_may_read_is_refused(home: DeskHome, name: str) -> None:
    (home.root / name).chmod(0o640)
    with pytest.raises(DeskError, match="can be read by others"):
        home.load_identities(never)


def test_pairing(home: DeskHome, tmp_path: Path) -> None:
    pairing = Pairing(SigningKey.generate().public, bytes(32))
    assert home.pairings() == {}
    assert pair(home, pairing)
    assert not pair(home, pairing)
    assert home.pairings() == {pairing.gateway: pairing}
    with pytest.raises(DeskError, match="another pairing"):
        pair(home, Pairing(pairing.key, bytes([1]) * 32))
    assert home.pairings() == {pairing.gateway: pairing}
    assert home.audit.read_text().count("gateway-paired") == 1
    (home.gateways / f"{'0' * 16}.pairing").write_bytes(encode_pairing(pairing))
    with pytest.raises(DeskError, match="a different gateway"):
        home.pairings()
    (tmp_path / "junk").write_bytes(b"junk")
    with pytest.raises(DeskError, match="junk"):
        read_pairing(tmp_path / "junk")


def test_nobody_is_trusted_without_a_line_in_the_log(home: DeskHome, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log's end is damaged, or the machine dies between the line and the file."""
    pairing = Pairing(SigningKey.generate().public, bytes(32))
    whole = home.audit.read_bytes()
    home.audit.write_bytes(whole + b"{}\n")
    for _ in range(2):
        with pytest.raises(LogDamagedError):
            pair(home, pairing)
        assert home.pairings() == {}
    home.log().recover()

    def died(path: Path, pieces: object) -> None:
        assert "gateway-paired" in home.audit.read_text()
        raise OSError(errno.ENOSPC, "full", str(path))

    with monkeypatch.context() as patch:
        patch.setattr("desk.home.write_new", died)
        with pytest.raises(OSError, match="full"):
            pair(home, pairing)
    assert home.pairings() == {}
    assert pair(home, pairing)
    assert home.pairings() == {pairing.gateway: pairing}


def test_not_a_home(tmp_path: Path) -> None:
    with pytest.raises(DeskError, match="not a desk's home"):
        DeskHome(tmp_path).load_identities(never)


def test_settings(tmp_path: Path) -> None:
    (tmp_path / "desk.toml").write_text(encode_desk_config(DeskConfig(name='Die "Ærø"')))
    assert read_settings(tmp_path / "desk.toml", DeskConfig) == DeskConfig(name='Die "Ærø"')
    (tmp_path / "desk.toml").write_text('nmae = "x"\n')
    with pytest.raises(SettingsError, match="nmae"):
        read_settings(tmp_path / "desk.toml", DeskConfig)
    with pytest.raises(ValueError, match="'name'"):
        DeskConfig(name="a\nb")


def test_the_log_knows_the_day_in_utc(home: DeskHome) -> None:
    assert f'"day":"{datetime.now(UTC).date()}"' in home.audit.read_text()


def test_an_inbox_whose_ledger_was_lost_is_not_shown_as_empty(home: DeskHome) -> None:
    assert list_inbox(home) == ()
    assert not home.arrivals.exists(), "who only looks makes none"
    Arrivals(home.arrivals)
    assert list_inbox(home) == ()
    home.arrivals.unlink()
    with pytest.raises(LedgerError, match="restore it from a backup"):
        list_inbox(home)
