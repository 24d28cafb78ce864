"""What every command of the low side works with, as one value."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from audit.log import AuditLog
from keys.recipient import Recipient
from keys.signing import SigningKey
from transfer.low_side.outbox import Outbox
from transfer.spool.spool import Spool


@dataclass(frozen=True, slots=True)
class LowSide:
    """A gateway's keys, spool, ledger and log; `random(n)` gives n unpredictable bytes.

    Whoever changes the ledger holds the lock file `lock` alone.
    """

    key: SigningKey
    recipients: tuple[Recipient, ...]
    spool: Spool
    outbox: Outbox
    audit: AuditLog
    lock: Path
    today: Callable[[], date]
    random: Callable[[int], bytes] = field(default=secrets.token_bytes)
