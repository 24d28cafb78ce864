"""What one gateway process works with, put together by `serve` and handed to every request."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from audit.log import AuditLog
from gateway.home.promise import AnswerPromise
from gateway.home.withdraw_key import WithdrawKey
from gateway.limits import Limits
from gateway.reading.file_valve import Valve
from gateway.reading.request_body import Pace
from gateway.reading.text_memory import TextMemory
from gateway.reading.upload_slots import UploadSlots
from gateway.receipts.derivation_pool import DerivationPool
from gateway.receipts.fresh_receipt import ReceiptMaker
from gateway.receipts.return_keys import ReturnKeyDeriver
from gateway.replies.mailboxes import Mailboxes
from gateway.submission.inspection import Inspections
from gateway.submission.repeats import Repeats
from gateway.submission.request_queue import RequestQueue
from keys.recipient import KeyKind, Recipient
from transfer.spool.spool import Spool

SEALING: Final = 8  # submissions that are encoded, sealed and synced at one time


@dataclass(frozen=True, slots=True)
class Station:
    """What every submission of one gateway process works with."""

    gateway: str  # id: 16 hexadecimal digits
    recipients: tuple[Recipient, ...]
    sealed_to: str  # 16 hexadecimal digits
    bodies: tuple[str, ...]
    limits: Limits
    pace: Pace
    spool: Spool
    upload_slots: UploadSlots
    derivations: DerivationPool
    receipts: ReceiptMaker
    inspections: Inspections
    audit: AuditLog
    deriver: ReturnKeyDeriver
    mail: Mailboxes
    valve: Valve
    promise: AnswerPromise
    repeats: Repeats
    requests: RequestQueue
    withdraw_key: WithdrawKey
    today: Callable[[], date]  # UTC
    texts: TextMemory = field(default_factory=TextMemory)
    sealing: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(SEALING))

    @property
    def kind(self) -> KeyKind:
        """The kind of the keys here: receipts are of the same kind as packets."""
        return self.recipients[0].kind
