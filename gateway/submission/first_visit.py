"""A source who sends for the first time: the packet begins a case, with a receipt of ours or of the source's own."""

from gateway.form import OWN_RECEIPT_FIELD, Fields
from gateway.limits import Limits
from gateway.problems import Problem, SubmissionError
from gateway.receipts.fresh_receipt import NoReceiptError
from gateway.station import Station
from gateway.submission.errand import Carried
from gateway.submission.own_receipt import OwnReceiptError, parse_own_receipt
from keys.receipt import PublicReceipt
from transfer.packet.manifest import MadeBy, Manifest, PacketPurpose, ReceiptNote


class FirstVisit:
    """The errand of `POST /submit`."""

    purpose = PacketPurpose.FIRST

    def __init__(self, station: Station) -> None:
        self._station = station

    async def wider(self, _fields: Fields) -> Limits:
        """Return the ordinary limits: nobody is granted more before there is a case."""
        return self._station.limits

    async def carried(self, fields: Fields) -> Carried:
        """Return a fresh receipt, or the public halves of the one that was pasted.

        Raises:
            SubmissionError: What was pasted is not a receipt's public halves, or no receipt could be made in time.
        """
        pasted = fields.text(OWN_RECEIPT_FIELD)
        if pasted.strip():
            try:
                public = parse_own_receipt(pasted, self._station.kind)
            except OwnReceiptError:
                raise SubmissionError(Problem.RECEIPT_PUBLIC, fields=fields) from None
            return Carried(_note(public, MadeBy.SOURCE))
        try:
            fresh = await self._station.receipts.make()
        except NoReceiptError:
            raise SubmissionError(Problem.BUSY, fields=fields) from None
        return Carried(_note(fresh.public, MadeBy.GATEWAY), fresh)

    def signed(self, manifest: Manifest, _message: bytes) -> Manifest:
        """Return the manifest as it is: a first packet says itself which key signs later ones."""
        return manifest


def _note(public: PublicReceipt, made_by: MadeBy) -> ReceiptNote:
    return ReceiptNote(
        lookup=public.lookup,
        recipient=public.recipient,
        signing=public.signing,
        proof=public.proof,
        made_by=made_by,
    )
