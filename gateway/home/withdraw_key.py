"""The key that marks withdraw buttons: `withdraw.key` of a gateway's home. A filter at the door, and no proof.

The mark of a button says that this gateway made it, so that invented requests take no room here. It takes nothing back:
only the button's random token does, whose SHA-256 lies in the spool until the packet leaves, and sealed in the packet.
So a thief of this key can fill the journal of requests, and can withdraw nothing (ADR 0054).
"""

import contextlib
import hashlib
import hmac
import re
import secrets
from datetime import date
from pathlib import Path
from typing import Final

from disk.durable import is_private, write_new
from gateway.errors import GatewayError
from transfer.names import PacketId

KEY_SIZE: Final = 32  # bytes, random
MARK_DIGITS: Final = 64  # of an HMAC-SHA-256, hexadecimal
_CONTEXT: Final = "enveis-withdraw-v1"
_FORM: Final = re.compile(rf"[0-9a-f]{{{2 * KEY_SIZE}}}\n", re.ASCII)


class WithdrawKey:
    """Marks the button of a packet, and tells its own marks from others."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def mark(self, packet: PacketId, day: date, withdrawal: str) -> str:
        """Return the mark of a button: for this packet, received on that day, with that `withdrawal` sealed in it."""
        text = f"{_CONTEXT}\npacket {packet}\nday {day.isoformat()}\nwithdrawal {withdrawal}\n"
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()

    def is_mark_of(self, untrusted_mark: str, packet: PacketId, day: date, withdrawal: str) -> bool:
        """Return, in constant time, whether this gateway made a button with this mark (MARK_DIGITS digits)."""
        return hmac.compare_digest(untrusted_mark, self.mark(packet, day, withdrawal))


def write_withdraw_key(path: Path) -> None:
    """Write a new key into a file that must not exist yet."""
    write_new(path, [secrets.token_hex(KEY_SIZE).encode() + b"\n"])


def load_withdraw_key(path: Path) -> WithdrawKey:
    """Return the key of a home, which gets one where it has none: buttons that were shown before are then dead.

    Raises:
        GatewayError: The file is no such key, or others may read it.
        OSError: It cannot be read or written.
    """
    if not path.exists():
        # Another process of this home may be starting too: then its key counts.
        with contextlib.suppress(FileExistsError):
            write_withdraw_key(path)
    if not is_private(path):
        raise GatewayError(f"{path} can be read by others on this machine: chmod 600 {path}")
    with path.open("rb") as stream:
        content = stream.read(2 * KEY_SIZE + 2).decode("ascii", "replace")
    if not _FORM.fullmatch(content):
        raise GatewayError(f"{path} is no key of withdraw buttons: move it away, and the next start makes a new one")
    return WithdrawKey(bytes.fromhex(content))
