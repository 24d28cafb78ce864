"""What an import works with, as one value."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import BinaryIO

from audit.log import AuditLog
from keys.signing import VerifyKey
from transfer.batch.batch import GatewayId
from transfer.high_side.arrivals import Arrivals
from transfer.high_side.log_copy import LogCopy


@dataclass(frozen=True, slots=True)
class HighSide:
    """A desk's trusted gateways, ledger, inbox and log, and what opens sealed bytes.

    Args:
        trusted: The signing keys of the paired gateways.
        arrivals: The ledger of what came.
        inbox: Where packets are kept, as <id>.age.
        gateways: Where the copies of the gateways' audit logs are kept.
        audit: The desk's own log.
        today: Gives the UTC day.
        open_packet: Opens a sealed packet to its last chunk, or raises KeyMaterialError.
        open_secret: Returns the plaintext of a small sealed file, or raises KeyMaterialError.
    """

    trusted: Mapping[GatewayId, VerifyKey]
    arrivals: Arrivals
    inbox: Path
    gateways: Path
    audit: AuditLog
    today: Callable[[], date]
    open_packet: Callable[[BinaryIO], None]
    open_secret: Callable[[bytes], bytes]

    def log_copy(self, gateway: GatewayId) -> LogCopy:
        """Return this desk's copy of one gateway's log."""
        return LogCopy(self.gateways, gateway)
