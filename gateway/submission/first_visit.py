"""A source who sends for the first time: the packet begins a case, with a receipt of ours or one of the source's own.

A source's own receipt is pasted as the public halves that `enveis receipt new` prints, and is parsed strictly.
"""

import re
from typing import Final

from nacl.bindings import crypto_core_ed25519_is_valid_point

from gateway.form import OWN_RECEIPT_FIELD, Fields
from gateway.limits import Limits
from gateway.problems import Problem, SubmissionError
from gateway.receipts.premade import NoReceiptError
from gateway.station import Station
from gateway.submission.errand import Carried
from keys.errors import KeyMaterialError
from keys.receipt import PublicReceipt
from keys.recipient import KeyKind, parse_recipient
from transfer.packet.manifest import MadeBy, Manifest, PacketPurpose, ReceiptNote

_LINES: Final = ("lookup", "recipient", "signing", "proof")  # as the command prints them
_LOOKUP: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_PUBLIC: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


class FirstVisit:
    """The errand of `POST /submit`."""

    purpose = PacketPurpose.FIRST

    def __init__(self, station: Station) -> None:
        self._station = station

    def on_field(self, fields: Fields, name: str) -> None:
        """Nothing has to begin early."""

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
            fresh = await self._station.receipts.take()
        except NoReceiptError:
            raise SubmissionError(Problem.BUSY, fields=fields) from None
        return Carried(_note(fresh.public, MadeBy.GATEWAY), fresh)

    def signed(self, manifest: Manifest, _message: bytes) -> Manifest:
        """Return the manifest as it is: a first packet says itself which key signs later ones."""
        return manifest

    async def close(self) -> None:
        """Nothing is under way."""


def _note(public: PublicReceipt, made_by: MadeBy) -> ReceiptNote:
    return ReceiptNote(
        lookup=public.lookup,
        recipient=public.recipient,
        signing=public.signing,
        proof=public.proof,
        made_by=made_by,
    )


class OwnReceiptError(Exception):
    """What was pasted is not the public halves of a receipt that this gateway can use."""


def parse_own_receipt(untrusted_text: str, kind: KeyKind) -> PublicReceipt:
    """Return the public halves in `untrusted_text`: four lines, each a name and its value, in any order.

    Raises:
        OwnReceiptError: A line too many or too few, or a value that is no key of this kind.
    """
    halves = dict[str, str]()
    for line in untrusted_text.splitlines():
        match line.split():
            case []:
                continue
            case [name, value] if name.rstrip(":") in _LINES and name.rstrip(":") not in halves:
                halves[name.rstrip(":")] = value
            case _:
                raise OwnReceiptError
    if set(halves) != set(_LINES):
        raise OwnReceiptError
    receipt = PublicReceipt(**halves)
    _check(receipt, kind)
    return receipt


def _check(receipt: PublicReceipt, kind: KeyKind) -> None:
    try:
        recipient = parse_recipient(receipt.recipient)
    except KeyMaterialError:
        raise OwnReceiptError from None
    # In the one form that is written: two spellings of a key would be two receipts.
    if recipient.kind is not kind or str(recipient) != receipt.recipient or not _LOOKUP.fullmatch(receipt.lookup):
        raise OwnReceiptError
    keys = (receipt.signing, receipt.proof)
    if receipt.signing == receipt.proof or not all(_PUBLIC.fullmatch(key) for key in keys):
        raise OwnReceiptError
    # Anybody can make signatures that fit a key of low order.
    if not all(crypto_core_ed25519_is_valid_point(bytes.fromhex(key)) for key in keys):
        raise OwnReceiptError
