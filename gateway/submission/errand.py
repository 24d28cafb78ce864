"""Why somebody sends: whose receipt the packet carries, what may be sent, and who signs it.

`first_visit` and `later_visit` are the two errands; `receive` takes either through the same steps.
"""

from dataclasses import dataclass
from typing import Protocol

from gateway.form import Fields
from gateway.limits import Limits
from gateway.receipts.fresh_receipt import FreshReceipt
from transfer.packet.manifest import Manifest, PacketPurpose, ReceiptNote


@dataclass(frozen=True, slots=True)
class Carried:
    """The receipt that a packet carries, and what of it the source is shown: nothing where they know it already."""

    note: ReceiptNote
    shown: FreshReceipt | None = None


class Errand(Protocol):
    """Why a source sends. One object for each submission."""

    @property
    def purpose(self) -> PacketPurpose:
        """What the packet is for."""

    async def wider(self, fields: Fields) -> Limits:
        """Return the limits for this source, when the ordinary ones are not enough."""

    async def carried(self, fields: Fields) -> Carried:
        """Return the receipt for the packet.

        Raises:
            SubmissionError: There is no receipt, so nothing may be received.
        """

    def signed(self, manifest: Manifest, message: bytes) -> Manifest:
        """Return the manifest with the signature that the errand asks for."""
