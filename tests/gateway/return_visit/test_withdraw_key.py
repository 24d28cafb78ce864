"""The key that marks withdraw buttons: bound to packet, day and token; made where it is missing; private.

Invariant G34.
"""

from datetime import date
from pathlib import Path

import pytest

from gateway.errors import GatewayError
from gateway.home.withdraw_key import WithdrawKey, load_withdraw_key, write_withdraw_key
from transfer.names import PacketId

PACKET, DAY, WITHDRAWAL = PacketId("ab" * 16), date(2026, 11, 30), "cd" * 32


def test_a_mark_is_of_one_key_packet_day_and_token() -> None:
    key = WithdrawKey(bytes(32))
    mark = key.mark(PACKET, DAY, WITHDRAWAL)
    assert mark == "638e9a02b120347892770a38ef39cf7d0ff9018942fdc360620f24763396f03f"
    assert key.is_mark_of(mark, PACKET, DAY, WITHDRAWAL)
    assert not key.is_mark_of(mark, PacketId("ac" * 16), DAY, WITHDRAWAL)
    assert not key.is_mark_of(mark, PACKET, date(2026, 12, 1), WITHDRAWAL)
    assert not key.is_mark_of(mark, PACKET, DAY, "ce" * 32)
    assert not key.is_mark_of("0" * 64, PACKET, DAY, WITHDRAWAL)
    assert not WithdrawKey(bytes(31) + b"\1").is_mark_of(mark, PACKET, DAY, WITHDRAWAL)


def test_a_home_without_one_gets_one_and_keeps_it(tmp_path: Path) -> None:
    path = tmp_path / "withdraw.key"
    mark = load_withdraw_key(path).mark(PACKET, DAY, WITHDRAWAL)
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_withdraw_key(path).is_mark_of(mark, PACKET, DAY, WITHDRAWAL)
    with pytest.raises(FileExistsError):
        write_withdraw_key(path)


def test_of_two_that_start_at_once_both_have_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "withdraw.key"
    monkeypatch.setattr(Path, "exists", lambda _: False)
    first, second = load_withdraw_key(path), load_withdraw_key(path)
    assert first.mark(PACKET, DAY, WITHDRAWAL) == second.mark(PACKET, DAY, WITHDRAWAL)


@pytest.mark.parametrize("content", [b"", b"x", b"0" * 64, b"0" * 65 + b"\n", b"0" * 63 + b"g\n", b"\xff" * 64 + b"\n"])
def test_what_is_no_key_is_refused_with_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "withdraw.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(GatewayError, match="move it away"):
        load_withdraw_key(path)


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "withdraw.key"
    write_withdraw_key(path)
    path.chmod(0o644)
    with pytest.raises(GatewayError, match="chmod 600"):
        load_withdraw_key(path)
